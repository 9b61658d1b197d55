package service

import (
	"context"

	"penstock/internal/api"
	"penstock/internal/core/actiontype"
)

// ListRuleTypes lists the rule types that conditions may name; all are AWS's.
func (s *Service) ListRuleTypes(ctx context.Context, in *api.ListRuleTypesInput) (*api.ListRuleTypesOutput, error) {
	region := caller(ctx).Region
	if in.RegionFilter != "" {
		region = in.RegionFilter
	}
	out := &api.ListRuleTypesOutput{RuleTypes: []api.RuleType{}}
	for _, t := range actiontype.BuiltinRules(region) {
		out.RuleTypes = append(out.RuleTypes, ruleTypeTo(t))
	}
	return out, nil
}

func ruleTypeTo(t actiontype.Type) api.RuleType {
	a := actionTypeTo(t)
	out := api.RuleType{
		Id:                          api.RuleTypeId{Category: t.ID.Category, Owner: t.ID.Owner, Provider: t.ID.Provider, Version: t.ID.Version},
		RuleConfigurationProperties: []api.RuleConfigurationProperty{}, InputArtifactDetails: a.InputArtifactDetails,
	}
	if a.Settings != nil {
		settings := api.RuleTypeSettings(*a.Settings)
		out.Settings = &settings
	}
	for _, p := range a.ActionConfigurationProperties {
		out.RuleConfigurationProperties = append(out.RuleConfigurationProperties, api.RuleConfigurationProperty(p))
	}
	return out
}
