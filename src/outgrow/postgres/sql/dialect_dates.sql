-- Functions of schema outgrow for the statements of applications, see dialect.sql: dates and times.

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
                PERFORM outgrow.decline('a computed time value asks for fractions of seconds');
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
                PERFORM outgrow.decline('a computed modifier asks for fractions of seconds');
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
            PERFORM outgrow.decline(format('the modifier %s depends on the time zone of the application''s host', modifier));
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
