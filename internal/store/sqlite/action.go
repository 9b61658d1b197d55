package sqlite

import (
	"penstock/internal/core/engine"
	"penstock/internal/sqlite"
	"penstock/internal/store"
)

const actionColumns = `a.doc, a.status, a.updated, a.has_outputs, a.result`

func scanAction(r *sqlite.Rows) (engine.ActionRecord, error) {
	rec, err := store.DecodeAction(r.RawBytes(0))
	if err != nil {
		return engine.ActionRecord{}, err
	}
	rec.Status, rec.Updated, rec.HasOutputs = engine.Status(r.Text(1)), fromMillis(r.Int64(2)), r.Bool(3)
	rec.Result, err = store.DecodeResult(r.RawBytes(4))
	return *rec, err
}

func (v *reader) Action(pipelineID int64, id string) (engine.ActionRecord, error) {
	r, ok := v.tx.QueryRow(`SELECT `+actionColumns+` FROM action_execution a JOIN pipeline p ON p.id = a.pipeline_id
		WHERE a.pipeline_id = ? AND a.id = ? AND p.deleted = 0`, pipelineID, id)
	if !ok {
		return engine.ActionRecord{}, missing(r)
	}
	return scanAction(r)
}

func (v *reader) Actions(pipelineID int64, execution, below string, limit int) ([]engine.ActionRecord, error) {
	var rows *sqlite.Rows
	if execution == "" {
		rows = v.tx.Query(`SELECT `+actionColumns+` FROM pipeline p JOIN action_execution a ON a.pipeline_id = p.id
			WHERE p.id = ? AND p.deleted = 0 AND a.id < ? ORDER BY a.id DESC LIMIT ?`, pipelineID, start(below), limit)
	} else {
		rows = v.tx.Query(`SELECT `+actionColumns+` FROM action_execution a INDEXED BY action_of_execution
			JOIN pipeline p ON p.id = a.pipeline_id
			WHERE a.execution = ? AND a.id < ? AND a.pipeline_id = ? AND p.deleted = 0
			ORDER BY a.id DESC LIMIT ?`, execution, start(below), pipelineID, limit)
	}
	defer rows.Close()
	var list []engine.ActionRecord
	for rows.Next() {
		rec, err := scanAction(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, rec)
	}
	return list, rows.Err()
}

func (v *reader) LatestActions(pipelineID int64) (map[store.StageAction]engine.ActionRecord, error) {
	latest := map[store.StageAction]engine.ActionRecord{}
	rows := v.tx.Query(`SELECT `+actionColumns+` FROM pipeline p
		CROSS JOIN action_latest l ON l.pipeline_id = p.id
		CROSS JOIN action_execution a ON a.pipeline_id = l.pipeline_id AND a.id = l.id
		WHERE p.id = ? AND p.deleted = 0`, pipelineID)
	defer rows.Close()
	for rows.Next() {
		rec, err := scanAction(rows)
		if err != nil {
			return nil, err
		}
		latest[store.StageAction{Stage: rec.Stage, Action: rec.Action}] = rec
	}
	return latest, rows.Err()
}

func (t *txn) insertAction(pipelineID int64, rec *engine.ActionRecord) error {
	t.d.buf = store.AppendAction(t.d.buf[:0], rec)
	doc := len(t.d.buf)
	t.d.buf = store.AppendResult(t.d.buf, &rec.Result)
	err := t.tx.Exec(`INSERT INTO action_execution (pipeline_id, id, execution, status, updated, has_outputs, doc, result)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, pipelineID, rec.ID, rec.Execution, string(rec.Status), millis(rec.Updated),
		rec.HasOutputs, t.d.buf[:doc], orNull(t.d.buf[doc:]))
	if err != nil {
		return err
	}
	return t.tx.Exec(`INSERT INTO action_latest (pipeline_id, stage, action, id) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET id = excluded.id`, pipelineID, rec.Stage, rec.Action, rec.ID)
}

// updateAction needs no read when nothing was known of the action's work yet,
// which is the rule.
func (t *txn) updateAction(pipelineID int64, u *engine.ActionUpdated) error {
	update := func(result []byte, merged bool) error {
		return t.tx.Exec(`UPDATE action_execution SET status = ?, updated = ?, has_outputs = ?, result = ?
			WHERE pipeline_id = ? AND id = ? AND (? OR result IS NULL)`,
			string(u.Status), millis(u.At), u.Status == engine.Succeeded, orNull(result), pipelineID, u.ID, merged)
	}
	t.d.buf = store.AppendResult(t.d.buf[:0], &u.Result)
	if err := update(t.d.buf, false); err != nil || t.tx.Changes() > 0 {
		return err
	}
	r, ok := t.tx.QueryRow(`SELECT result FROM action_execution WHERE pipeline_id = ? AND id = ?`, pipelineID, u.ID)
	if !ok {
		return missing(r)
	}
	old, err := store.DecodeResult(r.RawBytes(0))
	if err != nil {
		return err
	}
	merged := old.Merge(u.Result)
	t.d.buf = store.AppendResult(t.d.buf[:0], &merged)
	return update(t.d.buf, true)
}

func orNull(doc []byte) []byte {
	if len(doc) == 0 {
		return nil
	}
	return doc
}
