package sqlite

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// logWrites stands between the walFile of a database and the file.
type logWrites struct {
	w     *walFile
	count int
	fail  bool
	hook  struct{ f ioBlock } // here, since C memory does not keep it alive
}

func watchLog(t *testing.T, db *DB) *logWrites {
	t.Helper()
	l := &logWrites{}
	err := db.Update(t.Context(), func(tx *Tx) error {
		if rc := sqlite3.Xsqlite3_file_control(tx.c.tls, tx.c.db, 0, sqlite3.SQLITE_FCNTL_JOURNAL_POINTER, tx.c.out); rc != sqlite3.SQLITE_OK {
			return tx.c.fail(rc, "")
		}
		found, ok := walFiles.Load(tx.c.word(0))
		if !ok {
			return errors.New("the log of the writer is not gathered")
		}
		l.w = found.(*walFile)
		below := method[ioBlock](l.w.call.FxWrite)
		l.hook.f = func(tls *libc.TLS, file, data uintptr, n int32, at int64) int32 {
			l.count++
			if l.fail {
				return sqlite3.SQLITE_IOERR_WRITE
			}
			return below(tls, file, data, n, at)
		}
		methods := *l.w.call
		methods.FxWrite = funcAddr(&l.hook)
		l.w.call = &methods
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { runtime.KeepAlive(l) }) // SQLite has only its address
	return l
}

// notes inserts rows of some pages each.
func notes(from, to, length int) func(*Tx) error {
	return func(tx *Tx) error {
		for n := from; n < to; n++ {
			if err := tx.Exec(`INSERT INTO number (n, note) VALUES (?, ?)`, n, strings.Repeat("x", length)); err != nil {
				return err
			}
		}
		return nil
	}
}

func integrity(t *testing.T, db *DB) {
	t.Helper()
	err := db.View(t.Context(), func(tx *Tx) error {
		r, ok := tx.QueryRow(`PRAGMA integrity_check`)
		if !ok || r.Text(0) != "ok" {
			t.Errorf("integrity check: %v %v", ok, r.Err())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestLogIsWrittenAtOnce(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	log := watchLog(t, db)
	for _, test := range []struct {
		name         string
		pages, calls int
	}{
		{"one call for a few pages", 4, 2}, // the first commit also writes the head of the log
		{"less than the limit of SQLite's method", 20, 1},
		{"several calls for many pages", 200, 8},
		{"more than is held back", 600, 24},
	} {
		log.count = 0
		if err := db.Update(t.Context(), notes(test.pages*1000, test.pages*1000+test.pages, 4000)); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if log.count == 0 || log.count > test.calls {
			t.Errorf("%s: %d calls, want at most %d", test.name, log.count, test.calls)
		}
		if log.w.n != 0 {
			t.Errorf("%s: %d bytes are held back after the commit", test.name, log.w.n)
		}
	}
	if got := len(list(t, db)); got != 824 {
		t.Errorf("%d rows, want 824", got)
	}
	integrity(t, db)
}

// TestLogCannotBeWritten fails the commit whose frames cannot be written, and
// it alone.
func TestLogCannotBeWritten(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	log := watchLog(t, db)
	if err := db.Update(t.Context(), insert(1)); err != nil {
		t.Fatal(err)
	}
	for _, pages := range []int{1, 300, 900} {
		log.fail = true
		var failure *Error
		if err := db.Update(t.Context(), notes(100, 100+pages, 4000)); !errors.As(err, &failure) || failure.Code&0xff != sqlite3.SQLITE_IOERR {
			t.Errorf("%d pages: %v, want an I/O error", pages, err)
		}
		log.fail = false
		if got := list(t, db); len(got) != 1 {
			t.Errorf("%d pages: %d rows, want the first one only", pages, len(got))
		}
	}
	if err := db.Update(t.Context(), notes(200, 210, 4000)); err != nil {
		t.Error(err)
	}
	if got := list(t, db); len(got) != 11 {
		t.Errorf("rows = %v, want eleven", got)
	}
	integrity(t, db)
}

// TestLogOfABigTransaction has the pages of a transaction go to the log before
// its end, be read back, be written again and in part be undone.
func TestLogOfABigTransaction(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	watchLog(t, db)
	err := db.Update(t.Context(), func(tx *Tx) error { return tx.Exec(`PRAGMA cache_size = 10`) })
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(t.Context(), notes(0, 50, 4000)); err != nil {
		t.Fatal(err)
	}
	errs := grouped(t, db,
		func(tx *Tx) error {
			if err := notes(100, 200, 4000)(tx); err != nil {
				return err
			}
			if err := tx.Exec(`UPDATE number SET note = note || 'y'`); err != nil {
				return err
			}
			if got := list(t, db); len(got) != 50 {
				t.Errorf("a reader sees %d rows before the commit, want 50", len(got))
			}
			return nil
		},
		func(tx *Tx) error {
			if err := notes(300, 400, 4000)(tx); err != nil {
				return err
			}
			if err := tx.Exec(`UPDATE number SET note = note || 'z'`); err != nil {
				return err
			}
			return errors.New("undo")
		},
		notes(500, 600, 4000),
	)
	if errs[0] != nil || errs[1] == nil || errs[2] != nil {
		t.Fatalf("errors %v, want one in the middle", errs)
	}
	err = db.View(t.Context(), func(tx *Tx) error {
		r, ok := tx.QueryRow(`SELECT count(*), sum(note LIKE '%y'), sum(note LIKE '%z') FROM number`)
		if !ok || r.Int64(0) != 250 || r.Int64(1) != 150 || r.Int64(2) != 0 {
			t.Errorf("rows %v, with y %v, with z %v; want 250, 150, 0 (%v)", r.Int64(0), r.Int64(1), r.Int64(2), r.Err())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	integrity(t, db)
}
