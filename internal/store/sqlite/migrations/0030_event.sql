-- How far the sinks of events are: the seq of the last outbox row they took.
CREATE TABLE event_sink (
    name TEXT PRIMARY KEY,
    seq  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What deleted pipelines were called, for as long as the outbox may still tell
-- of them.
CREATE TABLE former_pipeline (
    id      INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    name    TEXT NOT NULL,
    removed INTEGER NOT NULL
) STRICT;
CREATE INDEX former_pipeline_removed ON former_pipeline (removed);
