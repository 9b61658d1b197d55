-- key is the SHA-256 of the token in the webhook's URL. doc holds the
-- definition, with the secret and the token sealed.
CREATE TABLE webhook (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    account        TEXT NOT NULL,
    region         TEXT NOT NULL,
    name           TEXT NOT NULL,
    key            TEXT NOT NULL UNIQUE,
    last_triggered INTEGER NOT NULL,
    doc            BLOB NOT NULL,
    UNIQUE (account, region, name)
) STRICT;

-- Deliveries that started an execution, for as long as a repeat must not.
CREATE TABLE webhook_delivery (
    webhook_id INTEGER NOT NULL,
    delivery   TEXT NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (webhook_id, delivery)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_delivery_at ON webhook_delivery (at);
