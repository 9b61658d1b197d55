package service

import (
	"penstock/internal/api"
	"penstock/internal/core/actiontype"
	"penstock/internal/core/pipeline"
)

// actionTypeTo translates an action type to its legacy wire form. The type of
// a property is not echoed, as AWS does not.
func actionTypeTo(t actiontype.Type) api.ActionType {
	out := api.ActionType{
		Id:                            api.ActionTypeId(t.ID),
		ActionConfigurationProperties: []api.ActionConfigurationProperty{},
		InputArtifactDetails:          api.ArtifactDetails{MinimumCount: t.MinInputs, MaximumCount: t.MaxInputs},
		OutputArtifactDetails:         api.ArtifactDetails{MinimumCount: t.MinOutputs, MaximumCount: t.MaxOutputs},
	}
	if t.Settings != (actiontype.Settings{}) {
		out.Settings = &api.ActionTypeSettings{
			ThirdPartyConfigurationUrl: t.Settings.ThirdPartyConfigurationURL, EntityUrlTemplate: t.Settings.EntityURLTemplate,
			ExecutionUrlTemplate: t.Settings.ExecutionURLTemplate, RevisionUrlTemplate: t.Settings.RevisionURLTemplate,
		}
	}
	for _, p := range t.Properties {
		out.ActionConfigurationProperties = append(out.ActionConfigurationProperties, api.ActionConfigurationProperty{
			Name: p.Name, Required: p.Required, Key: p.Key, Secret: p.Secret, Queryable: &p.Queryable, Description: p.Description,
		})
	}
	return out
}

// customTypeFrom translates the input of CreateCustomActionType.
func customTypeFrom(in *api.CreateCustomActionTypeInput) actiontype.Type {
	t := actiontype.Type{
		ID:        pipeline.ActionType{Category: in.Category, Owner: actiontype.OwnerCustom, Provider: in.Provider, Version: in.Version},
		MinInputs: in.InputArtifactDetails.MinimumCount, MaxInputs: in.InputArtifactDetails.MaximumCount,
		MinOutputs: in.OutputArtifactDetails.MinimumCount, MaxOutputs: in.OutputArtifactDetails.MaximumCount,
		Timeout: actiontype.CustomTimeout,
	}
	if st := in.Settings; st != nil {
		t.Settings = actiontype.Settings{
			ThirdPartyConfigurationURL: st.ThirdPartyConfigurationUrl, EntityURLTemplate: st.EntityUrlTemplate,
			ExecutionURLTemplate: st.ExecutionUrlTemplate, RevisionURLTemplate: st.RevisionUrlTemplate,
		}
	}
	for _, p := range in.ConfigurationProperties {
		t.Properties = append(t.Properties, actiontype.Property{
			Name: p.Name, Required: p.Required, Key: p.Key, Secret: p.Secret,
			Queryable: p.Queryable != nil && *p.Queryable, Description: p.Description, Type: p.Type,
		})
	}
	return t
}
