package service

import (
	"context"

	"penstock/internal/api"
	"penstock/internal/core/engine"
)

// StopPipelineExecution stops an execution, waiting for its running actions or
// abandoning them.
func (s *Service) StopPipelineExecution(ctx context.Context, in *api.StopPipelineExecutionInput) (*api.StopPipelineExecutionOutput, error) {
	abandon := in.Abandon != nil && *in.Abandon
	id, err := s.step(ctx, in.PipelineName, engine.StopExecution{Execution: in.PipelineExecutionId, Abandon: abandon, Reason: in.Reason})
	if err != nil {
		return nil, err
	}
	return &api.StopPipelineExecutionOutput{PipelineExecutionId: id}, nil
}
