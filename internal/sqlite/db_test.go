package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// schema is one migration for the tests that need only a table.
func schema(sql string) fstest.MapFS {
	return fstest.MapFS{"0001_first.sql": {Data: []byte(sql)}}
}

const numbers = `CREATE TABLE number (n INTEGER PRIMARY KEY, note TEXT) STRICT;`

// open opens a fresh database that the end of the test closes.
func open(t testing.TB, opt Options) *DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "test.db"), opt)
}

func openAt(t testing.TB, path string, opt Options) *DB {
	t.Helper()
	if opt.Migrations == nil {
		opt.Migrations = schema(numbers)
	}
	db, err := Open(path, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

func insert(n int) func(*Tx) error {
	return func(tx *Tx) error { return tx.Exec(`INSERT INTO number (n) VALUES (?)`, n) }
}

// list reads all numbers in a View.
func list(t testing.TB, db *DB) []int64 {
	t.Helper()
	var all []int64
	err := db.View(context.Background(), func(tx *Tx) error {
		rows := tx.Query(`SELECT n FROM number ORDER BY n`)
		for rows.Next() {
			all = append(all, rows.Int64(0))
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestUpdateThenView(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	if err := db.Update(t.Context(), insert(7)); err != nil {
		t.Fatal(err)
	}
	if got := list(t, db); len(got) != 1 || got[0] != 7 {
		t.Fatalf("numbers = %v, want [7]", got)
	}
	err := db.View(t.Context(), insert(8))
	if !IsReadOnly(err) {
		t.Fatalf("write in a View: %v, want a read-only error", err)
	}
	err = db.Update(t.Context(), insert(7))
	if !IsConstraint(err) || !IsUnique(err) || IsForeignKey(err) {
		t.Fatalf("second insert of 7: %v, want a unique error", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Update(t.Context(), insert(9)); !errors.Is(err, ErrClosed) {
		t.Fatalf("Update after Close: %v", err)
	}
	if err := db.View(t.Context(), insert(9)); !errors.Is(err, ErrClosed) {
		t.Fatalf("View after Close: %v", err)
	}
}
