package fileblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"penstock/internal/sqlite"
	"penstock/internal/transfer"
)

// indexTables are the tables of the index that a backup has. Trash is not
// carried, and the search for orphaned files begins anew.
var indexTables = []transfer.Table{
	{Name: "bucket", Key: 1, Columns: transfer.Columns(transfer.Ints("id"), transfer.Texts("name", "owner", "region"), transfer.Ints("created"), transfer.Texts("versioning"))},
	{Name: "version", Key: 1, Columns: transfer.Columns(transfer.Ints("seq", "bucket"), transfer.Blobs("key"), transfer.Texts("id"),
		transfer.Bools("latest", "marker"), transfer.Ints("size"), transfer.Texts("etag"), transfer.Ints("modified"), transfer.Blobs("detail"))},
	{Name: "piece", Key: 2, Columns: transfer.Columns(transfer.Ints("version", "n"), transfer.Texts("file"), transfer.Ints("size"))},
	{Name: "upload", Key: 1, Columns: transfer.Columns(transfer.Ints("seq"), transfer.Texts("id"), transfer.Ints("bucket"), transfer.Blobs("key"),
		transfer.Ints("created"), transfer.Blobs("detail"))},
	{Name: "part", Key: 2, Columns: transfer.Columns(transfer.Ints("upload", "n", "size"), transfer.Texts("etag"), transfer.Ints("modified"),
		transfer.Texts("checksum", "file"))},
}

const (
	indexKind = "artifacts"
	indexName = "index.jsonl.gz"
)

// Archive takes the files of a backup.
type Archive interface {
	Add(name string, size int64, from io.Reader) error
	Fill(name string, fill func(io.Writer) error) error
}

// Backup copies the store in dir as of one moment: first the files, then the
// index. A server may be at work in it: files are written once, before their
// row, so that all that the index names are there, but for those of objects
// that were deleted since. These are left out.
func Backup(ctx context.Context, dir string, to Archive) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	index := filepath.Join(dir, "index.db")
	return sqlite.Snapshot(ctx, index, func(tx *sqlite.Tx) error {
		gone, err := copyFiles(ctx, tx, root, to)
		if err != nil {
			return err
		}
		left, err := deletedSince(ctx, index, tx, gone)
		if err != nil {
			return err
		}
		return to.Fill(indexName, func(out io.Writer) error { return dumpIndex(ctx, tx, out, left) })
	})
}

// copyFiles adds all files that rows name, and returns those that are not there.
func copyFiles(ctx context.Context, tx *sqlite.Tx, root *os.Root, to Archive) (gone []string, err error) {
	rows := tx.Query(`SELECT file, size FROM piece UNION ALL SELECT file, size FROM part`)
	defer rows.Close()
	for rows.Next() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		file, size := rows.Text(0), rows.Int64(1)
		f, err := root.Open(path(file))
		if errors.Is(err, fs.ErrNotExist) {
			gone = append(gone, file)
			continue
		}
		if err == nil {
			err = errors.Join(to.Add(filepath.ToSlash(path(file)), size, f), f.Close())
		}
		if err != nil {
			return nil, err
		}
	}
	return gone, rows.Err()
}

// lost are the rows that a backup leaves out.
type lost struct{ versions, uploads map[int64]bool }

// deletedSince finds the objects of files that are gone. One that the index of
// now still has is damage, not a deletion.
func deletedSince(ctx context.Context, index string, then *sqlite.Tx, gone []string) (lost, error) {
	left := lost{map[int64]bool{}, map[int64]bool{}}
	if len(gone) == 0 {
		return left, nil
	}
	for _, file := range gone {
		if r, ok := then.QueryRow(`SELECT version FROM piece WHERE file = ?`, file); ok {
			left.versions[r.Int64(0)] = true
		}
		if r, ok := then.QueryRow(`SELECT upload FROM part WHERE file = ?`, file); ok {
			left.uploads[r.Int64(0)] = true
		}
	}
	return left, sqlite.Snapshot(ctx, index, func(now *sqlite.Tx) error {
		for _, file := range gone {
			r, ok := now.QueryRow(`SELECT b.name, v.key FROM piece p JOIN version v ON v.seq = p.version JOIN bucket b ON b.id = v.bucket WHERE p.file = ?`, file)
			if ok {
				return fmt.Errorf("fileblob: file %s of object %s/%s is missing", file, r.Text(0), r.Text(1))
			}
			if r.Err() != nil {
				return r.Err()
			}
		}
		return nil
	})
}

