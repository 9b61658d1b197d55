package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/store"
)

const (
	connectTimeout = 5 * time.Second
	// patience bounds how long an update waits for a database that cannot
	// be reached.
	patience = 10 * time.Second
	// maxAttempts bounds how often a call that loses to others is run again.
	maxAttempts = 8
)

// definitionsLock is the key of the advisory lock under which changes what
// belongs to no pipeline.
const definitionsLock = 0x50454e53_00000001

// alone runs one update in a transaction of its own, as often as it takes. It
// waits for locks.
type alone struct {
	ctx    context.Context
	conn   *pgx.Conn
	failed error
}

// run writes, then asks.
func (a *alone) run(writes []statement, asks ...statement) error {
	if a.failed != nil {
		return a.failed
	}
	var b batch
	b.write(writes)
	b.ask(asks)
	a.failed = send(a.ctx, a.conn, &b)
	return a.failed
}

// solo runs fn alone.
func (d *Driver) solo(ctx context.Context, fn func(store.Tx) error, definitions bool) error {
	var since time.Time
	pause := 5 * time.Millisecond
	for attempt := 1; ; attempt++ {
		wanted, err := d.attempt(ctx, fn, definitions)
		if wanted && !definitions {
			definitions = true
			continue
		}
		if err == nil || !again(err) || errors.Is(err, ErrOutcome) {
			return err
		}
		if unreachable(err) {
			if since.IsZero() {
				since = time.Now()
			}
			if time.Since(since) > patience {
				return plain(err)
			}
		} else if attempt >= maxAttempts {
			return fmt.Errorf("store: given up after %d attempts: %w", attempt, err)
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, time.Second)
		case <-ctx.Done():
			return ctx.Err()
		case <-d.alive.Done():
			return ErrClosed
		}
	}
}

// attempt runs fn once. wanted says that it changes definitions and must be
// run again under their lock.
func (d *Driver) attempt(ctx context.Context, fn func(store.Tx) error, definitions bool) (wanted bool, err error) {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return false, d.closing(err)
	}
	defer conn.Release()
	d.alone.Add(1)
	s := &alone{ctx: ctx, conn: conn.Conn()}
	t := d.newTxn(s)
	t.definitions = definitions
	begin := []statement{begin()}
	if definitions {
		begin = append(begin, statement{sql: `SELECT pg_advisory_xact_lock($1)`, args: []any{int64(definitionsLock)}})
	}
	done := false
	defer func() { // also when fn panics
		if !done && !conn.Conn().IsClosed() {
			stop, cancel := context.WithTimeout(d.alive, time.Second)
			defer cancel()
			if _, failed := conn.Exec(stop, `ROLLBACK`); failed != nil {
				_ = conn.Conn().Close(stop) // the pool makes another
			}
		}
	}()
	if err := s.run(nil, begin...); err != nil {
		return false, err
	}
	err = fn(t)
	if s.failed != nil {
		return false, s.failed
	}
	if err != nil || t.wantsDefinitions {
		return t.wantsDefinitions, err
	}
	if err := s.run(t.writes, commit()); err != nil {
		return false, outcome(err)
	}
	done = true
	t.leave(d.keepLive)
	t.committed()
	return false, nil
}

// closing makes ErrClosed of what a closed pool says.
func (d *Driver) closing(err error) error {
	if err != nil && d.alive.Err() != nil {
		return ErrClosed
	}
	return err
}
