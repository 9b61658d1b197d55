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

// OverrideStageCondition is not available yet.
func (s *Service) OverrideStageCondition(context.Context, *api.OverrideStageConditionInput) error {
	return notYet("OverrideStageCondition")
}

// RollbackStage is not available yet.
func (s *Service) RollbackStage(context.Context, *api.RollbackStageInput) (*api.RollbackStageOutput, error) {
	return nil, notYet("RollbackStage")
}

// PutActionRevision is not available yet.
func (s *Service) PutActionRevision(context.Context, *api.PutActionRevisionInput) (*api.PutActionRevisionOutput, error) {
	return nil, notYet("PutActionRevision")
}

// ListRuleTypes is not available yet.
func (s *Service) ListRuleTypes(context.Context, *api.ListRuleTypesInput) (*api.ListRuleTypesOutput, error) {
	return nil, notYet("ListRuleTypes")
}

// ListRuleExecutions is not available yet.
func (s *Service) ListRuleExecutions(context.Context, *api.ListRuleExecutionsInput) (*api.ListRuleExecutionsOutput, error) {
	return nil, notYet("ListRuleExecutions")
}

// ListDeployActionExecutionTargets is not available yet.
func (s *Service) ListDeployActionExecutionTargets(context.Context, *api.ListDeployActionExecutionTargetsInput) (*api.ListDeployActionExecutionTargetsOutput, error) {
	return nil, notYet("ListDeployActionExecutionTargets")
}
