-- Transfers keep the sum of `balance`; slots and addresses are swapped. `moves` counts the legs of transfers.
CREATE TABLE account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    balance INTEGER NOT NULL DEFAULT 0,
    moves INTEGER NOT NULL DEFAULT 0,
    slot INTEGER UNIQUE,
    email TEXT UNIQUE COLLATE NOCASE
);
CREATE INDEX account_name ON account (name);

-- Follows its account: when it is deleted, replaced, or gets another id.
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE ON UPDATE CASCADE,
    op TEXT NOT NULL,
    amount INTEGER NOT NULL
);
CREATE INDEX entry_account ON entry (account);

-- Text keys that change.
CREATE TABLE tag (name TEXT PRIMARY KEY, owner INTEGER, place INTEGER, weight INTEGER NOT NULL DEFAULT 0);
CREATE INDEX tag_place ON tag (owner, place);

CREATE TABLE membership (a INTEGER, b TEXT, role TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;

-- No key at all.
CREATE TABLE event (op TEXT, source TEXT, payload TEXT);
CREATE INDEX event_source ON event (source);

-- Every type, and values of any size. Ids are given, changed, and used again.
CREATE TABLE doc (
    id INTEGER PRIMARY KEY,
    name TEXT,
    body TEXT,
    blob BLOB,
    at TIMESTAMP,
    amount DECIMAL(12,2),
    ratio REAL,
    flag BOOLEAN
);
CREATE INDEX doc_name ON doc (name);

-- Hot rows.
CREATE TABLE counter (id INTEGER PRIMARY KEY, n INTEGER NOT NULL);

CREATE TABLE node (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES node (id) ON DELETE CASCADE, label TEXT NOT NULL);
CREATE INDEX node_parent ON node (parent);

-- The size of the database.
CREATE TABLE archive (id INTEGER PRIMARY KEY, label TEXT NOT NULL, note TEXT, amount DECIMAL(12,2), ratio REAL);

-- Every committed operation has its row, written in its transaction.
CREATE TABLE ledger (
    op TEXT PRIMARY KEY, process INTEGER NOT NULL, n INTEGER NOT NULL, kind TEXT NOT NULL, effect TEXT NOT NULL
);

-- What the prober wrote.
CREATE TABLE probe (op TEXT PRIMARY KEY, n INTEGER NOT NULL);
