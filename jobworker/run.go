package jobworker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// ackFor is how long an acknowledgement is retried: less than the 120 seconds
// after which the server may hand the job to somebody else.
const ackFor = 90 * time.Second

// run takes one job from its acknowledgement to its report. Handlers stop with
// work, reports with report.
func (w *Worker) run(work, report context.Context, j Job) {
	log := w.o.Log.With("job", j.ID, "pipeline", j.Context.Pipeline, "action", j.Context.Action)
	err := w.retry(work, ackFor, func(ctx context.Context) error { return w.client.Acknowledge(ctx, j) })
	w.o.Hooks.Acknowledged(j, err)
	if err != nil {
		if !errors.Is(err, ErrLost) {
			log.Error("acknowledge failed", "err", err)
		}
		return
	}

	ctx, cancel := context.WithCancelCause(work)
	t := NewTask(w.client, j, w.o.RenewAfter)
	var watch sync.WaitGroup
	if w.o.CheckEvery > 0 {
		watch.Go(func() { w.watch(ctx, cancel, t) })
	}
	began := time.Now()
	s, err := w.handle(ctx, t)
	lost := errors.Is(context.Cause(ctx), ErrLost)
	cancel(nil)
	watch.Wait()

	switch {
	case lost:
		log.Info("the job has ended elsewhere; nothing to report")
		err = ErrLost
	default:
		outcome, attrs := "job done", []any{"took", time.Since(began)}
		if _, later := errors.AsType[*continueLater](err); later {
			outcome = "job goes on in a later one"
		} else if err != nil {
			outcome, attrs = "job failed", append(attrs, "error", err)
		}
		log.Info(outcome, attrs...)
		err = w.report(work, report, j, s, err)
	}
	if err != nil && !errors.Is(err, ErrLost) {
		log.Error("report failed", "error", err)
	}
	w.o.Hooks.Reported(j, err)
}

// watch cancels the handler when its job has ended on the server: was stopped,
// timed out, or its pipeline deleted.
func (w *Worker) watch(ctx context.Context, cancel context.CancelCauseFunc, t *Task) {
	tick := time.NewTicker(w.o.CheckEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := t.renew(ctx); errors.Is(err, ErrLost) {
				cancel(ErrLost)
				return
			}
		}
	}
}

// handle calls the handler and turns a panic into an error.
func (w *Worker) handle(ctx context.Context, t *Task) (s Success, err error) {
	defer func() {
		if p := recover(); p != nil {
			w.o.Log.Error("the handler panicked", "job", t.Job.ID, "panic", p, "stack", string(debug.Stack()))
			err = Permanent(JobFailed, "The worker's handler panicked: %v", p)
		}
	}()
	return w.handler(ctx, t)
}

// report tells the server how a job ended.
func (w *Worker) report(work, ctx context.Context, j Job, s Success, err error) error {
	later, isLater := errors.AsType[*continueLater](err)
	failure, isFailure := errors.AsType[*Failure](err)
	switch {
	case err == nil:
		return w.succeed(ctx, j, s)
	case isLater:
		return w.succeed(ctx, j, Success{ContinuationToken: later.token, Details: &later.details})
	case work.Err() != nil && w.o.KeepOnDrain:
		return nil
	case isFailure:
		return w.fail(ctx, j, *failure)
	case work.Err() != nil:
		return w.fail(ctx, j, Failure{Type: SystemUnavailable, Message: "The worker was stopped before the job ended."})
	default:
		return w.fail(ctx, j, Failure{Message: err.Error()})
	}
}

func (w *Worker) succeed(ctx context.Context, j Job, s Success) error {
	if s.Details != nil {
		d := *s.Details
		d.Summary, d.ExternalID = clip(d.Summary, 2048), clip(d.ExternalID, 1500)
		s.Details = &d
	}
	err := w.retry(ctx, w.o.ReportFor, func(ctx context.Context) error { return w.client.Succeed(ctx, j, s) })
	if err == nil || Retryable(err) || errors.Is(err, ErrLost) || ctx.Err() != nil {
		return err
	}
	// The server refuses this result for good (say, output variables too
	// large). Without a report the action would hang until its time-out.
	return errors.Join(err, w.fail(ctx, j, Failure{Message: fmt.Sprintf("The result of the job was refused: %v", err)}))
}

func (w *Worker) fail(ctx context.Context, j Job, f Failure) error {
	if f.Type == "" {
		f.Type = JobFailed
	}
	if f.Message == "" {
		f.Message = "The job failed without a message."
	}
	f.Message, f.ExternalID = clip(f.Message, 5000), clip(f.ExternalID, 1500)
	return w.retry(ctx, w.o.ReportFor, func(ctx context.Context) error { return w.client.Fail(ctx, j, f) })
}
