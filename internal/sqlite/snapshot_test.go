package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestSnapshot: a file in use is read beside its user, as of one moment.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	write := func(sql string) {
		if err := db.Update(t.Context(), func(tx *Tx) error { return tx.Exec(sql) }); err != nil {
			t.Fatal(err)
		}
	}
	write(`CREATE TABLE t (n INTEGER)`)
	write(`INSERT INTO t VALUES (1)`)
	count := func(tx *Tx) int64 {
		r, ok := tx.QueryRow(`SELECT count(*) FROM t`)
		if !ok {
			t.Fatal(r.Err())
		}
		return r.Int64(0)
	}
	err = Snapshot(t.Context(), path, func(tx *Tx) error {
		if n := count(tx); n != 1 {
			t.Errorf("%d rows", n)
		}
		write(`INSERT INTO t VALUES (2)`)
		if n := count(tx); n != 1 {
			t.Errorf("%d rows, the moment has moved", n)
		}
		if err := tx.Exec(`INSERT INTO t VALUES (3)`); err == nil {
			t.Error("a snapshot was written to")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := Snapshot(t.Context(), path, func(tx *Tx) error {
		if n := count(tx); n != 2 {
			t.Errorf("%d rows in the next", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	write(`INSERT INTO t VALUES (4)`) // the user goes on
}

// TestSnapshotAlone: a file that nobody uses is kept from others meanwhile, and
// none is made.
func TestSnapshotAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	if err := Snapshot(t.Context(), path, func(*Tx) error { return nil }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a file was made")
	}
	db, err := Open(path, Options{})
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	failure := errors.New("of the caller")
	err = Snapshot(t.Context(), path, func(*Tx) error {
		if db, err := Open(path, Options{}); !errors.Is(err, ErrLocked) {
			t.Errorf("opened beside a snapshot: %v, %v", db, err)
		}
		return failure
	})
	if !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	if db, err = Open(path, Options{}); err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Errorf("after the snapshot: %v", err)
	}
}
