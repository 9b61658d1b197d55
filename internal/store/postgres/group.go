package postgres

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
)

// group is the calls that share one transaction. They run side by side, each
// on its own goroutine; when all of them wait for the database, what they ask
// for goes out as one batch. A pipeline belongs to one call at a time: others
// wait until that call has ended and then see what it wrote.
type group struct {
	lane     *lane
	ended    chan struct{}
	locked   []int64         // pipelines
	left     map[int64]*live // what calls that have ended left of them
	mu       sync.Mutex
	running  int
	quiet    chan struct{} // room for one: nothing runs
	out      batch         // what was written since the last round trip
	asking   []*call       // wait for the next
	finished []*call       // wait for the commit
	owner    map[int64]*call
	waiting  map[int64][]*call
	aborted  bool // no statement runs any more
	writes   bool
}

func newGroup(l *lane, calls []*call) *group {
	g := &group{lane: l, ended: make(chan struct{}), quiet: make(chan struct{}, 1), owner: map[int64]*call{}, waiting: map[int64][]*call{}, left: map[int64]*live{}, running: len(calls)}
	g.out.write([]statement{begin()})
	for _, c := range calls {
		c.g = g
		c.resume <- struct{}{}
	}
	return g
}

// rest notes that one call less runs. The lock is held.
func (g *group) rest() {
	if g.running--; g.running == 0 {
		g.quiet <- struct{}{}
	}
}

// ask sends the call's statements, after all that it has written so far.
func (c *call) ask(statements []statement) error {
	g := c.g
	g.mu.Lock()
	if g.aborted || c.aside {
		g.mu.Unlock()
		return errAborted
	}
	if len(c.writes) > 0 || slices.ContainsFunc(statements, statement.writes) {
		c.flushed, g.writes = true, true
		g.out.write(c.writes)
		c.writes = nil
	}
	c.asks = statements
	g.asking = append(g.asking, c)
	g.rest()
	g.mu.Unlock()
	<-c.resume
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.aborted {
		return errAborted
	}
	return nil
}

// hold makes the call the owner of the pipeline.
func (c *call) hold(pipelineID int64) error {
	g := c.g
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		if g.aborted || c.aside {
			return errAborted
		}
		owner := g.owner[pipelineID]
		if owner == nil || owner == c {
			if c.behind = g.lane.ahead(pipelineID); c.behind != nil {
				c.aside = true
				return errAborted
			}
			g.owner[pipelineID] = c
			g.locked = append(g.locked, pipelineID)
			return nil
		}
		g.waiting[pipelineID] = append(g.waiting[pipelineID], c)
		g.rest()
		g.mu.Unlock()
		<-c.resume
		g.mu.Lock()
	}
}

// finish ends the part of the call in the group and waits for what becomes of
// it. keep says that the call succeeded. The result is nil when the group was
// committed, errAborted when the call is to be run again alone.
func (c *call) finish(keep bool) error {
	g := c.g
	g.mu.Lock()
	if keep && !c.aside {
		c.t.leave(func(id int64, l *live) { g.left[id] = l })
	}
	if !keep || c.aside {
		if c.flushed {
			g.aborted = true
		}
	} else if !g.aborted && len(c.writes) > 0 {
		g.writes = true
		g.out.write(c.writes)
	}
	for id, owner := range g.owner {
		if owner != c {
			continue
		}
		delete(g.owner, id)
		g.release(id)
	}
	wait := !c.aside || c.flushed
	if wait {
		g.finished = append(g.finished, c)
	}
	g.rest()
	g.mu.Unlock()
	if !wait {
		return errAborted
	}
	return <-c.verdict
}

// leftOf is what calls that have ended made of the pipeline.
func (g *group) leftOf(pipelineID int64) *live {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.left[pipelineID]
}

// release lets the calls go on that wait for the pipeline: the first becomes
// its owner, the others wait again. The lock is held.
func (g *group) release(pipelineID int64) {
	waiting := g.waiting[pipelineID]
	delete(g.waiting, pipelineID)
	for _, c := range waiting {
		g.running++
		c.resume <- struct{}{}
	}
}

// serve runs the group to its end, on the lane's goroutine.
func (g *group) serve(l *track) {
	ctx, begun := l.d.alive, false
	l.d.groups.Add(1)
	conn, err := l.connection()
	if err != nil {
		g.abort()
	}
	for {
		<-g.quiet
		g.mu.Lock()
		if g.aborted {
			left := g.releaseAll()
			g.mu.Unlock()
			if left {
				continue
			}
			break
		}
		out, asking := g.out, g.asking
		g.out, g.asking = batch{}, nil
		if len(asking) == 0 && len(g.waiting) > 0 { // two calls wait for each other
			g.aborted = true
			g.releaseAll()
			g.mu.Unlock()
			continue
		}
		g.mu.Unlock()
		if len(asking) == 0 {
			g.commit(ctx, l, &out, begun)
			return
		}
		begun = true
		for _, c := range asking {
			out.ask(c.asks)
		}
		err := send(ctx, conn, &out)
		g.mu.Lock()
		g.aborted = g.aborted || err != nil
		g.running += len(asking)
		g.mu.Unlock()
		for _, c := range asking {
			c.resume <- struct{}{}
		}
	}
	if begun {
		l.rollback(ctx)
	}
	l.depart(g)
	g.end(errAborted)
}

func (g *group) abort() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.aborted = true
}

// releaseAll lets all that wait go on, to their end, and reports whether there
// were any. The lock is held.
func (g *group) releaseAll() bool {
	calls := g.asking
	for id, waiting := range g.waiting {
		calls = append(calls, waiting...)
		delete(g.waiting, id)
	}
	g.asking = nil
	g.running += len(calls)
	for _, c := range calls {
		c.resume <- struct{}{}
	}
	return len(calls) > 0
}

// commit sends what is left to write, and the end of the transaction.
func (g *group) commit(ctx context.Context, l *track, out *batch, begun bool) {
	l.depart(g)
	if !begun && len(out.list) == 1 { // the BEGIN
		g.end(nil)
		return
	}
	out.write([]statement{commit()})
	err := send(ctx, l.conn, out)
	switch {
	case err == nil:
	case !g.writes:
		l.rollback(ctx)
		err = errAborted
	default:
		l.rollback(ctx)
		if err = outcome(err); !errors.Is(err, ErrOutcome) {
			err = errAborted
		}
	}
	g.end(err)
}

func begin() statement { return statement{sql: `BEGIN ISOLATION LEVEL READ COMMITTED`} }

// commit ends a transaction. The server answers ROLLBACK to the
// COMMIT of a transaction that has failed.
func commit() statement {
	return statement{sql: `COMMIT`, tag: func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return &pgconn.PgError{Severity: "ERROR", Code: codeSerialization, Message: "the transaction was rolled back"}
		}
		return nil
	}}
}

// rollback undoes the transaction; a connection that does not answer is given
// up.
func (l *track) rollback(ctx context.Context) {
	if l.conn == nil {
		return
	}
	if l.conn.IsClosed() {
		l.drop()
		return
	}
	if _, err := l.conn.Exec(ctx, `ROLLBACK`); err != nil {
		l.drop()
	}
}

// end tells all calls what became of the group.
func (g *group) end(err error) {
	if err == nil {
		for id, l := range g.left {
			g.lane.d.keepLive(id, l)
		}
	}
	g.lane.arrive(g)
	for _, c := range g.finished {
		c.verdict <- err
	}
}
