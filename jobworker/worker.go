package jobworker

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Handler does the work of one job. A nil error reports the Success. Errors made
// by ContinueLater and Permanent, and any *Failure in the chain, say what is
// reported; any other error is reported as JobFailed with its text. The context
// ends when the job is lost (cause ErrLost) or the drain is over (ErrStopping).
type Handler func(ctx context.Context, t *Task) (Success, error)

// Options tune a Worker; the zero value is good for one job at a time.
type Options struct {
	// Concurrency is how many jobs run at the same time. Default 1.
	Concurrency int
	// PollWait is how long the server may hold a poll open. Default 20 s,
	// negative: not at all. AWS ignores it.
	PollWait time.Duration
	// PollInterval is the middle of the random pause (half to one and a half
	// times) after a poll that found nothing and did not wait. Default 10 s.
	PollInterval time.Duration
	// RenewAfter is the age at which Task.Credentials fetches new ones.
	// Default 10 minutes, as AWS's live for 15.
	RenewAfter time.Duration
	// CheckEvery is how often a running job is looked up, to cancel its handler
	// when it was stopped. Default 30 s, negative: never.
	CheckEvery time.Duration
	// Grace is how long running handlers may go on after the context of Run has
	// ended, and how long after that they may take to return and to report.
	// Default 30 s.
	Grace time.Duration
	// ReportFor is how long a report is retried. Default 5 minutes, the time
	// for which Penstock answers an identical repeat with success.
	ReportFor time.Duration
	// KeepOnDrain leaves jobs that the drain cuts off without a report, for
	// servers that hand such jobs out again. By default they are reported as
	// SystemUnavailable, since AWS would let them wait for their time-out.
	KeepOnDrain bool
	// Log receives the worker's own log; it never sees secrets. Default: none.
	Log *slog.Logger
	// Hooks are told what happens, for metrics and tests.
	Hooks Hooks
	// Rand returns numbers in [0, 1) for the pauses. Default math/rand/v2.
	Rand func() float64
}

// Hooks are called in the worker's goroutines and must not block; each may be
// nil.
type Hooks struct {
	Polled       func(jobs int, err error)
	Acknowledged func(j Job, err error)
	// Reported is called when a job is through, with nil, or with the error of
	// a report that got lost. ErrLost: the job was no longer ours.
	Reported func(j Job, err error)
}

// Worker takes jobs of one Client and hands them to one Handler.
type Worker struct {
	client  Client
	handler Handler
	o       Options
}

// New returns a Worker; Run starts it.
func New(client Client, handler Handler, o Options) *Worker {
	o.Concurrency = max(o.Concurrency, 1)
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.PollWait, 20 * time.Second}, {&o.PollInterval, 10 * time.Second}, {&o.RenewAfter, 10 * time.Minute},
		{&o.CheckEvery, 30 * time.Second}, {&o.Grace, 30 * time.Second}, {&o.ReportFor, 5 * time.Minute},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	o.PollWait = max(o.PollWait, 0)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Hooks.Polled == nil {
		o.Hooks.Polled = func(int, error) {}
	}
	if o.Hooks.Acknowledged == nil {
		o.Hooks.Acknowledged = func(Job, error) {}
	}
	if o.Hooks.Reported == nil {
		o.Hooks.Reported = func(Job, error) {}
	}
	return &Worker{client: client, handler: handler, o: o}
}

// Run takes jobs until ctx ends, then drains: it polls no more, lets running
// handlers finish within the grace period, then cancels them. It returns nil
// after a drain, and an error when the very first poll is refused for good (bad
// credentials, unknown action type) or a handler ignores its cancellation.
func (w *Worker) Run(ctx context.Context) error {
	work, stopWork := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stopWork(nil)
	report, stopReport := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stopReport(nil)

	slots := make(chan struct{}, w.o.Concurrency)
	var jobs sync.WaitGroup
	refused := w.poll(ctx, slots, func(j Job) {
		jobs.Go(func() {
			defer func() { <-slots }()
			w.run(work, report, j)
		})
	})

	done := make(chan struct{})
	go func() { jobs.Wait(); close(done) }()
	for _, stop := range []context.CancelCauseFunc{stopWork, stopReport} {
		select {
		case <-done:
			return refused
		case <-time.After(w.o.Grace):
			stop(ErrStopping)
		}
	}
	select {
	case <-done:
		return refused
	case <-time.After(time.Second):
		return fmt.Errorf("jobworker: %d handlers did not return after they were cancelled", len(slots))
	}
}

// poll hands jobs to start until ctx ends. A job handed to start holds a slot.
func (w *Worker) poll(ctx context.Context, slots chan struct{}, start func(Job)) error {
	polled := false
	failures := newBackOff()
	for {
		n := take(ctx, slots)
		if n == 0 {
			return nil
		}
		began := time.Now()
		jobs, err := w.client.Poll(ctx, n, w.o.PollWait)
		if ctx.Err() != nil {
			// Unacknowledged jobs go back to the queue by themselves.
			jobs, err = nil, nil
		}
		if len(jobs) > n {
			w.o.Log.Warn("the server sent more jobs than asked for", "asked", n, "got", len(jobs))
			jobs = jobs[:n]
		}
		for range n - len(jobs) {
			<-slots
		}
		w.o.Hooks.Polled(len(jobs), err)
		for _, j := range jobs {
			start(j)
		}
		switch {
		case err != nil && !polled && !Retryable(err):
			return fmt.Errorf("jobworker: poll: %w", err)
		case err != nil:
			pause := failures.NextBackOff()
			w.o.Log.Warn("poll failed", "err", err, "retry_in", pause)
			sleep(ctx, pause)
		default:
			polled = true
			failures.Reset()
			waited := w.o.PollWait > 0 && time.Since(began) >= w.o.PollWait/2
			if len(jobs) == 0 && !waited {
				sleep(ctx, time.Duration((0.5+w.o.Rand())*float64(w.o.PollInterval)))
			}
		}
	}
}

// take waits for a free slot and takes all that are free; 0 when ctx has ended.
func take(ctx context.Context, slots chan struct{}) int {
	if ctx.Err() != nil {
		return 0
	}
	select {
	case <-ctx.Done():
		return 0
	case slots <- struct{}{}:
	}
	for n := 1; ; n++ {
		select {
		case slots <- struct{}{}:
		default:
			return n
		}
	}
}

// retry calls op until it goes well, fails for good, or limit has passed.
func (w *Worker) retry(ctx context.Context, limit time.Duration, op func(context.Context) error) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := op(ctx)
		if err != nil && !Retryable(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(newBackOff()), backoff.WithMaxElapsedTime(limit))
	return err
}

func newBackOff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = 500 * time.Millisecond
	b.MaxInterval = 30 * time.Second
	return b
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
