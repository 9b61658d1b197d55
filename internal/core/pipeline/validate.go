package pipeline

import (
	"strings"

	"penstock/internal/core/fault"
)

// Codes of the refusals of CreatePipeline and UpdatePipeline, by the level at
// which the rule stands.
const (
	invalidStructure = "InvalidStructureException"
	invalidBlocker   = "InvalidBlockerDeclarationException"
	invalidStage     = "InvalidStageDeclarationException"
	invalidAction    = "InvalidActionDeclarationException"
)

// Validate checks a normalised declaration against the structure rules of
// CreatePipeline and UpdatePipeline, in their documented order, and returns the
// first violation as a *fault.Error. It relies on the constraints of the API
// model being checked before; secrets are the concern of Secrets.
func Validate(d *Declaration, env Env) error {
	c := &check{d: d, env: env}
	for _, rule := range rules {
		if err := rule(c); err != nil {
			return err
		}
	}
	return nil
}

// check is one declaration under validation.
type check struct {
	d   *Declaration
	env Env
}

// rules are the structure rules, numbered as in the project's reference of the
// service ("Structure rules").
var rules = []func(*check) error{}

// unavailable refuses an action whose type does not exist (V-40).
func unavailable(a *Action, region string) error {
	return fault.New(invalidAction,
		"ActionType (Category: '%s', Provider: '%s', Owner: '%s', Version: '%s') in action '%s' is not available in region '%s'",
		a.Type.Category, a.Type.Provider, a.Type.Owner, a.Type.Version, a.Name, strings.ToUpper(strings.ReplaceAll(region, "-", "_")))
}
