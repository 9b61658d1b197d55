package fileblob

import (
	"context"

	"penstock/internal/blob"
	"penstock/internal/sqlite"
)

// bucketRow is a bucket as the other statements need it.
type bucketRow struct {
	id int64
	blob.Bucket
}

const selectBucket = `SELECT id, name, owner, region, created, versioning FROM bucket `

func scanBucket(r *sqlite.Rows) bucketRow {
	return bucketRow{r.Int64(0), blob.Bucket{
		Name: r.Text(1), Owner: r.Text(2), Region: r.Text(3),
		Created: fromMillis(r.Int64(4)), Versioning: blob.Versioning(r.Text(5)),
	}}
}

// findBucket answers NoSuchBucket for an absent one.
func findBucket(tx *sqlite.Tx, name string) (bucketRow, error) {
	r, ok := tx.QueryRow(selectBucket+`WHERE name = ?`, name)
	if ok {
		return scanBucket(r), nil
	}
	if err := r.Err(); err != nil {
		return bucketRow{}, err
	}
	return bucketRow{}, blob.Errorf(blob.NoSuchBucket, name, "", "The specified bucket does not exist")
}

// EnsureBucket implements [blob.Store].
func (s *Store) EnsureBucket(ctx context.Context, name string, o *blob.BucketOptions) error {
	if o == nil {
		o = &blob.BucketOptions{}
	}
	b, err := s.Bucket(ctx, name)
	if blob.CodeOf(err) == blob.NoSuchBucket {
		_, err = s.CreateBucket(ctx, name, o)
		if code := blob.CodeOf(err); code == blob.BucketAlreadyExists || code == blob.BucketAlreadyOwned {
			b, err = s.Bucket(ctx, name) // someone was faster
		}
	}
	if err == nil && b.Owner != "" && o.Owner != "" && b.Owner != o.Owner {
		return blob.Errorf(blob.AccessDenied, name, "", "The bucket belongs to another account.")
	}
	return err
}

// CreateBucket implements [blob.Buckets].
func (s *Store) CreateBucket(ctx context.Context, name string, o *blob.BucketOptions) (blob.Bucket, error) {
	if err := blob.CheckBucket(name); err != nil {
		return blob.Bucket{}, err
	}
	if o == nil {
		o = &blob.BucketOptions{}
	}
	b := blob.Bucket{Name: name, Owner: o.Owner, Region: o.Region, Created: s.stamp(), Versioning: blob.Enabled}
	err := s.db.Update(ctx, func(tx *sqlite.Tx) error {
		switch old, err := findBucket(tx, name); {
		case err == nil && old.Owner == b.Owner:
			return blob.Errorf(blob.BucketAlreadyOwned, name, "", "Your previous request to create the named bucket succeeded and you already own it.")
		case err == nil:
			return blob.Errorf(blob.BucketAlreadyExists, name, "", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
		case blob.CodeOf(err) != blob.NoSuchBucket:
			return err
		}
		return tx.Exec(`INSERT INTO bucket (name, owner, region, created, versioning) VALUES (?, ?, ?, ?, ?)`,
			b.Name, b.Owner, b.Region, b.Created.UnixMilli(), string(b.Versioning))
	})
	if err != nil {
		return blob.Bucket{}, err
	}
	return b, nil
}

// Bucket implements [blob.Buckets].
func (s *Store) Bucket(ctx context.Context, name string) (blob.Bucket, error) {
	var b bucketRow
	err := s.db.View(ctx, func(tx *sqlite.Tx) (err error) {
		b, err = findBucket(tx, name)
		return err
	})
	return b.Bucket, err
}

// ListBuckets implements [blob.Buckets].
func (s *Store) ListBuckets(ctx context.Context, owner string) ([]blob.Bucket, error) {
	var all []blob.Bucket
	err := s.db.View(ctx, func(tx *sqlite.Tx) error {
		rows := tx.Query(selectBucket+`WHERE ?1 = '' OR owner IN (?1, '') ORDER BY name`, owner)
		for rows.Next() {
			all = append(all, scanBucket(rows).Bucket)
		}
		return rows.Err()
	})
	return all, err
}

// DeleteBucket implements [blob.Buckets]. Open uploads go with the bucket.
func (s *Store) DeleteBucket(ctx context.Context, name string) error {
	err := s.db.Update(ctx, func(tx *sqlite.Tx) error {
		b, err := findBucket(tx, name)
		if err != nil {
			return err
		}
		r, ok := tx.QueryRow(`SELECT 1 FROM version WHERE bucket = ? LIMIT 1`, b.id)
		if ok {
			return blob.Errorf(blob.BucketNotEmpty, name, "", "The bucket you tried to delete is not empty. You must delete all versions in the bucket.")
		}
		if err := r.Err(); err != nil {
			return err
		}
		var uploads []int64
		rows := tx.Query(`SELECT seq FROM upload WHERE bucket = ?`, b.id)
		for rows.Next() {
			uploads = append(uploads, rows.Int64(0))
		}
		if err := rows.Err(); err != nil {
			return err
		}
		for _, seq := range uploads {
			if err := dropUpload(tx, seq); err != nil {
				return err
			}
		}
		return tx.Exec(`DELETE FROM bucket WHERE id = ?`, b.id)
	})
	if err == nil {
		s.wakeCleaner()
	}
	return err
}

// SetVersioning implements [blob.Buckets].
func (s *Store) SetVersioning(ctx context.Context, name string, v blob.Versioning) error {
	if v != blob.Enabled && v != blob.Suspended {
		return blob.Errorf(blob.InvalidArgument, name, "", "The versioning state must be Enabled or Suspended.")
	}
	return s.db.Update(ctx, func(tx *sqlite.Tx) error {
		b, err := findBucket(tx, name)
		if err != nil {
			return err
		}
		return tx.Exec(`UPDATE bucket SET versioning = ? WHERE id = ?`, string(v), b.id)
	})
}
