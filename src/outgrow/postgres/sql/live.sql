-- What a live migration keeps at the target besides state.sql: which store is primary, how far the follower is, the queue of
-- reverse capture, and its fence. Created once, in one transaction, by the role that owns the data.
--
-- SQLSTATEs of outgrow's own, for programs:
--   OG001  another process moved the position, the epoch or the primary: nothing was written
--   OG002  the fence: this database is not the primary and refuses the write
--   OG003  a TRUNCATE that could remove rows which its transaction cannot see

-- name: live_exists
SELECT to_regclass('outgrow.live') IS NOT NULL;

-- name: create_live
CREATE TABLE outgrow.live (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch bigint NOT NULL DEFAULT 0 CHECK (epoch >= 0),  -- grows with every change of the primary
    primary_store text NOT NULL DEFAULT 'sqlite' CHECK (primary_store IN ('sqlite', 'postgres')),
    prepared bigint CHECK (prepared = epoch + 1),        -- the epoch as whose primary this database has been made ready
    seq bigint NOT NULL DEFAULT 0 CHECK (seq >= 0),      -- the file's log is applied up to this entry
    token bigint NOT NULL DEFAULT 0,                     -- which tells that entry from another one of the same number
    catching_up boolean NOT NULL DEFAULT true,           -- more was waiting: what is here is no state that the file ever had
    acknowledged bigint NOT NULL DEFAULT 0 CHECK (acknowledged >= 0),  -- batches that the file has, by its own count
    secret text NOT NULL CHECK (length(secret) >= 32),   -- tells the follower's own writes from everybody else's
    moved_at timestamptz,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (prepared IS NULL OR primary_store = 'sqlite')
);

-- Keys of touched rows. A queue without an order: entries are read with the rows in one snapshot, and exactly those are deleted.
-- Its reader vacuums it: autovacuum would stand in the way of a switch, which waits for this table in steps of milliseconds.
-- The primary key costs writers 0.6 us a row. Without it a batch of 10,000 out of a backlog of 2,000,000 takes 200 ms to find and
-- delete instead of 20 (both measured).
CREATE TABLE outgrow.log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    t integer NOT NULL,                                  -- the table's number in the plan, from 1
    key text[] NOT NULL,
    -- The writer's commit waits for no disk: a crash of this server may take it back after others have seen it.
    unsynced boolean NOT NULL DEFAULT current_setting('synchronous_commit') = 'off'
) WITH (autovacuum_enabled = false);

-- Tables in which a write may have been missed, because capture was lost: compared, and brought over again, before any switch.
CREATE TABLE outgrow.suspect (table_name text PRIMARY KEY);
CREATE TABLE outgrow.shape (table_name text PRIMARY KEY, signature text NOT NULL);

-- What every role may know, because an application looks here where its transactions begin. All else is the owner's.
CREATE VIEW outgrow.standing AS SELECT epoch, primary_store, seq, acknowledged FROM outgrow.live;
CREATE VIEW outgrow.catalog AS SELECT run, plan FROM outgrow.migration;
GRANT USAGE ON SCHEMA outgrow TO PUBLIC;
GRANT SELECT ON outgrow.standing, outgrow.catalog TO PUBLIC;

