package service

import (
	"context"
	"errors"

	"penstock/internal/api"
	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// PutApprovalResult answers an open approval request.
func (s *Service) PutApprovalResult(ctx context.Context, in *api.PutApprovalResultInput) (*api.PutApprovalResultOutput, error) {
	who := caller(ctx)
	ev := engine.AnswerApproval{
		Stage: in.StageName, Action: in.ActionName, Token: in.Token,
		Approve: in.Result.Status == "Approved", Summary: in.Result.Summary, By: who.ARN,
	}
	err := s.store.Update(ctx, func(tx store.Tx) error {
		p, err := find(tx, who, in.PipelineName)
		if err != nil {
			return err
		}
		// The token is the id of the action execution: it tells whose it is,
		// even of an execution that has ended.
		rec, err := tx.Action(p.ID, in.Token)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		ev.Execution = rec.Execution
		ev.Answered = rec.Result.UpdatedBy != "" && rec.Stage == in.StageName && rec.Action == in.ActionName
		_, err = s.store.Step(tx, p.ID, ev)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.PutApprovalResultOutput{ApprovedAt: s.store.Now()}, nil
}
