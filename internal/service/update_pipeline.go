package service

import (
	"context"

	"penstock/internal/api"
	"penstock/internal/core/engine"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// UpdatePipeline replaces the declaration by a new version and ends the
// executions that run the old one (engine.md section 1.10). It starts none.
func (s *Service) UpdatePipeline(ctx context.Context, in *api.UpdatePipelineInput) (*api.UpdatePipelineOutput, error) {
	who := caller(ctx)
	sent := declarationFrom(&in.Pipeline)
	if err := s.view(ctx, sent.Name, func(store.Reader, store.Pipeline) error { return nil }); err != nil {
		return nil, err
	}
	if err := s.makeBuckets(ctx, who, sent); err != nil {
		return nil, err
	}
	var d *pipeline.Declaration
	var id int64
	err := s.store.Update(ctx, func(tx store.Tx) error {
		p, err := find(tx, who, sent.Name)
		if err != nil {
			return err
		}
		id = p.ID
		old, err := tx.Declaration(p.ID, p.Version)
		if err != nil {
			return err
		}
		if d, err = accept(tx, who, old, sent); err != nil {
			return err
		}
		d.Version = p.Version + 1
		if err := tx.PutVersion(p.ID, d, s.store.Now()); err != nil {
			return err
		}
		if _, err := s.watch(tx, p.ID, who, d); err != nil {
			return err
		}
		_, err = s.store.Step(tx, p.ID, engine.Updated{})
		return err
	})
	if err != nil {
		return nil, err
	}
	s.declared(ctx, id, d)
	return &api.UpdatePipelineOutput{Pipeline: declarationTo(d)}, nil
}
