package pipeline

import "penstock/internal/core/rule"

// TypeInfo is what a declaration must know of an action type or rule type to
// be checked against it. Package actiontype makes it from its own types.
type TypeInfo struct {
	Properties []Property
	// AnyConfiguration switches off the check for unknown keys: the type's
	// properties are not known.
	AnyConfiguration                             bool
	MinInputs, MaxInputs, MinOutputs, MaxOutputs int
	// V2Only types may not stand in a V1 pipeline.
	V2Only bool
	// Commands types take the commands and files fields, and need the former.
	Commands bool
	// BuiltIn types come with the service; all others are custom or partner
	// types, whose stored secrets are kept under stricter rules (see Secrets).
	BuiltIn bool
}

// Property is one configuration key of a type.
type Property struct {
	Name      string
	Required  bool
	Secret    bool
	Queryable bool
	// Type is "", String, Number or Boolean.
	Type string
}

// Env is what a declaration is checked against.
type Env struct {
	// Region is the pipeline's own region.
	Region string
	// Type finds an available action type, or with category Rule a rule type.
	Type func(ActionType) (TypeInfo, bool)
	// Zone finds the time zones that rules name.
	Zone rule.Zones
}

func (i TypeInfo) property(name string) (Property, bool) {
	for _, p := range i.Properties {
		if p.Name == name {
			return p, true
		}
	}
	return Property{}, false
}
