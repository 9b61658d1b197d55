-- Each report of a job writes the document of its execution anew: where the server
-- can do LZ4, that takes a tenth of the time to compress it.
DO $$ BEGIN
    ALTER TABLE execution ALTER COLUMN doc SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN NULL;
END $$;
