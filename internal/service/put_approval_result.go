package service

import (
	"context"

	"penstock/internal/api"
	"penstock/internal/core/engine"
)

// PutApprovalResult answers an open approval request.
func (s *Service) PutApprovalResult(ctx context.Context, in *api.PutApprovalResultInput) (*api.PutApprovalResultOutput, error) {
	_, err := s.step(ctx, in.PipelineName, engine.AnswerApproval{
		Stage: in.StageName, Action: in.ActionName, Token: in.Token,
		Approve: in.Result.Status == "Approved", Summary: in.Result.Summary, By: caller(ctx).ARN,
	})
	if err != nil {
		return nil, err
	}
	return &api.PutApprovalResultOutput{ApprovedAt: s.store.Now()}, nil
}
