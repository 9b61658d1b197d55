package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// maxGroup bounds the calls that share a transaction.
const maxGroup = 128

// lane is the connection that updates go through first. Its loop takes the
// calls that wait and runs them as one group; while a group is on its way to
// the disk the next one gathers.
type lane struct {
	d       *Driver
	conn    *pgx.Conn // nil until it is needed, and after it was lost
	mu      sync.Mutex
	queue   []*call
	closed  bool
	wake    chan struct{} // room for one
	stopped chan struct{}
}

// call is one Update that takes part in a group.
type call struct {
	ctx     context.Context
	g       *group
	resume  chan struct{} // room for one: it goes on
	verdict chan error    // room for one: what became of the group
	writes  []statement   // that are not sent yet
	asks    []statement   // that it waits for
	flushed bool          // some were sent: it cannot be left out any more
	aside   bool          // it is to be run again alone
	err     error         // of its statements
	begun   bool          // the loop has taken it
	left    bool          // it was withdrawn before
}

func newLane(d *Driver) *lane {
	l := &lane{d: d, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	go l.loop()
	return l
}

// enter waits until the call may begin. It reports false when the lane is
// closed.
func (l *lane) enter(c *call) error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	l.queue = append(l.queue, c)
	l.mu.Unlock()
	l.signal()
	select {
	case <-c.resume:
		return nil
	case <-c.ctx.Done():
	}
	l.mu.Lock()
	c.left = !c.begun
	l.mu.Unlock()
	if c.left {
		return c.ctx.Err()
	}
	<-c.resume
	return nil
}

func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// take returns the calls that wait, nil when the lane is closed.
func (l *lane) take() []*call {
	for {
		l.mu.Lock()
		var calls []*call
		n := 0
		for ; n < len(l.queue) && len(calls) < maxGroup; n++ {
			if c := l.queue[n]; !c.left {
				c.begun = true
				calls = append(calls, c)
			}
		}
		l.queue = append(l.queue[:0], l.queue[n:]...)
		clear(l.queue[len(l.queue):cap(l.queue)])
		closed := l.closed
		l.mu.Unlock()
		if len(calls) > 0 || closed {
			return calls
		}
		<-l.wake
	}
}

func (l *lane) stop() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.signal()
	<-l.stopped
}

func (l *lane) loop() {
	defer close(l.stopped)
	for {
		calls := l.take()
		if calls == nil {
			break
		}
		newGroup(calls).serve(l)
	}
	if l.conn != nil {
		ctx, done := context.WithTimeout(context.Background(), 5*time.Second)
		defer done()
		_ = l.conn.Close(ctx) // nothing is on it
	}
}

// connection returns the lane's connection and makes it if there is none.
func (l *lane) connection() (*pgx.Conn, error) {
	if l.conn != nil && !l.conn.IsClosed() {
		return l.conn, nil
	}
	ctx, done := context.WithTimeout(l.d.alive, connectTimeout)
	defer done()
	conn, err := pgx.ConnectConfig(ctx, l.d.durable.Copy())
	if err != nil {
		return nil, err
	}
	l.conn = conn
	return conn, takeColumns(ctx, conn)
}

// drop gives up a connection that is in doubt.
func (l *lane) drop() {
	if l.conn == nil {
		return
	}
	ctx, done := context.WithTimeout(l.d.alive, time.Second)
	defer done()
	_ = l.conn.Close(ctx) // it is lost either way
	l.conn = nil
}
