-- Revisions that PutActionRevision announced.
CREATE TABLE revision (
    pipeline_id INTEGER NOT NULL,
    action      TEXT NOT NULL,
    revision    TEXT NOT NULL,
    change      TEXT NOT NULL,
    execution   TEXT NOT NULL,
    PRIMARY KEY (pipeline_id, action, revision, change)
) STRICT, WITHOUT ROWID;
