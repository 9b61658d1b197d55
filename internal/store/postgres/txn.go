package postgres

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"penstock/internal/store"
)

// txn is an Update: a call of a group, or one that runs alone. What it writes
// is kept back and goes out before its next read, or with the commit.
type txn struct {
	reader
	call   *call  // in a group
	alone  *alone // else
	writes []statement
	held   map[int64]*held
	jobs   map[string]bool // that it has locked

	definitions      bool // it has the lock of definitions
	wantsDefinitions bool // it is to be run again with it
	continued        bool // it read a job that goes on where another ended

	// For the commit.
	opened  []openedJob
	queued  []string // queues, one for each job
	timer   int64    // the earliest that was set, 0 = none
	types   bool     // it changed action types or clients
	emitted bool     // it wrote to the outbox
}

func (d *Driver) newTxn(a *alone) *txn {
	t := &txn{reader: reader{d: d, now: d.now()}, alone: a}
	t.s = t
	return t
}

// run implements session.
func (t *txn) run(statements ...statement) error {
	if t.call != nil {
		t.call.writes, t.writes = t.writes, nil
		return t.call.ask(statements)
	}
	if t.wantsDefinitions {
		return errAborted
	}
	writes := t.writes
	t.writes = nil
	return t.alone.run(writes, statements...)
}

// write keeps the statement until the next read.
func (t *txn) write(sql string, args ...any) error {
	t.writes = append(t.writes, statement{sql: sql, args: args})
	return nil
}

// put is write for a statement over arrays, with the arguments of one row.
func (t *txn) put(r row, sql string, args ...any) error {
	t.writes = append(t.writes, statement{sql: sql, args: args, many: true, row: r})
	return nil
}

// affected writes at once and returns how many rows that changed.
func (t *txn) affected(sql string, args ...any) (n int, err error) {
	err = t.run(statement{sql: sql, args: args, tag: func(tag pgconn.CommandTag) error {
		n = int(tag.RowsAffected())
		return nil
	}})
	return n, err
}

// mustWrite is affected for a row that must be there.
func (t *txn) mustWrite(sql string, args ...any) error {
	n, err := t.affected(sql, args...)
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}

// setAside gives this attempt up: the call is run again alone.
func (t *txn) setAside() error {
	if t.call != nil {
		t.call.aside = true
	}
	return errAborted
}

// define is called before a change of what belongs to no pipeline. What the
// call has read before may be out of date unless it has the lock.
func (t *txn) define() error {
	if t.definitions {
		return nil
	}
	t.wantsDefinitions = true
	return t.setAside()
}

// leave tells what the update made of the pipelines that it changed.
func (t *txn) leave(tell func(int64, *live)) {
	for id, h := range t.held {
		if h.live != nil && h.own {
			tell(id, h.live)
		}
	}
}

// committed tells the world outside the database.
func (t *txn) committed() {
	for _, j := range t.opened {
		t.d.keepJob(j.Job, j.length)
	}
	if t.types {
		t.d.seen.changed()
		t.d.news.types()
	}
	for _, q := range t.queued {
		t.d.room.announce(q, 1)
		t.d.news.queued(q)
	}
	if t.timer != 0 {
		t.d.timerSet(t.timer)
		t.d.news.timer()
	}
	if t.emitted {
		t.d.outbox.ring()
		t.d.news.outbox()
	}
}

// ignore makes nil of err if it is ErrNotFound.
func ignore(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
