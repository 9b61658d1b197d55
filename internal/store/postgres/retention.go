package postgres

import (
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// OldExecutions implements store.RetentionReader.
func (v *reader) OldExecutions(t time.Time, above string, limit int) (list []store.OldExecution, err error) {
	err = v.query(`SELECT pipeline_id, doc FROM execution WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3`, func(r pgx.Rows) error {
		var id int64
		var doc []byte
		if err := r.Scan(&id, &doc); err != nil {
			return err
		}
		e, err := store.DecodeExecution(doc)
		list = append(list, store.OldExecution{PipelineID: id, Execution: e})
		return err
	}, above, store.IDBefore(t), limit)
	return list, err
}

// RemoveExecution implements store.RetentionWriter. It runs alone, as it locks
// pipelines that others work on.
func (t *txn) RemoveExecution(pipelineID int64, e *engine.Execution) (bool, error) {
	if t.call != nil {
		return false, t.setAside()
	}
	if _, err := t.holdAlive(pipelineID); err != nil {
		return false, err
	}
	pinned, err := store.Pinned(t, pipelineID)
	if err != nil || pinned[e.ID] {
		return false, err
	}
	for _, run := range e.Runs {
		err := t.write(`DELETE FROM stage_passed WHERE pipeline_id = $1 AND stage = $2 AND version = $3 AND execution = $4`, pipelineID, run.Stage, e.Version, e.ID)
		if err != nil {
			return false, err
		}
	}
	for _, sql := range []string{
		`DELETE FROM action_execution WHERE execution = $1`,
		`DELETE FROM rule_execution WHERE execution = $1`,
		`DELETE FROM start_token WHERE execution = $1`,
		`DELETE FROM revision WHERE execution = $1`,
	} {
		if err := t.write(sql, e.ID); err != nil {
			return false, err
		}
	}
	n, err := t.affected(`DELETE FROM execution WHERE pipeline_id = $1 AND id = $2`, pipelineID, e.ID)
	return n > 0, err
}

// PurgeAudit implements store.RetentionWriter.
func (t *txn) PurgeAudit(before time.Time, limit int) (bool, error) {
	n, err := t.purgeAudit(before, limit)
	return n >= limit, err
}

// Sizes implements store.RetentionReader.
func (v *reader) Sizes() (sizes []store.Size, bytes int64, err error) {
	for _, q := range []struct{ kind, sql string }{
		{"executions", `SELECT count(*) AS counted, coalesce(min(id), ''), coalesce(max(id), '') FROM execution`},
		{"action executions", `SELECT count(*) AS counted, '', '' FROM action_execution`},
		{"rule executions", `SELECT count(*) AS counted, '', '' FROM rule_execution`},
		{"jobs", `SELECT count(*) AS counted, coalesce(min(id), ''), coalesce(max(id), '') FROM job`},
	} {
		s := store.Size{Kind: q.kind}
		var oldest, newest string
		if err := v.one(q.sql, func(r pgx.Rows) error { return r.Scan(&s.Rows, &oldest, &newest) }); err != nil {
			return nil, 0, err
		}
		s.Oldest, s.Newest = store.IDTime(oldest), store.IDTime(newest)
		sizes = append(sizes, s)
	}
	for _, q := range []struct{ kind, sql string }{
		{"events", `SELECT count(*) AS counted, coalesce(min(at), 0), coalesce(max(at), 0) FROM outbox`},
		{"audit records", `SELECT count(*) AS counted, coalesce(min(at), 0), coalesce(max(at), 0) FROM audit`},
	} {
		s := store.Size{Kind: q.kind}
		var oldest, newest int64
		if err := v.one(q.sql, func(r pgx.Rows) error { return r.Scan(&s.Rows, &oldest, &newest) }); err != nil {
			return nil, 0, err
		}
		s.Oldest, s.Newest = fromMillis(oldest), fromMillis(newest)
		sizes = append(sizes, s)
	}
	bytes, err = v.number(`SELECT pg_database_size(current_database())`)
	return sizes, bytes, err
}
