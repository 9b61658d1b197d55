-- Long-term access keys beside the root key. secret is sealed.
CREATE TABLE access_key (
    id                TEXT PRIMARY KEY,
    secret            TEXT NOT NULL,
    account           TEXT NOT NULL,
    user_name         TEXT NOT NULL,
    service_principal TEXT NOT NULL,
    created           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX access_key_account ON access_key (account, created, id);
