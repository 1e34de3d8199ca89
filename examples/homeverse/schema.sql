-- HomeVerse: the whole database, in the order in which it came to be.
--
-- The application speaks raw sqlite3 and never sets PRAGMA foreign_keys, so the foreign keys below
-- document an intention: SQLite neither checks them nor cascades.

-- 2019-03 ------------------------------------------------------------------ first release

CREATE TABLE IF NOT EXISTS companies (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    plan TEXT NOT NULL DEFAULT 'trial'
        CHECK (plan IN ('trial', 'basic', 'professional', 'enterprise')),
    country CHAR(2),
    settings JSON DEFAULT '{}',
    monthly_fee DECIMAL(10,2),
    is_active BOOLEAN NOT NULL DEFAULT 1,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id INTEGER NOT NULL,
    email TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    full_name TEXT,
    role TEXT NOT NULL DEFAULT 'agent'
        CHECK (role IN ('admin', 'manager', 'agent', 'investor', 'viewer', 'applicant')),
    is_active BOOLEAN DEFAULT 1,
    last_login DATETIME,
    preferences TEXT DEFAULT '{}',
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (email COLLATE NOCASE),
    FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS applicants (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id INTEGER NOT NULL,
    first_name TEXT,
    last_name TEXT,
    email TEXT,
    phone VARCHAR(20),
    date_of_birth DATE,
    household_size INTEGER CHECK (household_size IS NULL OR household_size > 0),
    annual_income REAL,
    credit_score INTEGER,
    is_first_time_buyer BOOLEAN,
    preferences JSON,
    status TEXT NOT NULL DEFAULT 'new'
        CHECK (status IN ('new', 'screening', 'approved', 'rejected', 'housed', 'withdrawn')),
    notes TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (company_id, email),
    FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    location TEXT DEFAULT '',
    property_type TEXT CHECK (property_type IN ('apartment', 'house', 'townhouse', 'studio', 'co-living')),
    price DECIMAL(12,2),
    rooms INTEGER,
    area_sqm REAL,
    latitude REAL,
    longitude REAL,
    amenities JSON,
    status TEXT NOT NULL DEFAULT 'draft'
        CHECK (status IN ('draft', 'published', 'reserved', 'sold', 'archived')),
    is_featured BOOLEAN DEFAULT 0,
    available_from DATE,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS matches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id INTEGER NOT NULL REFERENCES companies(id) ON DELETE CASCADE,
    applicant_id INTEGER NOT NULL REFERENCES applicants(id) ON DELETE CASCADE,
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    score REAL CHECK (score IS NULL OR (score >= 0 AND score <= 1)),
    breakdown JSON,
    status TEXT NOT NULL DEFAULT 'suggested'
        CHECK (status IN ('suggested', 'contacted', 'viewing', 'accepted', 'declined')),
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (applicant_id, project_id)
);

-- `timestamp` is filled by two generations of code: the default (with a space), and since 2021 the
-- request middleware, which binds datetime.utcnow().isoformat() (with a T and microseconds).
CREATE TABLE IF NOT EXISTS activities (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id INTEGER,
    user_id INTEGER,
    type TEXT NOT NULL,
    entity_type TEXT,
    entity_id INTEGER,
    description TEXT,
    metadata JSON,
    ip_address TEXT,
    timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE,
    FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE SET NULL
);

CREATE INDEX IF NOT EXISTS idx_applicants_company_status ON applicants(company_id, status);
CREATE INDEX IF NOT EXISTS idx_projects_company ON projects(company_id);
CREATE INDEX IF NOT EXISTS idx_matches_project_score ON matches(project_id, score DESC);
CREATE INDEX IF NOT EXISTS idx_activities_company_time ON activities(company_id, timestamp);

-- 2020-01 ------------------------------------------------------------------ web site, reports

create table if not exists contact_submissions (
    id integer primary key autoincrement,
    name text not null,
    email text,
    phone text,
    subject text default '',
    message text,
    "userAgent" text,
    is_spam boolean default 0,
    handled_by integer references users on delete set null,
    created_at datetime default current_timestamp
);

CREATE TABLE IF NOT EXISTS report_runs (
    id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
    company_id INTEGER NOT NULL REFERENCES companies(id) ON DELETE CASCADE,
    requested_by INTEGER REFERENCES users(id) ON DELETE SET NULL,
    report_type TEXT NOT NULL,
    parameters JSON DEFAULT '{}',
    status TEXT NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'done', 'failed')),
    row_count INTEGER,
    summary JSON,
    error TEXT,
    started_at TIMESTAMP,
    finished_at TIMESTAMP
);

-- 2021-02 ------------------------------------------------------------------ investors

