package service

import (
	"context"
	"errors"

	"penstock/internal/api"
	"penstock/internal/core/actiontype"
	"penstock/internal/core/fault"
	"penstock/internal/store"
)

// UpdateActionType replaces the declaration of a registered action type, for
// the account that has registered it. One that is not there is made only by
// servers that allow it (Options.CreateActionTypes): otherwise that is
// RegisterActionType's.
func (s *Service) UpdateActionType(ctx context.Context, in *api.UpdateActionTypeInput) error {
	who := caller(ctx)
	t, err := registeredTypeFrom(&in.ActionType)
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx store.Tx) error {
		old, err := tx.RegisteredType(who.Region, t.ID)
		switch {
		case errors.Is(err, store.ErrNotFound) && s.opt.CreateActionTypes:
		case errors.Is(err, store.ErrNotFound) || err == nil && !sees(who, old):
			return actiontype.NotAvailable(t.ID)
		case err != nil:
			return err
		case old.Account != who.Account:
			return fault.New("AccessDeniedException", "User: %s is not authorized to perform: codepipeline:UpdateActionType on an action type that another account has registered", who.ARN)
		}
		_, err = s.putRegistered(tx, who, t)
		if errors.Is(err, store.ErrLimit) {
			return fault.New("RequestFailedException", "The account has reached its limit of %d registered action types in region %s", s.opt.MaxActionTypes, who.Region)
		}
		return err
	})
}
