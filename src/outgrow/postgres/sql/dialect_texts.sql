-- Functions of schema outgrow for the statements of applications, see dialect.sql: texts, blobs and random values.

-- name: span
-- Where substr() begins, from 1, and how much it takes, of a value of that length.
CREATE OR REPLACE FUNCTION outgrow.span(size integer, start bigint, count bigint) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    place numeric := start;
    most numeric := abs(count::numeric);
BEGIN
    IF place < 0 THEN
        place := place + size;
        IF place < 0 THEN
            most := CASE WHEN count < 0 THEN most ELSE greatest(most + place, 0) END;
            place := CASE WHEN count < 0 THEN place ELSE 0 END;
        END IF;
    ELSIF place > 0 THEN
        place := place - 1;
    ELSIF most > 0 AND count > 0 THEN
        most := most - 1;
    END IF;
    IF count < 0 THEN
        place := place - most;
        IF place < 0 THEN
            most := most + place;
            place := 0;
        END IF;
    END IF;
    RETURN ARRAY[least(place, size) + 1, least(greatest(most, 0), greatest(size - place, 0))]::integer[];
END $$;

-- name: substr_text
CREATE OR REPLACE FUNCTION outgrow.substr(x text, start bigint, count bigint) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    span constant integer[] := outgrow.span(length(x), start, count);
BEGIN
    RETURN substr(x, span[1], span[2]);
END $$;

-- name: substr_blob
CREATE OR REPLACE FUNCTION outgrow.substr(x bytea, start bigint, count bigint) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    span constant integer[] := outgrow.span(length(x), start, count);
BEGIN
    -- Of the empty blob SQLite makes NULL.
    RETURN CASE WHEN length(x) > 0 THEN substr(x, span[1], span[2]) END;
END $$;

-- name: replace
CREATE OR REPLACE FUNCTION outgrow.replace(x text, old text, new text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN old = '' THEN x ELSE replace(x, old, new) END;

-- name: char
CREATE OR REPLACE FUNCTION outgrow.char(VARIADIC points bigint[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    point bigint;
    written text := '';
BEGIN
    FOREACH point IN ARRAY points LOOP
        IF coalesce(point, 0) = 0 OR point BETWEEN 55296 AND 57343 THEN
            PERFORM outgrow.decline('char() gives a character that PostgreSQL''s text cannot hold');
        END IF;
        written := written || chr(CASE WHEN point BETWEEN 1 AND 1114111 THEN point ELSE 65533 END::integer);
    END LOOP;
    RETURN written;
END $$;

-- name: unhex
CREATE OR REPLACE FUNCTION outgrow.unhex(x text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN x ~ '^([0-9A-Fa-f]{2})*$' THEN decode(x, 'hex') END;

-- name: randomblob
-- Bytes all of whose bits are alike; the least number of them is one.
CREATE OR REPLACE FUNCTION outgrow.randomblob(size bigint) RETURNS bytea LANGUAGE plpgsql VOLATILE PARALLEL SAFE AS $$
DECLARE
    wanted constant bigint := greatest(coalesce(size, 1), 1);
BEGIN
    IF wanted > 1000000000 THEN
        RAISE EXCEPTION 'string or blob too big' USING ERRCODE = 'program_limit_exceeded';
    END IF;
    RETURN substr((
        SELECT string_agg(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), ''::bytea)
        FROM generate_series(1, (wanted + 31) / 32)
    ), 1, wanted::integer);
END $$;

-- name: zeroblob
CREATE OR REPLACE FUNCTION outgrow.zeroblob(size bigint) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN decode(repeat('00', least(greatest(coalesce(size, 0), 0), 1000000001)::integer), 'hex');

-- name: glob
-- GLOB with a pattern that is computed; sets in brackets are only understood where the pattern is known.
CREATE OR REPLACE FUNCTION outgrow.glob(x text, pattern text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN strpos(pattern, '[') > 0 THEN outgrow.decline('GLOB with a computed pattern that has brackets')::boolean
    ELSE x COLLATE "C" LIKE replace(replace(regexp_replace(pattern, '([\\%_])', '\\\1', 'g'), '*', '%'), '?', '_')
END;
