-- Times are milliseconds since 1970 UTC, 0 = none. Ids are time-ordered UUIDs,
-- so that "newest first" is the order of the key. Documents are JSON. Tables
-- with documents have an integer key: they grow at their end, and only the
-- narrow index on (pipeline_id, id) grows in many places.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Ids of pipelines are never used again.
CREATE TABLE pipeline (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    name    TEXT NOT NULL,
    version INTEGER NOT NULL,
    mode    TEXT NOT NULL,
    type    TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    state   BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX pipeline_name ON pipeline (account, region, name) WHERE deleted = 0;
CREATE INDEX pipeline_deleted ON pipeline (id) WHERE deleted = 1;

CREATE TABLE pipeline_version (
    pipeline_id INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    doc         BLOB NOT NULL,
    UNIQUE (pipeline_id, version)
) STRICT;

CREATE TABLE execution (
    seq         INTEGER PRIMARY KEY,
    pipeline_id INTEGER NOT NULL,
    id          TEXT NOT NULL,
    doc         BLOB NOT NULL,
    UNIQUE (pipeline_id, id)
) STRICT;

CREATE TABLE start_token (
    pipeline_id INTEGER NOT NULL,
    token       TEXT NOT NULL,
    execution   TEXT NOT NULL,
    PRIMARY KEY (pipeline_id, token)
) STRICT, WITHOUT ROWID;

CREATE TABLE stage_passed (
    pipeline_id INTEGER NOT NULL,
    stage       TEXT NOT NULL,
    version     INTEGER NOT NULL,
    execution   TEXT NOT NULL,
    PRIMARY KEY (pipeline_id, stage, version, execution)
) STRICT, WITHOUT ROWID;

-- doc is what the start of the action fixed, result what is known of its work.
CREATE TABLE action_execution (
    seq         INTEGER PRIMARY KEY,
    pipeline_id INTEGER NOT NULL,
    id          TEXT NOT NULL,
    execution   TEXT NOT NULL,
    status      TEXT NOT NULL,
    updated     INTEGER NOT NULL,
    has_outputs INTEGER NOT NULL,
    doc         BLOB NOT NULL,
    result      BLOB,
    UNIQUE (pipeline_id, id)
) STRICT;
CREATE INDEX action_of_execution ON action_execution (execution, id);

CREATE TABLE action_latest (
    pipeline_id INTEGER NOT NULL,
    stage       TEXT NOT NULL,
    action      TEXT NOT NULL,
    id          TEXT NOT NULL,
    PRIMARY KEY (pipeline_id, stage, action)
) STRICT, WITHOUT ROWID;

-- doc never changes. last, floor and acked are the nonces.
CREATE TABLE job (
    seq       INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    queue     TEXT NOT NULL,
    state     TEXT NOT NULL,
    queued_at INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    floor     INTEGER NOT NULL,
    acked     INTEGER NOT NULL,
    acked_at  INTEGER NOT NULL,
    ended_at  INTEGER NOT NULL,
    report    TEXT NOT NULL,
    doc       BLOB NOT NULL
) STRICT;
-- Read at the start of the server only; it holds few rows.
CREATE INDEX job_queued ON job (seq) WHERE state = 'Queued';
CREATE INDEX job_native ON job (seq) WHERE state = 'InProgress' AND queue >= '*|' AND queue < '*}';

CREATE TABLE timer (
    at          INTEGER NOT NULL,
    id          TEXT NOT NULL,
    kind        TEXT NOT NULL,
    execution   TEXT NOT NULL,
    pipeline_id INTEGER NOT NULL,
    PRIMARY KEY (at, id, kind)
) STRICT, WITHOUT ROWID;

-- doc holds the state changes of one decision, in order. The newest row always
-- stays, so that no seq is used twice.
CREATE TABLE outbox (
    seq         INTEGER PRIMARY KEY,
    pipeline_id INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    doc         BLOB NOT NULL
) STRICT;

CREATE TABLE action_type (
    account  TEXT NOT NULL,
    region   TEXT NOT NULL,
    category TEXT NOT NULL,
    owner    TEXT NOT NULL,
    provider TEXT NOT NULL,
    version  TEXT NOT NULL,
    deleted  INTEGER NOT NULL,
    created  INTEGER NOT NULL,
    doc      BLOB NOT NULL,
    PRIMARY KEY (account, region, category, owner, provider, version)
) STRICT, WITHOUT ROWID;

-- token is sealed.
CREATE TABLE client (
    id       TEXT PRIMARY KEY,
    account  TEXT NOT NULL,
    region   TEXT NOT NULL,
    category TEXT NOT NULL,
    owner    TEXT NOT NULL,
    provider TEXT NOT NULL,
    version  TEXT NOT NULL,
    token    TEXT NOT NULL,
    created  INTEGER NOT NULL,
    revoked  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX client_account ON client (account, region, created);

CREATE TABLE tag (
    arn   TEXT NOT NULL,
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (arn, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE watch (
    pipeline_id INTEGER NOT NULL,
    action      TEXT NOT NULL,
    account     TEXT NOT NULL,
    region      TEXT NOT NULL,
    name        TEXT NOT NULL,
    bucket      TEXT NOT NULL,
    object_key  TEXT NOT NULL,
    seen        TEXT NOT NULL,
    PRIMARY KEY (pipeline_id, action)
) STRICT, WITHOUT ROWID;
CREATE INDEX watch_object ON watch (bucket, object_key);
