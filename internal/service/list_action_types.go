package service

import (
	"context"

	"penstock/internal/api"
	"penstock/internal/core/actiontype"
	"penstock/internal/store"
)

// actionTypesPage is the page size of ListActionTypes. Known clients read the
// first page only, so it holds every type an account can have.
const actionTypesPage = 1000

// ListActionTypes lists the action types that the caller may use: those that
// come with the service, the account's custom ones, and registered ones that
// allow it, in legacy form.
func (s *Service) ListActionTypes(ctx context.Context, in *api.ListActionTypesInput) (*api.ListActionTypesOutput, error) {
	who := caller(ctx)
	filter := in.ActionOwnerFilter + "\x00" + in.RegionFilter
	last, err := s.pages.last(in.NextToken, "ListActionTypes", who, filter)
	if err != nil {
		return nil, err
	}
	region := who.Region
	if in.RegionFilter != "" {
		region = in.RegionFilter
	}
	types := []actiontype.Type{}
	err = s.store.View(ctx, func(r store.Reader) error {
		added, err := store.UsableTypes(r, who.Account, region)
		for _, t := range added {
			types = append(types, t.Type)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	types = append(types, actiontype.Builtin(region)...)
	out := &api.ListActionTypesOutput{ActionTypes: []api.ActionType{}}
	skipping := last != ""
	for _, t := range types {
		key := t.ID.Owner + "/" + t.ID.Category + "/" + t.ID.Provider + "/" + t.ID.Version
		if skipping {
			skipping = key != last
			continue
		}
		if in.ActionOwnerFilter != "" && t.ID.Owner != in.ActionOwnerFilter {
			continue
		}
		if len(out.ActionTypes) == actionTypesPage {
			id := out.ActionTypes[actionTypesPage-1].Id
			out.NextToken = s.pages.next("ListActionTypes", who, filter, id.Owner+"/"+id.Category+"/"+id.Provider+"/"+id.Version)
			break
		}
		out.ActionTypes = append(out.ActionTypes, actionTypeTo(t))
	}
	if skipping { // the type that ended the page before has gone
		return nil, errBadToken
	}
	return out, nil
}
