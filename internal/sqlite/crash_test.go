package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// crashPath in the environment makes the test binary the child that is killed.
const crashPath = "PENSTOCK_SQLITE_CRASH_PATH"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashPath); path != "" {
		if err := writeForever(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(3) // it ends only by being killed
	}
	os.Exit(m.Run())
}

// writeForever stores numbers from many goroutines and prints each when its
// Update has returned, and its negative when it is rolled back by intent.
func writeForever(path string) error {
	db, err := Open(path, Options{Migrations: schema(numbers), RedoLog: true, walBackground: 100, walBlocking: 400})
	if err != nil {
		return err
	}
	first, err := firstFree(db)
	if err != nil {
		return err
	}
	const writers = 8
	failed := make(chan error)
	for w := range writers {
		go func() {
			for n := first + w; ; n += writers {
				undo := n%10 == 9
				err := db.Update(context.Background(), func(tx *Tx) error {
					err := tx.Exec(`INSERT INTO number (n, note) VALUES (?, ?)`, n, strings.Repeat("x", n%3000))
					if err == nil && undo {
						err = os.ErrInvalid
					}
					return err
				})
				if err != nil && !undo {
					failed <- err
					return
				}
				shown := n
				if undo {
					shown = -n
				}
				// One write call, so that a kill leaves whole lines.
				if _, err := os.Stdout.WriteString(strconv.Itoa(shown) + "\n"); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	return <-failed
}

func firstFree(db *DB) (n int, err error) {
	err = db.View(context.Background(), func(tx *Tx) error {
		r, ok := tx.QueryRow(`SELECT coalesce(max(n), 0) + 10 FROM number`)
		if ok {
			n = int(r.Int64(0))
		}
		return r.Err()
	})
	return n, err
}

// TestKilledProcessLosesNothing kills a writing process at random moments:
// whatever it acknowledged is there, and nothing that it undid.
func TestKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "test.db")
	stored, undone := map[int64]bool{}, map[int64]bool{}
	for round := range 6 {
		after := 50 + rand.IntN(1500)
		for _, n := range acknowledged(t, self, path, after) {
			if n < 0 {
				undone[-n] = true
			} else {
				stored[n] = true
			}
		}
		db, err := Open(path, Options{Migrations: schema(numbers)})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		there := map[int64]bool{}
		for _, n := range list(t, db) {
			there[n] = true
			if undone[n] {
				t.Errorf("round %d: %d was undone and is there", round, n)
			}
		}
		for n := range stored {
			if !there[n] {
				t.Errorf("round %d, killed after %d lines: %d was acknowledged and is lost", round, after, n)
			}
		}
		err = db.View(t.Context(), func(tx *Tx) error {
			r, ok := tx.QueryRow(`PRAGMA integrity_check`)
			if !ok || r.Text(0) != "ok" {
				t.Errorf("round %d: integrity check: %v %v", round, ok, r.Err())
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(stored) < 300 || len(undone) == 0 {
		t.Errorf("only %d numbers stored and %d undone", len(stored), len(undone))
	}
}

// acknowledged runs the child until it has printed so many lines, kills it,
// and gives all that it printed.
func acknowledged(t *testing.T, self, path string, lines int) []int64 {
	t.Helper()
	child := exec.Command(self)
	child.Env = append(os.Environ(), crashPath+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var all []int64
	scan := bufio.NewScanner(out)
	for scan.Scan() {
		n, err := strconv.ParseInt(scan.Text(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, n); len(all) == lines {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err == nil || child.ProcessState.ExitCode() != -1 {
		t.Fatalf("the child was not killed: %v", err)
	}
	return all
}

// TestHammer moves amounts between accounts from many goroutines, with
// failures in between, while readers check that the sum never changes.
func TestHammer(t *testing.T) {
	t.Parallel()
	const accounts, total = 20, 20 * 100
	db := open(t, Options{MaxGroup: 7, walBackground: 30, walBlocking: 90, Migrations: schema(`
		CREATE TABLE account (id INTEGER PRIMARY KEY, amount INTEGER NOT NULL CHECK (amount >= 0)) STRICT;`)})
	err := db.Update(t.Context(), func(tx *Tx) error {
		for id := range accounts {
			if err := tx.Exec(`INSERT INTO account VALUES (?, 100)`, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const workers, moves = 8, 150
	var committed sync.Map // hooks that ran
	var wg, readers sync.WaitGroup
	finished := make(chan struct{})
	for w := range workers {
		wg.Go(func() {
			for i := range moves {
				from, to, amount := (w+i)%accounts, (w*3+i*7)%accounts, i%60
				err := db.Update(context.Background(), func(tx *Tx) error {
					tx.OnCommit(func() { committed.Store([2]int{w, i}, true) })
					if err := tx.Exec(`UPDATE account SET amount = amount + ? WHERE id = ?`, amount, to); err != nil {
						return err
					}
					// Fails if from has too little: the first half is undone.
					if err := tx.Exec(`UPDATE account SET amount = amount - ? WHERE id = ?`, amount, from); err != nil {
						return err
					}
					if i%50 == 49 {
						panic("now and then")
					}
					return nil
				})
				if _, ran := committed.Load([2]int{w, i}); ran != (err == nil) {
					t.Errorf("move %d of %d: hook ran = %v with error %v", i, w, ran, err)
				}
				if err != nil && i%50 != 49 && !IsConstraint(err) {
					t.Errorf("move %d of %d: %v", i, w, err)
				}
			}
		})
	}
	for range 3 {
		readers.Go(func() {
			for {
				err := db.View(context.Background(), func(tx *Tx) error {
					sum := int64(0)
					rows := tx.Query(`SELECT amount FROM account`)
					for rows.Next() {
						sum += rows.Int64(0)
					}
					if rows.Err() == nil && sum != total {
						t.Errorf("the sum is %d, want %d", sum, total)
					}
					return rows.Err()
				})
				if err != nil {
					t.Error(err)
				}
				select {
				case <-finished:
					return
				default:
				}
			}
		})
	}
	wg.Wait()
	close(finished)
	readers.Wait()
}
