package service

import (
	"context"
	"encoding/json"

	"penstock/internal/api"
	"penstock/internal/core/engine"
)

// RollbackStage runs a stage again with what an earlier execution brought
// there (engine.md section 4.5).
func (s *Service) RollbackStage(ctx context.Context, in *api.RollbackStageInput) (*api.RollbackStageOutput, error) {
	detail, err := json.Marshal(struct{ AwsUserArn string }{caller(ctx).ARN})
	if err != nil {
		return nil, err
	}
	id, err := s.step(ctx, in.PipelineName, engine.RollbackStage{
		Stage: in.StageName, Target: in.TargetPipelineExecutionId,
		Trigger: engine.Trigger{Type: "ManualRollback", Detail: string(detail)},
	})
	if err != nil {
		return nil, err
	}
	return &api.RollbackStageOutput{PipelineExecutionId: id}, nil
}
