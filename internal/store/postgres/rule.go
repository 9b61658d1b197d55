package postgres

import (
	"github.com/jackc/pgx/v5"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

const ruleColumns = `r.doc, r.status, r.updated, r.result`

func scanRule(r pgx.Rows) (engine.ActionRecord, error) {
	var doc, result []byte
	var status string
	var updated int64
	if err := r.Scan(&doc, &status, &updated, &result); err != nil {
		return engine.ActionRecord{}, err
	}
	rec, err := store.DecodeAction(doc)
	if err != nil {
		return engine.ActionRecord{}, err
	}
	rec.Status, rec.Updated = engine.Status(status), fromMillis(updated)
	rec.Result, err = store.DecodeResult(result)
	return *rec, err
}

// Rules implements store.RuleReader.
func (v *reader) Rules(pipelineID int64, execution, below string, limit int) ([]engine.ActionRecord, error) {
	if execution == "" {
		return v.records(scanRule, `SELECT `+ruleColumns+` FROM pipeline p JOIN rule_execution r ON r.pipeline_id = p.id
			WHERE p.id = $1 AND NOT p.deleted AND r.id < $2 ORDER BY r.id DESC LIMIT $3`, pipelineID, start(below), limit)
	}
	return v.records(scanRule, `SELECT `+ruleColumns+` FROM rule_execution r JOIN pipeline p ON p.id = r.pipeline_id
		WHERE r.execution = $1 AND r.id < $2 AND r.pipeline_id + 0 = $3 AND NOT p.deleted
		ORDER BY r.id DESC LIMIT $4`, execution, start(below), pipelineID, limit)
}

func (t *txn) insertRule(pipelineID int64, rec *engine.ActionRecord) error {
	return t.write(`INSERT INTO rule_execution (pipeline_id, id, execution, status, updated, doc) VALUES ($1, $2, $3, $4, $5, $6)`,
		pipelineID, rec.ID, rec.Execution, string(rec.Status), millis(rec.Updated), store.AppendAction(nil, rec))
}

func (t *txn) updateRule(pipelineID int64, u *engine.RuleUpdated) error {
	old, err := t.result(`SELECT result FROM rule_execution WHERE pipeline_id = $1 AND id = $2`, pipelineID, u.ID)
	if err != nil {
		return err
	}
	merged := old.Merge(u.Result)
	return t.write(`UPDATE rule_execution SET status = $1, updated = $2, result = $3 WHERE pipeline_id = $4 AND id = $5`,
		string(u.Status), millis(u.At), orNull(store.AppendResult(nil, &merged)), pipelineID, u.ID)
}
