-- Long-term access keys beside the root key. secret is sealed.
CREATE TABLE access_key (
    id                text COLLATE "C" PRIMARY KEY,
    secret            text COLLATE "C" NOT NULL,
    account           text COLLATE "C" NOT NULL,
    user_name         text COLLATE "C" NOT NULL,
    service_principal text COLLATE "C" NOT NULL,
    created           bigint NOT NULL
);
CREATE INDEX access_key_account ON access_key (account, created, id);
