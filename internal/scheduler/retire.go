package scheduler

import (
	"context"
	"errors"
	"time"

	"penstock/internal/store"
)

// pollingLife is how long sources are polled without an execution of their
// pipeline (engine.md section 7.3).
const pollingLife = 30 * 24 * time.Hour

// retire ends the polling of the pipelines among the watches that had neither
// an execution nor an update for that long. UpdatePipeline begins it again.
func (s *Sources) retire(ctx context.Context, watches []store.Watch) {
	last := int64(0)
	for _, w := range watches { // those of a pipeline are neighbours
		if w.PipelineID == last {
			continue
		}
		last = w.PipelineID
		idle := false
		err := s.Store.View(ctx, func(r store.Reader) (err error) {
			idle, err = s.idle(r, w)
			return err
		})
		if err == nil && idle {
			err = s.Store.Update(ctx, func(tx store.Tx) error {
				if idle, err := s.idle(tx, w); err != nil || !idle {
					return err
				}
				s.Log.Warn("polling ends: the pipeline had no execution for 30 days; UpdatePipeline begins it again", "pipeline", w.Name)
				return tx.StopPolling(w.PipelineID, s.Store.Now())
			})
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) && ctx.Err() == nil {
			s.Log.Error("the polling of a pipeline could not be ended", "pipeline", w.Name, "error", err)
		}
	}
}

// idle reports whether the pipeline of a watch had no execution for too long.
func (s *Sources) idle(r store.Reader, w store.Watch) (bool, error) {
	p, err := r.Pipeline(w.Account, w.Region, w.Name)
	if err != nil {
		return false, err
	}
	newest, err := r.Executions(w.PipelineID, "", 1)
	if err != nil || p.ID != w.PipelineID {
		return false, err
	}
	since := p.Updated
	for _, e := range newest {
		if e.Started.After(since) {
			since = e.Started
		}
	}
	return s.Store.Now().Sub(since) >= pollingLife, nil
}
