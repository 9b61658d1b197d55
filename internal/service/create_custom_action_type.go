package service

import (
	"context"
	"errors"

	"penstock/internal/api"
	"penstock/internal/core/actiontype"
	"penstock/internal/core/fault"
	"penstock/internal/store"
)

// CreateCustomActionType adds an action type of owner Custom. A type that was
// deleted comes back when its definition is what it was; otherwise its version
// is spent (jobs.md section 2.1).
func (s *Service) CreateCustomActionType(ctx context.Context, in *api.CreateCustomActionTypeInput) (*api.CreateCustomActionTypeOutput, error) {
	who := caller(ctx)
	t := customTypeFrom(in)
	if err := actiontype.ValidateCustom(t); err != nil {
		return nil, err
	}
	arn := actionTypeARN(who, t.ID)
	tags, err := tagsFrom(arn, in.Tags)
	if err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx store.Tx) error {
		old, err := tx.ActionType(who.Account, who.Region, t.ID)
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return err
		case !old.Deleted:
			return actiontype.AlreadyExists(t.ID)
		case !actiontype.Same(old.Type, t):
			return actiontype.VersionUsed(t.ID)
		}
		all, err := tx.ActionTypes(who.Account, who.Region)
		if err != nil {
			return err
		}
		custom := 0
		for _, other := range all {
			if other.ID.Owner == actiontype.OwnerCustom {
				custom++
			}
		}
		if custom >= s.opt.MaxActionTypes {
			return fault.New("LimitExceededException", "The account has reached its limit of %d custom action types in region %s", s.opt.MaxActionTypes, who.Region)
		}
		err = tx.PutActionType(store.ActionType{Account: who.Account, Region: who.Region, Type: t, Created: s.store.Now()})
		if err != nil {
			return err
		}
		return tx.SetTags(arn, tags)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateCustomActionTypeOutput{ActionType: actionTypeTo(t), Tags: in.Tags}, nil
}
