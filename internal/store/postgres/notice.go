package postgres

import (
	"context"
	"sync"
	"time"
)

// notice is rung when something may have come, for all who wait.
type notice struct {
	mu   sync.Mutex
	rung chan struct{} // closed when it rings; nil while nobody waits
}

func (n *notice) ring() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rung != nil {
		close(n.rung)
		n.rung = nil
	}
}

// next is closed when the notice rings the next time.
func (n *notice) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rung == nil {
		n.rung = make(chan struct{})
	}
	return n.rung
}

// wait waits for the ring, at most as long as the slow poll.
func wait(ctx context.Context, rung <-chan struct{}) error {
	timer := time.NewTimer(slowPoll)
	defer timer.Stop()
	select {
	case <-rung:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
