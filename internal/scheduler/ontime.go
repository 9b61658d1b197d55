package scheduler

import (
	"context"
	"time"
)

const (
	// longestSleep bounds how late something can be whose notice was lost, or
	// was given to another server.
	longestSleep = time.Minute
	retryAfter   = time.Second
)

// onTime calls fire, which does what is due and returns when the next thing is
// (zero: nothing), then and whenever there is a hint, until ctx ends.
func onTime(ctx context.Context, now func() time.Time, hints <-chan struct{}, fire func(context.Context) (time.Time, error), failed func(error)) {
	for ctx.Err() == nil {
		next, err := fire(ctx)
		sleep := longestSleep
		if err != nil {
			failed(err)
			sleep = retryAfter
		} else if !next.IsZero() {
			sleep = min(sleep, max(next.Sub(now()), 0))
		}
		timer := time.NewTimer(sleep)
		select {
		case <-ctx.Done():
		case <-hints:
		case <-timer.C:
		}
		timer.Stop()
	}
}
