-- What keeps a polling source from being read; '' = nothing.
ALTER TABLE watch ADD COLUMN problem_code TEXT NOT NULL DEFAULT '';
ALTER TABLE watch ADD COLUMN problem_text TEXT NOT NULL DEFAULT '';
ALTER TABLE watch ADD COLUMN problem_since INTEGER NOT NULL DEFAULT 0;
CREATE INDEX watch_account ON watch (account, region, pipeline_id);

-- Pipelines whose sources are not polled any more, since when.
CREATE TABLE polling_stopped (
    pipeline_id INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL
) STRICT;

-- Rules that start pipelines. due is when the schedule comes next, 0 = never.
-- doc holds the definition and the targets.
CREATE TABLE event_rule (
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    name    TEXT NOT NULL,
    due     INTEGER NOT NULL,
    doc     BLOB NOT NULL,
    PRIMARY KEY (account, region, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_rule_due ON event_rule (due) WHERE due > 0;

-- Grows with each change of a rule, so that what is kept of them in memory can
-- be told to be out of date.
CREATE TABLE event_rule_version (
    id      INTEGER PRIMARY KEY,
    version INTEGER NOT NULL
) STRICT;
INSERT INTO event_rule_version (id, version) VALUES (1, 0);
