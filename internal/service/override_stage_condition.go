package service

import (
	"context"

	"penstock/internal/api"
	"penstock/internal/core/engine"
)

// OverrideStageCondition lets an execution go on as if a condition of its
// stage had been met.
func (s *Service) OverrideStageCondition(ctx context.Context, in *api.OverrideStageConditionInput) error {
	_, err := s.step(ctx, in.PipelineName, engine.OverrideCondition{
		Stage: in.StageName, Execution: in.PipelineExecutionId, Place: engine.Place(in.ConditionType), By: caller(ctx).ARN,
	})
	return err
}
