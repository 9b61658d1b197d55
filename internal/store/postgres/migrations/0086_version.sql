-- Which versions of pipelines can go: those replaced long ago that no execution
-- ran. version 0 is that of an execution from before, which may have run any;
-- made is when a version came into force.
ALTER TABLE execution ADD COLUMN version bigint NOT NULL DEFAULT 0;
CREATE INDEX execution_version ON execution (pipeline_id, version);
ALTER TABLE pipeline_version ADD COLUMN made bigint NOT NULL DEFAULT 0;
UPDATE pipeline_version SET made = (extract(epoch FROM now()) * 1000)::bigint;
