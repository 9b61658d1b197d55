package service

import (
	"context"
	"errors"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/core/actiontype"
	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// RegisterActionType makes an action type with an executor, or replaces the
// caller's own under the rules of UpdateActionType. AWS does this by hand; here
// package control calls it.
func (s *Service) RegisterActionType(ctx context.Context, in *api.ActionTypeDeclaration) (replaced bool, err error) {
	who := caller(ctx)
	t, err := registeredTypeFrom(in)
	if err != nil {
		return false, err
	}
	err = s.store.Update(ctx, func(tx store.Tx) error {
		replaced, err = s.putRegistered(tx, who, t)
		return err
	})
	if errors.Is(err, store.ErrLimit) {
		err = fault.New("LimitExceededException", "The account has reached its limit of %d registered action types in region %s", s.opt.MaxActionTypes, who.Region)
	}
	return replaced, err
}

func (s *Service) putRegistered(tx store.Tx, who auth.Principal, t actiontype.Type) (replaced bool, err error) {
	return store.Register(tx, store.ActionType{Account: who.Account, Region: who.Region, Type: t, Created: s.store.Now()}, s.opt.MaxActionTypes)
}

// UnregisterActionType deletes a registered action type of the caller's
// account: nobody can use it or poll for it from then on, jobs already handed
// out go on. One that does not exist is ActionTypeNotFoundException.
func (s *Service) UnregisterActionType(ctx context.Context, id pipeline.ActionType) error {
	who := caller(ctx)
	return s.store.Update(ctx, func(tx store.Tx) error {
		t, err := tx.RegisteredType(who.Region, id)
		if errors.Is(err, store.ErrNotFound) || err == nil && t.Account != who.Account {
			return actiontype.NotAvailable(id)
		}
		if err != nil {
			return err
		}
		gone := *t
		gone.Deleted = true
		return tx.PutActionType(gone)
	})
}

// RegisteredActionType is a registered action type and who has registered it.
type RegisteredActionType struct {
	Account     string
	Declaration *api.ActionTypeDeclaration
}

// RegisteredActionTypes lists the registered action types that the caller may
// see (GetActionType), by provider, category and newest first.
func (s *Service) RegisteredActionTypes(ctx context.Context) ([]RegisteredActionType, error) {
	who := caller(ctx)
	var list []RegisteredActionType
	err := s.store.View(ctx, func(r store.Reader) error {
		all, err := r.RegisteredTypes(who.Region)
		store.SortTypes(all)
		for _, t := range all {
			if sees(who, &t) {
				list = append(list, RegisteredActionType{t.Account, registeredTypeTo(t.Type)})
			}
		}
		return err
	})
	return list, err
}
