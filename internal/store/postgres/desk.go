package postgres

import (
	"context"
	"sync"
	"time"

	"penstock/internal/core/job"
)

const (
	// maxClaims bounds the claims that are answered by one statement.
	maxClaims = 128
	// claimTime bounds the time of a claim, which goes on when its caller has
	// gone: what it hands out is known then, and can be given back.
	claimTime = 20 * time.Second
)

// desk answers the claims that come at the same moment by one statement, and
// looks into the queues in which it found nothing by another.
type desk struct {
	d       *Driver
	mu      sync.Mutex
	waiting []*claim
	wake    chan struct{} // room for one
}

func newDesk(d *Driver) *desk { return &desk{d: d, wake: make(chan struct{}, 1)} }

// serve returns when the claim has its answer, whatever becomes of who asked.
func (k *desk) serve(c *claim) ([]*job.Job, error) {
	k.mu.Lock()
	k.waiting = append(k.waiting, c)
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
	select {
	case <-c.done:
		return c.jobs, c.err
	case <-k.d.alive.Done():
		return nil, ErrClosed
	}
}

// run answers until the driver ends.
func (k *desk) run() {
	for {
		claims := k.take()
		if claims == nil {
			return
		}
		err := k.answer(claims)
		for _, c := range claims {
			if len(c.jobs) == 0 {
				c.err = err
			}
			close(c.done)
		}
	}
}

// take returns the claims that wait, nil when the driver ends.
func (k *desk) take() []*claim {
	for {
		k.mu.Lock()
		n := min(len(k.waiting), maxClaims)
		claims := append([]*claim(nil), k.waiting[:n]...)
		k.waiting = append(k.waiting[:0], k.waiting[n:]...)
		clear(k.waiting[len(k.waiting):cap(k.waiting)])
		k.mu.Unlock()
		if n > 0 {
			return claims
		}
		select {
		case <-k.wake:
		case <-k.d.alive.Done():
			return nil
		}
	}
}

// answer hands out jobs, the oldest to who asked first.
func (k *desk) answer(claims []*claim) error {
	ctx, done := context.WithTimeout(k.d.alive, claimTime)
	defer done()
	whole := map[string]*claim{} // of the queue
	var queues []*claim
	for _, c := range claims {
		if w := whole[c.queue]; w != nil {
			w.max, w.hidden = w.max+c.max, max(w.hidden, c.hidden)
			continue
		}
		w := *c
		whole[c.queue] = &w
		queues = append(queues, &w)
	}
	got, err := k.d.claimFrom(ctx, k.d.quick, queues...)
	if err != nil {
		return err
	}
	jobs := map[string][]claimed{}
	for _, j := range got {
		jobs[j.queue] = append(jobs[j.queue], j)
	}
	var empty []*glance
	for _, c := range claims {
		n := min(c.max, len(jobs[c.queue]))
		if n == 0 && whole[c.queue] != nil {
			empty = append(empty, whole[c.queue].look)
			delete(whole, c.queue)
		}
		for i := range n {
			c.take(&jobs[c.queue][i])
		}
		jobs[c.queue] = jobs[c.queue][n:]
	}
	if len(empty) == 0 {
		return nil
	}
	return k.d.inspect(ctx, claims[0].now, true, empty...)
}
