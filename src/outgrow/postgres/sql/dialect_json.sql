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

-- name: json_at
-- What stands at a path ($, .key, ."key", [n], [#-n]) of a document; NULL where there is nothing.
CREATE OR REPLACE FUNCTION outgrow.json_at(document json, path text) RETURNS json
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    found json := document;
    rest text := substr(path, 2);
    p text[];
    wanted text;
    place integer;
BEGIN
    IF left(path, 1) <> '$' THEN
        RAISE EXCEPTION 'bad JSON path: %', outgrow.quote(path) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    WHILE rest <> '' LOOP
        p := regexp_match(rest, '^(?:\.("(?:[^"\\]|\\.)*"|[^.["][^.[]*)|\[(#?)(-?)([0-9]*)\])(.*)$');
        IF p IS NULL OR (p[1] IS NULL AND ((p[2] = '' AND (p[3] <> '' OR p[4] = '')) OR (p[3] = '-') <> (p[4] <> ''))
            AND NOT (p[2] = '' AND p[3] = '' AND p[4] <> ''))
        THEN
            RAISE EXCEPTION 'bad JSON path: %', outgrow.quote(path) USING ERRCODE = 'invalid_parameter_value';
        END IF;
        rest := p[5];
        IF p[1] IS NOT NULL THEN
            wanted := p[1];
            IF left(wanted, 1) = '"' THEN
                wanted := wanted::json #>> '{}';
            END IF;
            IF json_typeof(found) <> 'object' THEN
                RETURN NULL;
            END IF;
            -- Of several members of one name SQLite takes the first, PostgreSQL's own operator the last.
            found := (SELECT member.value FROM json_each(found) AS member WHERE member.key = wanted LIMIT 1);
        ELSE
            IF json_typeof(found) <> 'array' OR length(p[4]) > 9 THEN
                RETURN NULL;
            END IF;
            place := p[4];
            IF p[2] = '#' THEN
                place := json_array_length(found) - coalesce(nullif(p[4], ''), '0')::integer;
                IF place < 0 THEN
                    RETURN NULL;
                END IF;
            END IF;
            found := found -> place;
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
