-- Functions of schema outgrow for the statements of applications, see dialect.sql: numbers as texts.

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

-- name: real_number
-- A real as a numeric that tells reals from integers: with digits after its point, if only a zero.
CREATE OR REPLACE FUNCTION outgrow.real_number(x double precision) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN abs(x) = 'Infinity' THEN x::text::numeric
    WHEN x = trunc(x) THEN (x::text::numeric::text || '.0')::numeric
    ELSE x::text::numeric
END;

-- name: to_digits
-- The numeric of a real's very size; doubles of 2^53 and more are integers, of which their text has only the first digits.
CREATE OR REPLACE FUNCTION outgrow.to_digits(x double precision) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN abs(x) >= 9007199254740992 AND x >= -9223372036854775808 AND x < 9223372036854775808 THEN x::bigint::numeric
    ELSE x::text::numeric
END;

-- name: to_digits_of_numeric
-- The same of a numeric that tells reals from integers.
CREATE OR REPLACE FUNCTION outgrow.to_digits(x numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN scale(x) > 0 AND abs(x) >= 9007199254740992 THEN outgrow.to_digits(x::double precision) ELSE x END;

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
    RETURN outgrow.decline('printf() cuts a character in two');
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
            PERFORM outgrow.decline('printf() fills the field of an infinite number with zeros');
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
