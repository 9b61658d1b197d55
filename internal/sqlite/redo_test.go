package sqlite

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// deferring has all groups wait in the redo log until a View asks for them.
func deferring() Options {
	return Options{RedoLog: true, commitAfter: time.Hour, busyWithin: time.Hour, Migrations: schema(numbers)}
}

// first takes the group that is always committed: the one after a pause.
func first(t testing.TB, db *DB) {
	t.Helper()
	if err := db.Update(t.Context(), insert(-1)); err != nil {
		t.Fatal(err)
	}
	db.writer.deferred.last = time.Now()
}

// crashed copies the files of a database as they are now, and opens the copy:
// what a killed process leaves.
func crashed(t testing.TB, path string, opt Options) *DB {
	t.Helper()
	dir := t.TempDir()
	for _, suffix := range []string{"", "-wal", "-redo"} {
		b, err := os.ReadFile(path + suffix)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "test.db"+suffix), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return openAt(t, filepath.Join(dir, "test.db"), opt)
}

func waits(db *DB) bool { return db.writer.deferred.waiting.Load() }

func TestRedoSurvivesACrash(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db := openAt(t, path, deferring())
	first(t, db)
	for n := range 5 {
		if err := db.Update(t.Context(), insert(n)); err != nil {
			t.Fatal(err)
		}
	}
	if !waits(db) {
		t.Fatal("nothing waits in the redo log")
	}
	again := crashed(t, path, deferring())
	if got, want := list(t, again), []int64{-1, 0, 1, 2, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("after a crash: %v, want %v", got, want)
	}
	integrity(t, again)
	// The same records are not replayed twice, and a log that was read is over.
	if got := list(t, crashed(t, again.path, Options{})); len(got) != 6 {
		t.Errorf("after a second crash: %v", got)
	}
	if got, want := list(t, db), []int64{-1, 0, 1, 2, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("a View does not see what was returned: %v", got)
	}
	if waits(db) {
		t.Error("groups wait after a View")
	}
	// What the log holds of before the commit is not replayed.
	if err := db.Update(t.Context(), func(tx *Tx) error { return tx.Exec(`DELETE FROM number WHERE n = 2`) }); err != nil {
		t.Fatal(err)
	}
	list(t, db)
	if got, want := list(t, crashed(t, path, deferring())), []int64{-1, 0, 1, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("after a commit and a crash: %v, want %v", got, want)
	}
}

