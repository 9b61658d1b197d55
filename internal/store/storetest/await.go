package storetest

import (
	"context"
	"errors"
	"strconv"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// patience bounds how long a test waits for what must come.
const patience = 20 * time.Second

func (f *fixture) waiters(ctx context.Context, n int) <-chan error {
	woken := make(chan error, n)
	for range n {
		go func() { woken <- f.d.Await(ctx, sourceLine) }()
	}
	return woken
}

// awaitOne has several workers wait; every job must reach one, and no worker
// must miss its wake-up.
func awaitOne(f *fixture) {
	const workers = 8
	ctx, cancel := context.WithTimeout(f.Context(), patience)
	defer cancel()
	got := make(chan string, workers)
	for range workers {
		go func() {
			jobs, err := f.s.Poll(ctx, sourceLine, 1, patience)
			if err != nil || len(jobs) != 1 {
				got <- ""
				return
			}
			got <- jobs[0].ID
		}()
	}
	for i := range workers {
		f.startExecution(f.pipeline("p" + strconv.Itoa(i)))
	}
	seen := map[string]bool{}
	for range workers {
		id := <-got
		if id == "" || seen[id] {
			f.Fatalf("a worker got job %q", id)
		}
		seen[id] = true
	}
}

func awaitEnds(f *fixture) {
	ctx, cancel := context.WithCancel(f.Context())
	woken := f.waiters(ctx, 3)
	cancel()
	for range 3 {
		if err := <-woken; !errors.Is(err, context.Canceled) {
			f.Errorf("Await: %v", err)
		}
	}
	// Those who left are not given the wake-up of others.
	ctx, cancel = context.WithTimeout(f.Context(), patience)
	defer cancel()
	woken = f.waiters(ctx, 1)
	f.startExecution(f.pipeline("p"))
	if err := <-woken; err != nil {
		f.Errorf("Await: %v", err)
	}
}

// awaitWindow waits for a job that another worker got and left alone. It runs
// on the wall clock, which the driver's timers follow.
func awaitWindow(f *fixture) {
	f.startExecution(f.pipeline("p"))
	const short = 30 * time.Millisecond
	first, err := f.d.Claim(f.Context(), sourceLine, 1, time.Now(), short)
	if err != nil || len(first) != 1 {
		f.Fatalf("Claim: %v, %v", first, err)
	}
	ctx, cancel := context.WithTimeout(f.Context(), patience)
	defer cancel()
	for {
		if err := f.d.Await(ctx, sourceLine); err != nil {
			f.Fatalf("Await: %v", err)
		}
		second, err := f.d.Claim(ctx, sourceLine, 1, time.Now(), short)
		if err != nil {
			f.Fatal(err)
		}
		if len(second) == 1 {
			f.equal("job", second[0].ID, first[0].ID)
			return
		}
	}
}

// awaitCommit checks that a job is handed out when it is durable, not before.
func awaitCommit(f *fixture) {
	p := f.pipeline("p")
	ctx, cancel := context.WithTimeout(f.Context(), patience)
	defer cancel()
	woken := f.waiters(ctx, 1)
	f.update(func(tx store.Tx) error {
		if _, err := f.s.Step(tx, p, engine.Start{}); err != nil {
			return err
		}
		jobs, err := f.d.Claim(ctx, sourceLine, 1, f.now(), window)
		f.equal("jobs before the commit", len(jobs), 0)
		select {
		case <-woken:
			f.Error("a waiter was woken before the commit")
		default:
		}
		return err
	})
	if err := <-woken; err != nil {
		f.Errorf("Await: %v", err)
	}
	f.claimOne(sourceLine)
}
