package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// call is one Update on its way through the writer.
type call struct {
	fn    func(*Tx) error
	state atomic.Int32
	done  chan error // room for one, so that the writer never waits
	hooks []func()
	// hooked counts the hooks that were started.
	hooked  int
	err     error // of fn
	publish bool  // it asks for a commit of all groups
}

const (
	callQueued int32 = iota
	callTaken
	callWithdrawn
)

var calls = sync.Pool{New: func() any { return &call{done: make(chan error, 1)} }}

// writer owns the only connection that writes. Its loop opens a transaction
// for the first waiting call, lets every call that waits by then join, and
// commits; while the commit is on its way to the disk the next group queues.
type writer struct {
	db       *DB
	c        *conn
	maxGroup int

	mu      sync.Mutex
	queue   []*call
	closed  bool
	wake    chan struct{} // room for one
	stopped chan struct{}

	// The rest belongs to the loop.
	batch     []*call // taken from the queue, not run yet, from batch[next]
	next      int
	current   *call
	tx        *Tx
	group     []*call // have run and wait for the commit
	dirty     bool    // the transaction holds writes of the group
	settled   int     // calls of the group, now durable, that have returned
	durable   bool    // the group is and its calls return
	committed bool    // by SQLite, and nobody was told yet

	deferred deferred
}

func newWriter(db *DB, c *conn, maxGroup int) *writer {
	return &writer{
		db: db, c: c, maxGroup: maxGroup,
		wake: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
}

func (w *writer) update(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := calls.Get().(*call)
	c.fn = fn
	c.state.Store(callQueued)
	if !w.enqueue(c) {
		return ErrClosed
	}
	var err error
	select {
	case err = <-c.done:
	case <-ctx.Done():
		if c.state.CompareAndSwap(callQueued, callWithdrawn) {
			return ctx.Err() // the loop still holds c, so it is not reused
		}
		err = <-c.done
	}
	c.fn, c.err, c.publish = nil, nil, false
	clear(c.hooks)
	c.hooks, c.hooked = c.hooks[:0], 0
	calls.Put(c)
	return err
}

func (w *writer) enqueue(c *call) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.queue = append(w.queue, c)
	if len(w.queue) == 1 {
		w.signal()
	}
	return true
}

func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// stop takes no more calls and waits until those in the queue are done.
func (w *writer) stop() {
	w.mu.Lock()
	w.closed = true
	w.signal()
	w.mu.Unlock()
	<-w.stopped
}

// take gives the next waiting call, nil if there is none.
func (w *writer) take() *call {
	for {
		if w.next == len(w.batch) {
			w.mu.Lock()
			w.batch, w.queue = w.queue, w.batch[:0]
			w.mu.Unlock()
			w.next = 0
			if len(w.batch) == 0 {
				return nil
			}
		}
		c := w.batch[w.next]
		w.batch[w.next] = nil
		w.next++
		if c.state.CompareAndSwap(callQueued, callTaken) {
			return c
		}
	}
}

func (w *writer) loop() {
	finished := false
	defer func() {
		if finished {
			close(w.stopped)
			return
		}
		// A function called runtime.Goexit, as a test's Fatal does, and
		// takes this goroutine with it.
		if !w.durable {
			w.abandon(errors.New("sqlite: the update's goroutine was ended"))
		}
		go w.loop()
	}()
	if w.durable {
		w.settle()
	}
	for {
		if c := w.take(); c != nil {
			w.transaction(c)
			continue
		}
		w.mu.Lock()
		over := w.closed && len(w.queue) == 0
		w.mu.Unlock()
		if w.deferred.waiting.Load() && (over || w.deferred.due.Load()) {
			w.settleDeferred()
		}
		if over {
			finished = true
			return
		}
		<-w.wake
	}
}

// transaction runs c and the calls that wait behind it, and commits.
func (w *writer) transaction(c *call) {
	yielded := false
	for n := 0; c != nil && n < w.maxGroup; n++ {
		w.run(c)
		if n+1 == w.maxGroup {
			break
		}
		if c = w.take(); c == nil && !yielded {
			// Callers of the last group may be on their way back with
			// new calls; give those that are ready to run their turn.
			yielded = true
			runtime.Gosched()
			c = w.take()
		}
	}
	w.commit()
}

