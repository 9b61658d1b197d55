package service

import (
	"context"
	"errors"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/core/actiontype"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// GetActionType shows a registered action type to those who have to do with it:
// the account that has registered it, those that may use it and those that may
// poll for it. For others there is none.
func (s *Service) GetActionType(ctx context.Context, in *api.GetActionTypeInput) (*api.GetActionTypeOutput, error) {
	who := caller(ctx)
	var t *store.ActionType
	err := s.store.View(ctx, func(r store.Reader) (err error) {
		t, err = registered(r, who, pipeline.ActionType(*in))
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetActionTypeOutput{ActionType: registeredTypeTo(t.Type)}, nil
}

// registered finds a registered action type that the caller may see; else it is
// ActionTypeNotFoundException.
func registered(r store.Reader, who auth.Principal, id pipeline.ActionType) (*store.ActionType, error) {
	t, err := r.RegisteredType(who.Region, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && !sees(who, t) {
		err = actiontype.NotAvailable(id)
	}
	return t, err
}

func sees(who auth.Principal, t *store.ActionType) bool {
	return t.Account == who.Account || t.UsableBy(who.Account) || t.PolledBy(who.Account, who.ServicePrincipal)
}
