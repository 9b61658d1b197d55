package service

import (
	"context"
	"errors"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// SourceChanged starts an execution for a polling source that shows a revision
// it has not started one for yet (engine.md section 7.3). It reports whether
// it did.
func (s *Service) SourceChanged(ctx context.Context, w store.Watch, revision string) (started bool, err error) {
	err = s.store.Update(ctx, func(tx store.Tx) error {
		started = false
		now, err := tx.WatchesOf(w.Bucket, w.Key)
		if err != nil {
			return err
		}
		for _, other := range now {
			if other.PipelineID != w.PipelineID || other.Action != w.Action || other.Seen == revision {
				continue
			}
			if err := tx.Saw(w.PipelineID, w.Action, revision); err != nil {
				return err
			}
			_, err := s.store.Step(tx, w.PipelineID, engine.Start{Trigger: engine.Trigger{Type: "PollForSourceChanges", Detail: w.Action}})
			if errors.Is(err, store.ErrNotFound) {
				return nil // deleted meanwhile
			}
			started = err == nil
			return err
		}
		return nil
	})
	return started, err
}
