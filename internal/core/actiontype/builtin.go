package actiontype

import (
	"strings"

	"penstock/internal/core/pipeline"
)

// builtin are the types that come with the service, URLs with {Region} in
// place of the region's name.
var builtin = []Type{}

// Builtin returns the action types that come with the service in a region, in
// the order of categories a pipeline usually goes through. Callers must not
// change the Properties.
func Builtin(region string) []Type {
	types := make([]Type, 0, len(builtin))
	for _, t := range builtin {
		types = append(types, inRegion(t, region))
	}
	return types
}

// LookupBuiltin returns the action type, or with category Rule the rule type,
// of that id which comes with the service.
func LookupBuiltin(region string, id pipeline.ActionType) (Type, bool) {
	for _, t := range builtin {
		if t.ID == id {
			return inRegion(t, region), true
		}
	}
	return Type{}, false
}

func inRegion(t Type, region string) Type {
	for _, url := range []*string{&t.Settings.EntityURLTemplate, &t.Settings.ExecutionURLTemplate, &t.Settings.RevisionURLTemplate} {
		*url = strings.ReplaceAll(*url, "{Region}", region)
	}
	return t
}
