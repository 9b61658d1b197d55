package postgres

import (
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/store"
)

const watchColumns = `pipeline_id, account, region, name, action, bucket, object_key, seen, problem_code, problem_text, problem_since`

func (v *reader) watches(sql string, args ...any) ([]store.Watch, error) {
	var list []store.Watch
	err := v.query(sql, func(r pgx.Rows) error {
		var w store.Watch
		var since int64
		err := r.Scan(&w.PipelineID, &w.Account, &w.Region, &w.Name, &w.Action, &w.Bucket, &w.Key, &w.Seen,
			&w.Problem.Code, &w.Problem.Message, &since)
		w.Problem.Since = fromMillis(since)
		list = append(list, w)
		return err
	}, args...)
	return list, err
}

func (v *reader) Watches() ([]store.Watch, error) {
	return v.watches(`SELECT ` + watchColumns + ` FROM watch ORDER BY pipeline_id, action`)
}

func (v *reader) WatchesOf(bucket, key string) ([]store.Watch, error) {
	return v.watches(`SELECT `+watchColumns+` FROM watch
		WHERE bucket = $1 AND object_key = $2 ORDER BY pipeline_id, action`, bucket, key)
}

func (v *reader) PipelineWatches(pipelineID int64) ([]store.Watch, error) {
	return v.watches(`SELECT `+watchColumns+` FROM watch WHERE pipeline_id = $1 ORDER BY action`, pipelineID)
}

func (v *reader) CountPolling(account, region string) (int, error) {
	return v.count(`SELECT count(DISTINCT pipeline_id) FROM watch WHERE account = $1 AND region = $2`, account, region)
}

func (v *reader) PollingStopped(pipelineID int64) (time.Time, error) {
	at, err := v.number(`SELECT at FROM polling_stopped WHERE pipeline_id = $1`, pipelineID)
	return fromMillis(at), err
}

func (t *txn) SetWatches(pipelineID int64, watches []store.Watch) error {
	old, err := t.PipelineWatches(pipelineID)
	if err != nil {
		return err
	}
	if err := t.removeWatches(pipelineID); err != nil {
		return err
	}
	for _, w := range watches {
		for _, o := range old {
			if o.Action == w.Action && o.Bucket == w.Bucket && o.Key == w.Key {
				w.Seen, w.Problem = o.Seen, o.Problem
			}
		}
		err := t.write(`INSERT INTO watch (`+watchColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			pipelineID, w.Account, w.Region, w.Name, w.Action, w.Bucket, w.Key, w.Seen,
			w.Problem.Code, w.Problem.Message, millis(w.Problem.Since))
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) removeWatches(pipelineID int64) error {
	if err := t.write(`DELETE FROM watch WHERE pipeline_id = $1`, pipelineID); err != nil {
		return err
	}
	return t.write(`DELETE FROM polling_stopped WHERE pipeline_id = $1`, pipelineID)
}

func (t *txn) Saw(pipelineID int64, action, revision string) error {
	return t.mustWrite(`UPDATE watch SET seen = $1, problem_code = '', problem_text = '', problem_since = 0
		WHERE pipeline_id = $2 AND action = $3`, revision, pipelineID, action)
}

func (t *txn) ClaimRevision(w store.Watch, revision string) (bool, error) {
	if _, err := t.hold(w.PipelineID); ignore(err) != nil {
		return false, err
	}
	n, err := t.affected(`UPDATE watch SET seen = $1, problem_code = '', problem_text = '', problem_since = 0
		WHERE pipeline_id = $2 AND action = $3 AND bucket = $4 AND object_key = $5 AND seen = $6`,
		revision, w.PipelineID, w.Action, w.Bucket, w.Key, w.Seen)
	return n > 0, err
}

func (t *txn) SetWatchProblem(w store.Watch, p store.WatchProblem) error {
	return t.write(`UPDATE watch SET problem_code = $1, problem_text = $2, problem_since = $3
		WHERE pipeline_id = $4 AND action = $5 AND bucket = $6 AND object_key = $7`,
		p.Code, p.Message, millis(p.Since), w.PipelineID, w.Action, w.Bucket, w.Key)
}

func (t *txn) StopPolling(pipelineID int64, now time.Time) error {
	if err := t.removeWatches(pipelineID); err != nil {
		return err
	}
	return t.write(`INSERT INTO polling_stopped (pipeline_id, at) VALUES ($1, $2)`, pipelineID, millis(now))
}
