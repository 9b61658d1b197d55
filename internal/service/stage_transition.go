package service

import (
	"context"

	"penstock/internal/api"
	"penstock/internal/core/engine"
)

// DisableStageTransition closes the gate in front of a stage or behind it.
func (s *Service) DisableStageTransition(ctx context.Context, in *api.DisableStageTransitionInput) error {
	_, err := s.step(ctx, in.PipelineName, engine.SetTransition{
		Stage: in.StageName, Outbound: in.TransitionType == "Outbound", Disable: true, Reason: in.Reason, By: caller(ctx).ARN,
	})
	return err
}

// EnableStageTransition opens the gate again; who waits goes on.
func (s *Service) EnableStageTransition(ctx context.Context, in *api.EnableStageTransitionInput) error {
	_, err := s.step(ctx, in.PipelineName, engine.SetTransition{
		Stage: in.StageName, Outbound: in.TransitionType == "Outbound", By: caller(ctx).ARN,
	})
	return err
}
