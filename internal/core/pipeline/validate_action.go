package pipeline

import (
	"maps"
	"slices"
	"strings"
)

func availableTypes(c *check) error {
	for _, a := range c.actions() {
		if _, ok := c.env.Type(a.Type); !ok {
			return unavailable(a, c.env.Region)
		}
	}
	return nil
}

// unavailable refuses an action whose type does not exist.
func unavailable(a *Action, region string) error {
	return actionFault("ActionType (Category: '%s', Provider: '%s', Owner: '%s', Version: '%s') in action '%s' is not available in region '%s'",
		a.Type.Category, a.Type.Provider, a.Type.Owner, a.Type.Version, a.Name, regionConstant(region))
}

// regionConstant writes a region as the service does in texts about types:
// US_EAST_1.
func regionConstant(region string) string {
	return strings.ToUpper(strings.ReplaceAll(region, "-", "_"))
}

func actionNames(c *check) error {
	for _, s := range c.d.Stages {
		seen := map[string]bool{}
		for _, a := range s.Actions {
			if seen[a.Name] {
				return actionFault("Action name '%s' is used more than once in stage '%s'", a.Name, s.Name)
			}
			seen[a.Name] = true
		}
	}
	return nil
}

func requiredKeys(c *check) error {
	for a, info := range c.typed() {
		for _, p := range info.Properties {
			if _, set := a.Configuration[p.Name]; p.Required && !set {
				return actionFault("Action configuration for action '%s' is missing required configuration '%s'", a.Name, p.Name)
			}
		}
	}
	return nil
}

func unknownKeys(c *check) error {
	for a, info := range c.typed() {
		if info.AnyConfiguration {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(a.Configuration)) {
			if _, known := info.property(key); !known {
				return actionFault("Action configuration for action '%s' contains unknown configuration '%s'", a.Name, key)
			}
		}
	}
	return nil
}

func tooFewInputs(c *check) error {
	for a, info := range c.typed() {
		if n := len(a.Inputs); n < info.MinInputs {
			return tooFew(a, n, "input", info.MinInputs)
		}
	}
	return nil
}

func otherCounts(c *check) error {
	for a, info := range c.typed() {
		in, out := len(a.Inputs), len(a.Outputs)
		switch {
		case in > info.MaxInputs:
			return tooMany(a, in, "input", info.MaxInputs)
		case out < info.MinOutputs:
			return tooFew(a, out, "output", info.MinOutputs)
		case out > info.MaxOutputs:
			return tooMany(a, out, "output", info.MaxOutputs)
		}
	}
	return nil
}

func tooFew(a *Action, n int, side string, limit int) error {
	return actionFault("Action %s declares %d %s artifacts which is less than the minimum count (%d)", a.Name, n, side, limit)
}

func tooMany(a *Action, n int, side string, limit int) error {
	return actionFault("Action %s declares %d %s artifacts which is more than the maximum count (%d)", a.Name, n, side, limit)
}

func inputsProduced(c *check) error {
	for at, a := range c.actions() {
		for _, name := range a.Inputs {
			if made, ok := c.artifacts[name]; !ok || !made.before(at) {
				return actionFault("Input Artifact Bundle %s in action %s is not declared as Output Artifact Bundle in any of the preceding actions", name, a.Name)
			}
		}
	}
	return nil
}

func outputsUnique(c *check) error {
	seen := map[string]bool{}
	for _, a := range c.actions() {
		for _, o := range a.Outputs {
			if seen[o.Name] {
				return actionFault("Output Artifact Bundle name must be unique within the pipeline. %s has been used more than once.", o.Name)
			}
			seen[o.Name] = true
		}
	}
	return nil
}

func commandsPresent(c *check) error {
	for a, info := range c.typed() {
		if info.Commands && len(a.Commands) == 0 {
			return actionFault("Action %s must have a non-empty commands field", a.Name)
		}
	}
	return nil
}

func commandsOnlyCompute(c *check) error {
	hasFiles := func(o OutputArtifact) bool { return len(o.Files) > 0 }
	for a, info := range c.typed() {
		if !info.Commands && (len(a.Commands) > 0 || slices.ContainsFunc(a.Outputs, hasFiles)) {
			return actionFault("The following action cannot contain a commands field: %s. To use the commands field, use a compute action.", a.Name)
		}
	}
	return nil
}

func timeoutOnlyApproval(c *check) error {
	for at, a := range c.actions() {
		if a.TimeoutInMinutes != 0 && a.Type.Category != categoryApproval {
			return actionFault("Action '%s' in stage '%s' cannot have timeoutInMinutes. It can only be used with approval actions", a.Name, c.stage(at).Name)
		}
	}
	return nil
}

func crossRegionOwners(c *check) error {
	for at, a := range c.actions() {
		if c.region(a) != c.env.Region && (a.Type.Category == categorySource || a.Type.Owner != ownerAWS) {
			return actionFault("Action '%s' in stage '%s' cannot run in region %s. Source, custom and third-party actions must run in the region of the pipeline",
				a.Name, c.stage(at).Name, a.Region)
		}
	}
	return nil
}
