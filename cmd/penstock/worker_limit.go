package main

import (
	"context"
	"sync"
	"time"

	"penstock/jobworker"
)

// limit is a client that hands out no more jobs than --once and --max-jobs
// allow, and stops the worker when these are through. Stopping it earlier would
// cut their commands off.
type limit struct {
	jobworker.Client
	stop func()

	mu      sync.Mutex
	once    bool
	polled  bool // a poll was answered
	bounded bool
	left    int // jobs that may still be taken, when bounded
	running int
	err     error         // of the one poll
	freed   chan struct{} // has a token when a job has gone elsewhere
}

func newLimit(c jobworker.Client, once bool, maxJobs int, stop func()) *limit {
	return &limit{Client: c, stop: stop, once: once, bounded: maxJobs > 0, left: maxJobs, freed: make(chan struct{}, 1)}
}

// Poll implements jobworker.Client.
func (l *limit) Poll(ctx context.Context, most int, wait time.Duration) ([]jobworker.Job, error) {
	for {
		n := l.allowed(most)
		if n > 0 {
			jobs, err := l.Client.Poll(ctx, n, wait)
			l.took(jobs, err)
			return jobs, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-l.freed:
		}
	}
}

func (l *limit) allowed(most int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.once && l.polled:
		return 0
	case l.bounded:
		return min(most, l.left)
	}
	return most
}

func (l *limit) took(jobs []jobworker.Job, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left -= len(jobs)
	l.running += len(jobs)
	l.polled = true
	if l.once {
		l.err = err
	}
	l.endIfDone()
}

// acknowledged is a hook: a job that could not be had does not count.
func (l *limit) acknowledged(_ jobworker.Job, err error) {
	if err == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left++
	l.running--
	select {
	case l.freed <- struct{}{}:
	default:
	}
	l.endIfDone()
}

// reported is a hook: a job is through.
func (l *limit) reported() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	l.endIfDone()
}

func (l *limit) endIfDone() {
	if l.running == 0 && (l.once && l.polled || l.bounded && l.left == 0) {
		l.stop()
	}
}

// failed is why the one poll brought nothing.
func (l *limit) failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}
