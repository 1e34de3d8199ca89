-- Functions of schema outgrow for the statements of applications, see dialect.sql: JSON.

-- name: json_compact
-- JSON without the blanks between its parts, and else letter by letter; malformed JSON is an error.
CREATE OR REPLACE FUNCTION outgrow.json_compact(x json) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(x::text, '("([^"\\]|\\.)*")|[ \t\n\r]+', '\1', 'g');

-- name: json_valid
CREATE OR REPLACE FUNCTION outgrow.json_valid(x text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    PERFORM x::json;
    RETURN true;
EXCEPTION WHEN invalid_text_representation OR untranslatable_character THEN
    RETURN false;
END $$;

-- name: json_first
-- The first step of a path's steps: a label and how it is written, or a place in an array, from its end where `back`; `place` is
-- NULL where there can be no such place. `path` is for the error's words.
CREATE OR REPLACE FUNCTION outgrow.json_first(
    steps text, path text, OUT label text, OUT written text, OUT back boolean, OUT place integer, OUT rest text
) LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    p text[] := regexp_match(steps, '^(?:\.("(?:[^"\\]|\\.)*"|[^.["][^.[]*)|\[(?:([0-9]+)|(#)(?:-([0-9]+))?)\])(.*)$');
BEGIN
    IF p IS NULL THEN
        RAISE EXCEPTION 'bad JSON path: %', outgrow.quote(path) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    rest := p[5];
    IF left(p[1], 1) = '"' THEN
        written := p[1];
        label := p[1]::json #>> '{}';
    ELSIF p[1] IS NOT NULL THEN
        written := to_json(p[1])::text;
        label := p[1];
    ELSE
        back := p[3] IS NOT NULL;
        p[2] := coalesce(p[2], p[4], '0');
        place := CASE WHEN length(p[2]) <= 9 THEN p[2] END;
    END IF;
END $$;

-- name: json_at
-- What stands at a path ($, .key, ."key", [n], [#-n]) of a document; NULL where there is nothing.
CREATE OR REPLACE FUNCTION outgrow.json_at(document json, path text) RETURNS json
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    found json := document;
    rest text := substr(path, 2);
    step record;
    place integer;
BEGIN
    IF left(path, 1) <> '$' THEN
        RAISE EXCEPTION 'bad JSON path: %', outgrow.quote(path) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    WHILE rest <> '' LOOP
        step := outgrow.json_first(rest, path);
        rest := step.rest;
        IF step.label IS NOT NULL THEN
            IF json_typeof(found) <> 'object' THEN
                RETURN NULL;
            END IF;
            -- Of several members of one name SQLite takes the first, PostgreSQL's own operator the last.
            found := (SELECT member.value FROM json_each(found) AS member WHERE member.key = step.label LIMIT 1);
        ELSE
            IF json_typeof(found) <> 'array' THEN
                RETURN NULL;
            END IF;
            place := CASE WHEN step.back THEN json_array_length(found) - step.place ELSE step.place END;
            found := CASE WHEN place >= 0 THEN found -> place END;
        END IF;
        IF found IS NULL THEN
            RETURN NULL;
        END IF;
    END LOOP;
    RETURN found;
END $$;

-- name: json_step
-- The path of `document -> label`.
CREATE OR REPLACE FUNCTION outgrow.json_step(label text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN label = '' THEN outgrow.decline('bad JSON path: ''''')
    WHEN left(label, 1) = '$' THEN label
    WHEN label ~ '^\[.*\]$' THEN '$' || label
    ELSE '$.' || to_json(label)::text
END;

-- name: json_index
CREATE OR REPLACE FUNCTION outgrow.json_step(place bigint) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN place < 0 THEN '$[#' || place || ']' ELSE '$[' || place || ']' END;

-- name: json_kind
-- json_type(): SQLite's names.
CREATE OR REPLACE FUNCTION outgrow.json_kind(x json) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE json_typeof(x)
    WHEN 'string' THEN 'text'
    WHEN 'boolean' THEN btrim(x::text, E' \t\n\r')
    WHEN 'number' THEN CASE WHEN x::text ~ '[.eE]' THEN 'real' ELSE 'integer' END
    ELSE json_typeof(x)
END;

-- name: json_as_text
-- An extracted value as text: a string without its quotes, 1 and 0 for true and false, NULL for null.
CREATE OR REPLACE FUNCTION outgrow.json_as_text(x json) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE outgrow.json_kind(x)
    WHEN 'text' THEN x #>> '{}'
    WHEN 'true' THEN '1'
    WHEN 'false' THEN '0'
    WHEN 'null' THEN NULL
    WHEN 'integer' THEN CASE
        WHEN outgrow.is_integer((x #>> '{}')::numeric) THEN (x #>> '{}')::numeric::text
        ELSE outgrow.real_text((x #>> '{}')::double precision)
    END
    WHEN 'real' THEN outgrow.real_text(outgrow.to_real(x #>> '{}'))
    ELSE outgrow.json_compact(x)
END;

-- name: json_real
-- A real in JSON, as every version of SQLite writes it; where they write different digits, an error.
CREATE OR REPLACE FUNCTION outgrow.json_real(x double precision) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    written constant text := outgrow.real_text(x);
BEGIN
    IF abs(x) = 'Infinity' OR abs(x) BETWEEN 1e15 AND 1e18 OR written::double precision <> x
        OR length(btrim(translate(split_part(written, 'e', 1), '-.', ''), '0')) > 12
    THEN
        RETURN outgrow.decline('the digits of ' || x || ' in JSON depend on the version of SQLite');
    END IF;
    RETURN written;
END $$;

-- name: json_bare
-- An array or an object as the text that it is.
CREATE OR REPLACE FUNCTION outgrow.json_bare(x json) RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN json_typeof(x) IN ('array', 'object') THEN to_json(outgrow.json_compact(x)) ELSE x END;

-- name: json_literal
-- A value of any type as it is in JSON: a string is written anew, true and false are 1 and 0.
CREATE OR REPLACE FUNCTION outgrow.json_literal(x json) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE outgrow.json_kind(x)
    WHEN 'text' THEN to_json(x #>> '{}')::text
    WHEN 'true' THEN '1'
    WHEN 'false' THEN '0'
    WHEN 'integer' THEN CASE
        WHEN outgrow.is_integer((x #>> '{}')::numeric) THEN (x #>> '{}')::numeric::text
        ELSE outgrow.json_real(outgrow.to_real(x #>> '{}'))
    END
    WHEN 'real' THEN outgrow.json_real(outgrow.to_real(x #>> '{}'))
    ELSE outgrow.json_compact(x)
END;

-- name: json_array_length
CREATE OR REPLACE FUNCTION outgrow.json_array_length(x json) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN json_typeof(x) = 'array' THEN json_array_length(x) ELSE 0 END;

-- name: json_as_number
-- An extracted value as a number: of a text or of JSON in JSON the number that it begins with.
CREATE OR REPLACE FUNCTION outgrow.json_as_number(x json) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE outgrow.json_kind(x)
    WHEN 'integer' THEN CASE
        WHEN outgrow.is_integer((x #>> '{}')::numeric) THEN (x #>> '{}')::numeric
        ELSE outgrow.real_number(outgrow.to_real(x #>> '{}'))
    END
    WHEN 'real' THEN outgrow.real_number(outgrow.to_real(x #>> '{}'))
    ELSE outgrow.to_operand(outgrow.json_as_text(x))
END;

-- name: json_any
-- What is extracted from JSON as a value of any type: the json null is NULL.
CREATE OR REPLACE FUNCTION outgrow.json_any(x json) RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN json_typeof(x) <> 'null' THEN x END;

-- name: any_number
-- A number as a value of any type; a real has digits after its point.
CREATE OR REPLACE FUNCTION outgrow.any_number(x numeric) RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (CASE x WHEN 'Infinity' THEN '9e999' WHEN '-Infinity' THEN '-9e999' ELSE x::text END)::json;

-- name: any_real
CREATE OR REPLACE FUNCTION outgrow.any_number(x double precision) RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN outgrow.any_number(outgrow.real_number(x));

-- name: any_kept
-- A text of a column that keeps numbers and texts alike: what looks like a number is one.
CREATE OR REPLACE FUNCTION outgrow.any_kept(x text) RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN x ~ '^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$' THEN x::json
    WHEN outgrow.looks_numeric(x) THEN outgrow.any_number(outgrow.to_number(x))
    ELSE to_json(x)
END;

-- name: any_rank
-- Numbers come before texts.
CREATE OR REPLACE FUNCTION outgrow.any_rank(x json) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN json_typeof(x) IN ('number', 'boolean') THEN 0 ELSE 1 END;

-- name: any_size
-- The number, 0 for a text.
CREATE OR REPLACE FUNCTION outgrow.any_size(x json) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN json_typeof(x) IN ('number', 'boolean') THEN outgrow.to_digits(outgrow.json_as_number(x)) ELSE 0 END;

-- name: any_letters
-- The text, empty for a number.
CREATE OR REPLACE FUNCTION outgrow.any_letters(x json) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN json_typeof(x) IN ('number', 'boolean') THEN '' ELSE outgrow.json_as_text(x) END;

-- name: any_numeric
-- What a numeric affinity makes of a value: of a text that looks like a number, the number.
CREATE OR REPLACE FUNCTION outgrow.any_numeric(x json) RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN json_typeof(x) = 'string' THEN outgrow.any_kept(x #>> '{}') ELSE x END;

-- name: any_type
-- typeof()
CREATE OR REPLACE FUNCTION outgrow.any_type(x json) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN x IS NULL THEN 'null'
    WHEN json_typeof(x) = 'boolean' THEN 'integer'
    WHEN json_typeof(x) <> 'number' THEN 'text'
    WHEN x::text ~ '[.eE]' OR NOT outgrow.is_integer((x #>> '{}')::numeric) THEN 'real'
    ELSE 'integer'
END;

-- name: any_equal
-- The same text for values that are equal in SQLite: 1, 1.0 and true.
CREATE OR REPLACE FUNCTION outgrow.any_equal(x json) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE outgrow.any_rank(x)
    WHEN 0 THEN 'n' || trim_scale(outgrow.any_size(x))
    ELSE 't' || outgrow.any_letters(x)
END;

-- name: any_form
-- The same text for values that are the same: another for 1 than for 1.0.
CREATE OR REPLACE FUNCTION outgrow.any_form(x json) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE outgrow.any_rank(x)
    WHEN 0 THEN outgrow.any_number(outgrow.json_as_number(x))::text
    ELSE to_json(outgrow.any_letters(x))::text
END;

-- name: any_only
-- The one of two equal values, if they are of one type: which of both SQLite takes is not known.
CREATE OR REPLACE FUNCTION outgrow.any_only(x json, y json) RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN outgrow.any_type(x) = outgrow.any_type(y) THEN x
    ELSE outgrow.decline('an integer and an equal real are made one, and SQLite takes either')::json
END;

-- name: any_term
-- The number that a value is in a sum.
CREATE OR REPLACE FUNCTION outgrow.any_term(x json) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE outgrow.any_rank(x) WHEN 0 THEN outgrow.json_as_number(x) ELSE outgrow.to_term(outgrow.any_letters(x)) END;

-- name: json_label
-- A name as a step of a path.
CREATE OR REPLACE FUNCTION outgrow.json_label(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '.' || CASE WHEN name ~ '^[A-Za-z][A-Za-z0-9]*$' THEN name ELSE to_json(name)::text END;

-- name: json_each
-- The members of an array or object, or the value itself, at a path of a document, as SQLite's table function has them.
CREATE OR REPLACE FUNCTION outgrow.json_each(document json, start text)
RETURNS TABLE (key json, value json, type text, atom json, fullkey text, path text)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    root json := outgrow.json_at($1, $2);
BEGIN
    IF json_typeof(root) = 'array' THEN
        RETURN QUERY
            SELECT to_json(one.n - 1), outgrow.json_any(one.item), outgrow.json_kind(one.item),
                CASE WHEN json_typeof(one.item) NOT IN ('array', 'object') THEN outgrow.json_any(one.item) END,
                $2 || '[' || (one.n - 1) || ']', $2
            FROM json_array_elements(root) WITH ORDINALITY AS one (item, n) ORDER BY one.n;
    ELSIF json_typeof(root) = 'object' THEN
        RETURN QUERY
            SELECT to_json(one.name), outgrow.json_any(one.item), outgrow.json_kind(one.item),
                CASE WHEN json_typeof(one.item) NOT IN ('array', 'object') THEN outgrow.json_any(one.item) END,
                $2 || outgrow.json_label(one.name), $2
            FROM json_each(root) WITH ORDINALITY AS one (name, item, n) ORDER BY one.n;
    ELSIF root IS NOT NULL THEN
        RETURN QUERY SELECT NULL::json, outgrow.json_any(root), outgrow.json_kind(root), outgrow.json_any(root), $2, $2;
    END IF;
END $$;

-- name: json_tree
-- The value at a path of a document and all that is in it, as SQLite's table function has them: each before its members.
CREATE OR REPLACE FUNCTION outgrow.json_tree(document json, start text)
RETURNS TABLE (key json, value json, type text, atom json, fullkey text, path text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    WITH RECURSIVE tree (key, item, fullkey, path, place) AS (
        SELECT NULL::json, root.item, $2, $2, ARRAY[]::bigint[]
        FROM (SELECT outgrow.json_at($1, $2)) AS root (item) WHERE root.item IS NOT NULL
        UNION ALL
        SELECT part.key, part.item, part.fullkey, tree.fullkey, tree.place || part.n
        FROM tree, LATERAL (
            SELECT to_json(one.n - 1), one.item, tree.fullkey || '[' || (one.n - 1) || ']', one.n
            FROM json_array_elements(CASE json_typeof(tree.item) WHEN 'array' THEN tree.item ELSE '[]' END)
                WITH ORDINALITY AS one (item, n)
            UNION ALL
            SELECT to_json(one.name), one.item, tree.fullkey || outgrow.json_label(one.name), one.n
            FROM json_each(CASE json_typeof(tree.item) WHEN 'object' THEN tree.item ELSE '{}' END)
                WITH ORDINALITY AS one (name, item, n)
        ) AS part (key, item, fullkey, n)
    )
    SELECT key, outgrow.json_any(item), outgrow.json_kind(item),
        CASE WHEN json_typeof(item) NOT IN ('array', 'object') THEN outgrow.json_any(item) END, fullkey, path
    FROM tree ORDER BY place
$$;
