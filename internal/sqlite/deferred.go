package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// With a redo log the writer keeps its transaction open over several groups.
// Each is durable when its record is synced; SQLite commits them together,
// after commitAfter or when someone wants to read them.
//
// A transaction that is lost (a failed commit, a full disk in the middle of a
// statement, a call that fails without a savepoint) takes the groups before it
// along, whose calls have returned. They are replayed from the log before
// anything else is done.

const (
	// commitAfter is how long groups wait for their commit at most.
	commitAfter = 100 * time.Millisecond
	// busyWithin is how soon after the last one a group must come to be worth
	// a record: one that comes later is committed at once.
	busyWithin = 20 * time.Millisecond
	// retryAfter is the pause after a commit that failed while nobody called.
	retryAfter = time.Second
	// carefulCalls is how many calls get savepoints after one that failed
	// without: what a failure costs then is not asked for again and again.
	carefulCalls = 1000
)

// deferred is the writer's part in it. Only waiting is read by others.
type deferred struct {
	log     *redoLog    // nil = every group is committed
	waiting atomic.Bool // groups are durable, but readers cannot see them yet
	failed  bool        // the log could not be written since the last commit
	wanted  bool        // a call of this group asks for a commit
	due     atomic.Bool // commitAfter is over
	timer   *time.Timer
	last    time.Time // of the last durable group
	// commitAfter and busyWithin or a test's.
	commitAfter, busyWithin time.Duration
	careful                 int // calls that get savepoints still
}

// publish returns when all that Updates wrote before can be read by Views.
func (db *DB) publish(ctx context.Context) error {
	if !db.writer.deferred.waiting.Load() {
		return nil
	}
	err := db.writer.update(ctx, func(tx *Tx) error {
		tx.publish = true
		return nil
	})
	if errors.Is(err, ErrClosed) {
		<-db.writer.stopped // which commits
		if !db.writer.deferred.waiting.Load() {
			return nil
		}
	}
	return err
}

// viewWriter runs fn where it sees groups that cannot be committed, as on a
// full disk: on the writer's connection.
func (db *DB) viewWriter(ctx context.Context, fn func(*Tx) error) error {
	return db.writer.update(ctx, func(tx *Tx) error {
		tx.reads = true
		return fn(tx)
	})
}

// OnVisible registers f to run whenever Views can see more than before. It
// runs on the writer's goroutine, after the functions that OnCommit got, and
// must not call Update.
func (db *DB) OnVisible(f func()) {
	db.hooksMu.Lock()
	defer db.hooksMu.Unlock()
	db.onVisible = append(db.onVisible, f)
}

func (db *DB) becameVisible() { db.runAll(&db.onVisible) }

// begin opens the transaction, with the groups in it that were lost.
func (w *writer) begin() error {
	if w.c.inTransaction() {
		return nil
	}
	if err := w.c.run("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if !w.deferred.waiting.Load() {
		return nil
	}
	if err := w.deferred.log.replay(w.c); err != nil {
		w.cancel()
		return fmt.Errorf("replay the redo log: %w", err)
	}
	return nil
}

// cancel gives up the transaction.
func (w *writer) cancel() {
	if w.c.inTransaction() {
		if err := w.c.run("ROLLBACK"); err != nil {
			w.db.log.Error("roll back", "error", err)
			return
		}
	}
	if w.c.log != nil {
		w.c.log.drop()
	}
}

// restore undoes the call that failed without a savepoint, by going back to
// the last commit and coming again as far as the call's beginning.
func (w *writer) restore(before mark) error {
	d := &w.deferred
	d.careful = carefulCalls
	d.log.entry.cut(before)
	w.cancel()
	if err := w.begin(); err != nil {
		return err
	}
	if err := replayEntries(w.c, d.log.entry.buf[redoHeader:]); err != nil {
		w.cancel()
		return fmt.Errorf("redo the group: %w", err)
	}
	return nil
}

// savepoints tells whether a call needs one to be undone alone.
func (w *writer) savepoints() bool {
	if !w.dirty && !w.deferred.waiting.Load() {
		return false // all of the transaction is its own
	}
	if w.deferred.log == nil {
		return true
	}
	if w.deferred.careful > 0 {
		w.deferred.careful--
		return true
	}
	return false
}

// defers tells whether the group is to be durable by a record.
func (w *writer) defers(now time.Time) bool {
	d := &w.deferred
	switch {
	case d.log == nil, d.failed, d.wanted, d.due.Load():
		return false
	case len(d.log.entry.buf) > maxRecord, d.log.at+int64(len(d.log.entry.buf)) > redoBytes:
		return false
	}
	return d.waiting.Load() || now.Sub(d.last) < d.busyWithin
}

// record makes the group durable by the log; false if that failed.
func (w *writer) record() bool {
	d := &w.deferred
	if err := d.log.append(); err != nil {
		d.failed = true
		w.db.log.Warn("redo log cannot be written", "error", err)
		return false
	}
	if !d.waiting.Swap(true) {
		w.arm(d.commitAfter)
	}
	return true
}

func (w *writer) arm(after time.Duration) {
	d := &w.deferred
	if d.timer != nil {
		d.timer.Stop()
	}
	d.timer = time.AfterFunc(after, func() {
		d.due.Store(true)
		w.signal()
	})
}

// finish commits the transaction, with all groups that wait for it.
func (w *writer) finish() error {
	d := &w.deferred
	if d.log != nil && (d.waiting.Load() || d.failed) {
		if err := w.begin(); err != nil {
			return err
		}
		if err := markRedo(w.c, d.log.epoch, d.log.seq); err != nil {
			return err
		}
	}
	if w.c.inTransaction() {
		if err := w.c.run("COMMIT"); err != nil {
			return err
		}
	}
	if d.log == nil {
		return nil
	}
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.log.applied, d.log.written, d.log.at = d.log.seq, d.log.seq, 0
	d.failed, d.wanted = false, false
	d.waiting.Store(false)
	d.due.Store(false)
	return nil
}

// postpone gives up a commit in which nobody's writes are at stake: they are
// in the redo log. Calls that asked for it are told.
func (w *writer) postpone(err error) {
	d := &w.deferred
	w.cancel()
	w.db.log.Error("groups of updates wait in the redo log, since they cannot be committed", "error", err)
	d.wanted = false
	d.due.Store(false)
	w.arm(retryAfter)
	for _, c := range w.group {
		if c.publish {
			c.err = err
		}
	}
}

// settleDeferred commits what waits for it while nobody calls.
func (w *writer) settleDeferred() {
	if err := w.finish(); err != nil {
		w.postpone(err)
		return
	}
	w.db.becameVisible()
	w.db.wal.committed(w.c)
}
