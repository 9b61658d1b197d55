package actiontype

import (
	"slices"
	"strings"
	"time"

	"penstock/internal/core/pipeline"
)

// builtin are the action types and rule types that come with the service, with
// {Region} in their URLs in place of the region's name.
var builtin = slices.Concat(sourceTypes, buildTypes, invokeTypes, deployTypes, ruleTypes)

// Builtin returns the action types that come with the service in a region
// (ListActionTypes), in the order in which a pipeline usually needs them.
// Callers must not change the Properties.
func Builtin(region string) []Type {
	return allInRegion(builtin[:len(builtin)-len(ruleTypes)], region)
}

// BuiltinRules returns the rule types of a region (ListRuleTypes). Callers must
// not change the Properties.
func BuiltinRules(region string) []Type {
	return allInRegion(ruleTypes, region)
}

// LookupBuiltin returns the action type, or with category Rule the rule type,
// that comes with the service under the given id.
func LookupBuiltin(region string, id pipeline.ActionType) (Type, bool) {
	i := slices.IndexFunc(builtin, func(t Type) bool { return t.ID == id })
	if i < 0 {
		return Type{}, false
	}
	return inRegion(builtin[i], region), true
}

func allInRegion(types []Type, region string) []Type {
	list := make([]Type, len(types))
	for i, t := range types {
		list[i] = inRegion(t, region)
	}
	return list
}

func inRegion(t Type, region string) Type {
	for _, url := range []*string{&t.Settings.EntityURLTemplate, &t.Settings.ExecutionURLTemplate, &t.Settings.RevisionURLTemplate} {
		*url = strings.ReplaceAll(*url, "{Region}", region)
	}
	return t
}

// builtIn begins the definition of a type that comes with the service.
func builtIn(category, owner, provider string, properties ...[]Property) Type {
	return Type{
		ID:         pipeline.ActionType{Category: category, Owner: owner, Provider: provider, Version: "1"},
		Properties: slices.Concat(properties...),
		BuiltIn:    true,
		Timeout:    otherTimeout,
	}
}

func (t Type) inputs(low, high int) Type   { t.MinInputs, t.MaxInputs = low, high; return t }
func (t Type) outputs(low, high int) Type  { t.MinOutputs, t.MaxOutputs = low, high; return t }
func (t Type) within(d time.Duration) Type { t.Timeout = d; return t }
func (t Type) v2() Type                    { t.V2Only = true; return t }
func (t Type) anyConfiguration() Type      { t.AnyConfiguration = true; return t }
func (t Type) links(entity, execution, revision string) Type {
	t.Settings = Settings{EntityURLTemplate: entity, ExecutionURLTemplate: execution, RevisionURLTemplate: revision}
	return t
}

// keys are required properties that identify what an action works on; each
// argument is "Name: description".
func keys(properties ...string) []Property {
	return described(properties, Property{Required: true, Key: true})
}

// required are required properties that identify nothing.
func required(properties ...string) []Property {
	return described(properties, Property{Required: true})
}

// secrets are required properties whose values are never shown.
func secrets(properties ...string) []Property {
	return described(properties, Property{Required: true, Secret: true})
}

// optional are properties that may be left out. Those that a provider needs
// under conditions are among them: the provider checks.
func optional(properties ...string) []Property {
	return described(properties, Property{})
}

func described(properties []string, flags Property) []Property {
	list := make([]Property, len(properties))
	for i, p := range properties {
		list[i] = flags
		list[i].Name, list[i].Description, _ = strings.Cut(p, ": ")
	}
	return list
}
