package sqlite

import (
	"time"

	"penstock/internal/core/job"
)

// outboxRetention is how long state changes wait for sinks that are slow.
const outboxRetention = 24 * time.Hour

// Purge implements store.Purger.
func (t *txn) Purge(now time.Time, limit int) (more bool, err error) {
	left := limit
	for _, step := range []func(time.Time, int) (int, error){t.purgeJobs, t.purgeOutbox, t.purgePipelines, t.purgeDeliveries, t.purgeConnectionDeliveries} {
		if left <= 0 {
			break
		}
		n, err := step(now, left)
		if err != nil {
			return false, err
		}
		left -= n
	}
	return left <= 0, nil
}

// purgeJobs looks at the next jobs, oldest first, and removes those that ended
// long ago. It returns how many it looked at; a round ends at the first that
// is too young. How far it came is kept when the call is durable: one that is
// undone has looked at nothing.
func (t *txn) purgeJobs(now time.Time, limit int) (int, error) {
	before := millis(now.Add(-job.Retention))
	rows := t.tx.Query(`SELECT seq, queued_at, ended_at FROM job WHERE seq > ? ORDER BY seq LIMIT ?`, t.d.purgeCursor, limit)
	var old []int64
	seen, over, cursor := 0, false, t.d.purgeCursor
	for rows.Next() {
		if over = rows.Int64(1) >= before; over {
			break
		}
		seen++
		cursor = rows.Int64(0)
		if ended := rows.Int64(2); ended != 0 && ended < before {
			old = append(old, rows.Int64(0))
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return 0, err
	}
	if over || seen < limit {
		cursor = 0
	}
	t.purged = &cursor
	t.atCommit()
	for _, seq := range old {
		if err := t.tx.Exec(`DELETE FROM job WHERE seq = ?`, seq); err != nil {
			return 0, err
		}
	}
	return seen, nil
}

// purgeOutbox removes the oldest rows, but never the newest one.
func (t *txn) purgeOutbox(now time.Time, limit int) (int, error) {
	before := millis(now.Add(-outboxRetention))
	rows := t.tx.Query(`SELECT seq, at FROM outbox WHERE seq > 0 ORDER BY seq LIMIT ?`, limit)
	last := int64(0)
	for rows.Next() && rows.Int64(1) < before {
		last = rows.Int64(0)
	}
	rows.Close()
	if err := rows.Err(); err != nil || last == 0 {
		return 0, err
	}
	if err := t.tx.Exec(`DELETE FROM outbox WHERE seq <= ? AND seq < (SELECT max(seq) FROM outbox)`, last); err != nil {
		return 0, err
	}
	n := int(t.tx.Changes())
	err := t.tx.Exec(`DELETE FROM former_pipeline WHERE id IN (SELECT id FROM former_pipeline WHERE removed < ? LIMIT ?)`, before, limit)
	return n, err
}

// history removes rows of one pipeline, some at a time.
var history = []string{
	`DELETE FROM action_execution WHERE seq IN (SELECT seq FROM action_execution WHERE pipeline_id = ? LIMIT ?)`,
	`DELETE FROM rule_execution WHERE seq IN (SELECT seq FROM rule_execution WHERE pipeline_id = ? LIMIT ?)`,
	`DELETE FROM execution WHERE seq IN (SELECT seq FROM execution WHERE pipeline_id = ? LIMIT ?)`,
	`DELETE FROM pipeline_version WHERE rowid IN (SELECT rowid FROM pipeline_version WHERE pipeline_id = ? LIMIT ?)`,
	`DELETE FROM action_latest WHERE (pipeline_id, stage, action) IN
		(SELECT pipeline_id, stage, action FROM action_latest WHERE pipeline_id = ? LIMIT ?)`,
	`DELETE FROM stage_passed WHERE (pipeline_id, stage, version, execution) IN
		(SELECT pipeline_id, stage, version, execution FROM stage_passed WHERE pipeline_id = ? LIMIT ?)`,
	`DELETE FROM revision WHERE (pipeline_id, action, revision, change) IN
		(SELECT pipeline_id, action, revision, change FROM revision WHERE pipeline_id = ? LIMIT ?)`,
	`DELETE FROM start_token WHERE (pipeline_id, token) IN
		(SELECT pipeline_id, token FROM start_token WHERE pipeline_id = ? LIMIT ?)`,
}

// purgePipelines removes the history of deleted pipelines, then themselves.
func (t *txn) purgePipelines(_ time.Time, limit int) (int, error) {
	left := limit
	for left > 0 {
		r, ok := t.tx.QueryRow(`SELECT id FROM pipeline INDEXED BY pipeline_deleted WHERE deleted = 1 LIMIT 1`)
		if !ok {
			return limit - left, r.Err()
		}
		id := r.Int64(0)
		for _, sql := range history {
			if left <= 0 {
				return limit, nil
			}
			if err := t.tx.Exec(sql, id, left); err != nil {
				return 0, err
			}
			left -= int(t.tx.Changes())
		}
		if left <= 0 {
			return limit, nil
		}
		if err := t.bury(id); err != nil {
			return 0, err
		}
		left--
	}
	return limit - left, nil
}
