-- Types of owner AWS and ThirdParty are found by their id, whichever account
-- has registered them. Partner types of before are job workers' of that account.
CREATE INDEX action_type_registered ON action_type (region, category, owner, provider, version, created, account)
    WHERE owner <> 'Custom' AND deleted = 0;
UPDATE action_type SET doc = CAST(json_set(CAST(doc AS TEXT), '$.Executor', json('{"Type":"JobWorker"}')) AS BLOB)
    WHERE owner = 'ThirdParty';
