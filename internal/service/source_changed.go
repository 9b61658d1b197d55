package service

import (
	"context"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// SourceChanged starts an execution for a polling source that shows a revision
// it has not started one for yet (engine.md section 7.3). It reports whether
// it did: of several servers that see the revision, one does.
func (s *Service) SourceChanged(ctx context.Context, w store.Watch, revision string) (started bool, err error) {
	err = s.store.Update(ctx, func(tx store.Tx) error {
		if started, err = tx.ClaimRevision(w, revision); err != nil || !started {
			return err
		}
		_, err := s.store.Step(tx, w.PipelineID, engine.Start{Trigger: engine.Trigger{Type: "PollForSourceChanges", Detail: w.Action}})
		return err
	})
	return started && err == nil, err
}
