package postgres

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// slowPoll is how often queues that somebody waits for are looked at
	// although nothing was heard of them, and how long a queue that was
	// empty is taken for empty.
	slowPoll = time.Second
	// maxQueues bounds the queues that are remembered, but for those that
	// somebody waits for.
	maxQueues = 10_000
	// lockedPause is how long a queue is left alone whose jobs are all locked
	// by others, as of somebody who acknowledges one.
	lockedPause = 50 * time.Millisecond
	// maxWoken bounds how many waiters one look at a queue wakes.
	maxWoken = 32
)

// room is where workers wait for jobs. It remembers which queues were empty a
// moment ago, so that idle polls ask the database for nothing.
type room struct {
	d *Driver

	mu     sync.Mutex
	queues map[string]*queue
	closed bool
}

// queue is what this node knows of a queue.
type queue struct {
	name       string
	heard      uint64    // announcements: what was found before one is out of date
	emptyUntil time.Time // nothing can be handed out before that, as far as is known
	next       int64     // when the first hidden job comes back; 0 = there is none
	waiters    list.List // of *waiter
	timer      *time.Timer
}

type waiter struct {
	wake  chan struct{}
	woken bool
}

// glance is a look at a queue that has begun.
type glance struct {
	q     *queue
	heard uint64
}

func newRoom(d *Driver) *room { return &room{d: d, queues: map[string]*queue{}} }

func (r *room) queue(name string) *queue {
	q := r.queues[name]
	if q == nil {
		if len(r.queues) >= maxQueues {
			for name, q := range r.queues {
				if q.waiters.Len() == 0 {
					delete(r.queues, name)
				}
			}
		}
		q = &queue{name: name}
		r.queues[name] = q
	}
	return q
}

// empty reports whether the queue is known to have nothing for anybody.
func (q *queue) empty(now int64) bool {
	return time.Now().Before(q.emptyUntil) && (q.next == 0 || now < q.next)
}

// enter begins a look at the queue; nil when it is known to be empty.
func (r *room) enter(name string, now int64) *glance {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queue(name)
	if q.empty(now) {
		return nil
	}
	return &glance{q, q.heard}
}

// settle notes that the queue was found empty. It does nothing if something
// was heard of it since the look began.
func (r *room) settle(g *glance, next int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if g.q.heard == g.heard {
		g.q.emptyUntil, g.q.next = time.Now().Add(slowPoll+slowPoll/4), next
		r.arm(g.q)
	}
}

// announce tells of n jobs that can be handed out.
func (r *room) announce(name string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q := r.queues[name]; q != nil {
		r.ring(q, n)
	}
}

func (r *room) ring(q *queue, n int) {
	q.heard++
	q.emptyUntil = time.Time{}
	for ; n > 0 && q.waiters.Len() > 0; n-- {
		w := q.waiters.Remove(q.waiters.Front()).(*waiter)
		w.woken = true
		close(w.wake)
	}
}

// forget makes everybody look for themselves: something may have been missed.
func (r *room) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.queues {
		q.heard++
		q.emptyUntil = time.Time{}
	}
}

// arm sets the timer for the end of the first window, if somebody waits.
func (r *room) arm(q *queue) {
	if q.timer != nil {
		q.timer.Stop()
		q.timer = nil
	}
	if q.waiters.Len() == 0 || q.next == 0 || r.closed {
		return
	}
	wait := time.Duration(max(q.next-r.d.now().UnixMilli(), 1)) * time.Millisecond
	q.timer = time.AfterFunc(wait, func() { r.announce(q.name, 1) })
}

// Await implements store.Driver.
func (d *Driver) Await(ctx context.Context, queue string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := millis(d.now())
	if look := d.room.enter(queue, now); look != nil {
		if err := d.inspect(ctx, now, false, look); err != nil {
			return err
		}
	}
	return d.room.await(ctx, queue, now)
}

