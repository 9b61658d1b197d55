package sqlite

import (
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// TestLogCannotBeSynced fails the sync of commits: none of them is acknowledged,
// none is seen by anybody, and what is acknowledged later is there after a start.
func TestLogCannotBeSynced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := Open(path, Options{Migrations: schema(numbers)})
	if err != nil {
		t.Fatal(err)
	}
	log := watchLog(t, db)
	for n := range 3 {
		if err := db.Update(t.Context(), insert(n)); err != nil {
			t.Fatal(err)
		}
	}
	want := []int64{0, 1, 2}
	for round, fault := range []syscall.Errno{syscall.EIO, syscall.ENOSPC, syscall.EDQUOT, syscall.EIO} {
		syncs := 0
		log.w.fault = func(int) error { syncs++; return fault }
		for n := range 3 {
			if err := db.Update(t.Context(), notes(100+10*round+n, 101+10*round+n, 4000*n)); !IsIO(err) || !errors.Is(err, syscall.EIO) {
				t.Errorf("%v: %v, want an I/O error", fault, err)
			}
		}
		if syncs != 3 {
			t.Errorf("%v: %d syncs of three commits", fault, syncs)
		}
		if got := list(t, db); !slices.Equal(got, want) {
			t.Errorf("%v: rows %v, want %v", fault, got, want)
		}
		log.w.fault = nil
		if err := db.Update(t.Context(), insert(10+round)); err != nil {
			t.Errorf("after %v: %v", fault, err)
		}
		want = append(want, int64(10+round))
	}
	if got := db.Stats().Failed; got != 12 {
		t.Errorf("%d groups failed, want 12", got)
	}
	integrity(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = Open(path, Options{}); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if got := list(t, db); !slices.Equal(got, want) {
		t.Errorf("rows %v after a start, want %v", got, want)
	}
	integrity(t, db)
}

// TestCheckpointCannotBeSynced fails the sync of the database file: the log is
// kept until it has succeeded.
func TestCheckpointCannotBeSynced(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	if err := db.Update(t.Context(), notes(0, 50, 4000)); err != nil {
		t.Fatal(err)
	}
	k := db.wal
	k.mu.Lock()
	defer k.mu.Unlock()
	if rc := sqlite3.Xsqlite3_file_control(k.c.tls, k.c.db, 0, sqlite3.SQLITE_FCNTL_FILE_POINTER, k.c.out); rc != sqlite3.SQLITE_OK {
		t.Fatal(k.c.fail(rc, ""))
	}
	file := (*sqlite3.Tsqlite3_file)(ptr(k.c.word(0)))
	inner := file.FpMethods
	failing := libc.Xmalloc(k.c.tls, 1024)
	defer libc.Xfree(k.c.tls, failing)
	methods := (*sqlite3.Tsqlite3_io_methods)(ptr(failing))
	*methods = *(*sqlite3.Tsqlite3_io_methods)(ptr(inner))
	refuse := &struct{ f ioSync }{func(*libc.TLS, uintptr, int32) int32 { return sqlite3.SQLITE_IOERR_FSYNC }}
	methods.FxSync = funcAddr(refuse)
	file.FpMethods = failing
	if err := k.checkpoint(k.c, sqlite3.SQLITE_CHECKPOINT_PASSIVE); !IsIO(err) {
		t.Errorf("checkpoint: %v, want an I/O error", err)
	}
	if n := k.copied.Load(); n != 0 {
		t.Errorf("%d frames count as copied", n)
	}
	file.FpMethods = inner
	if err := k.checkpoint(k.c, sqlite3.SQLITE_CHECKPOINT_PASSIVE); err != nil || k.copied.Load() == 0 {
		t.Errorf("the next checkpoint: %v, %d frames copied", err, k.copied.Load())
	}
	runtime.KeepAlive(refuse) // C memory does not keep it
	if got := len(list(t, db)); got != 50 {
		t.Errorf("%d rows, want 50", got)
	}
	integrity(t, db)
}
