package e2e

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"
)

// ledger is what the clients of a server were told. Every entry was answered
// with success, so that the server must know of it whatever happens to it.
type ledger struct {
	t  testing.TB
	mu sync.Mutex

	writes int           // answered so far
	grown  chan struct{} // closed at the next one

	started   map[string]string    // execution → pipeline
	acked     map[string]string    // job → nonce
	taken     map[string]time.Time // job → when its acknowledgement was answered
	reported  map[string]string    // job → what was reported
	results   map[string]ending    // action execution → how its last job ended it
	approvals map[string]string    // action execution → status
	uploads   map[string]string    // version → text
	finished  map[string]string    // action execution → the terminal state that was seen
}

func newLedger(t testing.TB) *ledger {
	return &ledger{t: t, grown: make(chan struct{}), started: map[string]string{}, acked: map[string]string{}, taken: map[string]time.Time{}, reported: map[string]string{},
		results: map[string]ending{}, approvals: map[string]string{}, uploads: map[string]string{}, finished: map[string]string{}}
}

// enter makes an entry.
func (l *ledger) enter(entry func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entry()
	l.writes++
	close(l.grown)
	l.grown = make(chan struct{})
}

// more waits until n more entries were made.
func (l *ledger) more(ctx context.Context, n int) error {
	l.mu.Lock()
	goal := l.writes + n
	for l.writes < goal {
		grown := l.grown
		l.mu.Unlock()
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d more answers did not come: %w", n, ctx.Err())
		case <-grown:
		}
		l.mu.Lock()
	}
	l.mu.Unlock()
	return nil
}

// polled checks that a job could still be handed out by a poll that was sent at
// began: the answer of a node that was paused comes late.
func (l *ledger) polled(id string, began time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if nonce, taken := l.acked[id]; taken && l.taken[id].Before(began) {
		l.t.Errorf("job %s was handed out again after its acknowledgement with nonce %s", id, nonce)
	}
	if what, ended := l.reported[id]; ended && l.taken[id].Before(began) {
		l.t.Errorf("job %s was handed out again after the report %q", id, what)
	}
}

func (l *ledger) acknowledged(id, nonce string) {
	l.enter(func() {
		if other, taken := l.acked[id]; taken {
			l.t.Errorf("job %s was acknowledged with the nonces %s and %s", id, other, nonce)
		}
		l.acked[id], l.taken[id] = nonce, time.Now()
	})
}

// ended enters a report; last says whether it ended the action.
func (l *ledger) ended(id, actionExecution, what string, last *ending) {
	l.enter(func() {
		if before, twice := l.reported[id]; twice {
			l.t.Errorf("job %s was reported twice: %q and %q", id, before, what)
		}
		l.reported[id] = what
		if last != nil {
			l.results[actionExecution] = *last
		}
	})
}

// saw holds a terminal state of an action against what was seen before.
func (l *ledger) saw(actionExecution, state string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if before, known := l.finished[actionExecution]; known && before != state {
		l.t.Errorf("the finished action execution %s changed from\n%s\nto\n%s", actionExecution, before, state)
	}
	l.finished[actionExecution] = state
}

// counts says how much happened.
func (l *ledger) counts() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("%d answers: %d starts, %d acknowledgements, %d reports, %d approvals, %d uploads; %d finished actions seen",
		l.writes, len(l.started), len(l.acked), len(l.reported), len(l.approvals), len(l.uploads), len(l.finished))
}

// copies returns the started executions and finished actions.
func (l *ledger) copies() (started, uploads map[string]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.started), maps.Clone(l.uploads)
}

// ending is how the last job of an action ended it.
type ending struct{ status, externalID string }
