package sqlite

import (
	"path/filepath"
	"testing"

	"penstock/internal/core/engine"
	"penstock/internal/sqlite"
	"penstock/internal/store"
)

// TestOutboxAfterBoard looks whenever events become visible: the jobs that
// they tell of must be on the board by then.
func TestOutboxAfterBoard(t *testing.T) {
	t.Parallel()
	s, ids := benchStore(t, 8, 0)
	d := s.Driver.(*Driver)
	before, shown := d.outbox.get(), int64(0)
	d.db.OnVisible(func() { // on the writer's goroutine, after the driver's own
		if entries := d.outbox.get() - before; entries > shown {
			shown = entries
		}
		d.board.mu.Lock()
		defer d.board.mu.Unlock()
		if jobs := int64(len(d.board.jobs)); jobs < shown {
			t.Errorf("%d events of a first job are visible, %d jobs are on the board", shown, jobs)
		}
	})
	for _, id := range ids {
		err := d.Update(t.Context(), func(tx store.Tx) error {
			_, err := s.Step(tx, id, engine.Start{})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := d.View(t.Context(), func(r store.Reader) error {
		list, err := r.Outbox(before, 100)
		if len(list) != len(ids) {
			t.Errorf("%d events are visible after %d starts", len(list), len(ids))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOutboxOfUpdates reads the outbox in Updates, which need no commit of SQLite
// before them: nothing that was returned is missing.
func TestOutboxOfUpdates(t *testing.T) {
	t.Parallel()
	s, ids := benchStore(t, 20, 0)
	d := s.Driver.(*Driver)
	last := d.outbox.get()
	for i, id := range ids {
		err := d.Update(t.Context(), func(tx store.Tx) error {
			_, err := s.Step(tx, id, engine.Start{})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		err = d.Update(t.Context(), func(tx store.Tx) error {
			_, newest, err := tx.OutboxSpan()
			if newest != last+1 {
				t.Errorf("start %d: the newest entry is %d, want %d", i, newest, last+1)
			}
			last = newest
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
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
