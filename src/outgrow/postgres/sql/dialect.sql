-- SQLite's functions that no function of PostgreSQL computes alike: for the statements of applications, never for the schema,
-- which has to outlive outgrow. Each block is one function; they are created in this order. Bodies call nothing but
-- pg_catalog and what stands here.
--
-- SQLSTATE OG010: a value with which PostgreSQL cannot answer as SQLite does.

-- name: refuse
-- Volatile, because an immutable one would be called when a statement is planned, whether its branch is taken or not.
CREATE OR REPLACE FUNCTION outgrow.refuse(reason text) RETURNS text LANGUAGE plpgsql VOLATILE PARALLEL SAFE AS $$
BEGIN
    RAISE EXCEPTION 'outgrow: %', reason USING ERRCODE = 'OG010';
END $$;

-- name: exact
-- The number that a double is, to its last digit.
CREATE OR REPLACE FUNCTION outgrow.exact(x double precision) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    bits constant bigint := ('x' || encode(float8send(x), 'hex'))::bit(64)::bigint;
    exponent integer := ((bits >> 52) & 2047)::integer;
    mantissa numeric := bits & 4503599627370495;
BEGIN
    IF exponent = 0 THEN
        exponent := 1;
    ELSE
        mantissa := mantissa + 4503599627370496;
    END IF;
    exponent := exponent - 1075;
    IF bits < 0 THEN
        mantissa := -mantissa;
    END IF;
    IF exponent >= 0 THEN
        RETURN mantissa * trunc(2::numeric ^ exponent);
    END IF;
    RETURN mantissa * trunc(5::numeric ^ (-exponent)) * ('1e' || exponent)::numeric;
END $$;

-- name: digits
-- The first `wanted` digits of a finite number that is not zero, rounded half up, and the exponent of the first.
CREATE OR REPLACE FUNCTION outgrow.digits(x double precision, wanted integer, OUT digits text, OUT exponent integer)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    whole constant numeric := abs(outgrow.exact(x));
    written constant text := whole::text;
    before constant text := split_part(written, '.', 1);
    after constant text := split_part(written, '.', 2);
BEGIN
    IF before <> '0' THEN
        exponent := length(before) - 1;
    ELSE
        exponent := length(ltrim(after, '0')) - length(after) - 1;
    END IF;
    digits := trunc(round(whole * ('1e' || (wanted - 1 - exponent))::numeric))::text;
    IF length(digits) > wanted THEN
        exponent := exponent + 1;
        digits := left(digits, wanted);
    END IF;
END $$;

-- name: real_text
-- A real as text with 15 digits, as SQLite before 3.53 writes it.
CREATE OR REPLACE FUNCTION outgrow.real_text(x double precision) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    sign constant text := CASE WHEN x < 0 THEN '-' ELSE '' END;
    found record;
    kept text;
BEGIN
    IF abs(x) = 'Infinity' THEN
        RETURN sign || 'Inf';
    ELSIF x = 0 THEN
        RETURN '0.0';
    ELSIF abs(x) < 1e15 AND x = trunc(x) THEN
        RETURN x::bigint::text || '.0';
    END IF;
    SELECT * INTO found FROM outgrow.digits(x, 15);
    kept := rtrim(found.digits, '0');
    IF found.exponent < -4 OR found.exponent > 14 THEN
        RETURN sign || left(kept, 1) || '.' || CASE WHEN length(kept) = 1 THEN '0' ELSE substr(kept, 2) END
            || CASE WHEN found.exponent < 0 THEN 'e-' ELSE 'e+' END
            || CASE WHEN abs(found.exponent) < 10 THEN '0' ELSE '' END || abs(found.exponent);
    ELSIF found.exponent < 0 THEN
        RETURN sign || '0.' || repeat('0', -found.exponent - 1) || kept;
    END IF;
    kept := rpad(kept, greatest(length(kept), found.exponent + 2), '0');
    RETURN sign || left(kept, found.exponent + 1) || '.' || substr(kept, found.exponent + 2);
END $$;

-- name: number_text
-- A number of a numeric column as text: an integer where it is one of 64 bits, else a real.
CREATE OR REPLACE FUNCTION outgrow.number_text(x numeric) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN x = trunc(x) AND x BETWEEN -9223372036854775808 AND 9223372036854775807 THEN trunc(x)::text
    ELSE outgrow.real_text(x::double precision)
END;

