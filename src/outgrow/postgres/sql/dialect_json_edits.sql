-- Functions of schema outgrow for the statements of applications, see dialect.sql: JSON that is changed, letter by letter.

-- name: json_parts
-- The members of an object with their labels, or the elements of an array, each as it is written, without blanks.
CREATE OR REPLACE FUNCTION outgrow.json_parts(document json, OUT labels text[], OUT items text[])
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    WITH token AS (
        SELECT found.t[1] AS t, found.n
        FROM regexp_matches(outgrow.json_compact($1), '"(?:[^"\\]|\\.)*"|[][{},:]|[^][{},:"]+', 'g')
            WITH ORDINALITY AS found (t, n)
    ), nested AS (
        SELECT t, n, sum(CASE WHEN t IN ('{', '[') THEN 1 WHEN t IN ('}', ']') THEN -1 ELSE 0 END) OVER (ORDER BY n) AS depth
        FROM token
    ), numbered AS (
        SELECT t, n, t = ',' AND depth = 1 AS divides, count(*) FILTER (WHERE t = ',' AND depth = 1) OVER (ORDER BY n) AS part
        FROM nested WHERE n > 1 AND depth > 0
    ), part AS (
        SELECT part, array_agg(t ORDER BY n) AS t FROM numbered WHERE NOT divides GROUP BY part
    )
    SELECT coalesce(array_agg(t[1] ORDER BY part) FILTER (WHERE json_typeof($1) = 'object'), '{}'),
        coalesce(array_agg(array_to_string(CASE json_typeof($1) WHEN 'object' THEN t[3:] ELSE t END, '') ORDER BY part), '{}')
    FROM part
$$;

-- name: json_joined
CREATE OR REPLACE FUNCTION outgrow.json_joined(labels text[], items text[], kind text)
RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE kind
    WHEN 'array' THEN '[' || array_to_string(items, ',') || ']'
    ELSE '{' || array_to_string(
        ARRAY(SELECT one.label || ':' || one.item FROM unnest(labels, items) WITH ORDINALITY AS one (label, item, n) ORDER BY n), ','
    ) || '}'
END;

-- name: json_names
-- What labels say; a NUL in one is an error.
CREATE OR REPLACE FUNCTION outgrow.json_names(labels text[]) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ARRAY(SELECT one.label::json #>> '{}' FROM unnest(labels) WITH ORDINALITY AS one (label, n) ORDER BY n);

-- name: json_edit
-- A document with an item set, inserted, replaced or removed at the steps of a path; NULL where nothing changes, and '' for
-- what is removed itself.
CREATE OR REPLACE FUNCTION outgrow.json_edit(document json, steps text, item text, mode text, path text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    kind text := json_typeof(document);
    step record;
    parts record;
    place integer;
    inner_item text;
BEGIN
    IF steps = '' THEN
        RETURN CASE mode WHEN 'insert' THEN NULL WHEN 'remove' THEN '' ELSE item END;
    END IF;
    step := outgrow.json_first(steps, path);
    IF kind <> (CASE WHEN step.label IS NULL THEN 'array' ELSE 'object' END) THEN
        RETURN NULL;
    END IF;
    parts := outgrow.json_parts(document);
    IF kind = 'array' THEN
        place := CASE WHEN step.back THEN cardinality(parts.items) - step.place ELSE step.place END + 1;
        IF place IS NULL OR place < 1 OR place > cardinality(parts.items) + 1 THEN
            RETURN NULL;
        END IF;
    ELSE
        -- Of several members of one name SQLite takes the first.
        place := coalesce(array_position(outgrow.json_names(parts.labels), step.label), cardinality(parts.items) + 1);
    END IF;
    IF place <= cardinality(parts.items) THEN
        inner_item := outgrow.json_edit(parts.items[place]::json, step.rest, item, mode, path);
    ELSIF mode IN ('replace', 'remove') THEN
        RETURN NULL;
    ELSIF step.rest = '' THEN
        inner_item := item;
    ELSE
        inner_item := outgrow.json_edit(
            (CASE WHEN left(step.rest, 1) = '[' THEN '[]' ELSE '{}' END)::json, step.rest, item, mode, path
        );
    END IF;
    IF inner_item = '' THEN
        parts.labels := parts.labels[:place - 1] || parts.labels[place + 1:];
        parts.items := parts.items[:place - 1] || parts.items[place + 1:];
    ELSIF inner_item IS NULL THEN
        RETURN NULL;
    ELSE
        parts.items[place] := inner_item;
        parts.labels[place] := coalesce(parts.labels[place], step.written);
    END IF;
    RETURN outgrow.json_joined(parts.labels, parts.items, kind);
END $$;

-- name: json_edited
-- json_set(), json_insert(), json_replace() and json_remove() of one path.
CREATE OR REPLACE FUNCTION outgrow.json_edited(document json, path text, item text, mode text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    edited text;
BEGIN
    IF document IS NULL OR (path IS NULL AND mode = 'remove') THEN
        RETURN NULL;
    END IF;
    IF left(path, 1) <> '$' THEN
        RAISE EXCEPTION 'bad JSON path: %', outgrow.quote(path) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF path = '$' AND mode IN ('set', 'replace') AND left(item, 1) NOT IN ('{', '[') THEN
        RETURN outgrow.decline(
            'json_' || mode || '() of a whole document gives JSON or the bare value, depending on the version of SQLite'
        );
    END IF;
    IF path IS NOT NULL THEN
        edited := outgrow.json_edit(document, substr(path, 2), item, mode, path);
    END IF;
    RETURN nullif(coalesce(edited, outgrow.json_compact(document)), '');
END $$;

-- name: json_patched
-- json_patch(): RFC 7396, and members stay in their places.
CREATE OR REPLACE FUNCTION outgrow.json_patched(document json, patch json) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    changes record;
    parts record;
    names text[];
    wanted text[];
    place integer;
BEGIN
    IF json_typeof(patch) <> 'object' THEN
        RETURN outgrow.json_compact(patch);
    END IF;
    changes := outgrow.json_parts(patch);
    wanted := outgrow.json_names(changes.labels);
    IF cardinality(wanted) > (SELECT count(DISTINCT one.name COLLATE "C") FROM unnest(wanted) AS one (name)) THEN
        RETURN outgrow.decline('json_patch() with two members of one name differs between versions of SQLite');
    END IF;
    parts := outgrow.json_parts(CASE WHEN json_typeof(document) = 'object' THEN document ELSE '{}' END);
    names := outgrow.json_names(parts.labels);
    FOR number IN 1 .. cardinality(wanted) LOOP
        place := array_position(names, wanted[number]);
        IF changes.items[number] = 'null' THEN
            IF place IS NOT NULL THEN
                parts.labels := parts.labels[:place - 1] || parts.labels[place + 1:];
                parts.items := parts.items[:place - 1] || parts.items[place + 1:];
                names := names[:place - 1] || names[place + 1:];
            END IF;
        ELSIF place IS NOT NULL THEN
            parts.items[place] := outgrow.json_patched(parts.items[place]::json, changes.items[number]::json);
        ELSE
            parts.labels := parts.labels || changes.labels[number];
            parts.items := parts.items || outgrow.json_patched('null', changes.items[number]::json);
            names := names || wanted[number];
        END IF;
    END LOOP;
    RETURN outgrow.json_joined(parts.labels, parts.items, 'object');
END $$;
