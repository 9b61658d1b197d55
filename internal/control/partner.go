package control

import (
	"context"
	"slices"
	"time"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/core/actiontype"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// TypeID names a partner action type; the owner is ThirdParty.
type TypeID struct {
	Category string `json:"category"`
	Provider string `json:"provider"`
	Version  string `json:"version"`
}

func (t TypeID) actionType() pipeline.ActionType {
	return pipeline.ActionType{Category: t.Category, Owner: actiontype.OwnerThirdParty, Provider: t.Provider, Version: t.Version}
}

// Property is a configuration property of a partner action type.
type Property struct {
	Name        string `json:"name"`
	Required    bool   `json:"required,omitempty"`
	Key         bool   `json:"key,omitempty"`
	Secret      bool   `json:"secret,omitempty"`
	Description string `json:"description,omitempty"`
}

// Counts bounds the artifacts of an action.
type Counts struct {
	Minimum int `json:"minimum"`
	Maximum int `json:"maximum"`
}

// RegisterPartnerInput describes a partner action type. Registering a type
// again replaces its definition.
type RegisterPartnerInput struct {
	TypeID
	Properties           []Property `json:"properties,omitempty"`
	Inputs               Counts     `json:"inputs"`
	Outputs              Counts     `json:"outputs"`
	EntityURLTemplate    string     `json:"entityUrlTemplate,omitempty"`
	ExecutionURLTemplate string     `json:"executionUrlTemplate,omitempty"`
	JobTimeoutSeconds    int        `json:"jobTimeoutSeconds,omitempty"` // 60 to 43200; 0 = the action's limit alone
}

// RegisterPartnerOutput names what was registered.
type RegisterPartnerOutput struct {
	TypeID
	Replaced bool `json:"replaced"`
}

// declaration is the partner's type as it is registered: for job workers and
// pipelines of the account itself.
func (in *RegisterPartnerInput) declaration() *api.ActionTypeDeclaration {
	d := &api.ActionTypeDeclaration{
		Id: api.ActionTypeIdentifier(in.actionType()),
		Executor: api.ActionTypeExecutor{
			Type:          actiontype.JobWorker,
			Configuration: api.ExecutorConfiguration{JobWorkerExecutorConfiguration: &api.JobWorkerExecutorConfiguration{}},
		},
		InputArtifactDetails:  api.ActionTypeArtifactDetails{MinimumCount: in.Inputs.Minimum, MaximumCount: in.Inputs.Maximum},
		OutputArtifactDetails: api.ActionTypeArtifactDetails{MinimumCount: in.Outputs.Minimum, MaximumCount: in.Outputs.Maximum},
	}
	if in.JobTimeoutSeconds != 0 {
		d.Executor.JobTimeout = &in.JobTimeoutSeconds
	}
	if in.EntityURLTemplate != "" || in.ExecutionURLTemplate != "" {
		d.Urls = &api.ActionTypeUrls{EntityUrlTemplate: in.EntityURLTemplate, ExecutionUrlTemplate: in.ExecutionURLTemplate}
	}
	for _, p := range in.Properties {
		d.Properties = append(d.Properties, api.ActionTypeProperty{Name: p.Name, Optional: !p.Required, Key: p.Key, NoEcho: p.Secret, Description: p.Description})
	}
	return d
}

func (s *Service) registerPartner(ctx context.Context, _ auth.Principal, in *RegisterPartnerInput) (*RegisterPartnerOutput, error) {
	// Written and read again, the declaration meets the constraints of the model.
	checked := &api.UpdateActionTypeInput{}
	if err := api.Parse(api.Encode(&api.UpdateActionTypeInput{ActionType: *in.declaration()}), checked); err != nil {
		return nil, err
	}
	replaced, err := s.Types.RegisterActionType(ctx, &checked.ActionType)
	if err != nil {
		return nil, err
	}
	return &RegisterPartnerOutput{TypeID: in.TypeID, Replaced: replaced}, nil
}

// partners lists the partner action types that the caller's account may use and
// that clients can be connected to: those that job workers poll for.
func partners(r store.Reader, who auth.Principal) ([]store.ActionType, error) {
	list, err := store.UsableTypes(r, who.Account, who.Region)
	return slices.DeleteFunc(list, func(t store.ActionType) bool {
		return t.ID.Owner != actiontype.OwnerThirdParty || t.Executor.Type != actiontype.JobWorker
	}), err
}

// ListPartnersOutput lists the partner action types with their clients.
type ListPartnersOutput struct {
	Partners []Partner `json:"partners"`
}

// Partner is a partner action type.
type Partner struct {
	TypeID
	Clients []PartnerClient `json:"clients"`
}

// PartnerClient is a client of a partner action type.
type PartnerClient struct {
	ClientID string     `json:"clientId"`
	Created  time.Time  `json:"created"`
	Revoked  *time.Time `json:"revoked,omitempty"`
	// PreviousTokenUntil is until when the token of before the last rotation
	// is accepted too.
	PreviousTokenUntil *time.Time `json:"previousTokenUntil,omitempty"`
}

func (s *Service) listPartners(ctx context.Context, who auth.Principal, _ *struct{}) (*ListPartnersOutput, error) {
	out := &ListPartnersOutput{Partners: []Partner{}}
	err := s.Store.View(ctx, func(r store.Reader) error {
		types, err := partners(r, who)
		if err != nil {
			return err
		}
		clients, err := r.Clients(who.Account, who.Region)
		if err != nil {
			return err
		}
		for _, t := range types {
			p := Partner{TypeID: TypeID{t.ID.Category, t.ID.Provider, t.ID.Version}, Clients: []PartnerClient{}}
			for _, c := range clients {
				if c.Type != t.ID {
					continue
				}
				pc := PartnerClient{ClientID: c.ID, Created: c.Created}
				if !c.Revoked.IsZero() {
					pc.Revoked = &c.Revoked
				} else if c.PreviousUntil.After(s.Store.Now()) {
					pc.PreviousTokenUntil = &c.PreviousUntil
				}
				p.Clients = append(p.Clients, pc)
			}
			out.Partners = append(out.Partners, p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
