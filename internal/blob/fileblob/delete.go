package fileblob

import (
	"context"
	"encoding/json"

	"penstock/internal/blob"
	"penstock/internal/sqlite"
)

// Delete implements [blob.Store].
func (s *Store) Delete(ctx context.Context, bucket, key string, o *blob.DeleteOptions) (blob.Deleted, error) {
	if o == nil {
		o = &blob.DeleteOptions{}
	}
	results, err := s.DeleteMany(ctx, bucket, []blob.Target{{Key: key, VersionID: o.VersionID, If: o.If}})
	if err != nil {
		return blob.Deleted{}, err
	}
	return results[0].Deleted, results[0].Err
}

// DeleteMany implements [blob.Backend].
func (s *Store) DeleteMany(ctx context.Context, bucket string, targets []blob.Target) ([]blob.DeleteResult, error) {
	results := make([]blob.DeleteResult, len(targets))
	err := s.db.Update(ctx, func(tx *sqlite.Tx) error {
		b, err := findBucket(tx, bucket)
		if err != nil {
			return err
		}
		for i, t := range targets {
			done, err := s.deleteOne(tx, b, t)
			if err != nil && blob.CodeOf(err) == "" {
				return err // the store failed: nothing is deleted
			}
			results[i] = blob.DeleteResult{Deleted: done, Err: err}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.wakeCleaner()
	return results, nil
}

func (s *Store) deleteOne(tx *sqlite.Tx, b bucketRow, t blob.Target) (blob.Deleted, error) {
	if err := blob.CheckKey(b.Name, t.Key); err != nil {
		return blob.Deleted{}, err
	}
	if t.If != (blob.Conditions{}) {
		now, err := current(tx, b, t.Key)
		if err != nil {
			return blob.Deleted{}, err
		}
		if err := t.If.ForWrite(b.Name, t.Key, now); err != nil {
			return blob.Deleted{}, err
		}
	}
	if t.VersionID == "" {
		marker := blob.Info{Bucket: b.Name, Key: t.Key, Marker: true, Modified: s.stamp()}
		err := s.insert(tx, b, &marker, false, nil)
		return blob.Deleted{VersionID: marker.VersionID, Marker: true}, err
	}
	v, found, err := byID(tx, b, t.Key, t.VersionID)
	if err != nil || !found {
		return blob.Deleted{VersionID: t.VersionID}, err
	}
	if err := dropVersion(tx, v.seq); err != nil {
		return blob.Deleted{}, err
	}
	if v.info.Latest {
		err := tx.Exec(`UPDATE version SET latest = 1 WHERE seq = (SELECT seq FROM version WHERE bucket = ? AND key = ? ORDER BY seq DESC LIMIT 1)`, b.id, []byte(t.Key))
		if err != nil {
			return blob.Deleted{}, err
		}
	}
	return blob.Deleted{VersionID: v.info.VersionID, Marker: v.info.Marker}, nil
}

// SetTags implements [blob.Backend].
func (s *Store) SetTags(ctx context.Context, bucket, key, version string, tags []blob.Tag) (id string, err error) {
	err = s.db.Update(ctx, func(tx *sqlite.Tx) error {
		b, err := findBucket(tx, bucket)
		if err != nil {
			return err
		}
		v, err := find(tx, b, key, version)
		if err != nil {
			return err
		}
		var d detail
		if err := json.Unmarshal(v.detail, &d); err != nil {
			return err
		}
		d.Tags = tags
		raw, err := json.Marshal(d)
		if err != nil {
			return err
		}
		id = v.info.VersionID
		return tx.Exec(`UPDATE version SET detail = ? WHERE seq = ?`, raw, v.seq)
	})
	return id, err
}
