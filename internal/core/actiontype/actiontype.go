// Package actiontype holds what is known of action types and rule types: the
// ones that come with the service, and the rules for those that users add. It
// is pure: no clock, no I/O.
package actiontype

import (
	"slices"
	"time"

	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
	"penstock/internal/core/rule"
)

// Owners of action types (ActionOwner).
const (
	OwnerAWS        = "AWS"
	OwnerThirdParty = "ThirdParty"
	OwnerCustom     = "Custom"
)

// Type is the definition of an action type (ActionType), or with category Rule
// of a rule type (RuleType).
type Type struct {
	ID         pipeline.ActionType
	Settings   Settings
	Properties []Property
	// AnyConfiguration is set when the properties of a type are not known.
	AnyConfiguration bool
	// Counts of artifacts an action of the type declares.
	MinInputs, MaxInputs   int
	MinOutputs, MaxOutputs int
	// V2Only types may not stand in a V1 pipeline.
	V2Only bool
	// BuiltIn types come with the service.
	BuiltIn bool
	// JobTimeout bounds one job of a registered type (executor.jobTimeout); 0
	// when only Timeout bounds it.
	JobTimeout time.Duration
	// Timeout is the default limit for the whole action.
	Timeout time.Duration
	// Executor runs the actions of a registered type, one in executor form;
	// nil for custom types and those that come with the service.
	Executor *Executor
	// AllowedAccounts are the accounts whose pipelines may use a registered
	// type, or Everyone. With none it is the one that has registered it.
	AllowedAccounts []string
	// Description is what a registered type says of itself.
	Description string
}

// Settings are the links of a type (ActionTypeSettings); "" is absent.
type Settings struct {
	ThirdPartyConfigurationURL string
	EntityURLTemplate          string
	ExecutionURLTemplate       string
	RevisionURLTemplate        string
}

// Property is one configuration key of a type (ActionConfigurationProperty).
type Property struct {
	Name        string
	Required    bool
	Key         bool
	Secret      bool
	Queryable   bool
	Description string
	// Type is "", String, Number or Boolean.
	Type string
}

// CustomTimeout is the limit of actions of custom types.
const CustomTimeout = 24 * time.Hour

// otherTimeout is the limit of actions that no other limit is stated for.
const otherTimeout = time.Hour

// ExecutorTimeout returns the limit of actions of a registered type whose jobs
// may take jobTimeout: an action lives at least as long as one job.
func ExecutorTimeout(jobTimeout time.Duration) time.Duration {
	return max(otherTimeout, jobTimeout)
}

// clientIDKey is the configuration key by which an action of a partner type
// names the client it works for.
const clientIDKey = "ClientId"

// Info returns what a declaration is checked against. A partner type takes the
// key ClientId beside its own properties.
func (t Type) Info() pipeline.TypeInfo {
	info := pipeline.TypeInfo{
		Properties:       make([]pipeline.Property, 0, len(t.Properties)+1),
		AnyConfiguration: t.AnyConfiguration,
		MinInputs:        t.MinInputs, MaxInputs: t.MaxInputs,
		MinOutputs: t.MinOutputs, MaxOutputs: t.MaxOutputs,
		V2Only:   t.V2Only,
		Commands: t.ID.Owner == OwnerAWS && t.ID.Provider == "Commands",
		BuiltIn:  t.BuiltIn,
	}
	for _, p := range t.Properties {
		info.Properties = append(info.Properties, pipeline.Property{
			Name: p.Name, Required: p.Required, Secret: p.Secret, Queryable: p.Queryable, Type: p.Type,
		})
	}
	partner := t.ID.Owner == OwnerThirdParty && !t.BuiltIn
	if partner && !slices.ContainsFunc(t.Properties, func(p Property) bool { return p.Name == clientIDKey }) {
		info.Properties = append(info.Properties, pipeline.Property{Name: clientIDKey})
	}
	return info
}

// Env returns what declarations in a region are checked against: the types that
// come with the service and those that added finds, and the time zones.
func Env(region string, zone rule.Zones, added func(pipeline.ActionType) (Type, bool)) pipeline.Env {
	return pipeline.Env{Region: region, Zone: zone, Type: func(id pipeline.ActionType) (pipeline.TypeInfo, bool) {
		t, ok := LookupBuiltin(region, id)
		if !ok {
			t, ok = added(id)
		}
		return t.Info(), ok
	}}
}

// Same reports whether two definitions are identical: a deleted custom type
// comes back only with the definition it had.
func Same(a, b Type) bool {
	return a.ID == b.ID && a.Settings == b.Settings && slices.Equal(a.Properties, b.Properties) &&
		a.MinInputs == b.MinInputs && a.MaxInputs == b.MaxInputs &&
		a.MinOutputs == b.MinOutputs && a.MaxOutputs == b.MaxOutputs
}

// NotAvailable is the answer of polls and GetActionType to an unknown or
// deleted type: ActionTypeNotFoundException.
func NotAvailable(id pipeline.ActionType) error {
	return fault.New("ActionTypeNotFoundException", "%s is not available", text(id))
}

// AlreadyExists is the answer of CreateCustomActionType to an id in use:
// ValidationException.
func AlreadyExists(id pipeline.ActionType) error {
	return fault.New(validation, "%s already exists", text(id))
}

// VersionUsed is the answer of CreateCustomActionType to the id of a deleted
// type whose definition was another: ValidationException.
func VersionUsed(id pipeline.ActionType) error {
	return fault.New(validation, "%s was deleted and had a different definition. Use a version that was never used before", text(id))
}

const validation = "ValidationException"

// text names a type as the service does.
func text(id pipeline.ActionType) string {
	return "ActionType (Category: '" + id.Category + "', Owner: '" + id.Owner +
		"', Provider: '" + id.Provider + "', Version: '" + id.Version + "')"
}
