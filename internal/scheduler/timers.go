// Package scheduler does what is due: it fires timers, looks at polling
// sources and removes what is past its time. It wakes on notices of the store
// and sleeps until the next thing is due; nothing is polled that can be waited
// for.
package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// Timers fires the timers of the engine.
type Timers struct {
	Store *store.Store
	Log   *slog.Logger
}

const timerBatch = 100

// Run fires timers until ctx ends.
func (t *Timers) Run(ctx context.Context) {
	onTime(ctx, t.Store.Now, t.Store.Timers(), t.Fire, func(err error) { t.Log.Error("timers could not be fired", "error", err) })
}

// Fire decides about all that is due and returns when the next timer is; zero
// when there is none.
func (t *Timers) Fire(ctx context.Context) (next time.Time, err error) {
	for {
		var due []store.DueTimer
		err := t.Store.View(ctx, func(r store.Reader) (err error) {
			if due, err = r.Due(t.Store.Now(), timerBatch); err != nil {
				return err
			}
			next, err = r.NextTimer()
			return err
		})
		if err != nil || len(due) == 0 {
			return next, err
		}
		for _, d := range due {
			if err := t.one(ctx, d); err != nil {
				return next, err
			}
		}
	}
}

// one does what a timer causes, which takes it off.
func (t *Timers) one(ctx context.Context, d store.DueTimer) error {
	return t.Store.Update(ctx, func(tx store.Tx) error {
		_, err := t.Store.Step(tx, d.PipelineID, engine.TimerFired{Timer: d.Timer})
		if errors.Is(err, store.ErrNotFound) {
			return tx.ClearTimer(d.Timer) // the pipeline was deleted meanwhile
		}
		return err
	})
}
