-- The index of the embedded object store. A row here is what makes an object
-- exist; the bytes are in files that are named by piece and part rows.

CREATE TABLE bucket (
	id         INTEGER PRIMARY KEY,
	name       TEXT    NOT NULL UNIQUE,
	owner      TEXT    NOT NULL,
	region     TEXT    NOT NULL,
	created    INTEGER NOT NULL, -- Unix milliseconds, as all times here
	versioning TEXT    NOT NULL CHECK (versioning IN ('Enabled', 'Suspended'))
) STRICT;

CREATE TABLE version (
	seq      INTEGER PRIMARY KEY, -- grows with every write: higher is newer
	bucket   INTEGER NOT NULL REFERENCES bucket (id),
	key      BLOB    NOT NULL,    -- compared as bytes
	id       TEXT    NOT NULL,    -- seq and a random tail, or 'null'
	latest   INTEGER NOT NULL CHECK (latest IN (0, 1)),
	marker   INTEGER NOT NULL CHECK (marker IN (0, 1)),
	size     INTEGER NOT NULL,
	etag     TEXT    NOT NULL,    -- without quotes
	modified INTEGER NOT NULL,
	detail   BLOB    NOT NULL     -- JSON: attributes, checksum
) STRICT;

CREATE UNIQUE INDEX version_key ON version (bucket, key, seq DESC);
CREATE UNIQUE INDEX version_live ON version (bucket, key) WHERE latest = 1 AND marker = 0;
CREATE UNIQUE INDEX version_null ON version (bucket, key) WHERE id = 'null';

-- The content of a version is its pieces one after the other; only multipart
-- objects have more than one.
CREATE TABLE piece (
	version INTEGER NOT NULL REFERENCES version (seq),
	n       INTEGER NOT NULL,
	file    TEXT    NOT NULL,
	size    INTEGER NOT NULL,
	PRIMARY KEY (version, n)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX piece_file ON piece (file);

CREATE TABLE upload (
	seq     INTEGER PRIMARY KEY,
	id      TEXT    NOT NULL UNIQUE,
	bucket  INTEGER NOT NULL REFERENCES bucket (id),
	key     BLOB    NOT NULL,
	created INTEGER NOT NULL,
	detail  BLOB    NOT NULL -- JSON: attributes, checksum algorithm and type
) STRICT;

CREATE UNIQUE INDEX upload_key ON upload (bucket, key, seq);

CREATE TABLE part (
	upload   INTEGER NOT NULL REFERENCES upload (seq),
	n        INTEGER NOT NULL,
	size     INTEGER NOT NULL,
	etag     TEXT    NOT NULL,
	modified INTEGER NOT NULL,
	checksum TEXT    NOT NULL, -- base64, '' for none
	file     TEXT    NOT NULL,
	PRIMARY KEY (upload, n)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX part_file ON part (file);

-- Files that nothing refers to any more and that are to be removed.
CREATE TABLE trash (
	seq  INTEGER PRIMARY KEY,
	file TEXT NOT NULL
) STRICT;

-- One row: folders below this number were searched for files without a row.
CREATE TABLE swept (
	only   INTEGER PRIMARY KEY CHECK (only = 1),
	folder INTEGER NOT NULL
) STRICT;

INSERT INTO swept (only, folder) VALUES (1, 0);