-- name: integer_of_text
-- CAST(text AS INTEGER): the integer that it begins with.
CREATE OR REPLACE FUNCTION outgrow.to_integer(x text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    found constant text := substring(x FROM '^[ \t\n\v\f\r]*([-+]?[0-9]+)');
BEGIN
    IF found IS NULL THEN
        RETURN 0;
    ELSIF length(found) < 19 THEN
        RETURN found::bigint;
    END IF;
    RETURN least(greatest(found::numeric, -9223372036854775808), 9223372036854775807)::bigint;
END $$;

-- name: integer_of_real
-- CAST(real AS INTEGER): towards zero, and never beyond 64 bits.
CREATE OR REPLACE FUNCTION outgrow.to_integer(x double precision) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN x >= 9223372036854775807::double precision THEN 9223372036854775807
    WHEN x <= (-9223372036854775808)::double precision THEN (-9223372036854775808)::bigint
    ELSE trunc(x)::bigint
END;

-- name: integer_of_number
CREATE OR REPLACE FUNCTION outgrow.to_integer(x numeric) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN trunc(least(greatest(x, -9223372036854775808), 9223372036854775807))::bigint;

-- name: real_of_text
-- CAST(text AS REAL): the number that it begins with.
CREATE OR REPLACE FUNCTION outgrow.to_real(x text) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    found constant text := substring(
        x FROM '^[ \t\n\v\f\r]*([-+]?(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+)(?:[eE][-+]?[0-9]+)?)'
    );
BEGIN
    RETURN coalesce(found::double precision, 0);
EXCEPTION WHEN numeric_value_out_of_range THEN
    -- Too large is infinite and too small is zero: told by where the first digit stands.
    IF found ~ '[eE]-' OR found ~ '^[-+]?0*[.]?0*$' OR (found !~ '[eE]' AND found ~ '^[-+]?0*[.]') THEN
        RETURN 0;
    END IF;
    RETURN CASE WHEN left(found, 1) = '-' THEN '-Infinity' ELSE 'Infinity' END;
END $$;

-- name: number_of_text
-- CAST(text AS NUMERIC): the number that it begins with, an integer where that loses nothing.
CREATE OR REPLACE FUNCTION outgrow.to_number(x text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    found constant text := substring(x FROM '^[ \t\n\v\f\r]*([-+]?[0-9]+)(?![0-9]*([.]|[eE][-+]?[0-9]))');
BEGIN
    IF found IS NOT NULL AND found::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 THEN
        RETURN found::numeric;
    END IF;
    RETURN outgrow.to_real(x)::text::numeric;
END $$;

-- name: operand_of_text
-- The number that a text is beside an arithmetic operator: an integer only if it is written as one.
CREATE OR REPLACE FUNCTION outgrow.to_operand(x text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    found constant text := substring(x FROM '^[ \t\n\v\f\r]*([-+]?[0-9]+)(?![0-9]*([.]|[eE][-+]?[0-9]))');
BEGIN
    IF found IS NOT NULL AND outgrow.is_integer(found::numeric) THEN
        RETURN found::numeric;
    ELSIF x ~ '^[ \t\n\v\f\r]*[-+]?([0-9]|[.][0-9])' THEN
        RETURN outgrow.real_number(outgrow.to_real(x));
    END IF;
    RETURN 0;
END $$;

-- name: looks_numeric
-- Whether a numeric affinity makes a number of the text.
CREATE OR REPLACE FUNCTION outgrow.looks_numeric(x text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN x ~ '^[ \t\n\v\f\r]*[-+]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][-+]?[0-9]+)?[ \t\n\v\f\r]*$';

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
            PERFORM outgrow.refuse('char() gives a character that PostgreSQL''s text cannot hold');
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

-- name: round
-- Half away from zero, of the number that the double is, to its last digit: SQLite since 3.43.
CREATE OR REPLACE FUNCTION outgrow.round(x double precision, places bigint) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF abs(x) >= 4503599627370496 THEN
        RETURN x;
    ELSIF places <= 0 THEN
        RETURN trunc(x + CASE WHEN x < 0 THEN -0.5 ELSE 0.5 END);
    END IF;
    RETURN round(outgrow.exact(x), least(places, 30)::integer)::double precision;
END $$;

-- name: mod
CREATE OR REPLACE FUNCTION outgrow.mod(x double precision, y double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF y = 0 OR abs(x) = 'Infinity' THEN
        RETURN NULL;
    ELSIF abs(y) = 'Infinity' OR abs(x) < abs(y) THEN
        RETURN x;
    END IF;
    RETURN mod(outgrow.exact(x), outgrow.exact(y))::double precision;
END $$;

-- name: pow
CREATE OR REPLACE FUNCTION outgrow.pow(x double precision, y double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF x = 0 AND y < 0 THEN
        RETURN 'Infinity';
    ELSIF x < 0 AND abs(x) <> 'Infinity' AND y <> trunc(y) THEN
        RETURN NULL;
    END IF;
    RETURN power(x, y);
EXCEPTION WHEN numeric_value_out_of_range THEN
    IF (abs(x) > 1) <> (y > 0) THEN
        RETURN 0;
    END IF;
    RETURN CASE WHEN x < 0 AND mod(outgrow.exact(y), 2) <> 0 THEN '-Infinity' ELSE 'Infinity' END;
END $$;

-- name: exp
CREATE OR REPLACE FUNCTION outgrow.exp(x double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN x > 709.782712893384 THEN 'Infinity'::double precision
    WHEN x < -745.1332191019412 THEN 0
    ELSE exp(x)
END;

-- name: general
-- A real by %g with that many digits, as strftime('%J') has it.
CREATE OR REPLACE FUNCTION outgrow.general(x double precision, wanted integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    found record;
    kept text;
    sign constant text := CASE WHEN x < 0 THEN '-' ELSE '' END;
BEGIN
    IF abs(x) = 'Infinity' THEN
        RETURN sign || 'Inf';
    ELSIF x = 0 THEN
        RETURN '0';
    END IF;
    SELECT * INTO found FROM outgrow.digits(x, wanted);
    kept := rtrim(found.digits, '0');
    IF found.exponent < -4 OR found.exponent >= wanted THEN
        RETURN sign || left(kept, 1) || CASE WHEN length(kept) > 1 THEN '.' || substr(kept, 2) ELSE '' END
            || CASE WHEN found.exponent < 0 THEN 'e-' ELSE 'e+' END
            || CASE WHEN abs(found.exponent) < 10 THEN '0' ELSE '' END || abs(found.exponent);
    ELSIF found.exponent < 0 THEN
        RETURN sign || '0.' || repeat('0', -found.exponent - 1) || kept;
    ELSIF length(kept) <= found.exponent + 1 THEN
        RETURN sign || rpad(kept, found.exponent + 1, '0');
    END IF;
    RETURN sign || left(kept, found.exponent + 1) || '.' || substr(kept, found.exponent + 2);
END $$;

-- name: surplus
-- How many days a day of a month lies beyond its last one: what the modifier 'floor' takes back.
CREATE OR REPLACE FUNCTION outgrow.surplus(y integer, m integer, d integer) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN m = 2 THEN greatest(d - CASE WHEN y % 4 = 0 AND (y % 100 <> 0 OR y % 400 = 0) THEN 29 ELSE 28 END, 0)
    WHEN m IN (4, 6, 9, 11) THEN greatest(d - 30, 0)
    ELSE 0
END;

-- name: year_text
-- A year as strftime() writes it: before the year 0 its sign is one of four characters.
CREATE OR REPLACE FUNCTION outgrow.year_text(y integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN y < 0 THEN '-' || lpad(abs(y)::text, CASE WHEN y < -999 THEN 4 ELSE 3 END, '0') ELSE lpad(y::text, 4, '0') END;

-- name: iso_year
CREATE OR REPLACE FUNCTION outgrow.iso_year(day integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    year integer := extract(isoyear FROM date '2000-01-01' + (day - 2451545));
BEGIN
    IF year < 0 THEN
        year := year + 1;
    END IF;
    RETURN year;
END $$;

-- name: calendar
-- The day of a time in milliseconds of the Julian day, as SQLite numbers years: with a year 0.
CREATE OR REPLACE FUNCTION outgrow.calendar(jd bigint, OUT y integer, OUT m integer, OUT d integer)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    day date;
BEGIN
    IF jd NOT BETWEEN 0 AND 464269060799999 THEN
        RETURN;
    END IF;
    day := date '2000-01-01' + ((jd + 43200000) / 86400000 - 2451545)::integer;
    y := extract(year FROM day);
    IF y < 0 THEN
        y := y + 1;
    END IF;
    m := extract(month FROM day);
    d := extract(day FROM day);
END $$;

-- name: julian
-- The Julian day's milliseconds at the beginning of a day, which may lie beyond its month as SQLite allows.
CREATE OR REPLACE FUNCTION outgrow.julian(y integer, m integer, d integer) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    year constant integer := CASE WHEN m <= 2 THEN y - 1 ELSE y END;
    month constant integer := CASE WHEN m <= 2 THEN m + 12 ELSE m END;
    century constant integer := (year + 4800) / 100;
BEGIN
    IF y < -4713 OR y > 9999 THEN
        RETURN NULL;
    END IF;
    RETURN (36525 * (year + 4716) / 100 + 306001 * (month + 1) / 10000 + d + 38 - century + century / 4)::bigint
        * 86400000 - 131716800000;
END $$;

-- name: clock
-- The milliseconds that HH:MM, HH:MM:SS or HH:MM:SS.FFF tell; NULL for no such time.
CREATE OR REPLACE FUNCTION outgrow.clock(x text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    p constant text[] := regexp_match(x, '^([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.]([0-9]+))?)?$');
    seconds double precision;
BEGIN
    IF p IS NULL OR p[1]::integer > 24 OR p[2]::integer > 59 OR p[3]::integer > 59 THEN
        RETURN NULL;
    ELSIF p[1] = '24' AND (p[2] || coalesce(p[3], '') || coalesce(p[4], '')) ~ '[1-9]' THEN
        RETURN NULL;
    END IF;
    seconds := coalesce(p[3], '0')::double precision
        + least(coalesce(p[4]::double precision / ('1e' || length(p[4]))::double precision, 0), 0.999);
    RETURN p[1]::bigint * 3600000 + p[2]::bigint * 60000 + floor(seconds * 1000 + 0.5)::bigint;
END $$;

-- name: moment
-- The time that a text or a number tells after its modifiers, in milliseconds of the Julian day; NULL for none.
-- By the steps of date.c in SQLite 3.54. `fine` says that the caller knows of a modifier 'subsec'.
CREATE OR REPLACE FUNCTION outgrow.moment(told text, number double precision, modifiers text[], fine boolean)
RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    blank constant text := E'[ \t\n\v\f\r]';
    units constant text[] := ARRAY['second', 'minute', 'hour', 'day', 'month', 'year'];
    seconds constant double precision[] := ARRAY[1, 60, 3600, 86400, 2592000, 31536000];
    limits constant double precision[] := ARRAY[4.6427e14, 7.7379e12, 1.2897e11, 5373485, 176546, 14713];
    jd bigint;
    raw double precision := number;
    zoned boolean := false;
    surplus integer := 0;
    p text[];
    q text[];
    y integer;
    m integer;
    d integer;
    time_of_day bigint := 0;
    shift bigint;
    modifier text;
    place integer := 0;
    unit integer;
    amount double precision;
    carry integer;
BEGIN
    IF told IS NOT NULL THEN
        p := regexp_match(told, '^(-?)([0-9]{4})-([0-9]{2})-([0-9]{2})(?:' || blank || '|T)*(.*)$');
        q := ARRAY[CASE WHEN p IS NULL THEN told ELSE p[5] END];
        IF q[1] <> '' THEN
            q := regexp_match(
                q[1],
                '^([0-9]{2}:[0-9:.]*[0-9])' || blank || '*(?:([-+])([0-9]{2}):([0-9]{2})|([Zz]))?' || blank || '*$'
            );
            time_of_day := outgrow.clock(q[1]);
            IF q[2] IS NOT NULL THEN
                IF q[3]::integer > 14 OR q[4]::integer > 59 THEN
                    time_of_day := NULL;
                END IF;
                time_of_day := time_of_day - (q[2] || '1')::integer * (q[3]::integer * 60 + q[4]::integer) * 60000;
            END IF;
            zoned := q[2] IS NOT NULL OR q[5] IS NOT NULL;
        END IF;
        IF p IS NOT NULL AND time_of_day IS NOT NULL AND p[3]::integer BETWEEN 1 AND 12 AND p[4]::integer BETWEEN 1 AND 31
        THEN
            y := (p[1] || p[2])::integer;
            m := p[3]::integer;
            d := p[4]::integer;
            jd := outgrow.julian(y, m, d) + time_of_day;
            surplus := outgrow.surplus(y, m, d);
            IF q[2] IS NOT NULL AND q[3] || q[4] <> '0000' THEN
                y := NULL;
            END IF;
        ELSIF p IS NULL AND q IS NOT NULL AND time_of_day IS NOT NULL AND told <> '' THEN
            jd := outgrow.julian(2000, 1, 1) + time_of_day;
        ELSIF lower(told COLLATE "C") IN ('now', 'subsec', 'subsecond') THEN
            IF lower(told COLLATE "C") <> 'now' AND NOT fine THEN
                PERFORM outgrow.refuse('a computed time value asks for fractions of seconds');
            END IF;
            jd := floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint + 210866760000000;
            zoned := true;
        ELSIF outgrow.looks_numeric(told) THEN
            raw := outgrow.to_real(told);
        ELSE
            RETURN NULL;
        END IF;
    END IF;
    IF raw >= 0 AND raw < 5373484.5 THEN
        jd := floor(raw * 86400000.0 + 0.5);
    ELSIF raw IS NULL AND jd IS NULL THEN
        RETURN NULL;
    END IF;

    FOREACH modifier IN ARRAY modifiers LOOP
        place := place + 1;
        modifier := lower(modifier COLLATE "C");
        IF modifier IS NULL THEN
            RETURN NULL;
        ELSIF modifier IN ('subsec', 'subsecond') THEN
            IF NOT fine THEN
                PERFORM outgrow.refuse('a computed modifier asks for fractions of seconds');
            END IF;
        ELSIF modifier IN ('unixepoch', 'auto', 'julianday') THEN
            IF place > 1 THEN
                RETURN NULL;
            ELSIF modifier = 'julianday' THEN
                IF raw IS NULL OR jd IS NULL THEN
                    RETURN NULL;
                END IF;
            ELSIF modifier = 'auto' THEN
                IF jd IS NULL AND raw BETWEEN -210866760000 AND 253402300799 THEN
                    jd := floor(raw * 1000.0 + 210866760000000.0 + 0.5);
                END IF;
            ELSIF raw * 1000.0 + 210866760000000.0 >= 0 AND raw * 1000.0 + 210866760000000.0 < 464269060800000 THEN
                jd := floor(raw * 1000.0 + 210866760000000.0 + 0.5);
            ELSE
                RETURN NULL;
            END IF;
            raw := NULL;
        ELSIF modifier = 'localtime' OR (modifier = 'utc' AND NOT zoned) THEN
            PERFORM outgrow.refuse(format('the modifier %s depends on the time zone of the application''s host', modifier));
        ELSIF modifier = 'utc' THEN
            NULL;
        ELSIF jd IS NULL THEN
            RETURN NULL;
        ELSIF modifier IN ('floor', 'ceiling') THEN
            jd := jd - CASE WHEN modifier = 'floor' THEN surplus ELSE 0 END * 86400000::bigint;
            surplus := 0;
            y := NULL;
        ELSIF modifier IN ('start of day', 'start of month', 'start of year') THEN
            IF y IS NULL OR time_of_day >= 86400000 THEN
                SELECT * INTO y, m, d FROM outgrow.calendar(jd);
                time_of_day := (jd + 43200000) % 86400000;
            END IF;
            jd := outgrow.julian(
                y,
                CASE WHEN modifier = 'start of year' THEN 1 ELSE m END,
                CASE WHEN modifier = 'start of day' THEN d ELSE 1 END
            );
            y := NULL;
        ELSIF left(modifier, 8) = 'weekday ' THEN
            IF NOT outgrow.looks_numeric(substr(modifier, 9)) OR outgrow.to_real(substr(modifier, 9)) NOT IN (0, 1, 2, 3, 4, 5, 6)
            THEN
                RETURN NULL;
            END IF;
            carry := outgrow.to_real(substr(modifier, 9))::integer - ((jd + 129600000) / 86400000 % 7)::integer;
            jd := jd + CASE WHEN carry < 0 THEN carry + 7 ELSE carry END * 86400000::bigint;
            y := NULL;
        ELSIF modifier ~ '^[-+]?[0-9]{2}:[0-9:.]*[0-9]$' THEN
            shift := outgrow.clock(ltrim(modifier, '+-')) % 86400000;
            jd := jd + CASE WHEN left(modifier, 1) = '-' THEN -shift ELSE shift END;
            y := NULL;
        ELSIF modifier ~ '^[-+][0-9]{4,5}-' THEN
            p := regexp_match(
                modifier, '^([-+])([0-9]{4,5})-([0-9]{2})-([0-9]{2})(?:' || blank || '([0-9]{2}:[0-9:.]*[0-9]))?$'
            );
            IF p IS NULL OR p[2]::integer > 14712 OR p[3]::integer > 11 OR p[4]::integer > 30 THEN
                RETURN NULL;
            END IF;
            IF y IS NULL THEN
                SELECT * INTO y, m, d FROM outgrow.calendar(jd);
                time_of_day := (jd + 43200000) % 86400000;
            END IF;
            m := m + (p[1] || p[3])::integer;
            carry := CASE WHEN m > 0 THEN (m - 1) / 12 ELSE (m - 12) / 12 END;
            y := y + (p[1] || p[2])::integer + carry;
            m := m - carry * 12;
            surplus := outgrow.surplus(y, m, d);
            jd := outgrow.julian(y, m, d) + time_of_day + (p[1] || p[4])::integer * 86400000::bigint;
            IF p[5] IS NOT NULL THEN
                shift := outgrow.clock(p[5]) % 86400000;
                jd := jd + CASE WHEN p[1] = '-' THEN -shift ELSE shift END;
            END IF;
            y := NULL;
        ELSE
            p := regexp_match(
                modifier,
                '^([-+]?[0-9]+(?:[.][0-9]*)?(?:e[-+]?[0-9]+)?|[-+][.][0-9]+(?:e[-+]?[0-9]+)?)' || blank || '+([a-z]*[a-rt-z])s?$'
            );
            unit := array_position(units, p[2]);
            amount := outgrow.to_real(p[1]);
            IF unit IS NULL OR abs(amount) >= limits[unit] THEN
                RETURN NULL;
            END IF;
            carry := CASE WHEN amount < 0 THEN -1 ELSE 1 END;
            IF unit >= 5 THEN
                IF y IS NULL THEN
                    SELECT * INTO y, m, d FROM outgrow.calendar(jd);
                    time_of_day := (jd + 43200000) % 86400000;
                END IF;
                IF unit = 5 THEN
                    m := m + trunc(amount)::integer;
                    y := y + CASE WHEN m > 0 THEN (m - 1) / 12 ELSE (m - 12) / 12 END;
                    m := m - CASE WHEN m > 0 THEN (m - 1) / 12 ELSE (m - 12) / 12 END * 12;
                ELSE
                    y := y + trunc(amount)::integer;
                END IF;
                surplus := outgrow.surplus(y, m, d);
                jd := outgrow.julian(y, m, d) + time_of_day;
                amount := amount - trunc(amount);
            END IF;
            jd := jd + trunc(amount * 1000.0 * seconds[unit] + carry * 0.5)::bigint;
            y := NULL;
        END IF;
    END LOOP;
    RETURN CASE WHEN jd BETWEEN 0 AND 464269060799999 THEN jd END;
END $$;

-- name: strftime
-- A time of outgrow.moment() in a format of strftime(); NULL for a format that it has not.
CREATE OR REPLACE FUNCTION outgrow.strftime(layout text, jd bigint, fine boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    y integer;
    m integer;
    d integer;
    day constant integer := (jd + 43200000) / 86400000;
    of_day constant integer := (jd + 43200000) % 86400000;
    hour constant integer := of_day / 3600000;
    minute constant integer := of_day / 60000 % 60;
    milliseconds constant integer := of_day % 60000;
    -- Julian day 0 was a Monday.
    monday constant integer := day % 7;
    sunday constant integer := (day + 1) % 7;
    year_day integer;
    piece text;
    written text := '';
BEGIN
    SELECT * INTO y, m, d FROM outgrow.calendar(jd);
    year_day := day - ((outgrow.julian(y, 1, 1) + 43200000) / 86400000)::integer;
    FOR piece IN SELECT match[1] FROM regexp_matches(layout, '(%.|[^%]+|%)', 'g') AS match LOOP
        IF left(piece, 1) <> '%' THEN
            written := written || piece;
            CONTINUE;
        END IF;
        written := written || CASE substr(piece, 2)
            WHEN 'Y' THEN outgrow.year_text(y)
            WHEN 'm' THEN lpad(m::text, 2, '0')
            WHEN 'd' THEN lpad(d::text, 2, '0')
            WHEN 'e' THEN lpad(d::text, 2)
            WHEN 'H' THEN lpad(hour::text, 2, '0')
            WHEN 'k' THEN lpad(hour::text, 2)
            WHEN 'I' THEN lpad(((hour + 11) % 12 + 1)::text, 2, '0')
            WHEN 'l' THEN lpad(((hour + 11) % 12 + 1)::text, 2)
            WHEN 'M' THEN lpad(minute::text, 2, '0')
            WHEN 'S' THEN lpad((milliseconds / 1000)::text, 2, '0')
            WHEN 'f' THEN
                lpad((milliseconds / 1000)::text, 2, '0') || '.' || lpad((milliseconds % 1000)::text, 3, '0')
            WHEN 'j' THEN lpad((year_day + 1)::text, 3, '0')
            WHEN 'p' THEN CASE WHEN hour >= 12 THEN 'PM' ELSE 'AM' END
            WHEN 'P' THEN CASE WHEN hour >= 12 THEN 'pm' ELSE 'am' END
            WHEN 'F' THEN outgrow.year_text(y) || '-' || lpad(m::text, 2, '0') || '-' || lpad(d::text, 2, '0')
            WHEN 'R' THEN lpad(hour::text, 2, '0') || ':' || lpad(minute::text, 2, '0')
            WHEN 'T' THEN lpad(hour::text, 2, '0') || ':' || lpad(minute::text, 2, '0') || ':'
                || lpad((milliseconds / 1000)::text, 2, '0')
            WHEN 's' THEN CASE
                WHEN fine THEN round((jd - 210866760000000) / 1000.0, 3)::text
                ELSE (jd / 1000 - 210866760000)::text
            END
            WHEN 'w' THEN sunday::text
            WHEN 'u' THEN (monday + 1)::text
            WHEN 'W' THEN lpad(((year_day + 7 - monday) / 7)::text, 2, '0')
            WHEN 'U' THEN lpad(((year_day + 7 - sunday) / 7)::text, 2, '0')
            WHEN 'V' THEN lpad(extract(week FROM date '2000-01-01' + (day - 2451545))::text, 2, '0')
            WHEN 'G' THEN outgrow.year_text(outgrow.iso_year(day))
            WHEN 'g' THEN CASE
                WHEN outgrow.iso_year(day) < 0 THEN (outgrow.iso_year(day) % 100)::text
                ELSE right(outgrow.year_text(outgrow.iso_year(day)), 2)
            END
            WHEN 'J' THEN outgrow.general(jd / 86400000::double precision, 16)
            WHEN '%' THEN '%'
        END;
    END LOOP;
    RETURN written;
END $$;

-- name: day_text
-- A day as date() and datetime() write it: with four digits for the year, and a sign before the year 0.
CREATE OR REPLACE FUNCTION outgrow.day_text(jd bigint) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN jd >= 148731163200000 THEN to_char(date '2000-01-01' + ((jd + 43200000) / 86400000 - 2451545)::integer, 'YYYY-MM-DD')
    WHEN jd >= 148699540800000 THEN outgrow.strftime('%F', jd, false)
    ELSE regexp_replace(outgrow.strftime('%F', jd, false), '^-(...-)', '-0\1')
END;

-- name: date
CREATE OR REPLACE FUNCTION outgrow.date(jd bigint) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN outgrow.day_text(jd);

-- name: time
CREATE OR REPLACE FUNCTION outgrow.time(jd bigint, fine boolean) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN outgrow.strftime(CASE WHEN fine THEN '%R:%f' ELSE '%T' END, jd, false);

-- name: datetime
CREATE OR REPLACE FUNCTION outgrow.datetime(jd bigint, fine boolean) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN outgrow.day_text(jd) || ' ' || outgrow.time(jd, fine);

-- name: julianday
CREATE OR REPLACE FUNCTION outgrow.julianday(jd bigint) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN jd::double precision / 86400000::double precision;

-- name: unixepoch
CREATE OR REPLACE FUNCTION outgrow.unixepoch(jd bigint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN jd / 1000 - 210866760000;

-- name: unixepoch_fine
CREATE OR REPLACE FUNCTION outgrow.unixepoch_fine(jd bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (jd - 210866760000000)::double precision / 1000::double precision;

-- name: real_number
-- A real as a numeric that tells reals from integers: with digits after its point, if only a zero.
CREATE OR REPLACE FUNCTION outgrow.real_number(x double precision) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN abs(x) = 'Infinity' THEN x::text::numeric
    WHEN x = trunc(x) THEN (x::text::numeric::text || '.0')::numeric
    ELSE x::text::numeric
END;

-- name: quote_text
CREATE OR REPLACE FUNCTION outgrow.quote(x text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce('''' || replace(x, '''', '''''') || '''', 'NULL');

-- name: pad
-- A text in a field of so many bytes; a negative width puts it left.
CREATE OR REPLACE FUNCTION outgrow.pad(x text, width integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN width < 0 THEN x || repeat(' ', -width - octet_length(x))
    ELSE repeat(' ', width - octet_length(x)) || x
END;

-- name: print_text
-- %s of printf(): at most `most` bytes, or all.
CREATE OR REPLACE FUNCTION outgrow.print_text(x text, width integer, most integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    kept text := coalesce(x, '');
BEGIN
    IF most < octet_length(kept) THEN
        kept := convert_from(substr(convert_to(kept, 'UTF8'), 1, most), 'UTF8');
    END IF;
    RETURN outgrow.pad(kept, width);
EXCEPTION WHEN character_not_in_repertoire THEN
    RETURN outgrow.refuse('printf() cuts a character in two');
END $$;

-- name: print_sign
CREATE OR REPLACE FUNCTION outgrow.print_sign(negative boolean, flags text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN negative THEN '-'
    WHEN strpos(flags, '+') > 0 THEN '+'
    WHEN strpos(flags, ' ') > 0 THEN ' '
    ELSE ''
END;

-- name: print_integer
-- %d, %u, %x, %X and %o of printf(); `base` is the conversion.
CREATE OR REPLACE FUNCTION outgrow.print_integer(x bigint, base text, flags text, width integer, fewest integer)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    number constant bigint := coalesce(x, 0);
    sign constant text := CASE WHEN base = 'd' THEN outgrow.print_sign(number < 0, flags) ELSE '' END;
    shift constant integer := CASE base WHEN 'x' THEN 4 WHEN 'X' THEN 4 ELSE 3 END;
    digits text := '';
    wanted integer := greatest(fewest, 0);
    rest bigint := number;
BEGIN
    IF base = 'd' THEN
        digits := abs(number::numeric)::text;
    ELSIF base = 'u' THEN
        digits := CASE WHEN number < 0 THEN number + 18446744073709551616 ELSE number END::text;
    ELSE
        -- PostgreSQL shifts with the sign: what comes down from it is cut off.
        LOOP
            digits := substr(CASE base WHEN 'X' THEN '0123456789ABCDEF' ELSE '0123456789abcdef' END,
                (rest & ((1 << shift) - 1))::integer + 1, 1) || digits;
            rest := (rest >> shift) & ((1::bigint << (64 - shift)) - 1);
            EXIT WHEN rest = 0;
        END LOOP;
    END IF;
    IF strpos(flags, '0') > 0 THEN
        wanted := greatest(wanted, abs(width) - length(sign));
    END IF;
    digits := repeat('0', wanted - length(digits)) || digits;
    IF strpos(flags, ',') > 0 THEN
        digits := reverse(regexp_replace(reverse(digits), '([0-9]{3})(?=[0-9])', '\1,', 'g'));
    END IF;
    IF strpos(flags, '#') > 0 AND number <> 0 THEN
        digits := CASE base WHEN 'x' THEN '0x' WHEN 'X' THEN '0X' WHEN 'o' THEN '0' ELSE '' END || digits;
    END IF;
    RETURN outgrow.pad(sign || digits, width);
END $$;

-- name: print_real
-- %f, %e, %E, %g and %G of printf(), of at most 16 significant digits: SQLite since 3.43.
CREATE OR REPLACE FUNCTION outgrow.print_real(x double precision, form text, flags text, width integer, places integer)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    number constant double precision := coalesce(x, 0);
    sign constant text := outgrow.print_sign(number < 0, flags);
    written text;
    found record;
    place integer;
BEGIN
    IF abs(number) = 'Infinity' THEN
        IF strpos(flags, '0') > 0 THEN
            PERFORM outgrow.refuse('printf() fills the field of an infinite number with zeros');
        END IF;
        RETURN outgrow.pad(sign || 'Inf', width);
    ELSIF form = 'f' THEN
        place := CASE WHEN number = 0 THEN places ELSE 15 - (outgrow.digits(number, 17)).exponent END;
        written := round(round(abs(outgrow.exact(number)), least(places, place)), places)::text;
    ELSIF lower(form) = 'g' THEN
        written := outgrow.general(abs(number), least(greatest(places, 1), 16));
    ELSE
        IF number = 0 THEN
            written := '0' || CASE WHEN places > 0 THEN '.' ELSE '' END || repeat('0', places) || 'e+00';
        ELSE
            SELECT * INTO found FROM outgrow.digits(number, least(places + 1, 16));
            written := left(found.digits, 1) || CASE WHEN places > 0 THEN '.' ELSE '' END
                || rpad(substr(found.digits, 2), places, '0') || CASE WHEN found.exponent < 0 THEN 'e-' ELSE 'e+' END
                || CASE WHEN abs(found.exponent) < 10 THEN '0' ELSE '' END || abs(found.exponent);
        END IF;
    END IF;
    IF form IN ('E', 'G') THEN
        written := upper(written COLLATE "C");
    END IF;
    IF strpos(flags, '0') > 0 AND width > 0 THEN
        written := repeat('0', width - length(sign) - length(written)) || written;
    END IF;
    RETURN outgrow.pad(sign || written, width);
END $$;

-- name: glob
-- GLOB with a pattern that is computed; sets in brackets are only understood where the pattern is known.
CREATE OR REPLACE FUNCTION outgrow.glob(x text, pattern text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN strpos(pattern, '[') > 0 THEN outgrow.refuse('GLOB with a computed pattern that has brackets')::boolean
    ELSE x COLLATE "C" LIKE replace(replace(regexp_replace(pattern, '([\\%_])', '\\\1', 'g'), '*', '%'), '?', '_')
END;

-- name: is_integer
-- Whether a numeric stands for an integer of SQLite's: it has no digits after its point, and 64 bits.
CREATE OR REPLACE FUNCTION outgrow.is_integer(x numeric) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN scale(x) = 0 AND x BETWEEN -9223372036854775808 AND 9223372036854775807;

-- name: compute
-- `a operator b` on numbers that are integers or reals: exact on integers of 64 bits, else with doubles.
CREATE OR REPLACE FUNCTION outgrow.compute(operator text, a numeric, b numeric) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    x double precision;
    y double precision;
    exact numeric;
BEGIN
    IF outgrow.is_integer(a) AND outgrow.is_integer(b) THEN
        IF operator = '/' AND b = 0 THEN
            RETURN NULL;
        END IF;
        exact := CASE operator WHEN '+' THEN a + b WHEN '-' THEN a - b WHEN '*' THEN a * b ELSE div(a, b) END;
        IF outgrow.is_integer(exact) THEN
            RETURN exact;
        END IF;
    END IF;
    x := a::double precision;
    y := b::double precision;
    IF operator = '/' AND y = 0 THEN
        RETURN NULL;
    END IF;
    x := CASE operator WHEN '+' THEN x + y WHEN '-' THEN x - y WHEN '*' THEN x * y ELSE x / y END;
    RETURN CASE WHEN x <> 'NaN' THEN outgrow.real_number(x) END;
EXCEPTION WHEN numeric_value_out_of_range THEN
    -- PostgreSQL has no operation of doubles that overflows: what SQLite has is infinite, or zero.
    exact := CASE operator WHEN '+' THEN sign(a) WHEN '-' THEN sign(a) ELSE sign(a) * sign(b) END;
    IF (operator = '*' AND abs(x) < 1 AND abs(y) < 1) OR (operator = '/' AND abs(x) < 1 AND abs(y) > 1) THEN
        RETURN 0.0;
    END IF;
    RETURN CASE WHEN exact < 0 THEN '-Infinity' ELSE 'Infinity' END;
END $$;

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
    WHEN label = '' THEN outgrow.refuse('bad JSON path: ''''')
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

-- name: term_of_text
-- The number that a text is in a sum: an integer only if it is one as a whole.
CREATE OR REPLACE FUNCTION outgrow.to_term(x text) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN x ~ '^[ \t\n\v\f\r]*[-+]?[0-9]+[ \t\n\v\f\r]*$' THEN outgrow.to_operand(x)
    ELSE outgrow.real_number(outgrow.to_real(x))
END;

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
