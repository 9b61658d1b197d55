package postgres

import (
	"github.com/jackc/pgx/v5"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

const actionColumns = `a.doc, a.status, a.updated, a.has_outputs, a.result`

func scanAction(r pgx.Rows) (engine.ActionRecord, error) {
	var doc, result []byte
	var status string
	var updated int64
	var outputs bool
	if err := r.Scan(&doc, &status, &updated, &outputs, &result); err != nil {
		return engine.ActionRecord{}, err
	}
	rec, err := store.DecodeAction(doc)
	if err != nil {
		return engine.ActionRecord{}, err
	}
	rec.Status, rec.Updated, rec.HasOutputs = engine.Status(status), fromMillis(updated), outputs
	rec.Result, err = store.DecodeResult(result)
	return *rec, err
}

func (v *reader) Action(pipelineID int64, id string) (rec engine.ActionRecord, err error) {
	err = v.one(`SELECT `+actionColumns+` FROM action_execution a JOIN pipeline p ON p.id = a.pipeline_id
		WHERE a.pipeline_id = $1 AND a.id = $2 AND NOT p.deleted`, func(r pgx.Rows) (err error) {
		rec, err = scanAction(r)
		return err
	}, pipelineID, id)
	return rec, err
}

func (v *reader) Actions(pipelineID int64, execution, below string, limit int) ([]engine.ActionRecord, error) {
	if execution == "" {
		return v.records(scanAction, `SELECT `+actionColumns+` FROM pipeline p JOIN action_execution a ON a.pipeline_id = p.id
			WHERE p.id = $1 AND NOT p.deleted AND a.id < $2 ORDER BY a.id DESC LIMIT $3`, pipelineID, start(below), limit)
	}
	return v.records(scanAction, `SELECT `+actionColumns+` FROM action_execution a JOIN pipeline p ON p.id = a.pipeline_id
		WHERE a.execution = $1 AND a.id < $2 AND a.pipeline_id + 0 = $3 AND NOT p.deleted
		ORDER BY a.id DESC LIMIT $4`, execution, start(below), pipelineID, limit)
}

// records reads action or rule executions.
func (v *reader) records(scan func(pgx.Rows) (engine.ActionRecord, error), sql string, args ...any) ([]engine.ActionRecord, error) {
	var list []engine.ActionRecord
	err := v.query(sql, func(r pgx.Rows) error {
		rec, err := scan(r)
		list = append(list, rec)
		return err
	}, args...)
	return list, err
}

func (v *reader) LatestActions(pipelineID int64) (map[store.StageAction]engine.ActionRecord, error) {
	latest := map[store.StageAction]engine.ActionRecord{}
	err := v.query(`SELECT `+actionColumns+` FROM pipeline p
		JOIN action_latest l ON l.pipeline_id = p.id
		JOIN action_execution a ON a.pipeline_id = l.pipeline_id AND a.id = l.id
		WHERE p.id = $1 AND NOT p.deleted`, func(r pgx.Rows) error {
		rec, err := scanAction(r)
		latest[store.StageAction{Stage: rec.Stage, Action: rec.Action}] = rec
		return err
	}, pipelineID)
	return latest, err
}

func (t *txn) insertAction(pipelineID int64, rec *engine.ActionRecord) error {
	doc, result := store.AppendAction(nil, rec), store.AppendResult(nil, &rec.Result)
	err := t.put(row{"action", pipelineID, rec.ID}, `INSERT INTO action_execution
			(pipeline_id, id, execution, status, updated, has_outputs, doc, result)
		SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::boolean[], $7::bytea[], $8::bytea[])
		LIMIT $9`, pipelineID, rec.ID, rec.Execution, string(rec.Status), millis(rec.Updated),
		rec.HasOutputs, doc, orNull(result))
	if err != nil {
		return err
	}
	return t.put(row{"latest", pipelineID, rec.Stage + "/" + rec.Action}, `INSERT INTO action_latest (pipeline_id, stage, action, id)
		SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) LIMIT $5
		ON CONFLICT (pipeline_id, stage, action) DO UPDATE SET id = excluded.id`, pipelineID, rec.Stage, rec.Action, rec.ID)
}

// updateAction needs no read when nothing was known of the action's work yet,
// which is the rule. If it was, the statement fails by a division by zero, and
// the call is run again alone.
func (t *txn) updateAction(pipelineID int64, u *engine.ActionUpdated) error {
	if t.call != nil && !t.continued {
		return t.put(row{"action", pipelineID, u.ID}, `UPDATE action_execution AS a
			SET status = w.status, updated = w.updated, has_outputs = w.has_outputs,
				result = CASE WHEN a.result IS NULL THEN w.result ELSE substr(w.result, 1 / (length(a.result) - length(a.result))) END
			FROM (SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::boolean[], $6::bytea[]) LIMIT $7)
				AS w (pipeline_id, id, status, updated, has_outputs, result)
			WHERE a.pipeline_id = w.pipeline_id AND a.id = w.id`,
			pipelineID, u.ID, string(u.Status), millis(u.At), u.Status == engine.Succeeded,
			orNull(store.AppendResult(nil, &u.Result)))
	}
	old, err := t.result(`SELECT result FROM action_execution WHERE pipeline_id = $1 AND id = $2`, pipelineID, u.ID)
	if err != nil {
		return err
	}
	merged := old.Merge(u.Result)
	return t.write(`UPDATE action_execution SET status = $1, updated = $2, has_outputs = $3, result = $4
		WHERE pipeline_id = $5 AND id = $6`, string(u.Status), millis(u.At), u.Status == engine.Succeeded,
		orNull(store.AppendResult(nil, &merged)), pipelineID, u.ID)
}

// result reads what is known of the work of an action or a rule.
func (t *txn) result(sql string, pipelineID int64, id string) (engine.Result, error) {
	var doc []byte
	if err := t.one(sql, func(r pgx.Rows) error { return r.Scan(&doc) }, pipelineID, id); err != nil {
		return engine.Result{}, err
	}
	return store.DecodeResult(doc)
}

func orNull(doc []byte) []byte {
	if len(doc) == 0 {
		return nil
	}
	return doc
}