// await waits for an announcement unless the queue may have something.
func (r *room) await(ctx context.Context, name string, now int64) error {
	r.mu.Lock()
	q := r.queue(name)
	if r.closed {
		r.mu.Unlock()
		return ErrClosed
	}
	if !q.empty(now) {
		r.mu.Unlock()
		return nil
	}
	w := &waiter{wake: make(chan struct{})}
	place := q.waiters.PushBack(w)
	r.arm(q)
	r.mu.Unlock()

	var err error
	select {
	case <-w.wake:
	case <-ctx.Done():
		err = ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		err = ErrClosed
	case err != nil && w.woken:
		r.ring(q, 1) // the job is for another
	case err != nil:
		q.waiters.Remove(place)
	}
	return err
}

// close ends all waiting.
func (r *room) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, q := range r.queues {
		r.ring(q, q.waiters.Len())
		r.arm(q)
	}
}

// lookAt tells of each queue how many jobs can be handed out, up to a bound,
// and when the first of the hidden ones comes back.
const lookAt = `SELECT q.place,
		(SELECT count(*) FROM (SELECT FROM job WHERE queue = q.name AND state = 'Queued' AND hidden_until <= $2 LIMIT $3) ready),
		coalesce((SELECT min(hidden_until) FROM job WHERE queue = q.name AND state = 'Queued' AND hidden_until > $2), 0)
	FROM unnest($1::text[]) WITH ORDINALITY AS q (name, place)`

// inspect finds out what is in queues. locked says that claims have just found
// nothing, so that what is there is locked.
func (d *Driver) inspect(ctx context.Context, now int64, locked bool, looks ...*glance) error {
	names := make([]string, len(looks))
	for i, g := range looks {
		names[i] = g.q.name
	}
	return d.lookInto(ctx, names, now, 1, func(i, ready int, next int64) {
		switch {
		case ready == 0:
			d.room.settle(looks[i], next)
		case locked:
			d.room.settle(looks[i], now+lockedPause.Milliseconds())
		}
	})
}

// lookInto tells of each queue how many jobs can be handed out, up to most, and
// when the first hidden one comes back.
func (d *Driver) lookInto(ctx context.Context, names []string, now int64, most int, found func(i, ready int, next int64)) error {
	rows, err := d.quick.Query(ctx, lookAt, names, now, most)
	if err != nil {
		return plain(d.closing(err))
	}
	var i, ready int
	var next int64
	_, err = pgx.ForEachRow(rows, []any{&i, &ready, &next}, func() error {
		found(i-1, ready, next)
		return nil
	})
	return plain(d.closing(err))
}

// look looks from time to time at the queues that somebody waits for, at the
// timers and at the outbox: notices may be lost.
func (d *Driver) look() {
	tick := time.NewTicker(slowPoll)
	defer tick.Stop()
	lost := false
	for {
		select {
		case <-d.alive.Done():
			return
		case <-tick.C:
		}
		err := d.lookAround()
		if err != nil && d.alive.Err() == nil && !lost {
			d.log.Error("the database cannot be asked for work; trying again", "error", err)
		}
		if err == nil && lost {
			d.log.Info("the database can be reached again")
		}
		lost = err != nil
	}
}

func (d *Driver) lookAround() error {
	ctx, done := context.WithTimeout(d.alive, 10*time.Second)
	defer done()
	if err := d.lookForTimers(ctx); err != nil {
		return err
	}
	looks := d.room.awaited()
	if len(looks) == 0 {
		return nil
	}
	names := make([]string, len(looks))
	for i, g := range looks {
		names[i] = g.q.name
	}
	return d.lookInto(ctx, names, millis(d.now()), maxWoken, func(i, ready int, next int64) {
		if ready > 0 {
			d.room.announce(names[i], ready)
		} else {
			d.room.settle(looks[i], next)
		}
	})
}

// awaited begins a look at all queues that somebody waits for.
func (r *room) awaited() (looks []*glance) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.queues {
		if q.waiters.Len() > 0 {
			looks = append(looks, &glance{q, q.heard})
		}
	}
	return looks
}
