package sqlite

import (
	"path/filepath"
	"testing"

	"penstock/internal/core/engine"
	"penstock/internal/sqlite"
	"penstock/internal/store"
)

// TestOutboxAfterBoard stops a commit where its row is in the database and its
// job is not yet on the board: nobody may see the event then.
func TestOutboxAfterBoard(t *testing.T) {
	t.Parallel()
	s, ids := benchStore(t, 1, 0)
	d := s.Driver.(*Driver)
	before := d.outbox.get()
	d.board.mu.Lock()
	done := make(chan error, 1)
	go func() {
		done <- d.Update(t.Context(), func(tx store.Tx) error {
			_, err := s.Step(tx, ids[0], engine.Start{})
			return err
		})
	}()
	rows := int64(0)
	for rows <= before {
		err := d.db.View(t.Context(), func(tx *sqlite.Tx) error {
			r, _ := tx.QueryRow(`SELECT max(seq) FROM outbox`)
			rows = r.Int64(0)
			return r.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	visible := func() (n int) {
		err := d.View(t.Context(), func(r store.Reader) error {
			list, err := r.Outbox(before, 10)
			n = len(list)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := visible(); n != 0 {
		t.Errorf("%d entries are visible before the job", n)
	}
	d.board.mu.Unlock()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := visible(); n != 1 {
		t.Errorf("%d entries are visible after the commit", n)
	}
}

// TestOutboxBefore searches among rows of known times.
func TestOutboxBefore(t *testing.T) {
	t.Parallel()
	d := open(t, filepath.Join(t.TempDir(), "o.db"))
	err := d.db.Update(t.Context(), func(tx *sqlite.Tx) error {
		for seq := int64(11); seq <= 20; seq++ { // at 1100, 1100, 1300, 1300, …
			if err := tx.Exec(`INSERT INTO outbox (seq, pipeline_id, at, doc) VALUES (?, 1, ?, x'5b5d')`, seq, 1100+(seq-11)/2*200); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	d.outbox.set(19)
	for _, tc := range []struct {
		name     string
		at, want int64
	}{
		{"before all", 1000, 10}, {"of the oldest", 1100, 10}, {"after two", 1101, 12}, {"of the third", 1300, 12},
		{"in the middle", 1650, 16}, {"after all that is visible", 9999, 19},
	} {
		err := d.View(t.Context(), func(r store.Reader) error {
			got, err := r.OutboxBefore(fromMillis(tc.at))
			if got != tc.want {
				t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
