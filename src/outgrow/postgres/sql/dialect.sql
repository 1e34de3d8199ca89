-- SQLite's functions that no function of PostgreSQL computes alike: for the statements of applications, never for the schema,
-- which has to outlive outgrow. Each block is one function. Here are those that convert and compute; the
-- files dialect_*.sql have the others. Bodies call nothing but pg_catalog and each other.
--
-- SQLSTATE OG010: a value with which PostgreSQL cannot answer as SQLite does.

-- name: decline
-- Volatile, because an immutable one would be called when a statement is planned, whether its branch is taken or not.
CREATE OR REPLACE FUNCTION outgrow.decline(reason text) RETURNS text LANGUAGE plpgsql VOLATILE PARALLEL SAFE AS $$
BEGIN
    RAISE EXCEPTION 'outgrow: %', reason USING ERRCODE = 'OG010';
END $$;

-- name: is_integer
-- Whether a numeric stands for an integer of SQLite's: it has no digits after its point, and 64 bits.
CREATE OR REPLACE FUNCTION outgrow.is_integer(x numeric) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN scale(x) = 0 AND x BETWEEN -9223372036854775808 AND 9223372036854775807;

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

-- name: term_of_text
-- The number that a text is in a sum: an integer only if it is one as a whole.
CREATE OR REPLACE FUNCTION outgrow.to_term(x text) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN x ~ '^[ \t\n\v\f\r]*[-+]?[0-9]+[ \t\n\v\f\r]*$' THEN outgrow.to_operand(x)
    ELSE outgrow.real_number(outgrow.to_real(x))
END;
