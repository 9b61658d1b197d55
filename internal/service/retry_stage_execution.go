package service

import (
	"context"

	"penstock/internal/api"
	"penstock/internal/core/engine"
)

// RetryStageExecution runs the failed actions of a stage again, or all.
func (s *Service) RetryStageExecution(ctx context.Context, in *api.RetryStageExecutionInput) (*api.RetryStageExecutionOutput, error) {
	id, err := s.step(ctx, in.PipelineName, engine.RetryStage{Stage: in.StageName, Execution: in.PipelineExecutionId, All: in.RetryMode == "ALL_ACTIONS"})
	if err != nil {
		return nil, err
	}
	return &api.RetryStageExecutionOutput{PipelineExecutionId: id}, nil
}
