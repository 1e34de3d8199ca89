-- What stays at the target after the end of a migration whose application goes through the router: where the primary is, the
-- plan, the row that writers take turns on, and SQLite's functions. Run by the role that owns the data.

-- name: router_tables
SELECT to_regclass('outgrow.writer') IS NOT NULL;

-- name: router_used
-- Writers that took turns, or connections of a router that are open now.
SELECT turn > 0 OR EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'outgrow route')
FROM outgrow.writer;

-- name: want_router
UPDATE outgrow.writer SET turn = greatest(turn, 1);

-- name: want_no_router
UPDATE outgrow.writer SET turn = 0;

-- name: router_kept
SELECT to_regclass('outgrow.standing') IS NOT NULL AND to_regclass('outgrow.live') IS NULL;

-- name: let_go
-- From now on nobody holds the log, and nobody asks it. Who called these a moment ago has to be waited for: see router_waits.
CREATE OR REPLACE FUNCTION outgrow.hold() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
END $$;
CREATE OR REPLACE FUNCTION outgrow.last_logged() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
    AS 'SELECT NULL::bigint';
CREATE OR REPLACE FUNCTION outgrow.has_arrived(entry bigint) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
    AS 'SELECT true';

-- name: router_waits
-- Whether a transaction is open that began before a moment.
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
               AND xact_start < %(moment)s);

-- name: keep_standing
CREATE OR REPLACE VIEW outgrow.standing AS
    SELECT {epoch}::bigint AS epoch, 'postgres'::text AS primary_store, 0::bigint AS seq, 0::bigint AS acknowledged;

-- name: list_dropped
-- Tables of outgrow that the router does not need.
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = to_regnamespace('outgrow') AND c.relkind = 'r' AND c.relname NOT IN ('migration', 'writer')
ORDER BY c.relname;

-- name: drop_functions
DROP FUNCTION IF EXISTS outgrow.guard_live, outgrow.move_position, outgrow.acknowledge, outgrow.refuse CASCADE;
