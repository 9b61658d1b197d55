package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// grouped runs all functions in one transaction, in order, and gives their
// results. It keeps the writer busy until all of them wait.
func grouped(t *testing.T, db *DB, fns ...func(*Tx) error) []error {
	t.Helper()
	release := occupy(t, db)
	results := make([]error, len(fns))
	var wg sync.WaitGroup
	for i, fn := range fns {
		wg.Go(func() { results[i] = db.Update(context.Background(), fn) })
		awaitQueue(db, i+1)
	}
	release()
	wg.Wait()
	return results
}

// occupy keeps the writer busy until the function it gives is called. What
// runs then is a failing call without a write, so that the calls behind it
// are the whole group.
func occupy(t *testing.T, db *DB) (release func()) {
	t.Helper()
	entered, leave, left := make(chan struct{}), make(chan struct{}), make(chan error)
	idle := errors.New("idle")
	go func() {
		left <- db.Update(context.Background(), func(*Tx) error {
			close(entered)
			<-leave
			return idle
		})
	}()
	<-entered
	return func() {
		close(leave)
		if err := <-left; !errors.Is(err, idle) {
			t.Errorf("occupying call: %v", err)
		}
	}
}

func awaitQueue(db *DB, n int) {
	for {
		db.writer.mu.Lock()
		have := len(db.writer.queue)
		db.writer.mu.Unlock()
		if have >= n {
			return
		}
		runtime.Gosched()
	}
}

func TestGroupFailsApart(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	fails := func(n int) func(*Tx) error {
		return func(tx *Tx) error {
			if err := insert(n)(tx); err != nil {
				return err
			}
			return boom
		}
	}
	panics := func(n int) func(*Tx) error {
		return func(tx *Tx) error {
			if err := insert(n)(tx); err != nil {
				return err
			}
			panic("broken")
		}
	}
	early := func(*Tx) error { return boom }
	forgiving := func(tx *Tx) error {
		_ = tx.Exec(`INSERT INTO number (n) VALUES (1)`)
		return insert(99)(tx)
	}
	tests := []struct {
		name string
		fns  []func(*Tx) error
		ok   []bool
		want []int64
	}{
		{"all succeed", []func(*Tx) error{insert(1), insert(2), insert(3)}, []bool{true, true, true}, []int64{1, 2, 3}},
		{"first fails", []func(*Tx) error{fails(1), insert(2), insert(3)}, []bool{false, true, true}, []int64{2, 3}},
		{"middle fails", []func(*Tx) error{insert(1), fails(2), insert(3)}, []bool{true, false, true}, []int64{1, 3}},
		{"last fails", []func(*Tx) error{insert(1), insert(2), fails(3)}, []bool{true, true, false}, []int64{1, 2}},
		{"all fail", []func(*Tx) error{fails(1), fails(2), fails(3)}, []bool{false, false, false}, nil},
		{"first panics", []func(*Tx) error{panics(1), insert(2)}, []bool{false, true}, []int64{2}},
		{"middle panics", []func(*Tx) error{insert(1), panics(2), insert(3)}, []bool{true, false, true}, []int64{1, 3}},
		{"fails before a write", []func(*Tx) error{insert(1), early, insert(3)}, []bool{true, false, true}, []int64{1, 3}},
		{"constraint", []func(*Tx) error{insert(1), insert(1), insert(3)}, []bool{true, false, true}, []int64{1, 3}},
		{"an error that fn forgives", []func(*Tx) error{insert(1), forgiving, insert(3)}, []bool{true, true, true}, []int64{1, 3, 99}},
		{"sees what earlier calls wrote", []func(*Tx) error{insert(1), func(tx *Tx) error {
			return tx.Exec(`INSERT INTO number (n) SELECT n + 10 FROM number`)
		}}, []bool{true, true}, []int64{1, 11}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := open(t, Options{})
			for i, err := range grouped(t, db, test.fns...) {
				if (err == nil) != test.ok[i] {
					t.Errorf("call %d: %v, want success %v", i, err, test.ok[i])
				}
			}
			if got := list(t, db); !slices.Equal(got, test.want) {
				t.Errorf("numbers = %v, want %v", got, test.want)
			}
			if s := db.Stats(); s.Groups > 1 {
				t.Errorf("%d commits, want at most 1", s.Groups)
			}
		})
	}
}