func TestRedoReplaysBeforeMigrations(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db := openAt(t, path, deferring())
	first(t, db)
	if err := db.Update(t.Context(), insert(1)); err != nil {
		t.Fatal(err)
	}
	next := schema(numbers)
	maps.Copy(next, files("0002_next.sql", `CREATE TABLE moved AS SELECT n AS number FROM number; DROP TABLE number;`))
	again := crashed(t, path, Options{Migrations: next})
	err := again.View(t.Context(), func(tx *Tx) error {
		if r, ok := tx.QueryRow(`SELECT count(*) FROM moved`); !ok || r.Int64(0) != 2 {
			t.Error("the migration did not see what the redo log held")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRedoOfAllArguments compares a database with its replay.
func TestRedoOfAllArguments(t *testing.T) {
	t.Parallel()
	opt := deferring()
	opt.Migrations = schema(`CREATE TABLE any (id INTEGER PRIMARY KEY, v ANY);`)
	path := filepath.Join(t.TempDir(), "test.db")
	db := openAt(t, path, opt)
	exec := func(sql string, args ...any) {
		t.Helper()
		if err := db.Update(t.Context(), func(tx *Tx) error { return tx.Exec(sql, args...) }); err != nil {
			t.Fatal(err)
		}
		db.writer.deferred.last = time.Now()
	}
	exec(`INSERT INTO any (v) VALUES (0)`)
	for _, v := range []any{nil, 7, int64(-1) << 63, true, false, 2.5, "", "text\x00é", []byte{}, []byte(nil), []byte("\x00\xff"), strings.Repeat("x", 70_000)} {
		exec(`INSERT INTO any (v) VALUES (?)`, v)
	}
	err := db.Update(t.Context(), func(tx *Tx) error {
		if r, ok := tx.QueryRow(`INSERT INTO any (v) VALUES (?) RETURNING id`, "returned"); !ok || r.Int64(0) == 0 {
			t.Error("nothing returned")
		}
		if err := tx.Exec(`INSERT INTO any (id, v) VALUES (1, 'taken')`); !IsUnique(err) {
			t.Errorf("got %v, want a violated key", err)
		}
		if r, ok := tx.QueryRow(`INSERT INTO any (id, v) VALUES (1, 'taken') RETURNING id`); ok || !IsUnique(r.Err()) {
			t.Error("a violated key returned a row")
		}
		tx.Query(`INSERT INTO any (v) VALUES ('never stepped') RETURNING id`)
		return tx.Exec(`UPDATE any SET v = ? WHERE id = 1`, []byte("last"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if !waits(db) {
		t.Fatal("nothing waits in the redo log")
	}
	dump := func(db *DB) (rows []string) {
		err := db.View(context.Background(), func(tx *Tx) error {
			r := tx.Query(`SELECT id || ' ' || typeof(v) || ' ' || quote(v) FROM any ORDER BY id`)
			for r.Next() {
				rows = append(rows, r.Text(0))
			}
			return r.Err()
		})
		if err != nil {
			t.Error(err)
		}
		return rows
	}
	replayed := dump(crashed(t, path, opt))
	if want := dump(db); !slices.Equal(replayed, want) || len(want) != 14 {
		t.Errorf("replayed:\n%.300q\nwant:\n%.300q", replayed, want)
	}
}

// TestRedoGroupFailsApart undoes calls that have no savepoint.
func TestRedoGroupFailsApart(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	path := filepath.Join(t.TempDir(), "test.db")
	db := openAt(t, path, deferring())
	first(t, db)
	fails := func(tx *Tx) error { return errors.Join(insert(50)(tx), boom) }
	for round := range 3 {
		n := 10 * round
		db.writer.deferred.careful = 0
		errs := grouped(t, db, insert(n), fails, insert(n+1), fails, insert(n+2))
		if errs[0] != nil || !errors.Is(errs[1], boom) || errs[2] != nil || !errors.Is(errs[3], boom) || errs[4] != nil {
			t.Errorf("round %d: %v", round, errs)
		}
		if db.writer.deferred.careful != carefulCalls-3 {
			t.Errorf("%d careful calls after a failure, want %d: three more have written", db.writer.deferred.careful, carefulCalls-3)
		}
		if err := db.Update(t.Context(), fails); !errors.Is(err, boom) {
			t.Errorf("a call that fails alone: %v", err)
		}
	}
	want := []int64{-1, 0, 1, 2, 10, 11, 12, 20, 21, 22}
	if got := list(t, crashed(t, path, deferring())); !slices.Equal(got, want) {
		t.Errorf("after a crash: %v, want %v", got, want)
	}
	if got := list(t, db); !slices.Equal(got, want) {
		t.Errorf("numbers = %v, want %v", got, want)
	}
	integrity(t, db)
}

// TestRedoAndCommitFail fails each of them and both: nobody is told of success
// whose write is gone, and all goes on when the disk does.
func TestRedoAndCommitFail(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db := openAt(t, path, deferring())
	wal := watchLog(t, db)
	first(t, db)
	var want []int64
	update := func(n int, ok bool) {
		t.Helper()
		db.writer.deferred.last = time.Now()
		err := db.Update(t.Context(), insert(n))
		if (err == nil) != ok {
			t.Errorf("update %d: %v, want success %v", n, err, ok)
		}
		if err == nil {
			want = append(want, int64(n))
		}
	}
	want = []int64{-1}
	update(1, true)
	db.writer.deferred.log.fault = func() error { return syscall.EIO }
	update(2, true) // committed instead
	if waits(db) {
		t.Error("groups wait in a log that cannot be synced")
	}
	db.writer.deferred.log.fault = nil
	update(3, true)
	if !waits(db) {
		t.Error("the log is not used again")
	}
	wal.fail = true
	update(4, true) // needs the redo log only
	db.writer.deferred.log.fault = func() error { return syscall.EIO }
	update(5, false)
	update(6, false)
	if got := list(t, db); !slices.Equal(got, want) || !waits(db) {
		t.Errorf("a View of what cannot be committed: %v, want %v", got, want)
	}
	if err := db.View(t.Context(), func(tx *Tx) error { return insert(8)(tx) }); !IsReadOnly(err) {
		t.Errorf("a View that writes: %v", err)
	}
	if got := list(t, crashed(t, path, deferring())); !slices.Equal(got, want) {
		t.Errorf("after a crash: %v, want %v", got, want)
	}
	wal.fail, db.writer.deferred.log.fault = false, nil
	update(7, true)
	if got := list(t, db); !slices.Equal(got, want) {
		t.Errorf("numbers = %v, want %v", got, want)
	}
	if got := list(t, crashed(t, path, deferring())); !slices.Equal(got, want) {
		t.Errorf("after a crash: %v, want %v", got, want)
	}
	integrity(t, db)
}

// TestRedoTornRecord cuts and spoils the end of the log: the groups before it
// are there, and nothing of the last.
func TestRedoTornRecord(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db := openAt(t, path, deferring())
	first(t, db)
	var ends []int64
	for n := range 3 {
		if err := db.Update(t.Context(), insert(n)); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, db.writer.deferred.log.at)
	}
	whole, err := os.ReadFile(redoPath(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		spoil func(b []byte) []byte
		want  []int64
	}{
		{"whole", func(b []byte) []byte { return b }, []int64{-1, 0, 1, 2}},
		{"cut in the last", func(b []byte) []byte { return b[:ends[2]-1] }, []int64{-1, 0, 1}},
		{"cut in a header", func(b []byte) []byte { return b[:ends[1]+5] }, []int64{-1, 0, 1}},
		{"a bit of the middle one", func(b []byte) []byte { b[ends[1]-1] ^= 4; return b }, []int64{-1, 0}},
		{"a length of 4 GiB", func(b []byte) []byte { copy(b[ends[0]:], "\xff\xff\xff\xff"); return b }, []int64{-1, 0}},
		{"zeros", func(b []byte) []byte { clear(b[ends[0]:]); return b }, []int64{-1, 0}},
		{"empty", func(b []byte) []byte { return nil }, []int64{-1}},
		{"another epoch", func(b []byte) []byte { b[8]++; return b }, []int64{-1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := os.WriteFile(redoPath(path), tc.spoil(bytes.Clone(whole)), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := list(t, crashed(t, path, deferring())); !slices.Equal(got, tc.want) {
				t.Errorf("numbers = %v, want %v", got, tc.want)
			}
		})
	}
	if err := os.WriteFile(redoPath(path), whole, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRedoOfAnotherDatabase has a log beside a database that never had one.
func TestRedoOfAnotherDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db := openAt(t, path, deferring())
	first(t, db)
	if err := db.Update(t.Context(), insert(1)); err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(redoPath(path))
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "test.db")
	old, err := Open(other, Options{Migrations: schema(numbers)})
	if err == nil {
		err = errors.Join(old.Update(t.Context(), insert(7)), old.Close(), os.WriteFile(redoPath(other), log, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		again := openAt(t, other, deferring())
		if got := list(t, again); !slices.Equal(got, []int64{7}) {
			t.Errorf("numbers = %v, want [7]", got)
		}
		if err := errors.Join(again.Close(), os.WriteFile(redoPath(other), log, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRedoIsCommittedInTime waits for the commit that nobody asks for.
func TestRedoIsCommittedInTime(t *testing.T) {
	t.Parallel()
	opt := deferring()
	opt.commitAfter = time.Millisecond
	path := filepath.Join(t.TempDir(), "test.db")
	db := openAt(t, path, opt)
	visible := make(chan struct{}, 10)
	first(t, db)
	db.OnVisible(func() { visible <- struct{}{} })
	if err := db.Update(t.Context(), insert(1)); err != nil {
		t.Fatal(err)
	}
	<-visible
	if err := os.Truncate(redoPath(path), 0); err != nil {
		t.Fatal(err)
	}
	if got := list(t, crashed(t, path, opt)); !slices.Equal(got, []int64{-1, 1}) {
		t.Errorf("without the redo log: %v", got)
	}
}

// TestRedoBound keeps the log from growing without end.
func TestRedoBound(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db := openAt(t, path, deferring())
	first(t, db)
	for n := range 40 {
		if err := db.Update(t.Context(), notes(n, n+1, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Update(t.Context(), notes(100, 120, 1<<20)); err != nil { // more than a record may hold
		t.Fatal(err)
	}
	if s, err := os.Stat(redoPath(path)); err != nil || s.Size() > redoBytes {
		t.Errorf("the log has %d bytes (%v), want at most %d", s.Size(), err, redoBytes)
	}
	if got := list(t, crashed(t, path, deferring())); len(got) != 61 {
		t.Errorf("%d rows, want 61", len(got))
	}
}

// TestSnapshotSeesRedo reads beside an open database, and after a crash.
func TestSnapshotSeesRedo(t *testing.T) {
	t.Parallel()
	opt := deferring()
	opt.commitAfter = 50 * time.Millisecond
	path := filepath.Join(t.TempDir(), "test.db")
	db := openAt(t, path, opt)
	first(t, db)
	count := func(path string) (n int64) {
		err := Snapshot(t.Context(), path, func(tx *Tx) error {
			r, _ := tx.QueryRow(`SELECT count(*) FROM number`)
			n = r.Int64(0)
			return r.Err()
		})
		if err != nil {
			t.Error(err)
		}
		return n
	}
	for n := range 20 {
		if err := db.Update(t.Context(), insert(n)); err != nil {
			t.Fatal(err)
		}
		if got := count(path); got != int64(n)+2 {
			t.Errorf("%d rows after %d", got, n+2)
		}
	}
	opt.commitAfter = time.Hour
	path = filepath.Join(t.TempDir(), "test.db")
	db = openAt(t, path, opt)
	first(t, db)
	if err := db.Update(t.Context(), insert(1)); err != nil {
		t.Fatal(err)
	}
	dead := crashed(t, path, Options{})
	copied := dead.path
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	if got := count(copied); got != 2 {
		t.Errorf("%d rows after a crash, want 2", got)
	}
}

// TestRedoAtRandom runs calls that succeed and fail, reads, commits and
// crashes in random order against a model.
func TestRedoAtRandom(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 1))
		opt := deferring()
		opt.walBackground, opt.walBlocking = 30, 100
		db := open(t, opt)
		model := map[int64]bool{}
		boom := errors.New("boom")
		for step := range 120 {
			var fns []func(*Tx) error
			var keep []bool
			next := maps.Clone(model)
			for range 1 + rng.IntN(4) {
				n, fail, remove := rng.IntN(40), rng.IntN(5) == 0, rng.IntN(3) == 0
				fns = append(fns, func(tx *Tx) error {
					sql := `INSERT INTO number (n, note) VALUES (?, ?) ON CONFLICT DO UPDATE SET note = excluded.note`
					args := []any{n, strings.Repeat("y", step*7%3000)}
					if remove {
						sql, args = `DELETE FROM number WHERE n = ?`, args[:1]
					}
					err := tx.Exec(sql, args...)
					if fail {
						return boom
					}
					return err
				})
				keep = append(keep, !fail)
				if !fail && remove {
					delete(next, int64(n))
				} else if !fail {
					next[int64(n)] = true
				}
			}
			if rng.IntN(3) == 0 {
				db.writer.deferred.careful = 0
			}
			for i, err := range grouped(t, db, fns...) {
				if (err == nil) != keep[i] {
					t.Fatalf("seed %d, step %d: call %d: %v", seed, step, i, err)
				}
			}
			model = next
			switch rng.IntN(12) {
			case 0:
				db = crashed(t, db.path, opt)
				first(t, db)
				model[-1] = true
				delete(model, -1)
				if err := db.Update(t.Context(), func(tx *Tx) error { return tx.Exec(`DELETE FROM number WHERE n = -1`) }); err != nil {
					t.Fatal(err)
				}
			case 1, 2:
				want := slices.Sorted(maps.Keys(model))
				if got := list(t, db); !slices.Equal(got, want) {
					t.Fatalf("seed %d, step %d: %v, want %v", seed, step, got, want)
				}
			}
		}
		want := slices.Sorted(maps.Keys(model))
		if got := list(t, crashed(t, db.path, opt)); !slices.Equal(got, want) {
			t.Fatalf("seed %d, after the last crash: %v, want %v", seed, got, want)
		}
		integrity(t, db)
	}
}
