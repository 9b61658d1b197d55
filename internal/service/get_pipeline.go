package service

import (
	"context"
	"errors"

	"penstock/internal/api"
	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// GetPipeline returns a version of the declaration, the one in force unless
// the request names another, with the present metadata.
func (s *Service) GetPipeline(ctx context.Context, in *api.GetPipelineInput) (*api.GetPipelineOutput, error) {
	who := caller(ctx)
	out := &api.GetPipelineOutput{}
	err := s.store.View(ctx, func(r store.Reader) error {
		p, err := r.Pipeline(who.Account, who.Region, in.Name)
		if errors.Is(err, store.ErrNotFound) {
			return fault.New("PipelineNotFoundException", "Account '%s' does not have a pipeline with name '%s'", who.Account, in.Name)
		}
		if err != nil {
			return err
		}
		version := p.Version
		if in.Version != nil {
			version = *in.Version
		}
		d, err := r.Declaration(p.ID, version)
		if errors.Is(err, store.ErrNotFound) {
			return fault.New("PipelineVersionNotFoundException", "Pipeline '%s' does not have a version %d", in.Name, version)
		}
		if err != nil {
			return err
		}
		stopped, err := r.PollingStopped(p.ID)
		if err != nil {
			return err
		}
		out.Pipeline = declarationTo(pipeline.Hidden(d, validationEnv(r, who)))
		out.Metadata = &api.PipelineMetadata{PipelineArn: p.ARN(), Created: p.Created, Updated: p.Updated, PollingDisabledAt: stopped}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
