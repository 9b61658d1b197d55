-- What the master key is tried on, sealed: one row, made at the first start.
CREATE TABLE master_key (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    canary TEXT NOT NULL
) STRICT;
