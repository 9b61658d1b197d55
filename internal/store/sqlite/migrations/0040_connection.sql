-- doc holds how the host is reached, with the token and the secret sealed.
CREATE TABLE connection (
    id      TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    name    TEXT NOT NULL,
    created INTEGER NOT NULL,
    doc     BLOB NOT NULL,
    UNIQUE (account, region, name)
) STRICT, WITHOUT ROWID;

-- Deliveries that started executions, for as long as a repeat must not.
CREATE TABLE connection_delivery (
    connection TEXT NOT NULL,
    delivery   TEXT NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (connection, delivery)
) STRICT, WITHOUT ROWID;
CREATE INDEX connection_delivery_at ON connection_delivery (at);

-- Source actions that read a repository. The connection need not exist.
CREATE TABLE git_source (
    pipeline_id INTEGER NOT NULL,
    action      TEXT NOT NULL,
    account     TEXT NOT NULL,
    region      TEXT NOT NULL,
    name        TEXT NOT NULL,
    connection  TEXT NOT NULL,
    repository  TEXT NOT NULL,
    PRIMARY KEY (pipeline_id, action)
) STRICT, WITHOUT ROWID;
CREATE INDEX git_source_repository ON git_source (connection, repository);

-- What a repository that is polled showed last.
CREATE TABLE repository (
    connection TEXT NOT NULL,
    name       TEXT NOT NULL,
    refs       BLOB NOT NULL,
    PRIMARY KEY (connection, name)
) STRICT, WITHOUT ROWID;