-- The row that an application's writers take turns on where they are to be one at a time, as with SQLite. It is changed, not only
-- locked, so that a transaction that reads first and writes later learns that another one wrote in between.
CREATE TABLE outgrow.writer (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    turn bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO outgrow.writer DEFAULT VALUES;
GRANT SELECT, UPDATE ON outgrow.writer TO PUBLIC;

-- Whoever holds the log like this has a rollback wait for the end of the transaction, as a switch waits for a file's writer.
CREATE FUNCTION outgrow.hold() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    LOCK TABLE outgrow.log IN ROW EXCLUSIVE MODE;
END $$;

-- For an application that waits until the file has what it committed: the last entry of the log, and whether the file has everything
-- up to one.
CREATE FUNCTION outgrow.last_logged() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
    AS 'SELECT max(id) FROM outgrow.log';
CREATE FUNCTION outgrow.has_arrived(entry bigint) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
    AS 'SELECT NOT EXISTS (SELECT FROM outgrow.log WHERE id <= entry)';

CREATE FUNCTION outgrow.guard_live() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NEW.epoch < OLD.epoch THEN
        RAISE EXCEPTION 'the epoch % cannot go back to %', OLD.epoch, NEW.epoch USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.primary_store <> OLD.primary_store AND NEW.epoch = OLD.epoch THEN
        RAISE EXCEPTION 'the primary of epoch % cannot change', OLD.epoch USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.acknowledged < OLD.acknowledged THEN
        RAISE EXCEPTION 'the file has batch % and not only %', OLD.acknowledged, NEW.acknowledged
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.primary_store = 'sqlite' AND OLD.primary_store = 'postgres' AND EXISTS (SELECT FROM outgrow.log) THEN
        RAISE EXCEPTION 'the file does not have every change yet' USING ERRCODE = 'check_violation';
    END IF;
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER guard_live BEFORE UPDATE OF epoch, primary_store, prepared, acknowledged ON outgrow.live
    FOR EACH ROW EXECUTE FUNCTION outgrow.guard_live();

-- The follower's compare-and-set. It fails here, in the server, so that a COMMIT that is already on its way commits nothing.
CREATE FUNCTION outgrow.move_position(
    old_seq bigint, old_token bigint, new_seq bigint, new_token bigint, believed_epoch bigint, more_waiting boolean
) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    found_row outgrow.live;
BEGIN
    UPDATE outgrow.live SET seq = new_seq, token = new_token, catching_up = more_waiting, moved_at = clock_timestamp()
    WHERE seq = old_seq AND token = old_token AND epoch = believed_epoch AND primary_store = 'sqlite' AND prepared IS NULL;
    IF NOT FOUND THEN
        SELECT * INTO found_row FROM outgrow.live;
        RAISE EXCEPTION 'outgrow: the follower is not where this process believes'
            USING ERRCODE = 'OG001', DETAIL = format(
                'it is at entry %s of epoch %s, the primary is %s%s; this process believes entry %s of epoch %s',
                found_row.seq, found_row.epoch, found_row.primary_store,
                CASE WHEN found_row.prepared IS NOT NULL THEN ', prepared for a switch' ELSE '' END,
                old_seq, believed_epoch);
    END IF;
END $$;

-- The file has, durably, what these entries stand for. Fails like move_position.
CREATE FUNCTION outgrow.acknowledge(entries int8multirange, serial bigint, believed_epoch bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    found_row outgrow.live;
BEGIN
    UPDATE outgrow.live SET acknowledged = serial
    WHERE acknowledged < serial AND epoch = believed_epoch AND primary_store = 'postgres';
    IF NOT FOUND THEN
        SELECT * INTO found_row FROM outgrow.live;
        RAISE EXCEPTION 'outgrow: the file is not where this process believes'
            USING ERRCODE = 'OG001', DETAIL = format(
                'it has batch %s of epoch %s, the primary is %s; this process believes to be the first with batch %s of epoch %s',
                found_row.acknowledged, found_row.epoch, found_row.primary_store, serial, believed_epoch);
    END IF;
    DELETE FROM outgrow.log WHERE id BETWEEN lower(entries) AND upper(entries) AND id <@ entries;
END $$;

-- The fence. Every captured write inserts here, so one trigger refuses them all; its argument is the epoch.
CREATE FUNCTION outgrow.refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'outgrow: fenced: this database is not the primary of epoch %', TG_ARGV[0]
        USING ERRCODE = 'OG002', HINT = 'Write to the SQLite file, or switch: outgrow switch FILE';
END $$;

REVOKE ALL ON FUNCTION outgrow.move_position, outgrow.acknowledge FROM PUBLIC;

-- name: begin_live
INSERT INTO outgrow.live (secret) VALUES (%(secret)s);

-- name: read_live
SELECT epoch, primary_store, prepared, seq, token, catching_up, acknowledged, secret FROM outgrow.live;

-- name: prepare_live
UPDATE outgrow.live SET prepared = %(epoch)s
WHERE primary_store = 'sqlite' AND epoch = %(epoch)s - 1 AND coalesce(prepared, %(epoch)s) = %(epoch)s RETURNING epoch;

-- name: set_back_live
UPDATE outgrow.live SET prepared = NULL WHERE primary_store = 'sqlite' RETURNING epoch;

-- name: open_live
UPDATE outgrow.live SET epoch = %(epoch)s, primary_store = 'postgres', prepared = NULL
WHERE primary_store = 'sqlite' AND prepared = %(epoch)s RETURNING epoch;

-- name: close_live
UPDATE outgrow.live SET epoch = %(epoch)s, primary_store = 'sqlite', catching_up = false
WHERE primary_store = 'postgres' AND epoch = %(epoch)s - 1 RETURNING epoch;

-- name: flush_live
-- Any write: its commit, if it waits for the disk, takes along everything that was committed before.
UPDATE outgrow.live SET changed_at = clock_timestamp();

-- name: log_holders
-- Who keeps a lock on the log from being had: backends, and transactions that were prepared for a two-phase commit.
SELECT CASE WHEN l.pid IS NULL THEN format('the prepared transaction %s (%s)', p.gid, p.owner)
            ELSE format('backend %s (%s, %s)', l.pid, coalesce(a.usename::text, 'an internal process'),
                        coalesce(nullif(a.application_name, ''), 'unnamed')) END
       || coalesce(', for ' || round(extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, p.prepared))) || ' s', '')
FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
LEFT JOIN pg_locks x ON l.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid'
                    AND x.virtualtransaction = l.virtualtransaction
LEFT JOIN pg_prepared_xacts p ON p.transaction = x.transactionid
WHERE l.locktype = 'relation' AND l.relation = to_regclass('outgrow.log') AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.pid IS DISTINCT FROM pg_backend_pid() AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')
ORDER BY l.pid;

-- name: forget_quarantined
DELETE FROM outgrow.quarantine AS q USING unnest($2::text[]) AS touched (key)
WHERE q.table_name = $1 AND md5(q.key) = md5(touched.key) AND q.key = touched.key;

-- name: keep_quarantined
INSERT INTO outgrow.quarantine (table_name, key, row, column_name, reason) VALUES ($1, $2, $3, $4, $5);

-- name: phase_on
UPDATE outgrow.migration SET phase = 'switched' WHERE phase = 'following';

-- name: phase_back
UPDATE outgrow.migration SET phase = 'following' WHERE phase = 'switched';

-- name: add_suspects
INSERT INTO outgrow.suspect SELECT unnest(%(tables)s::text[]) ON CONFLICT DO NOTHING;

-- name: note_shapes
-- What changes when a table or a column is made anew, or a column gets a type (USING an expression): none of that meets a trigger.
-- The place of the rows on the disk would tell too much: TRUNCATE, which is captured, and VACUUM FULL give them another one.
INSERT INTO outgrow.shape
SELECT c.relname, concat_ws(' ', c.oid,
    (SELECT string_agg(a.attnum || ':' || a.xmin, ',' ORDER BY a.attnum) FROM pg_attribute a
     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind = 'r' AND c.relname = ANY (%(tables)s)
ON CONFLICT (table_name) DO UPDATE SET signature = excluded.signature;

-- name: list_reshaped
SELECT s.table_name FROM outgrow.shape s WHERE s.table_name = ANY (%(tables)s) AND NOT EXISTS (
    SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relkind = 'r' AND c.relname = s.table_name
    AND s.signature = concat_ws(' ', c.oid,
        (SELECT string_agg(a.attnum || ':' || a.xmin, ',' ORDER BY a.attnum) FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)));

-- name: list_suspects
SELECT table_name FROM outgrow.suspect ORDER BY table_name;

-- name: clear_suspect
DELETE FROM outgrow.suspect WHERE table_name = %(table)s;

-- name: list_away
-- Rows that the file refused: PostgreSQL has them, and their records say so.
SELECT DISTINCT key FROM outgrow.quarantine
WHERE table_name = %(table)s AND EXISTS (SELECT FROM json_each(row) AS cell (name, value) WHERE cell.value ->> 'class' = 'postgres');

-- name: accept_live
UPDATE outgrow.live SET seq = %(seq)s, token = %(token)s, catching_up = true WHERE primary_store = 'sqlite';
