package scheduler

import (
	"context"
	"log/slog"
	"time"

	"penstock/internal/store"
)

// Purge removes what is past its time, in steps small enough that nothing
// waits for them, and ends what a crash has left of revoked clients.
type Purge struct {
	Store    *store.Store
	Log      *slog.Logger
	Interval time.Duration
}

const purgeStep = 500

// Run purges until ctx ends.
func (p *Purge) Run(ctx context.Context) {
	tick := time.NewTicker(p.Interval)
	defer tick.Stop()
	for {
		if err := p.Store.EndRevoked(ctx); err != nil && ctx.Err() == nil {
			p.Log.Error("jobs of revoked clients are still open", "error", err)
		}
		more := false
		err := p.Store.Update(ctx, func(tx store.Tx) (err error) {
			more, err = tx.Purge(p.Store.Now(), purgeStep)
			return err
		})
		if err != nil && ctx.Err() == nil {
			p.Log.Error("purge failed", "error", err)
		}
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
