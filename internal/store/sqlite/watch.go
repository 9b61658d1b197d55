package sqlite

import (
	"time"

	"penstock/internal/sqlite"
	"penstock/internal/store"
)

const watchColumns = `pipeline_id, account, region, name, action, bucket, object_key, seen, problem_code, problem_text, problem_since`

func scanWatches(rows *sqlite.Rows) ([]store.Watch, error) {
	var list []store.Watch
	for rows.Next() {
		list = append(list, store.Watch{
			PipelineID: rows.Int64(0), Account: rows.Text(1), Region: rows.Text(2), Name: rows.Text(3),
			Action: rows.Text(4), Bucket: rows.Text(5), Key: rows.Text(6), Seen: rows.Text(7),
			Problem: store.WatchProblem{Code: rows.Text(8), Message: rows.Text(9), Since: fromMillis(rows.Int64(10))},
		})
	}
	return list, rows.Err()
}

func (v *reader) Watches() ([]store.Watch, error) {
	return scanWatches(v.tx.Query(`SELECT ` + watchColumns + ` FROM watch ORDER BY pipeline_id, action`))
}

func (v *reader) WatchesOf(bucket, key string) ([]store.Watch, error) {
	return scanWatches(v.tx.Query(`SELECT `+watchColumns+` FROM watch
		WHERE bucket = ? AND object_key = ? ORDER BY pipeline_id, action`, bucket, key))
}

func (v *reader) PipelineWatches(pipelineID int64) ([]store.Watch, error) {
	return scanWatches(v.tx.Query(`SELECT `+watchColumns+` FROM watch WHERE pipeline_id = ? ORDER BY action`, pipelineID))
}

func (v *reader) CountPolling(account, region string) (int, error) {
	r, ok := v.tx.QueryRow(`SELECT count(DISTINCT pipeline_id) FROM watch WHERE account = ? AND region = ?`, account, region)
	if !ok {
		return 0, r.Err()
	}
	return int(r.Int64(0)), nil
}

func (v *reader) PollingStopped(pipelineID int64) (time.Time, error) {
	r, ok := v.tx.QueryRow(`SELECT at FROM polling_stopped WHERE pipeline_id = ?`, pipelineID)
	if !ok {
		return time.Time{}, r.Err()
	}
	return fromMillis(r.Int64(0)), nil
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
		err := t.tx.Exec(`INSERT INTO watch (`+watchColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			pipelineID, w.Account, w.Region, w.Name, w.Action, w.Bucket, w.Key, w.Seen,
			w.Problem.Code, w.Problem.Message, millis(w.Problem.Since))
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) removeWatches(pipelineID int64) error {
	if err := t.tx.Exec(`DELETE FROM watch WHERE pipeline_id = ?`, pipelineID); err != nil {
		return err
	}
	return t.tx.Exec(`DELETE FROM polling_stopped WHERE pipeline_id = ?`, pipelineID)
}

func (t *txn) Saw(pipelineID int64, action, revision string) error {
	err := t.tx.Exec(`UPDATE watch SET seen = ?, problem_code = '', problem_text = '', problem_since = 0
		WHERE pipeline_id = ? AND action = ?`, revision, pipelineID, action)
	if err == nil && t.tx.Changes() == 0 {
		return store.ErrNotFound
	}
	return err
}

func (t *txn) ClaimRevision(w store.Watch, revision string) (bool, error) {
	err := t.tx.Exec(`UPDATE watch SET seen = ?, problem_code = '', problem_text = '', problem_since = 0
		WHERE pipeline_id = ? AND action = ? AND bucket = ? AND object_key = ? AND seen = ?`,
		revision, w.PipelineID, w.Action, w.Bucket, w.Key, w.Seen)
	return t.tx.Changes() > 0, err
}

func (t *txn) SetWatchProblem(w store.Watch, p store.WatchProblem) error {
	return t.tx.Exec(`UPDATE watch SET problem_code = ?, problem_text = ?, problem_since = ?
		WHERE pipeline_id = ? AND action = ? AND bucket = ? AND object_key = ?`,
		p.Code, p.Message, millis(p.Since), w.PipelineID, w.Action, w.Bucket, w.Key)
}

func (t *txn) StopPolling(pipelineID int64, now time.Time) error {
	if err := t.removeWatches(pipelineID); err != nil {
		return err
	}
	return t.tx.Exec(`INSERT INTO polling_stopped (pipeline_id, at) VALUES (?, ?)`, pipelineID, millis(now))
}
