package sqlite

import (
	"context"
	"errors"

	sqlite3 "modernc.org/sqlite/lib"
)

// Tx is the database as one Update or View sees it. It is valid until the
// function it was given to returns, and only on that function's goroutine.
type Tx struct {
	c      *conn
	write  bool // of an Update
	idle   bool // of a View that has read nothing: its transaction has not begun
	nested bool // the transaction holds writes of others: use a savepoint
	wrote  bool
	saved  bool // the savepoint is open
	lost   error
	open   []*Rows
	single *Rows // of the last QueryRow
	hooks  []func()
	redo   *entries // of an Update whose statements are logged

	publish bool // of an Update that asks for a commit
	reads   bool // of an Update that stands for a View

	// Of a View.
	db     *DB
	ctx    context.Context
	hidden bool // it cannot see what was written before
}

// savepoint names the one savepoint that can be open.
const (
	savepointOpen     = "SAVEPOINT update_call"
	savepointRollback = "ROLLBACK TO update_call"
	savepointRelease  = "RELEASE update_call"
)

// Exec runs one statement to its end; rows that it gives are dropped. The
// statement is prepared once for a connection and found again by its text,
// so values belong in args: nil, int, int64, bool (stored as 0 or 1),
// float64, string and []byte (nil is NULL). A statement that fails changes
// nothing, and the Tx goes on.
func (tx *Tx) Exec(sql string, args ...any) error {
	s, err := tx.start(sql)
	if err != nil {
		return err
	}
	if err := s.exec(args); err != nil {
		return tx.note(err)
	}
	if tx.redo != nil && !s.readOnly {
		tx.redo.addRun(s, args)
	}
	return nil
}

// Query runs one statement and gives its rows. An error shows in Rows.Err.
func (tx *Tx) Query(sql string, args ...any) *Rows {
	r := &Rows{tx: tx}
	s, err := tx.start(sql)
	if err == nil {
		err = s.bind(args)
	}
	if err != nil {
		r.err = err
		return r
	}
	r.s = s
	if tx.redo != nil && !s.readOnly {
		r.args = appendArgs(nil, args)
	}
	tx.open = append(tx.open, r)
	return r
}

// QueryRow runs one statement and gives its first row, which is current
// already:
//
//	r, ok := tx.QueryRow(`SELECT name FROM t WHERE id = ?`, id)
//	if !ok {
//		return r.Err() // nil if there is no such row
//	}
//	name := r.Text(0)
//
// The row can be read until the next Exec, Query or QueryRow of this Tx,
// which closes it; a Close by the caller is not needed.
func (tx *Tx) QueryRow(sql string, args ...any) (*Rows, bool) {
	r := tx.Query(sql, args...)
	ok := r.Next()
	if ok {
		tx.single = r
	}
	return r, ok
}

// Changes is how many rows the last INSERT, UPDATE or DELETE changed.
func (tx *Tx) Changes() int64 {
	if tx.c == nil {
		return 0
	}
	return sqlite3.Xsqlite3_changes64(tx.c.tls, tx.c.db)
}

// LastInsertID is the rowid of the last row that was inserted.
func (tx *Tx) LastInsertID() int64 {
	if tx.c == nil {
		return 0
	}
	return sqlite3.Xsqlite3_last_insert_rowid(tx.c.tls, tx.c.db)
}

// OnCommit has f run when what this Update wrote is durable, after the
// functions of earlier calls and before Update returns. It runs on the
// writer's goroutine, so it must be short and must call neither Update nor View. If the
// Update fails, and in a View, f never runs.
func (tx *Tx) OnCommit(f func()) {
	if tx.write {
		tx.hooks = append(tx.hooks, f)
	}
}

// start finds the statement and makes the Tx ready for it.
func (tx *Tx) start(sql string) (*stmt, error) {
	if tx.c == nil {
		return nil, ErrTxDone
	}
	if tx.lost != nil {
		return nil, tx.lost
	}
	if tx.single != nil {
		tx.single.Close()
	}
	if tx.idle {
		tx.idle = false
		if tx.db != nil {
			if err := tx.db.publish(tx.ctx); err != nil {
				tx.hidden, tx.lost = true, err
				return nil, err
			}
		}
		if err := tx.c.run("BEGIN"); err != nil {
			return nil, tx.note(err)
		}
	}
	s, err := tx.c.statement(sql)
	if err != nil {
		return nil, tx.note(err)
	}
	if s.control {
		s.discard()
		return nil, errors.New("sqlite: not allowed in a transaction: " + sql)
	}
	if tx.reads && !s.readOnly {
		s.discard()
		return nil, &Error{Code: sqlite3.SQLITE_READONLY, Message: "attempt to write in a View", SQL: sql}
	}
	if tx.write && !tx.wrote && !s.readOnly {
		if tx.nested {
			if err := tx.c.run(savepointOpen); err != nil {
				s.discard()
				return nil, tx.note(err)
			}
			tx.saved = true
		}
		tx.wrote = true
	}
	return s, nil
}

// note passes err on. If SQLite gave up the whole transaction because of it,
// no statement may run any more: it would commit by itself.
func (tx *Tx) note(err error) error {
	if tx.lost == nil && !tx.c.inTransaction() {
		tx.lost = err
	}
	return err
}

// forget drops a closed Rows from the list of open ones.
func (tx *Tx) forget(r *Rows) {
	if tx.single == r {
		tx.single = nil
	}
	for i := len(tx.open) - 1; i >= 0; i-- {
		if tx.open[i] == r {
			last := len(tx.open) - 1
			tx.open[i] = tx.open[last]
			tx.open[last] = nil
			tx.open = tx.open[:last]
			return
		}
	}
}

// end closes what the function left open and makes the Tx unusable.
func (tx *Tx) end() {
	for len(tx.open) > 0 {
		tx.open[len(tx.open)-1].Close()
	}
	tx.c = nil
}
