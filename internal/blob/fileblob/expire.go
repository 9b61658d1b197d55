package fileblob

import (
	"context"
	"time"

	"penstock/internal/blob"
	"penstock/internal/sqlite"
)

// removeAtOnce bounds the versions that one transaction removes.
const removeAtOnce = 200

// RemoveObject removes all versions of an object and gives its files back. One
// that is not there is no error.
func (s *Store) RemoveObject(ctx context.Context, bucket, key string) error {
	for more := true; more; {
		n, err := s.removeVersions(ctx, bucket, `SELECT seq FROM version WHERE bucket = ? AND key = ? ORDER BY seq DESC LIMIT ?`, []byte(key), removeAtOnce)
		if blob.CodeOf(err) == blob.NoSuchBucket {
			return nil
		}
		if err != nil {
			return err
		}
		more = n == removeAtOnce
	}
	return nil
}

// RemoveBefore removes at most limit versions of keys below the given one that
// were written before t, and reports whether there may be more.
func (s *Store) RemoveBefore(ctx context.Context, bucket, below string, t time.Time, limit int) (more bool, err error) {
	n, err := s.removeVersions(ctx, bucket, `SELECT seq FROM version WHERE bucket = ? AND key < ? AND modified < ? ORDER BY key LIMIT ?`,
		[]byte(below), t.UnixMilli(), limit)
	if blob.CodeOf(err) == blob.NoSuchBucket {
		return false, nil
	}
	return n == limit, err
}

func (s *Store) removeVersions(ctx context.Context, bucket, sql string, args ...any) (n int, err error) {
	err = s.db.Update(ctx, func(tx *sqlite.Tx) error {
		n = 0
		b, err := findBucket(tx, bucket)
		if err != nil {
			return err
		}
		var doomed []int64
		rows := tx.Query(sql, append([]any{b.id}, args...)...)
		for rows.Next() {
			doomed = append(doomed, rows.Int64(0))
		}
		if err := rows.Err(); err != nil {
			return err
		}
		for _, seq := range doomed {
			if err := dropVersion(tx, seq); err != nil {
				return err
			}
		}
		n = len(doomed)
		return nil
	})
	if n > 0 {
		s.wakeCleaner()
	}
	return n, err
}

// Usage is what a bucket takes, or those of its objects whose keys begin with a
// folder.
type Usage struct {
	Bucket, Folder string // "" = the whole bucket
	Objects, Bytes int64  // versions
	Oldest, Newest time.Time
}

// Usage counts all versions in all buckets, and with folders those under each
// first part of keys up to a slash. It takes long when there are many.
func (s *Store) Usage(ctx context.Context, folders bool) (list []Usage, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		list = nil
		count := `SELECT b.name, '', count(v.seq), coalesce(sum(v.size), 0), coalesce(min(v.modified), 0), coalesce(max(v.modified), 0)
			FROM bucket b LEFT JOIN version v ON v.bucket = b.id GROUP BY b.id ORDER BY b.name`
		if folders {
			count = `SELECT b.name, substr(CAST(v.key AS TEXT), 1, instr(CAST(v.key AS TEXT), '/') - 1) AS folder,
				count(*), sum(v.size), min(v.modified), max(v.modified)
				FROM bucket b JOIN version v ON v.bucket = b.id WHERE instr(CAST(v.key AS TEXT), '/') > 1 GROUP BY b.id, folder ORDER BY b.name, folder`
		}
		rows := tx.Query(count)
		for rows.Next() {
			u := Usage{Bucket: rows.Text(0), Folder: rows.Text(1), Objects: rows.Int64(2), Bytes: rows.Int64(3)}
			if u.Objects > 0 {
				u.Oldest, u.Newest = fromMillis(rows.Int64(4)), fromMillis(rows.Int64(5))
			}
			list = append(list, u)
		}
		return rows.Err()
	})
	return list, err
}

// CountBefore counts the versions that RemoveBefore would remove, up to limit.
func (s *Store) CountBefore(ctx context.Context, bucket, below string, t time.Time, limit int) (n int64, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		b, err := findBucket(tx, bucket)
		if err != nil {
			return err
		}
		r, ok := tx.QueryRow(`SELECT count(*) FROM (SELECT 1 FROM version WHERE bucket = ? AND key < ? AND modified < ? ORDER BY key LIMIT ?)`,
			b.id, []byte(below), t.UnixMilli(), limit)
		if ok {
			n = r.Int64(0)
		}
		return r.Err()
	})
	if blob.CodeOf(err) == blob.NoSuchBucket {
		err = nil
	}
	return n, err
}
