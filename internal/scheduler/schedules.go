package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"penstock/internal/store"
)

// Schedules has the rules whose schedule has come take their turn.
type Schedules struct {
	Store *store.Store
	Log   *slog.Logger
	// Turn claims the turn of a rule and starts what it starts, in one
	// transaction; when another server has claimed it, it does nothing.
	Turn func(ctx context.Context, r store.EventRule) error

	hints chan struct{}
}

const scheduleBatch = 50

// NewSchedules returns Schedules that take hints before they run.
func NewSchedules(s Schedules) *Schedules {
	s.hints = make(chan struct{}, 1)
	return &s
}

// Changed hints that a schedule may come before all others.
func (s *Schedules) Changed() {
	select {
	case s.hints <- struct{}{}:
	default:
	}
}

// Run lets turns be taken until ctx ends.
func (s *Schedules) Run(ctx context.Context) {
	onTime(ctx, s.Store.Now, s.hints, s.Fire, func(err error) { s.Log.Error("schedules could not be looked at", "error", err) })
}

// Fire lets all turns be taken that have come and returns when the next one
// does; zero when none will.
func (s *Schedules) Fire(ctx context.Context) (next time.Time, err error) {
	for {
		var due []store.EventRule
		err := s.Store.View(ctx, func(r store.Reader) (err error) {
			if due, err = r.DueEventRules(s.Store.Now(), scheduleBatch); err != nil {
				return err
			}
			next, err = r.NextEventRule()
			return err
		})
		if err != nil || len(due) == 0 {
			return next, err
		}
		for _, r := range due { // one that fails holds up no other
			err = errors.Join(err, s.Turn(ctx, r))
		}
		if err != nil {
			return next, err
		}
	}
}
