package service

import (
	"context"
	"errors"

	"penstock/internal/api"
	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// DeletePipeline removes the pipeline with its executions and history; open
// jobs answer JobNotFoundException from then on. A name that does not exist is
// no error: the operation declares none.
func (s *Service) DeletePipeline(ctx context.Context, in *api.DeletePipelineInput) error {
	who := caller(ctx)
	return s.store.Update(ctx, func(tx store.Tx) error {
		p, err := tx.Pipeline(who.Account, who.Region, in.Name)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := s.store.Step(tx, p.ID, engine.Deleted{}); err != nil {
			return err
		}
		if err := tx.SetTags(p.ARN(), nil); err != nil {
			return err
		}
		if err := tx.SetWatches(p.ID, nil); err != nil {
			return err
		}
		return tx.DeletePipeline(p.ID)
	})
}
