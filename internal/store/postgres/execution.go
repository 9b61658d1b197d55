package postgres

import (
	"slices"

	"github.com/jackc/pgx/v5"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// newest is above all ids.
const newest = "~"

func start(below string) string {
	if below == "" {
		return newest
	}
	return below
}

func (v *reader) Execution(pipelineID int64, id string) (*engine.Execution, error) {
	var doc []byte
	err := v.one(`SELECT e.doc FROM execution e JOIN pipeline p ON p.id = e.pipeline_id
		WHERE e.pipeline_id = $1 AND e.id = $2 AND NOT p.deleted`, func(r pgx.Rows) error { return r.Scan(&doc) }, pipelineID, id)
	if err != nil {
		return nil, err
	}
	return store.DecodeExecution(doc)
}

func (v *reader) Executions(pipelineID int64, below string, limit int) ([]*engine.Execution, error) {
	return v.executions(`SELECT e.doc FROM pipeline p JOIN execution e ON e.pipeline_id = p.id
		WHERE p.id = $1 AND NOT p.deleted AND e.id < $2 ORDER BY e.id DESC LIMIT $3`, pipelineID, start(below), limit)
}

func (v *reader) ExecutionsPassed(pipelineID int64, stage string, version int, below string, limit int) ([]*engine.Execution, error) {
	return v.executions(`SELECT e.doc FROM pipeline p
		JOIN stage_passed s ON s.pipeline_id = p.id
		JOIN execution e ON e.pipeline_id = s.pipeline_id AND e.id = s.execution
		WHERE p.id = $1 AND NOT p.deleted AND s.stage = $2 AND s.version = $3 AND s.execution < $4
		ORDER BY s.execution DESC LIMIT $5`, pipelineID, stage, version, start(below), limit)
}

func (v *reader) executions(sql string, args ...any) ([]*engine.Execution, error) {
	var list []*engine.Execution
	err := v.query(sql, func(r pgx.Rows) error {
		e, err := scanExecution(r)
		list = append(list, e)
		return err
	}, args...)
	return list, err
}

func scanExecution(r pgx.Rows) (*engine.Execution, error) {
	var doc []byte
	if err := r.Scan(&doc); err != nil {
		return nil, err
	}
	return store.DecodeExecution(doc)
}

func (v *reader) StartedBy(pipelineID int64, token string) (execution string, err error) {
	err = v.one(`SELECT s.execution FROM start_token s JOIN pipeline p ON p.id = s.pipeline_id
		WHERE s.pipeline_id = $1 AND s.token = $2 AND NOT p.deleted`, func(r pgx.Rows) error { return r.Scan(&execution) }, pipelineID, token)
	return execution, err
}

func (t *txn) PutStartToken(pipelineID int64, token, execution string) error {
	return t.write(`INSERT INTO start_token (pipeline_id, token, execution) VALUES ($1, $2, $3)
		ON CONFLICT (pipeline_id, token) DO UPDATE SET execution = excluded.execution`, pipelineID, token, execution)
}

// putExecution writes the document, as a new row when the execution is new to
// the snapshot, and returns its length.
func (t *txn) putExecution(pipelineID int64, e *engine.Execution, alive []string, fresh bool) (int, error) {
	doc := store.AppendExecution(nil, e)
	sql := `UPDATE execution SET doc = w.doc, live = w.live
		FROM (SELECT * FROM unnest($1::bigint[], $2::text[], $3::boolean[], $4::bytea[], $5::bigint[]) LIMIT $6)
			AS w (pipeline_id, id, live, doc, version)
		WHERE execution.pipeline_id = w.pipeline_id AND execution.id = w.id`
	if fresh {
		sql = `INSERT INTO execution (pipeline_id, id, live, doc, version)
			SELECT * FROM unnest($1::bigint[], $2::text[], $3::boolean[], $4::bytea[], $5::bigint[]) LIMIT $6`
	}
	return len(doc), t.put(row{"execution", pipelineID, e.ID}, sql, pipelineID, e.ID, slices.Contains(alive, e.ID), doc, int64(e.Version))
}

func (t *txn) insertPassed(pipelineID int64, p engine.StagePassed) error {
	return t.put(row{}, `INSERT INTO stage_passed (pipeline_id, stage, version, execution)
		SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[]) LIMIT $5 ON CONFLICT DO NOTHING`,
		pipelineID, p.Stage, int64(p.Version), p.Execution)
}