CREATE TABLE IF NOT EXISTS investments (
    id TEXT PRIMARY KEY,                       -- uuid4, made by the application
    company_id INTEGER NOT NULL,
    project_id INTEGER,
    investor_id INTEGER,
    amount DECIMAL(14,2) NOT NULL,
    currency CHAR(3) NOT NULL DEFAULT 'EUR',
    share_percent REAL,
    status TEXT DEFAULT 'pending' CHECK (status IN ('pending', 'active', 'exited', 'cancelled')),
    is_reinvested BOOLEAN DEFAULT FALSE,
    invested_at DATETIME DEFAULT (datetime('now')),
    FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE,
    FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE SET NULL,
    FOREIGN KEY (investor_id) REFERENCES users(id) ON DELETE SET NULL
);

CREATE TABLE IF NOT EXISTS investment_valuations (
    investment_id TEXT NOT NULL REFERENCES investments(id) ON DELETE CASCADE,
    valued_on DATE NOT NULL,
    value DECIMAL(14,2) NOT NULL,
    method TEXT DEFAULT 'index' CHECK (method IN ('index', 'appraisal', 'sale', 'manual')),
    note TEXT,
    PRIMARY KEY (investment_id, valued_on)
) WITHOUT ROWID;

-- 2021-09 ------------------------------------------------------------------ notifications

CREATE TABLE IF NOT EXISTS notifications (
    id INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    type TEXT NOT NULL DEFAULT 'info' CHECK (type IN ('info', 'match', 'report', 'warning')),
    title TEXT NOT NULL,
    body TEXT,
    payload TEXT,
    is_read BOOLEAN NOT NULL DEFAULT 0,
    read_at TIMESTAMP,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX IF NOT EXISTS idx_notifications_unread ON notifications(user_id, created_at) WHERE is_read = 0;
CREATE INDEX IF NOT EXISTS idx_applicants_name ON applicants(lower(last_name), lower(first_name));
-- both formats of `timestamp` begin with the day
CREATE INDEX IF NOT EXISTS idx_activities_day ON activities(substr(timestamp, 1, 10));
-- an applicant moves into one home
CREATE UNIQUE INDEX IF NOT EXISTS idx_matches_one_accepted ON matches(applicant_id) WHERE status = 'accepted';

-- 2022-04 ------------------------------------------------------------------ columns that came later

ALTER TABLE companies ADD COLUMN parent_company_id INTEGER REFERENCES companies(id) ON DELETE SET NULL;
ALTER TABLE companies ADD COLUMN owner_user_id INTEGER REFERENCES users(id) ON DELETE SET NULL;
ALTER TABLE matches ADD COLUMN decided_by INTEGER REFERENCES users(id) ON DELETE SET NULL;
ALTER TABLE applicants ADD COLUMN import_line TEXT;      -- the line of the CSV file it came from, for support
ALTER TABLE projects ADD COLUMN "order" INTEGER DEFAULT 0;

CREATE TRIGGER IF NOT EXISTS trg_projects_updated_at
AFTER UPDATE ON projects
FOR EACH ROW
WHEN NEW.updated_at IS OLD.updated_at
BEGIN
    UPDATE projects SET updated_at = CURRENT_TIMESTAMP WHERE id = NEW.id;
END;

-- 2023-05 ------------------------------------------------------------------ semantic matching

CREATE TABLE IF NOT EXISTS applicant_embeddings (
    applicant_id INTEGER NOT NULL,
    model VARCHAR(80) NOT NULL,
    embedding BLOB NOT NULL,                   -- float32, little-endian
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (applicant_id, model),
    FOREIGN KEY (applicant_id) REFERENCES applicants(id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS project_embeddings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    model VARCHAR(80) NOT NULL,
    embedding BLOB NOT NULL,                   -- float32, little-endian
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (project_id, model),
    FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE
);

-- 2024-02 ------------------------------------------------------------------ dashboard

CREATE VIEW IF NOT EXISTS project_overview AS
SELECT p.id, p.company_id, p.name, p.status, p.price,
       COUNT(m.id) AS match_count,
       ROUND(AVG(m.score), 3) AS average_score,
       SUM(m.status = 'accepted') AS accepted_count
  FROM projects p
  LEFT JOIN matches m ON m.project_id = p.id
 GROUP BY p.id;

CREATE VIEW IF NOT EXISTS monthly_activity AS
SELECT company_id,
       strftime('%Y-%m', timestamp) AS month,
       type,
       COUNT(*) AS activity_count,
       COUNT(DISTINCT user_id) AS user_count
  FROM activities
 WHERE user_id IS NOT NULL
 GROUP BY company_id, month, type;