func dumpIndex(ctx context.Context, tx *sqlite.Tx, out io.Writer, left lost) error {
	w, err := transfer.NewWriter(out, transfer.Header{Kind: indexKind, Created: time.Now().UTC().Truncate(time.Second), Source: "sqlite"})
	if err != nil {
		return err
	}
	for _, t := range indexTables {
		err := sqlite.Dump(ctx, tx, w, t, t.Select(), func(values []any) bool {
			switch id, _ := values[0].(int64); t.Name {
			case "version", "piece":
				return !left.versions[id]
			case "upload", "part":
				return !left.uploads[id]
			}
			return true
		})
		if err != nil {
			return err
		}
	}
	_, _, err = w.Close()
	return err
}

var (
	filePattern   = regexp.MustCompile(`^objects/[0-9a-f]+/[0-9a-f]{12}-[A-Z2-7]{8}$`)
	errNotArchive = errors.New("fileblob: not a file of a backup")
)

// Restorer puts a backup into a folder, in which no store may be open.
type Restorer struct{ root *os.Root }

// NewRestorer begins in dir, which is made.
func NewRestorer(dir string) (*Restorer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	return &Restorer{root}, err
}

// Close closes the folder.
func (r *Restorer) Close() error { return r.root.Close() }

// Put puts a file that Backup added.
func (r *Restorer) Put(name string, from io.Reader) error {
	if name != indexName && !filePattern.MatchString(name) {
		return fmt.Errorf("%w: %q", errNotArchive, name)
	}
	if err := r.root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := r.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Sync(), f.Close())
}

// Finish makes the index. Each file that it names must be there and have its
// length.
func (r *Restorer) Finish(ctx context.Context) error {
	f, err := r.root.Open(indexName)
	if err != nil {
		return err
	}
	defer f.Close()
	in, err := transfer.NewReader(f, indexKind, indexTables)
	if err != nil {
		return err
	}
	scripts, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	db, err := sqlite.Open(filepath.Join(r.root.Name(), "index.db"), sqlite.Options{Migrations: scripts})
	if err != nil {
		return err
	}
	err = db.Update(ctx, func(tx *sqlite.Tx) error {
		for {
			t, err := in.Next()
			if err != nil {
				return err
			}
			if t == nil {
				break
			}
			if err := r.load(tx, in, *t); err != nil {
				return fmt.Errorf("index of the artifacts, table %s: %w", t.Name, err)
			}
		}
		// The newest of a key may be one that was left out.
		return tx.Exec(`UPDATE version SET latest = 1 WHERE latest = 0 AND seq IN (SELECT max(seq) FROM version GROUP BY bucket, key)`)
	})
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	return r.root.Remove(indexName)
}

func (r *Restorer) load(tx *sqlite.Tx, in *transfer.Reader, t transfer.Table) error {
	insert := t.Insert()
	for {
		values, err := in.Row()
		if values == nil || err != nil {
			return err
		}
		if err := tx.Exec(insert, values...); err != nil {
			return err
		}
		file, size := "", int64(0)
		switch t.Name {
		case "piece":
			file, size = values[2].(string), values[3].(int64)
		case "part":
			file, size = values[6].(string), values[2].(int64)
		default:
			continue
		}
		stat, err := r.root.Stat(path(file))
		if err != nil {
			return err
		}
		if stat.Size() != size {
			return fmt.Errorf("file %s has %d bytes, not %d", file, stat.Size(), size)
		}
	}
}
