package sqlite

import (
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// OldExecutions implements store.RetentionReader.
func (v *reader) OldExecutions(t time.Time, above string, limit int) ([]store.OldExecution, error) {
	rows := v.tx.Query(`SELECT pipeline_id, doc FROM execution WHERE id > ? AND id < ? ORDER BY id LIMIT ?`, above, store.IDBefore(t), limit)
	defer rows.Close()
	var list []store.OldExecution
	for rows.Next() {
		e, err := store.DecodeExecution(rows.RawBytes(1))
		if err != nil {
			return nil, err
		}
		list = append(list, store.OldExecution{PipelineID: rows.Int64(0), Execution: e})
	}
	return list, rows.Err()
}

// RemoveExecution implements store.RetentionWriter.
func (t *txn) RemoveExecution(pipelineID int64, e *engine.Execution) (bool, error) {
	pinned, err := store.Pinned(t, pipelineID)
	if err != nil || pinned[e.ID] {
		return false, err
	}
	for _, run := range e.Runs {
		err := t.tx.Exec(`DELETE FROM stage_passed WHERE pipeline_id = ? AND stage = ? AND version = ? AND execution = ?`, pipelineID, run.Stage, e.Version, e.ID)
		if err != nil {
			return false, err
		}
	}
	for _, sql := range []string{
		`DELETE FROM action_execution WHERE execution = ?`,
		`DELETE FROM rule_execution WHERE execution = ?`,
		`DELETE FROM start_token WHERE execution = ?`,
		`DELETE FROM revision WHERE execution = ?`,
	} {
		if err := t.tx.Exec(sql, e.ID); err != nil {
			return false, err
		}
	}
	err = t.tx.Exec(`DELETE FROM execution WHERE pipeline_id = ? AND id = ?`, pipelineID, e.ID)
	return err == nil && t.tx.Changes() > 0, err
}

// PurgeAudit implements store.RetentionWriter.
func (t *txn) PurgeAudit(before time.Time, limit int) (bool, error) {
	n, err := t.purgeAudit(before, limit)
	return n >= limit, err
}

// Sizes implements store.RetentionReader.
func (v *reader) Sizes() (sizes []store.Size, bytes int64, err error) {
	for _, q := range []struct{ kind, sql string }{
		{"executions", `SELECT count(*) AS counted, (SELECT min(id) FROM execution), (SELECT max(id) FROM execution) FROM execution`},
		{"action executions", `SELECT count(*) AS counted, '', '' FROM action_execution`},
		{"rule executions", `SELECT count(*) AS counted, '', '' FROM rule_execution`},
		{"jobs", `SELECT count(*) AS counted, (SELECT min(id) FROM job), (SELECT max(id) FROM job) FROM job`},
	} {
		r, ok := v.tx.QueryRow(q.sql)
		if !ok {
			return nil, 0, r.Err()
		}
		sizes = append(sizes, store.Size{Kind: q.kind, Rows: r.Int64(0), Oldest: store.IDTime(r.Text(1)), Newest: store.IDTime(r.Text(2))})
	}
	for _, q := range []struct{ kind, sql string }{
		{"events", `SELECT count(*) AS counted, (SELECT at FROM outbox ORDER BY seq LIMIT 1), (SELECT at FROM outbox ORDER BY seq DESC LIMIT 1) FROM outbox`},
		{"audit records", `SELECT count(*) AS counted, (SELECT at FROM audit ORDER BY seq LIMIT 1), (SELECT at FROM audit ORDER BY seq DESC LIMIT 1) FROM audit`},
	} {
		r, ok := v.tx.QueryRow(q.sql)
		if !ok {
			return nil, 0, r.Err()
		}
		sizes = append(sizes, store.Size{Kind: q.kind, Rows: r.Int64(0), Oldest: fromMillis(r.Int64(1)), Newest: fromMillis(r.Int64(2))})
	}
	r, ok := v.tx.QueryRow(`SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)`)
	if !ok {
		return nil, 0, r.Err()
	}
	return sizes, r.Int64(0), nil
}
