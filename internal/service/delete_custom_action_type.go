package service

import (
	"context"
	"errors"

	"penstock/internal/api"
	"penstock/internal/core/actiontype"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// DeleteCustomActionType marks a custom action type as deleted: polls for it
// fail from then on, jobs already handed out go on. A type that does not exist
// is no error.
func (s *Service) DeleteCustomActionType(ctx context.Context, in *api.DeleteCustomActionTypeInput) error {
	who := caller(ctx)
	id := pipeline.ActionType{Category: in.Category, Owner: actiontype.OwnerCustom, Provider: in.Provider, Version: in.Version}
	return s.store.Update(ctx, func(tx store.Tx) error {
		t, err := tx.ActionType(who.Account, who.Region, id)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		gone := *t
		gone.Deleted = true
		if err := tx.PutActionType(gone); err != nil {
			return err
		}
		return tx.SetTags(actionTypeARN(who, id), nil)
	})
}
