-- Like action_execution, for the rules of stage conditions.
CREATE TABLE rule_execution (
    seq         INTEGER PRIMARY KEY,
    pipeline_id INTEGER NOT NULL,
    id          TEXT NOT NULL,
    execution   TEXT NOT NULL,
    status      TEXT NOT NULL,
    updated     INTEGER NOT NULL,
    doc         BLOB NOT NULL,
    result      BLOB,
    UNIQUE (pipeline_id, id)
) STRICT;
CREATE INDEX rule_of_execution ON rule_execution (execution, id);
