package service

import (
	"context"
	"errors"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// StartPipelineExecution starts an execution. A client request token that was
// used before for the pipeline answers the execution it started then.
func (s *Service) StartPipelineExecution(ctx context.Context, in *api.StartPipelineExecutionInput) (*api.StartPipelineExecutionOutput, error) {
	who := caller(ctx)
	ev := engine.Start{Trigger: engine.Trigger{Type: "StartPipelineExecution", Detail: who.ARN}}
	for _, v := range in.Variables {
		ev.Variables = append(ev.Variables, engine.Variable(v))
	}
	for _, r := range in.SourceRevisions {
		ev.Overrides = append(ev.Overrides, engine.Override{Action: r.ActionName, Type: r.RevisionType, Value: r.RevisionValue})
	}
	id, err := s.StartAs(ctx, who, in.Name, in.ClientRequestToken, ev)
	if err != nil {
		return nil, err
	}
	return &api.StartPipelineExecutionOutput{PipelineExecutionId: id}, nil
}

// StartAs starts an execution in the name of who. A token that was used before
// for the pipeline answers the execution it started then; "" is no token.
func (s *Service) StartAs(ctx context.Context, who auth.Principal, name, token string, ev engine.Start) (id string, err error) {
	err = s.store.Update(ctx, func(tx store.Tx) error {
		p, err := find(tx, who, name)
		if err != nil {
			return err
		}
		if token != "" {
			if ev.Replay, err = tx.StartedBy(p.ID, token); err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		if id, err = s.store.Step(tx, p.ID, ev); err != nil {
			return err
		}
		if token == "" || ev.Replay != "" {
			return nil
		}
		return tx.PutStartToken(p.ID, token, id)
	})
	return id, err
}
