package service

import (
	"context"
	"errors"

	"penstock/internal/api"
	"penstock/internal/core/fault"
	"penstock/internal/store"
)

// ListDeployActionExecutionTargets lists the instances that a deploy action
// works on. Of the deployments that Penstock runs none has any: objects in a
// bucket are not targets. So it answers an empty list for every action
// execution that there is. The pipeline's name may be left out.
func (s *Service) ListDeployActionExecutionTargets(ctx context.Context, in *api.ListDeployActionExecutionTargetsInput) (*api.ListDeployActionExecutionTargetsOutput, error) {
	who := caller(ctx)
	if _, err := s.pages.last(in.NextToken, "ListDeployActionExecutionTargets", who, in.PipelineName+"\x00"+in.ActionExecutionId); err != nil {
		return nil, err
	}
	missing := fault.New("ActionExecutionNotFoundException", "The action execution '%s' was not found", in.ActionExecutionId)
	err := s.store.View(ctx, func(r store.Reader) error {
		if in.PipelineName != "" {
			p, err := find(r, who, in.PipelineName)
			if err != nil {
				return err
			}
			_, err = r.Action(p.ID, in.ActionExecutionId)
			return err
		}
		for after := ""; ; { // an account has no more pipelines than its quota
			list, err := r.Pipelines(who.Account, who.Region, after, 1000)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				return store.ErrNotFound
			}
			for _, p := range list {
				if _, err := r.Action(p.ID, in.ActionExecutionId); !errors.Is(err, store.ErrNotFound) {
					return err
				}
				after = p.Name
			}
		}
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	return &api.ListDeployActionExecutionTargetsOutput{Targets: []api.DeployActionExecutionTarget{}}, nil
}
