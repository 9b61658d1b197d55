package postgres

import (
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/core/job"
	"penstock/internal/store"
)

// outboxRetention is how long state changes wait for sinks that are slow.
const outboxRetention = 24 * time.Hour

// purgeLock is the key of the advisory lock of who removes what is past its
// time: one node at a time.
const purgeLock = 0x50454e53_00000002

// Purge implements store.Purger. It runs alone, as it may touch much.
func (t *txn) Purge(now time.Time, limit int) (more bool, err error) {
	if t.call != nil {
		return false, t.setAside()
	}
	var mine bool
	err = t.query(`SELECT pg_try_advisory_xact_lock($1)`, func(r pgx.Rows) error { return r.Scan(&mine) }, int64(purgeLock))
	if err != nil || !mine {
		return false, err
	}
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

// purgeJobs removes jobs that ended long ago.
func (t *txn) purgeJobs(now time.Time, limit int) (int, error) {
	return t.affected(`DELETE FROM job WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM job WHERE ended_at <> 0 AND ended_at < $1 ORDER BY ended_at LIMIT $2))`,
		millis(now.Add(-job.Retention)), limit)
}

// purgeOutbox removes the oldest rows, but never the newest one that has a
// number. Rows that nobody ever looked for have none.
func (t *txn) purgeOutbox(now time.Time, limit int) (int, error) {
	before := millis(now.Add(-outboxRetention))
	n, err := t.affected(`DELETE FROM outbox WHERE ctid = ANY (ARRAY(SELECT ctid FROM outbox ORDER BY seq LIMIT $2)) AND at < $1
		AND number IS DISTINCT FROM (SELECT number FROM outbox WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1)`, before, limit)
	if err != nil {
		return 0, err
	}
	_, err = t.affected(`DELETE FROM former_pipeline WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM former_pipeline WHERE removed < $1 ORDER BY removed LIMIT $2))`, before, limit)
	return n, err
}

// history removes rows of one pipeline, some at a time.
var history = []string{
	`DELETE FROM action_execution WHERE ctid = ANY (ARRAY(SELECT ctid FROM action_execution WHERE pipeline_id = $1 LIMIT $2))`,
	`DELETE FROM rule_execution WHERE ctid = ANY (ARRAY(SELECT ctid FROM rule_execution WHERE pipeline_id = $1 LIMIT $2))`,
	`DELETE FROM execution WHERE ctid = ANY (ARRAY(SELECT ctid FROM execution WHERE pipeline_id = $1 LIMIT $2))`,
	`DELETE FROM pipeline_version WHERE ctid = ANY (ARRAY(SELECT ctid FROM pipeline_version WHERE pipeline_id = $1 LIMIT $2))`,
	`DELETE FROM action_latest WHERE ctid = ANY (ARRAY(SELECT ctid FROM action_latest WHERE pipeline_id = $1 LIMIT $2))`,
	`DELETE FROM stage_passed WHERE ctid = ANY (ARRAY(SELECT ctid FROM stage_passed WHERE pipeline_id = $1 LIMIT $2))`,
	`DELETE FROM revision WHERE ctid = ANY (ARRAY(SELECT ctid FROM revision WHERE pipeline_id = $1 LIMIT $2))`,
	`DELETE FROM start_token WHERE ctid = ANY (ARRAY(SELECT ctid FROM start_token WHERE pipeline_id = $1 LIMIT $2))`,
	`DELETE FROM polling_stopped WHERE ctid = ANY (ARRAY(SELECT ctid FROM polling_stopped WHERE pipeline_id = $1 LIMIT $2))`,
}

// purgePipelines removes the history of deleted pipelines, then themselves.
func (t *txn) purgePipelines(_ time.Time, limit int) (int, error) {
	left := limit
	for left > 0 {
		var id int64
		err := t.one(`SELECT id FROM pipeline WHERE deleted ORDER BY id LIMIT 1`, func(r pgx.Rows) error { return r.Scan(&id) })
		if errors.Is(err, store.ErrNotFound) {
			return limit - left, nil
		}
		if err != nil {
			return 0, err
		}
		for _, sql := range history {
			if left <= 0 {
				return limit, nil
			}
			n, err := t.affected(sql, id, left)
			if err != nil {
				return 0, err
			}
			left -= n
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
