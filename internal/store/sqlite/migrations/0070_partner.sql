-- The token before the last rotation, sealed, and until when it is accepted.
ALTER TABLE client ADD COLUMN previous TEXT NOT NULL DEFAULT '';
ALTER TABLE client ADD COLUMN previous_until INTEGER NOT NULL DEFAULT 0;
CREATE INDEX client_revoked ON client (id) WHERE revoked > 0;

-- The client of a partner's job: clients take turns, and lose their jobs when
-- they are revoked.
ALTER TABLE job ADD COLUMN client TEXT NOT NULL DEFAULT '';
UPDATE job SET client = coalesce(json_extract(CAST(doc AS TEXT), '$.ClientID'), '')
    WHERE ended_at = 0 AND queue LIKE '%|ThirdParty|%';
CREATE INDEX job_of_client ON job (client) WHERE client <> '' AND ended_at = 0;

-- Calls that touched secrets, as JSON. Numbers are never used again.
CREATE TABLE audit (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    at      INTEGER NOT NULL,
    doc     BLOB NOT NULL
) STRICT;
CREATE INDEX audit_account ON audit (account, region);
CREATE INDEX audit_time ON audit (account, region, at);
