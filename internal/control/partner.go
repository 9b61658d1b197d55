package control

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"time"

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

var (
	categories  = []string{"Source", "Build", "Deploy", "Test", "Invoke"}
	namePattern = regexp.MustCompile(`^[0-9A-Za-z_-]+$`)
)

// The limits of partner types are those of ActionTypeDeclaration.
const (
	maxPartnerArtifacts = 10
	maxProperties       = 10
)

func (in *RegisterPartnerInput) check() error {
	if !slices.Contains(categories, in.Category) {
		return invalid("category must be one of %v, not '%s'", categories, in.Category)
	}
	if !namePattern.MatchString(in.Provider) || len(in.Provider) > 35 {
		return invalid("provider must be 1 to 35 letters, digits, '_' or '-'")
	}
	if !namePattern.MatchString(in.Version) || len(in.Version) > 9 {
		return invalid("version must be 1 to 9 letters, digits, '_' or '-'")
	}
	if _, taken := actiontype.LookupBuiltin("", in.actionType()); taken {
		return invalid("the action type %s/ThirdParty/%s/%s comes with the service", in.Category, in.Provider, in.Version)
	}
	for what, c := range map[string]Counts{"inputs": in.Inputs, "outputs": in.Outputs} {
		if c.Minimum < 0 || c.Maximum > maxPartnerArtifacts || c.Minimum > c.Maximum {
			return invalid("%s must be a minimum and a maximum between 0 and %d", what, maxPartnerArtifacts)
		}
	}
	if len(in.Properties) > maxProperties {
		return invalid("properties must be %d at most", maxProperties)
	}
	seen := map[string]bool{}
	for _, p := range in.Properties {
		if p.Name == "" || len(p.Name) > 50 || seen[p.Name] {
			return invalid("property names must be unique and have 1 to 50 characters")
		}
		seen[p.Name] = true
	}
	if t := in.JobTimeoutSeconds; t != 0 && (t < 60 || t > 43200) {
		return invalid("jobTimeoutSeconds must be between 60 and 43200")
	}
	return nil
}

func (s *Service) registerPartner(ctx context.Context, who auth.Principal, in *RegisterPartnerInput) (*RegisterPartnerOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	limit := time.Duration(in.JobTimeoutSeconds) * time.Second
	t := actiontype.Type{
		ID:        in.actionType(),
		Settings:  actiontype.Settings{EntityURLTemplate: in.EntityURLTemplate, ExecutionURLTemplate: in.ExecutionURLTemplate},
		MinInputs: in.Inputs.Minimum, MaxInputs: in.Inputs.Maximum,
		MinOutputs: in.Outputs.Minimum, MaxOutputs: in.Outputs.Maximum,
		JobTimeout: limit, Timeout: actiontype.ExecutorTimeout(limit),
	}
	for _, p := range in.Properties {
		t.Properties = append(t.Properties, actiontype.Property{Name: p.Name, Required: p.Required, Key: p.Key, Secret: p.Secret, Description: p.Description})
	}
	out := &RegisterPartnerOutput{TypeID: in.TypeID}
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		old, err := tx.ActionType(who.Account, who.Region, t.ID)
		out.Replaced = err == nil && !old.Deleted
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return tx.PutActionType(store.ActionType{Account: who.Account, Region: who.Region, Type: t, Created: s.Store.Now()})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
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
		types, err := r.ActionTypes(who.Account, who.Region)
		if err != nil {
			return err
		}
		clients, err := r.Clients(who.Account, who.Region)
		if err != nil {
			return err
		}
		for _, t := range types {
			if t.ID.Owner != actiontype.OwnerThirdParty {
				continue
			}
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
