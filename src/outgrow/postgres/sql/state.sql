-- What outgrow keeps at the target, in the schema `outgrow`. Created once, in one transaction, by the role that owns the data.

-- name: create_state
CREATE SCHEMA outgrow;

-- The one migration of this database.
CREATE TABLE outgrow.migration (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    run uuid NOT NULL DEFAULT gen_random_uuid(),  -- another one after each restart from nothing
    source text NOT NULL,                 -- the file's name, without its directory
    target_schema text NOT NULL,
    plan json NOT NULL,                   -- json, because names and literals of the file may hold what jsonb refuses
    fingerprint jsonb NOT NULL,           -- the state of the file that the plan was made of
    phase text NOT NULL DEFAULT 'planned',
    chunk_rows integer NOT NULL,          -- chunks are found again by walking in steps of this size
    version text NOT NULL,                -- the version of outgrow that began
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The legal moves between phases; the same table as in the code, held here against every writer.
CREATE TABLE outgrow.move (
    before text NOT NULL,
    after text NOT NULL,
    PRIMARY KEY (before, after)
);
INSERT INTO outgrow.move VALUES
    ('planned', 'capturing'), ('planned', 'copying'), ('capturing', 'copying'),
    ('copying', 'following'), ('copying', 'finished'), ('following', 'switched'),
    ('switched', 'following'), ('switched', 'finished');

CREATE FUNCTION outgrow.guard_phase() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NEW.phase <> OLD.phase
       AND NOT EXISTS (SELECT 1 FROM outgrow.move WHERE before = OLD.phase AND after = NEW.phase) THEN
        RAISE EXCEPTION 'a migration that is % cannot become %', OLD.phase, NEW.phase USING ERRCODE = 'check_violation';
    END IF;
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER guard_phase BEFORE UPDATE ON outgrow.migration FOR EACH ROW EXECUTE FUNCTION outgrow.guard_phase();

-- Who works on the migration. The holder's backend proves that it lives; nothing expires under a living one.
CREATE TABLE outgrow.lease (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    pid integer NOT NULL,
    backend_start timestamptz NOT NULL,
    command text NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Chunks: written down before they are copied, because a table that changes cannot be walked in the same steps twice; done
-- in the transaction that brings the chunk's rows.
CREATE TABLE outgrow.chunk (
    table_name text NOT NULL,
    ordinal bigint NOT NULL,
    upper_bound text,                     -- the key up to which it reaches, as JSON; NULL is the table's end
    done boolean NOT NULL DEFAULT false,
    rows bigint NOT NULL DEFAULT 0,
    quarantined bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (table_name, ordinal)
);

-- Steps that are done once: an index built, a key added. Written in the transaction that does the step.
CREATE TABLE outgrow.step (
    name text PRIMARY KEY,
    seconds double precision NOT NULL,
    note text NOT NULL DEFAULT '',
    done_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Rows that do not fit, with their exact values: source column to storage class and value (integer: decimal; real: IEEE 754
-- bits in hexadecimal; text: hexadecimal bytes of UTF-8 as stored; blob: hexadecimal).
CREATE TABLE outgrow.quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name text NOT NULL,
    key text NOT NULL,
    row json NOT NULL,                    -- json, because jsonb takes no string above 256 MB
    column_name text NOT NULL,
    reason text NOT NULL,
    found_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX quarantine_key ON outgrow.quarantine (table_name, md5(key));

-- The audit trail.
CREATE TABLE outgrow.event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL,
    detail jsonb NOT NULL
);

-- name: state_exists
-- A schema of that name with some of these tables is somebody else's.
SELECT bool_and(to_regclass('outgrow.' || name) IS NOT NULL)
FROM unnest(ARRAY['migration', 'move', 'lease', 'chunk', 'step', 'quarantine', 'event']) AS ours (name);

-- name: schema_outgrow_exists
SELECT to_regnamespace('outgrow') IS NOT NULL;

-- name: begin_migration
INSERT INTO outgrow.migration (source, target_schema, plan, fingerprint, chunk_rows, version)
VALUES (%(source)s, %(target_schema)s, %(plan)s, %(fingerprint)s, %(chunk_rows)s, %(version)s);

-- name: read_migration
SELECT run::text, source, target_schema, plan, fingerprint, phase, chunk_rows, version FROM outgrow.migration;

-- name: change_plan
UPDATE outgrow.migration SET plan = %(plan)s WHERE run = %(run)s::uuid;

-- name: advance_phase
UPDATE outgrow.migration SET phase = %(after)s WHERE phase = %(before)s RETURNING phase;

-- name: take_lease
-- The row is taken when it is free, ours, or when its holder's backend is gone.
INSERT INTO outgrow.lease AS held (pid, backend_start, command)
SELECT pid, backend_start, %(command)s FROM pg_stat_activity WHERE pid = pg_backend_pid()
ON CONFLICT (one) DO UPDATE
    SET pid = excluded.pid, backend_start = excluded.backend_start, command = excluded.command,
        taken_at = clock_timestamp()
    WHERE NOT EXISTS (
        SELECT 1 FROM pg_stat_activity a
        WHERE a.pid = held.pid AND (a.backend_start = held.backend_start OR a.backend_start IS NULL)
          AND a.pid <> pg_backend_pid())
RETURNING pid;

-- name: read_lease
SELECT pid, command, taken_at FROM outgrow.lease;

-- name: release_lease
DELETE FROM outgrow.lease WHERE pid = pg_backend_pid();

-- name: is_run
SELECT run = %(run)s::uuid FROM outgrow.migration;

-- name: plan_chunk
INSERT INTO outgrow.chunk (table_name, ordinal, upper_bound)
SELECT %(table)s, %(ordinal)s, %(upper)s FROM outgrow.migration WHERE run = %(run)s::uuid RETURNING ordinal;

-- name: claim_chunk
-- Reading the migration keeps it from being dropped until the chunk is committed.
UPDATE outgrow.chunk SET done = true FROM outgrow.migration m
WHERE table_name = %(table)s AND ordinal = %(ordinal)s AND NOT done AND m.run = %(run)s::uuid
RETURNING ordinal;

-- name: finish_chunk
UPDATE outgrow.chunk SET rows = %(rows)s, quarantined = %(quarantined)s, bytes = %(bytes)s
WHERE table_name = %(table)s AND ordinal = %(ordinal)s;

-- name: read_chunks
SELECT table_name, ordinal, upper_bound, done, rows, quarantined FROM outgrow.chunk ORDER BY table_name, ordinal;

-- name: add_quarantined
INSERT INTO outgrow.quarantine (table_name, key, row, column_name, reason)
VALUES (%(table)s, %(key)s, %(row)s, %(column)s, %(reason)s);

-- name: read_quarantined
SELECT row FROM outgrow.quarantine WHERE table_name = %(table)s AND md5(key) = md5(%(key)s) AND key = %(key)s;

-- name: list_quarantined_keys
SELECT DISTINCT key FROM outgrow.quarantine WHERE table_name = %(table)s ORDER BY key;

-- name: count_quarantined
SELECT table_name, count(*) FROM outgrow.quarantine GROUP BY table_name ORDER BY table_name;

-- name: list_quarantined
SELECT table_name, key, column_name, reason FROM outgrow.quarantine ORDER BY id LIMIT %(limit)s;

-- name: read_quarantine
SELECT found_at, json_build_object('table', table_name, 'key', key, 'column', column_name, 'reason', reason, 'row', row)
FROM outgrow.quarantine ORDER BY id;

-- name: sample_quarantine
-- The number of rows of each table, column and reason, and the first few of them. What outgrow's own reasons have in brackets
-- at their end is about that row alone.
WITH kept AS (
    SELECT id, table_name, column_name,
           CASE WHEN reason LIKE 'PostgreSQL: %%' THEN reason ELSE regexp_replace(reason, ' \([^()]*\)$', '') END AS kind
    FROM outgrow.quarantine
), counted AS (
    SELECT *, count(*) OVER alike AS number, row_number() OVER (alike ORDER BY id) AS place
    FROM kept WINDOW alike AS (PARTITION BY table_name, column_name, kind)
)
SELECT c.table_name, c.column_name, c.kind, c.number, q.key, btrim(substr(q.reason, length(c.kind) + 1), ' ()'),
       q.row -> q.column_name ->> 'class', left(q.row -> q.column_name ->> 'value', %(characters)s)
FROM counted c JOIN outgrow.quarantine q USING (id)
WHERE c.place <= %(most)s
ORDER BY c.number DESC, c.table_name, c.column_name, c.kind, c.id;

-- name: claim_step
INSERT INTO outgrow.step (name, seconds)
SELECT %(name)s, 0 FROM outgrow.migration WHERE run = %(run)s::uuid ON CONFLICT DO NOTHING RETURNING name;

-- name: finish_step
UPDATE outgrow.step SET seconds = %(seconds)s, note = %(note)s, done_at = clock_timestamp() WHERE name = %(name)s;

-- name: read_steps
SELECT name, note FROM outgrow.step;

-- name: add_event
INSERT INTO outgrow.event (kind, detail) VALUES (%(kind)s, %(detail)s);

-- name: read_events
SELECT at, kind, detail FROM outgrow.event ORDER BY id;
