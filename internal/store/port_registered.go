package store

import (
	"cmp"
	"errors"
	"slices"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/pipeline"
)

// RegisteredReader finds the action types of owner AWS or ThirdParty that were
// registered. An account registers them, and others may use them.
type RegisteredReader interface {
	// RegisteredType returns the type that has the id in the region, whichever
	// account has registered it; a deleted one is not found. It must not be
	// changed.
	RegisteredType(region string, id pipeline.ActionType) (*ActionType, error)
	// RegisteredTypes lists those of a region, in no order.
	RegisteredTypes(region string) ([]ActionType, error)
}

// UsableType returns the action type of the id that pipelines of the account
// may use: a custom one of its own, or a registered one that allows it. All
// else, deleted ones too, is ErrNotFound. It must not be changed.
func UsableType(r Reader, account, region string, id pipeline.ActionType) (*ActionType, error) {
	var t *ActionType
	var err error
	if id.Owner == actiontype.OwnerCustom {
		t, err = r.ActionType(account, region, id)
	} else {
		t, err = r.RegisteredType(region, id)
	}
	if err == nil && (t.Deleted || !t.UsableBy(account)) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// UsableTypes lists the action types that pipelines of the account may use,
// ordered by provider, category and newest first.
func UsableTypes(r Reader, account, region string) ([]ActionType, error) {
	own, err := r.ActionTypes(account, region)
	if err != nil {
		return nil, err
	}
	own = slices.DeleteFunc(own, func(t ActionType) bool { return t.ID.Owner != actiontype.OwnerCustom })
	registered, err := r.RegisteredTypes(region)
	for _, t := range registered {
		if t.UsableBy(account) {
			own = append(own, t)
		}
	}
	SortTypes(own)
	return own, err
}

// SortTypes orders action types by provider, category and newest first.
func SortTypes(list []ActionType) {
	slices.SortFunc(list, func(a, b ActionType) int {
		return cmp.Or(
			cmp.Compare(a.ID.Provider, b.ID.Provider), cmp.Compare(a.ID.Category, b.ID.Category),
			b.Created.Compare(a.Created), cmp.Compare(b.ID.Version, a.ID.Version), cmp.Compare(a.ID.Owner, b.ID.Owner),
		)
	})
}

// UsableBy reports whether pipelines of the account may use the type.
func (t *ActionType) UsableBy(account string) bool { return t.Type.UsableBy(t.Account, account) }

// PolledBy reports whether a caller may poll for the jobs of a registered type.
func (t *ActionType) PolledBy(account, servicePrincipal string) bool {
	return t.Type.PolledBy(t.Account, account, servicePrincipal)
}

// Register makes t the definition of a registered type of its account, as long
// as no other account holds the id in the region; replaced tells whether there
// was one before, which ValidateUpdate then guards. Creating one more than
// limit is ErrLimit.
func Register(tx Tx, t ActionType, limit int) (replaced bool, err error) {
	old, err := tx.RegisteredType(t.Region, t.ID)
	switch {
	case err == nil && old.Account != t.Account:
		return false, actiontype.Taken(t.ID)
	case err == nil:
		t.Created = old.Created
		if err := actiontype.ValidateUpdate(old.Type, t.Type); err != nil {
			return false, err
		}
		return true, tx.PutActionType(t)
	case !errors.Is(err, ErrNotFound):
		return false, err
	}
	own, err := tx.ActionTypes(t.Account, t.Region)
	if err != nil {
		return false, err
	}
	own = slices.DeleteFunc(own, func(t ActionType) bool { return t.ID.Owner == actiontype.OwnerCustom })
	if len(own) >= limit {
		return false, ErrLimit
	}
	return false, tx.PutActionType(t)
}

// ErrLimit says that there are as many as there may be.
var ErrLimit = errors.New("store: the limit is reached")
