-- Executions by their age, and what goes with one.
CREATE INDEX execution_id ON execution (id);
CREATE INDEX start_token_execution ON start_token (execution);
CREATE INDEX revision_execution ON revision (execution);
