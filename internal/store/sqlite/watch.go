package sqlite

import (
	"penstock/internal/sqlite"
	"penstock/internal/store"
)

const watchColumns = `pipeline_id, account, region, name, action, bucket, object_key, seen`

func scanWatches(rows *sqlite.Rows) ([]store.Watch, error) {
	var list []store.Watch
	for rows.Next() {
		list = append(list, store.Watch{
			PipelineID: rows.Int64(0), Account: rows.Text(1), Region: rows.Text(2), Name: rows.Text(3),
			Action: rows.Text(4), Bucket: rows.Text(5), Key: rows.Text(6), Seen: rows.Text(7),
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

func (t *txn) SetWatches(pipelineID int64, watches []store.Watch) error {
	old, err := scanWatches(t.tx.Query(`SELECT `+watchColumns+` FROM watch WHERE pipeline_id = ?`, pipelineID))
	if err != nil {
		return err
	}
	if err := t.tx.Exec(`DELETE FROM watch WHERE pipeline_id = ?`, pipelineID); err != nil {
		return err
	}
	for _, w := range watches {
		for _, o := range old {
			if o.Action == w.Action && o.Bucket == w.Bucket && o.Key == w.Key {
				w.Seen = o.Seen
			}
		}
		err := t.tx.Exec(`INSERT INTO watch (`+watchColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			pipelineID, w.Account, w.Region, w.Name, w.Action, w.Bucket, w.Key, w.Seen)
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) Saw(pipelineID int64, action, revision string) error {
	err := t.tx.Exec(`UPDATE watch SET seen = ? WHERE pipeline_id = ? AND action = ?`, revision, pipelineID, action)
	if err == nil && t.tx.Changes() == 0 {
		return store.ErrNotFound
	}
	return err
}
