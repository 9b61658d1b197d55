package control

import (
	"context"
	"encoding/json"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/core/pipeline"
	"penstock/internal/service"
)

// ActionTypes keeps the registered action types. *service.Service does; the
// caller is in the context.
type ActionTypes interface {
	RegisterActionType(ctx context.Context, d *api.ActionTypeDeclaration) (replaced bool, err error)
	UnregisterActionType(ctx context.Context, id pipeline.ActionType) error
	RegisteredActionTypes(ctx context.Context) ([]service.RegisteredActionType, error)
}

// RegisterActionTypeOutput tells whether there was a type of the id before.
type RegisterActionTypeOutput struct {
	Replaced bool `json:"replaced"`
}

// registerActionType takes the input of UpdateActionType, under the constraints
// of the API model.
func (s *Service) registerActionType(ctx context.Context, body []byte) (any, error) {
	var in api.UpdateActionTypeInput
	if err := api.Parse(body, &in); err != nil {
		return nil, err
	}
	replaced, err := s.Types.RegisterActionType(ctx, &in.ActionType)
	if err != nil {
		return nil, err
	}
	return &RegisterActionTypeOutput{Replaced: replaced}, nil
}

// deleteActionType takes the input of GetActionType.
func (s *Service) deleteActionType(ctx context.Context, body []byte) (any, error) {
	var in api.GetActionTypeInput
	if err := api.Parse(body, &in); err != nil {
		return nil, err
	}
	return nil, s.Types.UnregisterActionType(ctx, pipeline.ActionType(in))
}

// ListRegisteredActionTypesOutput lists the registered action types that the
// caller may see.
type ListRegisteredActionTypesOutput struct {
	ActionTypes []RegisteredActionType `json:"actionTypes"`
}

// RegisteredActionType is a registered action type.
type RegisteredActionType struct {
	RegisteredBy string `json:"registeredBy"` // account
	// ActionType is its ActionTypeDeclaration.
	ActionType json.RawMessage `json:"actionType"`
}

func (s *Service) listRegisteredActionTypes(ctx context.Context, _ auth.Principal, _ *struct{}) (*ListRegisteredActionTypesOutput, error) {
	list, err := s.Types.RegisteredActionTypes(ctx)
	if err != nil {
		return nil, err
	}
	out := &ListRegisteredActionTypesOutput{ActionTypes: []RegisteredActionType{}}
	for _, t := range list {
		out.ActionTypes = append(out.ActionTypes, RegisteredActionType{RegisteredBy: t.Account, ActionType: api.Encode(t.Declaration)})
	}
	return out, nil
}