// run executes one call inside the group's transaction.
func (w *writer) run(c *call) {
	w.db.calls.Add(1)
	if err := w.begin(); err != nil {
		c.done <- err
		return
	}
	tx := &Tx{c: w.c, write: true, nested: w.savepoints(), hooks: c.hooks[:0]}
	var before mark
	if w.deferred.log != nil {
		tx.redo = &w.deferred.log.entry
		before = tx.redo.mark()
	}
	w.current, w.tx = c, tx
	err := invoke(tx, c.fn)
	w.current, w.tx = nil, nil
	if err == nil && tx.wrote && tx.lost == nil && w.c.brokenReferences() {
		// Would fail the whole group at its commit.
		err = &Error{Code: codeForeignKey, Message: "FOREIGN KEY constraint failed"}
	}
	tx.end()
	c.err, c.hooks, c.publish = err, tx.hooks, tx.publish
	w.deferred.wanted = w.deferred.wanted || tx.publish

	switch {
	case tx.lost != nil:
		if err == nil {
			err = tx.lost
			w.dirty = true // fn counts as a success that is undone
		}
		w.undone(tx.lost)
		c.done <- err
	case err != nil && tx.wrote:
		w.undo(c, tx, before)
	case err != nil && !w.dirty:
		c.done <- err
	default:
		// Also a call that failed waits for the commit if it may have
		// failed because of what others of the group wrote.
		if tx.saved {
			if err := w.c.run(savepointRelease); err != nil {
				w.group = append(w.group, c)
				w.rollback(err)
				return
			}
		}
		w.dirty = w.dirty || tx.wrote
		w.group = append(w.group, c)
	}
}

// undo takes back the writes of a call that failed.
func (w *writer) undo(c *call, tx *Tx, before mark) {
	if !tx.saved && !w.dirty && !w.deferred.waiting.Load() {
		// All of the transaction is its own; calls before it only read what
		// is durable.
		w.cancel()
		if tx.redo != nil {
			tx.redo.cut(before)
		}
		c.done <- c.err
		return
	}
	w.group = append(w.group, c)
	if !tx.saved {
		if err := w.restore(before); err != nil {
			w.rollback(err)
		}
		return
	}
	err := w.c.run(savepointRollback)
	if err == nil {
		err = w.c.run(savepointRelease)
	}
	if err != nil {
		w.rollback(err)
		return
	}
	if tx.redo != nil {
		tx.redo.cut(before)
	}
}

// commit ends the group: the calls return when their writes are on the disk.
func (w *writer) commit() {
	d, now, committed := &w.deferred, time.Now(), false
	switch {
	case w.dirty && w.defers(now) && w.record():
	case !w.dirty && d.waiting.Load() && !d.wanted && !d.due.Load():
		// It has only read.
	default:
		err := w.finish()
		if err != nil && (w.dirty || !d.waiting.Load()) {
			w.rollback(fmt.Errorf("commit: %w", err))
			return
		}
		if err != nil {
			w.postpone(fmt.Errorf("commit: %w", err))
		}
		committed = err == nil
	}
	if w.dirty {
		w.db.groups.Add(1)
		d.last = now
	}
	if d.log != nil {
		d.log.entry.reset()
	}
	w.dirty, w.durable, w.committed = false, true, committed
	w.settle()
	if committed {
		w.db.wal.committed(w.c)
	}
}

// settle runs the hooks of the group and lets its calls return. It notes how
// far it is, so that it can go on if a hook ends the goroutine.
func (w *writer) settle() {
	for _, c := range w.group[w.settled:] {
		for c.err == nil && c.hooked < len(c.hooks) {
			f := c.hooks[c.hooked]
			c.hooked++
			w.db.guard(f)
		}
	}
	if w.committed {
		w.committed = false
		w.db.becameVisible()
	}
	for w.settled < len(w.group) {
		c := w.group[w.settled]
		w.group[w.settled] = nil
		w.settled++
		c.done <- c.err
	}
	w.group, w.settled, w.durable = w.group[:0], 0, false
}

// rollback gives up the whole transaction.
func (w *writer) rollback(cause error) {
	w.cancel()
	w.undone(cause)
}

// undone tells the calls of the group that nothing of them remains.
func (w *writer) undone(cause error) {
	if w.deferred.log != nil {
		w.deferred.log.entry.reset()
	}
	if w.dirty {
		w.dirty = false
		w.db.log.Error("group of updates rolled back", "calls", len(w.group), "error", cause)
		w.db.rolledBack()
	}
	for i, c := range w.group {
		w.group[i] = nil
		c.done <- cause
	}
	w.group = w.group[:0]
}

// abandon clears up after a function that ended the loop's goroutine.
func (w *writer) abandon(cause error) {
	if w.tx != nil {
		w.tx.end()
		w.tx = nil
	}
	w.rollback(cause)
	if w.current != nil {
		w.current.done <- cause
		w.current = nil
	}
}

// invoke calls fn and makes an error of its panic.
func invoke(tx *Tx, fn func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("sqlite: update panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(tx)
}