func TestMaxGroup(t *testing.T) {
	t.Parallel()
	db := open(t, Options{MaxGroup: 2})
	var fns []func(*Tx) error
	for n := range 6 {
		fns = append(fns, insert(n))
	}
	for i, err := range grouped(t, db, fns...) {
		if err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	// The call that occupied the writer counts in the first group.
	if s := db.Stats(); s.Groups != 4 || s.Calls != 7 {
		t.Errorf("%d calls in %d commits, want 7 in 4", s.Calls, s.Groups)
	}
}

func TestPanicBecomesError(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	err := db.Update(t.Context(), func(*Tx) error { panic("the reason") })
	if err == nil || !strings.Contains(err.Error(), "the reason") {
		t.Fatalf("got %v, want an error that names the panic", err)
	}
	err = db.Update(t.Context(), func(*Tx) error { runtime.Goexit(); return nil })
	if err == nil {
		t.Fatal("Goexit in an Update succeeded")
	}
	if err := db.Update(t.Context(), insert(1)); err != nil {
		t.Fatalf("update after Goexit: %v", err)
	}
}

func TestGoexitUndoesGroup(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	errs := grouped(t, db, insert(1), func(tx *Tx) error {
		tx.Query(`SELECT n FROM number`).Next()
		runtime.Goexit()
		return nil
	}, insert(3))
	if errs[0] == nil || errs[1] == nil || errs[2] != nil {
		t.Errorf("errors = %v, want only the third to be nil", errs)
	}
	if got := list(t, db); !slices.Equal(got, []int64{3}) {
		t.Errorf("numbers = %v, want [3]", got)
	}
}

func TestOnCommitOrder(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	var order []string // only the writer's goroutine appends
	note := func(n int, result error) func(*Tx) error {
		return func(tx *Tx) error {
			tx.OnCommit(func() { order = append(order, fmt.Sprint(n, "a")) })
			err := insert(n)(tx)
			tx.OnCommit(func() {
				if got := list(t, db); !slices.Contains(got, int64(n)) {
					t.Errorf("hook of %d runs before its commit: %v", n, got)
				}
				order = append(order, fmt.Sprint(n, "b"))
			})
			return errors.Join(err, result)
		}
	}
	hookPanics := func(tx *Tx) error { tx.OnCommit(func() { panic("hook") }); return nil }
	hookExits := func(tx *Tx) error { tx.OnCommit(runtime.Goexit); return nil }
	errs := grouped(t, db, note(1, nil), note(2, errors.New("no")), hookPanics, hookExits, note(3, nil))
	for i, err := range errs {
		if (err == nil) != (i != 1) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if want := []string{"1a", "1b", "3a", "3b"}; !slices.Equal(order, want) {
		t.Errorf("hooks ran as %v, want %v", order, want)
	}
}

// refuse makes the next commits fail, as a full disk could.
func refuse(_ *libc.TLS, _ uintptr) int32 { return 1 }

var refuseFunc = struct {
	f func(*libc.TLS, uintptr) int32
}{refuse}

func setCommitHook(t *testing.T, db *DB, hook uintptr) {
	t.Helper()
	// Inside an Update nobody else uses the writer's connection. It fails,
	// so that its own commit does not matter.
	set := errors.New("set")
	err := db.Update(t.Context(), func(tx *Tx) error {
		sqlite3.Xsqlite3_commit_hook(tx.c.tls, tx.c.db, hook, 0)
		return set
	})
	if !errors.Is(err, set) {
		t.Fatal(err)
	}
}

func TestFailedCommitUndoesGroup(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	rollbacks := 0
	db.OnRollback(func() { rollbacks++ })
	hooks := 0
	setCommitHook(t, db, funcAddr(&refuseFunc))
	errs := grouped(t, db, insert(1), func(tx *Tx) error {
		tx.OnCommit(func() { hooks++ })
		return insert(2)(tx)
	}, func(*Tx) error { return errors.New("because of what the first wrote") })
	for i, err := range errs {
		if !IsConstraint(err) {
			t.Errorf("call %d: %v, want the commit's error", i, err)
		}
	}
	if rollbacks != 1 || hooks != 0 {
		t.Errorf("%d rollback hooks and %d commit hooks ran, want 1 and 0", rollbacks, hooks)
	}
	if s := db.Stats(); s.Failed != 1 || s.Groups != 0 {
		t.Errorf("stats = %+v", s)
	}
	setCommitHook(t, db, 0)
	if err := db.Update(t.Context(), insert(3)); err != nil {
		t.Fatal(err)
	}
	if got := list(t, db); !slices.Equal(got, []int64{3}) {
		t.Errorf("numbers = %v, want [3]", got)
	}
}

// TestTransactionLost has SQLite give up the whole transaction in the middle
// of a call: no later statement may commit by itself.
func TestTransactionLost(t *testing.T) {
	t.Parallel()
	for _, swallow := range []bool{false, true} {
		t.Run(fmt.Sprintf("swallowed=%v", swallow), func(t *testing.T) {
			t.Parallel()
			db := open(t, Options{})
			rollbacks := 0
			db.OnRollback(func() { rollbacks++ })
			errs := grouped(t, db, insert(1), func(tx *Tx) error {
				err := tx.Exec(`INSERT OR ROLLBACK INTO number (n) VALUES (1)`)
				if later := tx.Exec(`INSERT INTO number (n) VALUES (50)`); later == nil {
					t.Error("a statement ran outside of any transaction")
				}
				if swallow {
					return nil
				}
				return err
			}, insert(3))
			if !IsConstraint(errs[0]) || !IsConstraint(errs[1]) || errs[2] != nil {
				t.Errorf("errors = %v", errs)
			}
			if got := list(t, db); !slices.Equal(got, []int64{3}) {
				t.Errorf("numbers = %v, want [3]", got)
			}
			if rollbacks != 1 {
				t.Errorf("%d rollback hooks ran, want 1", rollbacks)
			}
		})
	}
}

func TestDeferredForeignKeyFailsAlone(t *testing.T) {
	t.Parallel()
	db := open(t, Options{Migrations: schema(numbers + `
		CREATE TABLE child (parent INTEGER REFERENCES number DEFERRABLE INITIALLY DEFERRED) STRICT;`)})
	child := func(n int) func(*Tx) error {
		return func(tx *Tx) error { return tx.Exec(`INSERT INTO child VALUES (?)`, n) }
	}
	errs := grouped(t, db, insert(1), child(2), child(1))
	if errs[0] != nil || !IsForeignKey(errs[1]) || errs[2] != nil {
		t.Errorf("errors = %v, want only the second to fail", errs)
	}
}

func TestUpdateContext(t *testing.T) {
	t.Parallel()
	db := open(t, Options{})
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := db.Update(ended, insert(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	if err := db.View(ended, insert(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context in View: %v", err)
	}

	release := occupy(t, db)
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error)
	go func() { result <- db.Update(ctx, insert(2)) }()
	awaitQueue(db, 1)
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("withdrawn call: %v", err)
	}
	release()

	ctx, cancel = context.WithCancel(context.Background())
	err := db.Update(ctx, func(tx *Tx) error { cancel(); return insert(3)(tx) })
	if err != nil {
		t.Errorf("call that ran when its context ended: %v", err)
	}
	if got := list(t, db); !slices.Equal(got, []int64{3}) {
		t.Errorf("numbers = %v, want [3]", got)
	}
}

func TestCloseDrains(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/test.db"
	db := openAt(t, path, Options{})
	release := occupy(t, db)
	results := make(chan error)
	for n := range 5 {
		go func() { results <- db.Update(context.Background(), insert(n)) }()
	}
	awaitQueue(db, 5)
	closed := make(chan error)
	go func() { closed <- db.Close() }()
	release()
	for range 5 {
		if err := <-results; err != nil {
			t.Errorf("call that waited at Close: %v", err)
		}
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if got := list(t, openAt(t, path, Options{})); len(got) != 5 {
		t.Errorf("numbers = %v, want five", got)
	}
}
