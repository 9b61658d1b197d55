package sqlite

import (
	"context"
	"sync"
)

// notice is a number that grows and that many can wait for.
type notice struct {
	mu    sync.Mutex
	value int64
	grown chan struct{} // closed when the value grows; nil while nobody waits
}

func (n *notice) get() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.value
}

func (n *notice) set(value int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.value = value
	if n.grown != nil {
		close(n.grown)
		n.grown = nil
	}
}

// await waits until the value is above the given one.
func (n *notice) await(ctx context.Context, after int64) error {
	for {
		n.mu.Lock()
		if n.value > after {
			n.mu.Unlock()
			return nil
		}
		if n.grown == nil {
			n.grown = make(chan struct{})
		}
		grown := n.grown
		n.mu.Unlock()
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
