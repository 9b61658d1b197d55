package service

import (
	"context"

	"penstock/internal/api"
)

// The operations below are routed, authenticated and validated; what they do
// comes with later versions. None answers success without doing it.

// GetActionType is not available yet.
func (s *Service) GetActionType(context.Context, *api.GetActionTypeInput) (*api.GetActionTypeOutput, error) {
	return nil, notYet("GetActionType")
}

// UpdateActionType is not available yet.
func (s *Service) UpdateActionType(context.Context, *api.UpdateActionTypeInput) error {
	return notYet("UpdateActionType")
}
