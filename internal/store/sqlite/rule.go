package sqlite

import (
	"penstock/internal/core/engine"
	"penstock/internal/sqlite"
	"penstock/internal/store"
)

const ruleColumns = `r.doc, r.status, r.updated, r.result`

func scanRule(r *sqlite.Rows) (engine.ActionRecord, error) {
	rec, err := store.DecodeAction(r.RawBytes(0))
	if err != nil {
		return engine.ActionRecord{}, err
	}
	rec.Status, rec.Updated = engine.Status(r.Text(1)), fromMillis(r.Int64(2))
	rec.Result, err = store.DecodeResult(r.RawBytes(3))
	return *rec, err
}

// Rules implements store.RuleReader.
func (v *reader) Rules(pipelineID int64, execution, below string, limit int) ([]engine.ActionRecord, error) {
	var rows *sqlite.Rows
	if execution == "" {
		rows = v.tx.Query(`SELECT `+ruleColumns+` FROM pipeline p JOIN rule_execution r ON r.pipeline_id = p.id
			WHERE p.id = ? AND p.deleted = 0 AND r.id < ? ORDER BY r.id DESC LIMIT ?`, pipelineID, start(below), limit)
	} else {
		rows = v.tx.Query(`SELECT `+ruleColumns+` FROM rule_execution r INDEXED BY rule_of_execution
			JOIN pipeline p ON p.id = r.pipeline_id
			WHERE r.execution = ? AND r.id < ? AND r.pipeline_id = ? AND p.deleted = 0
			ORDER BY r.id DESC LIMIT ?`, execution, start(below), pipelineID, limit)
	}
	defer rows.Close()
	var list []engine.ActionRecord
	for rows.Next() {
		rec, err := scanRule(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, rec)
	}
	return list, rows.Err()
}

func (t *txn) insertRule(pipelineID int64, rec *engine.ActionRecord) error {
	t.d.buf = store.AppendAction(t.d.buf[:0], rec)
	return t.tx.Exec(`INSERT INTO rule_execution (pipeline_id, id, execution, status, updated, doc) VALUES (?, ?, ?, ?, ?, ?)`,
		pipelineID, rec.ID, rec.Execution, string(rec.Status), millis(rec.Updated), t.d.buf)
}

func (t *txn) updateRule(pipelineID int64, u *engine.RuleUpdated) error {
	r, ok := t.tx.QueryRow(`SELECT result FROM rule_execution WHERE pipeline_id = ? AND id = ?`, pipelineID, u.ID)
	if !ok {
		return missing(r)
	}
	old, err := store.DecodeResult(r.RawBytes(0))
	if err != nil {
		return err
	}
	merged := old.Merge(u.Result)
	t.d.buf = store.AppendResult(t.d.buf[:0], &merged)
	return t.tx.Exec(`UPDATE rule_execution SET status = ?, updated = ?, result = ? WHERE pipeline_id = ? AND id = ?`,
		string(u.Status), millis(u.At), orNull(t.d.buf), pipelineID, u.ID)
}
