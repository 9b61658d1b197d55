package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"penstock/internal/store"
)

// statement is one SQL statement on its way to the database.
type statement struct {
	sql  string
	args []any
	scan func(pgx.Rows) error // called for each row; nil = rows are of no interest
	tag  func(pgconn.CommandTag) error

	// A statement over arrays has an array for each argument, and after them
	// how many rows they make, as LIMIT: the planner expects few then, and
	// goes by the index. args are those of one row.
	many    bool
	row     row // zero = others may write what this one writes
	columns []column
	rows    int
	scans   map[string]func(pgx.Rows) error // by the first column
}

// writes reports whether the statement may change something: all but queries do.
func (s statement) writes() bool { return !strings.HasPrefix(s.sql, "SELECT") }

// session runs statements in one transaction, in their order, in one round
// trip. After an error the transaction is lost.
type session interface {
	run(statements ...statement) error
}

// roundTime bounds a round trip: a server that is cut off does not say so. The
// server itself gives up before (statement_timeout, lock_timeout).
const roundTime = 40 * time.Second

// send runs the statements in one round trip.
func send(ctx context.Context, conn *pgx.Conn, all *batch) error {
	if len(all.list) == 0 {
		return nil
	}
	ctx, done := context.WithTimeout(ctx, roundTime)
	defer done()
	b := pgx.Batch{QueuedQueries: make([]*pgx.QueuedQuery, 0, len(all.list))}
	for i := range all.list {
		s := all.list[i]
		q := b.Queue(s.sql, s.arguments()...)
		switch {
		case s.scan != nil:
			q.Query(func(rows pgx.Rows) error {
				for rows.Next() {
					if err := s.scan(rows); err != nil {
						return err
					}
				}
				return rows.Err()
			})
		case s.tag != nil:
			q.Exec(s.tag)
		}
	}
	return conn.SendBatch(ctx, &b).Close()
}

// query reads rows in the transaction.
func (v *reader) query(sql string, scan func(pgx.Rows) error, args ...any) error {
	return v.s.run(statement{sql: sql, args: args, scan: scan})
}

// one reads a row, which may be absent.
func (v *reader) one(sql string, scan func(pgx.Rows) error, args ...any) error {
	found := false
	err := v.query(sql, func(r pgx.Rows) error {
		found = true
		return scan(r)
	}, args...)
	if err == nil && !found {
		return store.ErrNotFound
	}
	return err
}

// number reads one number, 0 when there is no row or it is NULL.
func (v *reader) number(sql string, args ...any) (int64, error) {
	var n *int64
	err := v.one(sql, func(r pgx.Rows) error { return r.Scan(&n) }, args...)
	if err = ignore(err); err != nil || n == nil {
		return 0, err
	}
	return *n, nil
}

// count is number for statements that always give a row.
func (v *reader) count(sql string, args ...any) (int, error) {
	n, err := v.number(sql, args...)
	return int(n), err
}
