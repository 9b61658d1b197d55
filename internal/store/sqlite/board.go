package sqlite

import (
	"container/heap"
	"container/list"
	"context"
	"sync"
	"time"

	"penstock/internal/core/job"
	"penstock/internal/sqlite"
)

// board holds the jobs that wait for an acknowledgement and hands them out.
// The database knows them as Queued; who was given one, and until when it is
// hidden from others, is known here only. That may be forgotten in a crash,
// since the nonces of each start of the server come from a range of their own.
type board struct {
	boot int64
	now  func() time.Time

	mu     sync.Mutex
	jobs   map[string]*waitingJob
	queues map[string]*queue // those with jobs or waiters
	closed bool
}

// waitingJob is a job on the board.
type waitingJob struct {
	id       string
	queue    *queue
	client   string // "" = of a custom or built-in action
	queuedAt int64
	nonces   job.Nonces
	until    int64 // hidden until then; 0 = never handed out
	held     bool  // a transaction is about to take it off
	in       *line // nil while held
	pos      int   // in it
}

// queue is the jobs of one kind of worker, and the workers that wait for one.
type queue struct {
	name    string
	ready   turns
	hidden  line // first to come back first
	held    int
	waiters list.List // of *waiter
	timer   *time.Timer
	armed   int64 // when the timer fires; 0 = it is not set
}

type waiter struct {
	wake  chan struct{}
	woken bool
}

// boardChange is what a commit does to the board: it adds a job, or takes one
// off (gone).
type boardChange struct {
	id       string
	gone     bool
	queue    string
	client   string
	queuedAt int64
	nonces   job.Nonces
}

func newBoard(boot int64, now func() time.Time) *board {
	return &board{boot: boot, now: now, jobs: map[string]*waitingJob{}, queues: map[string]*queue{}}
}

func (b *board) queue(name string) *queue {
	q := b.queues[name]
	if q == nil {
		q = &queue{name: name, hidden: line{byReturn: true}}
		b.queues[name] = q
	}
	return q
}

// tidy forgets a queue that nothing is in.
func (b *board) tidy(q *queue) {
	if b.queues[q.name] != q || q.ready.Len()+q.hidden.Len()+q.held+q.waiters.Len() > 0 {
		return
	}
	if q.timer != nil {
		q.timer.Stop()
	}
	delete(b.queues, q.name)
}

// apply does what a commit asks for.
func (b *board) apply(changes []boardChange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range changes {
		if c.gone {
			b.remove(c.id)
		} else {
			b.insert(c)
		}
	}
}

func (b *board) add(c boardChange) { b.apply([]boardChange{c}) }

func (b *board) insert(c boardChange) {
	if b.jobs[c.id] != nil {
		return
	}
	j := &waitingJob{id: c.id, queue: b.queue(c.queue), client: c.client, queuedAt: c.queuedAt, nonces: c.nonces}
	b.jobs[c.id] = j
	j.queue.ready.add(j)
	j.queue.wakeOne()
}

func (b *board) remove(id string) {
	j := b.jobs[id]
	if j == nil {
		return
	}
	if j.held {
		j.queue.held--
	} else {
		j.leave()
	}
	delete(b.jobs, id)
	b.tidy(j.queue)
}

// hold keeps the job from being handed out; false when it is not here or is
// held already.
func (b *board) hold(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	j := b.jobs[id]
	if j == nil || j.held {
		return false
	}
	j.leave()
	j.held = true
	j.queue.held++
	return true
}

// release undoes hold.
func (b *board) release(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if j := b.jobs[id]; j != nil && j.held {
		b.put(j)
	}
}

// releaseAll undoes all holds.
func (b *board) releaseAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, j := range b.jobs {
		if j.held {
			b.put(j)
		}
	}
}

// put puts a held job back to where it was.
func (b *board) put(j *waitingJob) {
	j.held = false
	j.queue.held--
	if j.until > b.now().UnixMilli() {
		j.queue.hidden.add(j)
		b.arm(j.queue)
		return
	}
	j.queue.ready.add(j)
	j.queue.wakeOne()
}

// look returns the nonces of a waiting job and whether it is handed out.
func (b *board) look(id string, now time.Time) (n job.Nonces, dispatched, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	j := b.jobs[id]
	if j == nil {
		return job.Nonces{}, false, false
	}
	return j.nonces, j.until > now.UnixMilli(), true
}

// issue issues one more nonce for a waiting job; none for one that a call holds,
// which may be about to end it: the nonce would be unknown to what it saves.
func (b *board) issue(id string) (nonce string, held bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	j := b.jobs[id]
	if j == nil || j.held {
		return "", j != nil
	}
	return j.nonces.Issue(), false
}

// claim is a job that was handed out.
type claim struct {
	id       string
	queuedAt int64
	nonces   job.Nonces
}

