package sqlite

import (
	"penstock/internal/core/engine"
	"penstock/internal/sqlite"
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
	r, ok := v.tx.QueryRow(`SELECT e.doc FROM execution e JOIN pipeline p ON p.id = e.pipeline_id
		WHERE e.pipeline_id = ? AND e.id = ? AND p.deleted = 0`, pipelineID, id)
	if !ok {
		return nil, missing(r)
	}
	return store.DecodeExecution(r.RawBytes(0))
}

func (v *reader) Executions(pipelineID int64, below string, limit int) ([]*engine.Execution, error) {
	return scanExecutions(v.tx.Query(`SELECT e.doc FROM pipeline p JOIN execution e ON e.pipeline_id = p.id
		WHERE p.id = ? AND p.deleted = 0 AND e.id < ? ORDER BY e.id DESC LIMIT ?`, pipelineID, start(below), limit))
}

func (v *reader) ExecutionsPassed(pipelineID int64, stage string, version int, below string, limit int) ([]*engine.Execution, error) {
	return scanExecutions(v.tx.Query(`SELECT e.doc FROM pipeline p
		CROSS JOIN stage_passed s ON s.pipeline_id = p.id
		CROSS JOIN execution e ON e.pipeline_id = s.pipeline_id AND e.id = s.execution
		WHERE p.id = ? AND p.deleted = 0 AND s.stage = ? AND s.version = ? AND s.execution < ?
		ORDER BY s.execution DESC LIMIT ?`, pipelineID, stage, version, start(below), limit))
}

func scanExecutions(rows *sqlite.Rows) ([]*engine.Execution, error) {
	defer rows.Close()
	var list []*engine.Execution
	for rows.Next() {
		e, err := store.DecodeExecution(rows.RawBytes(0))
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

func (v *reader) StartedBy(pipelineID int64, token string) (string, error) {
	r, ok := v.tx.QueryRow(`SELECT s.execution FROM start_token s JOIN pipeline p ON p.id = s.pipeline_id
		WHERE s.pipeline_id = ? AND s.token = ? AND p.deleted = 0`, pipelineID, token)
	if !ok {
		return "", missing(r)
	}
	return r.Text(0), nil
}

func (t *txn) PutStartToken(pipelineID int64, token, execution string) error {
	return t.tx.Exec(`INSERT INTO start_token (pipeline_id, token, execution) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET execution = excluded.execution`, pipelineID, token, execution)
}

// putExecution writes the document, as a new row when the execution is new to
// the snapshot, and returns its length.
func (t *txn) putExecution(pipelineID int64, e *engine.Execution, fresh bool) (int, error) {
	t.d.buf = store.AppendExecution(t.d.buf[:0], e)
	if fresh {
		return len(t.d.buf), t.tx.Exec(`INSERT INTO execution (pipeline_id, id, version, doc) VALUES (?, ?, ?, ?)`, pipelineID, e.ID, e.Version, t.d.buf)
	}
	return len(t.d.buf), t.tx.Exec(`UPDATE execution SET doc = ? WHERE pipeline_id = ? AND id = ?`, t.d.buf, pipelineID, e.ID)
}

func (t *txn) insertPassed(pipelineID int64, p engine.StagePassed) error {
	return t.tx.Exec(`INSERT INTO stage_passed (pipeline_id, stage, version, execution) VALUES (?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, pipelineID, p.Stage, p.Version, p.Execution)
}
