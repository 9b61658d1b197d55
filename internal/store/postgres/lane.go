package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// maxGroup bounds the calls that share a transaction.
	maxGroup = 128
	// nextGroup is how many calls begin while another group is committed: fewer
	// cost more processor time, as groups, than they save of waiting.
	nextGroup = 24
)

// lane is where updates go first. The calls that wait become one group; while it
// writes and is on its way to the disk the next one runs, on another track, if
// it is large enough.
type lane struct {
	d      *Driver
	turn   chan struct{} // room for one: who has it takes calls and runs them
	tracks sync.WaitGroup
	wake   chan struct{} // room for one

	mu         sync.Mutex
	queue      []*call
	closed     bool
	underway   int              // groups that only write and commit
	committing map[int64]*group // by the pipelines that they have locked
}

// track is a connection of the lane, and the loop that uses it.
type track struct {
	*lane
	conn *pgx.Conn // nil until it is needed, and after it was lost
}

// call is one Update that takes part in a group.
type call struct {
	ctx     context.Context
	t       *txn
	g       *group
	resume  chan struct{} // room for one: it goes on
	verdict chan error    // room for one: what became of the group
	writes  []statement   // that are not sent yet
	asks    []statement   // that it waits for
	flushed bool          // some were sent: it cannot be left out any more
	aside   bool          // it is to be run again alone
	behind  *group        // or not alone, but when that group has ended
	err     error         // of its statements
	begun   bool          // the loop has taken it
	left    bool          // it was withdrawn before
}

func newLane(d *Driver) *lane {
	l := &lane{d: d, turn: make(chan struct{}, 1), wake: make(chan struct{}, 1), committing: map[int64]*group{}}
	for range 2 {
		l.tracks.Go((&track{lane: l}).loop)
	}
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
		if len(l.queue) >= nextGroup || l.underway == 0 || l.closed {
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
			if len(calls) > 0 || l.closed {
				l.mu.Unlock()
				return calls
			}
		}
		l.mu.Unlock()
		<-l.wake
	}
}

func (l *lane) stop() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.signal()
	l.tracks.Wait()
}

// depart lets the next group run, as this one will only write and commit. What
// it has locked is out of bounds until it has ended.
func (l *lane) depart(g *group) {
	l.mu.Lock()
	l.underway++
	for _, id := range g.locked {
		l.committing[id] = g
	}
	l.mu.Unlock()
	<-l.turn
}

// arrive ends what depart began.
func (l *lane) arrive(g *group) {
	l.mu.Lock()
	for _, id := range g.locked {
		if l.committing[id] == g {
			delete(l.committing, id)
		}
	}
	l.underway--
	l.mu.Unlock()
	l.signal()
	close(g.ended)
}

// ahead is the group that commits a change of the pipeline, nil if there is none.
func (l *lane) ahead(pipelineID int64) *group {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.committing[pipelineID]
}

func (l *track) loop() {
	for {
		l.turn <- struct{}{}
		calls := l.take()
		if calls == nil {
			<-l.turn
			break
		}
		newGroup(l.lane, calls).serve(l)
	}
	if l.conn != nil {
		ctx, done := context.WithTimeout(context.Background(), 5*time.Second)
		defer done()
		_ = l.conn.Close(ctx) // nothing is on it
	}
}

// connection returns the track's connection and makes it if there is none.
func (l *track) connection() (*pgx.Conn, error) {
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
func (l *track) drop() {
	if l.conn == nil {
		return
	}
	ctx, done := context.WithTimeout(l.d.alive, time.Second)
	defer done()
	_ = l.conn.Close(ctx) // it is lost either way
	l.conn = nil
}