// claim hands out jobs of the queue, the clients taking turns.
func (b *board) claim(name string, max int, now time.Time, window time.Duration) []claim {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.queues[name]
	if q == nil {
		return nil
	}
	q.unhide(now.UnixMilli())
	var claims []claim
	for len(claims) < max && q.ready.Len() > 0 {
		j := q.ready.next()
		j.until = now.Add(window).UnixMilli()
		j.nonces.HandOut()
		q.hidden.add(j)
		claims = append(claims, claim{j.id, j.queuedAt, j.nonces})
	}
	if q.ready.Len() > 0 {
		q.wakeOne()
	}
	b.arm(q)
	return claims
}

// giveBack ends a hand-out that did not reach the worker, unless there was a
// newer one since.
func (b *board) giveBack(id string, n job.Nonces) {
	b.mu.Lock()
	defer b.mu.Unlock()
	j := b.jobs[id]
	switch {
	case j == nil || j.nonces != n:
	case j.held: // a call is about to take it off, or else puts it back
		j.until = 0
	default:
		j.leave()
		j.until = 0
		j.queue.ready.add(j)
		j.queue.wakeOne()
	}
}

// pass wakes another waiter in place of one that no longer wants a job.
func (b *board) pass(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if q := b.queues[name]; q != nil && q.ready.Len() > 0 {
		q.wakeOne()
	}
}

// await waits until the queue has a job that can be handed out. Each job that
// comes wakes one waiter, in the order of their coming.
func (b *board) await(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return sqlite.ErrClosed
	}
	q := b.queue(name)
	q.unhide(b.now().UnixMilli())
	if q.ready.Len() > 0 {
		b.mu.Unlock()
		return nil
	}
	w := &waiter{wake: make(chan struct{})}
	place := q.waiters.PushBack(w)
	b.arm(q)
	b.mu.Unlock()

	var err error
	select {
	case <-w.wake:
	case <-ctx.Done():
		err = ctx.Err()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		err = sqlite.ErrClosed
	case err != nil && w.woken:
		q.wakeOne() // the job is for another
	case err != nil:
		q.waiters.Remove(place)
	}
	b.tidy(q)
	return err
}

func (q *queue) wakeOne() {
	front := q.waiters.Front()
	if front == nil {
		return
	}
	w := q.waiters.Remove(front).(*waiter)
	w.woken = true
	close(w.wake)
}

// unhide makes the jobs whose window has ended ready again, each at its old
// place.
func (q *queue) unhide(now int64) {
	for q.hidden.Len() > 0 && q.hidden.items[0].until <= now {
		j := q.hidden.items[0]
		j.leave()
		q.ready.add(j)
		q.wakeOne()
	}
}

// arm sets the queue's timer to the end of the first window, if anybody waits
// for it.
func (b *board) arm(q *queue) {
	if q.waiters.Len() == 0 || q.hidden.Len() == 0 {
		return
	}
	at := q.hidden.items[0].until
	if q.armed != 0 && q.armed <= at {
		return
	}
	q.armed = at
	wait := time.Duration(max(at-b.now().UnixMilli(), 1)) * time.Millisecond
	if q.timer == nil {
		q.timer = time.AfterFunc(wait, func() { b.ring(q) })
	} else {
		q.timer.Reset(wait)
	}
}

func (b *board) ring(q *queue) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q.armed = 0
	q.unhide(b.now().UnixMilli())
	if !b.closed {
		b.arm(q)
	}
}

// close ends all waiting.
func (b *board) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, q := range b.queues {
		for q.waiters.Len() > 0 {
			q.wakeOne()
		}
		if q.timer != nil {
			q.timer.Stop()
		}
	}
}

// line is a heap of jobs: by their place in the queue, or by when they come
// back.
type line struct {
	items    []*waitingJob
	byReturn bool
}

func (l *line) add(j *waitingJob) {
	j.in = l
	heap.Push(l, j)
}

// leave takes the job out of the line it is in.
func (j *waitingJob) leave() {
	in := j.in
	heap.Remove(in, j.pos)
	j.in = nil
	if in != &j.queue.hidden {
		j.queue.ready.left(j.client)
	}
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (l *line) Len() int { return len(l.items) }

func (l *line) Less(i, k int) bool {
	a, b := l.items[i], l.items[k]
	if l.byReturn && a.until != b.until {
		return a.until < b.until
	}
	if a.queuedAt != b.queuedAt {
		return a.queuedAt < b.queuedAt
	}
	return a.id < b.id
}

func (l *line) Swap(i, k int) {
	l.items[i], l.items[k] = l.items[k], l.items[i]
	l.items[i].pos, l.items[k].pos = i, k
}

func (l *line) Push(x any) {
	j := x.(*waitingJob)
	j.pos = len(l.items)
	l.items = append(l.items, j)
}

func (l *line) Pop() any {
	last := len(l.items) - 1
	j := l.items[last]
	l.items[last] = nil
	l.items = l.items[:last]
	return j
}
