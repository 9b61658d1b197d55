package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
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

func TestSettings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pragma string
		want   string
	}{
		{"journal_mode", "wal"},
		{"synchronous", "2"}, // FULL: a commit is on the disk
		{"foreign_keys", "1"},
		{"page_size", "4096"},
		{"temp_store", "2"},
		{"mmap_size", "0"},
		{"busy_timeout", "5000"},
	}
	db := open(t, Options{})
	for _, test := range tests {
		t.Run(test.pragma, func(t *testing.T) {
			t.Parallel()
			check := func(tx *Tx) error {
				r, ok := tx.QueryRow(`PRAGMA ` + test.pragma)
				if !ok {
					return fmt.Errorf("no value: %w", r.Err())
				}
				if got := r.Text(0); got != test.want {
					return fmt.Errorf("%s = %s, want %s", test.pragma, got, test.want)
				}
				return nil
			}
			if err := db.Update(t.Context(), check); err != nil {
				t.Errorf("writer: %v", err)
			}
			if err := db.View(t.Context(), check); err != nil {
				t.Errorf("reader: %v", err)
			}
		})
	}
}

func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db := openAt(t, path, Options{})
	if err := db.Update(t.Context(), insert(1)); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", info.Name(), info.Mode())
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the log is left after Close: %v", err)
	}
}

func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db := openAt(t, path, Options{})
	_, err := Open(path, Options{})
	if !errors.Is(err, ErrLocked) {
		t.Fatalf("second Open: %v, want ErrLocked", err)
	}
	for _, part := range []string{path, fmt.Sprintf("process %d ", os.Getpid()), filepath.Base(os.Args[0])} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not name %q", err, part)
		}
	}
	if err := db.Update(t.Context(), insert(1)); err != nil {
		t.Errorf("the holder is disturbed: %v", err)
	}
	// A child that is being started has the file for a moment.
	child, err := syscall.Dup(int(db.lock.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(child)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, path, Options{})
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk.db")
	if err := os.WriteFile(junk, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path string
		is         func(error) bool
	}{
		{"no folder", filepath.Join(dir, "none", "test.db"), func(err error) bool { return errors.Is(err, os.ErrNotExist) }},
		{"no database", junk, IsCorrupt},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // the lock of the first try must be gone
				db, err := Open(test.path, Options{})
				if err == nil {
					db.Close()
					t.Fatal("Open succeeded")
				}
				if !test.is(err) || errors.Is(err, ErrLocked) {
					t.Errorf("Open: %v", err)
				}
			}
		})
	}
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	limit := func(pages int) func(*Tx) error {
		return func(tx *Tx) error {
			r, ok := tx.QueryRow(fmt.Sprintf(`PRAGMA max_page_count = %d`, pages))
			if !ok {
				return fmt.Errorf("no limit: %w", r.Err())
			}
			return nil
		}
	}
	big := func(n int) func(*Tx) error {
		return func(tx *Tx) error {
			return tx.Exec(`INSERT INTO number (n, note) VALUES (?, ?)`, n, strings.Repeat("x", 1<<20))
		}
	}
	if err := db.Update(t.Context(), limit(20)); err != nil {
		t.Fatal(err)
	}
	rollbacks := 0
	db.OnRollback(func() { rollbacks++ })
	errs := grouped(t, db, insert(1), big(2), insert(3))
	// A full disk makes SQLite give up the whole transaction, so the call
	// before is told too; the one behind gets a transaction of its own.
	if !IsFull(errs[0]) || !IsFull(errs[1]) || errs[2] != nil || rollbacks != 1 {
		t.Errorf("errors = %v, %d rollbacks", errs, rollbacks)
	}
	want := []int64{3}
	if got := list(t, db); !slices.Equal(got, want) {
		t.Errorf("numbers = %v, want %v", got, want)
	}
	errs = grouped(t, db, limit(1<<20), big(4))
	if errs[0] != nil || errs[1] != nil {
		t.Errorf("with room again: %v", errs)
	}
	if got := list(t, db); !slices.Equal(got, []int64{3, 4}) {
		t.Errorf("numbers = %v, want [3 4]", got)
	}
}

// TestLogIsReused has both kinds of checkpoint run again and again under
// load: nothing may get lost and the log must not grow without end.
func TestLogIsReused(t *testing.T) {
	t.Parallel()
	const background, blocking = 20, 60
	path := filepath.Join(t.TempDir(), "test.db")
	db := openAt(t, path, Options{walBackground: background, walBlocking: blocking})
	const workers, each = 4, 200
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				n := w*each + i
				err := db.Update(context.Background(), func(tx *Tx) error {
					return tx.Exec(`INSERT INTO number (n, note) VALUES (?, ?)`, n, strings.Repeat("x", 3000))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := list(t, db); len(got) != workers*each {
		t.Errorf("%d numbers, want %d", len(got), workers*each)
	}
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	// One group may pass the limit by what it writes itself.
	if most := int64(blocking+40) * frameBytes; info.Size() > most {
		t.Errorf("the log grew to %d bytes, want at most %d", info.Size(), most)
	}
	if db.Stats().Checkpoints == 0 {
		t.Error("no checkpoint ran")
	}
}

// TestReaderHoldsLog has a reader keep its snapshot while the log passes the
// blocking limit: the writer gives up after a moment and goes on.
func TestReaderHoldsLog(t *testing.T) {
	t.Parallel()
	db := open(t, Options{walBackground: 20, walBlocking: 60})
	err := db.View(t.Context(), func(tx *Tx) error {
		r, _ := tx.QueryRow(`SELECT count(*) FROM number`)
		before := r.Int64(0)
		for n := range 100 {
			if err := db.Update(t.Context(), insert(n)); err != nil {
				return err
			}
		}
		r, _ = tx.QueryRow(`SELECT count(*) FROM number`)
		if after := r.Int64(0); after != before {
			t.Errorf("the snapshot changed from %d to %d", before, after)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := list(t, db); len(got) != 100 {
		t.Errorf("%d numbers, want 100", len(got))
	}
}
