package provider

import (
	"context"
	"time"
)

// Pause waits for d, or until ctx ends, and returns the cause of that then.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
