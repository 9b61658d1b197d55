package pipeline

import (
	"maps"
	"slices"
	"strings"
)

func availableTypes(c *check) {
	for at, a := range c.actions() {
		if _, ok := c.env.Type(a.Type); !ok {
			c.report("V-40", at.path()+".actionTypeId", unavailable(a, c.env.Region))
		}
	}
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

func actionNames(c *check) {
	for i, s := range c.d.Stages {
		seen := map[string]bool{}
		for j, a := range s.Actions {
			if seen[a.Name] {
				c.report("V-41", stagePath(i)+element(".actions", j), actionFault("Action name '%s' is used more than once in stage '%s'", a.Name, s.Name))
			}
			seen[a.Name] = true
		}
	}
}

func requiredKeys(c *check) {
	for a, info := range c.typed() {
		for _, p := range info.Properties {
			if _, set := a.Configuration[p.Name]; p.Required && !set {
				c.report("V-42", a.at.configuration(p.Name), actionFault("Action configuration for action '%s' is missing required configuration '%s'", a.Name, p.Name))
			}
		}
	}
}

func unknownKeys(c *check) {
	for a, info := range c.typed() {
		if info.AnyConfiguration {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(a.Configuration)) {
			if _, known := info.property(key); !known {
				c.report("V-43", a.at.configuration(key), actionFault("Action configuration for action '%s' contains unknown configuration '%s'", a.Name, key))
			}
		}
	}
}

func tooFewInputs(c *check) {
	for a, info := range c.typed() {
		if n := len(a.Inputs); n < info.MinInputs {
			c.report("V-44", a.at.path()+".inputArtifacts", tooFew(a, n, "input", info.MinInputs))
		}
	}
}

func otherCounts(c *check) {
	for a, info := range c.typed() {
		in, out := len(a.Inputs), len(a.Outputs)
		switch {
		case in > info.MaxInputs:
			c.report("V-45", a.at.path()+".inputArtifacts", tooMany(a, in, "input", info.MaxInputs))
		case out < info.MinOutputs:
			c.report("V-45", a.at.path()+".outputArtifacts", tooFew(a, out, "output", info.MinOutputs))
		case out > info.MaxOutputs:
			c.report("V-45", a.at.path()+".outputArtifacts", tooMany(a, out, "output", info.MaxOutputs))
		}
	}
}

func tooFew(a placed, n int, side string, limit int) error {
	return actionFault("Action %s declares %d %s artifacts which is less than the minimum count (%d)", a.Name, n, side, limit)
}

func tooMany(a placed, n int, side string, limit int) error {
	return actionFault("Action %s declares %d %s artifacts which is more than the maximum count (%d)", a.Name, n, side, limit)
}

func inputsProduced(c *check) {
	for at, a := range c.actions() {
		for i, name := range a.Inputs {
			if made, ok := c.artifacts[name]; !ok || !made.before(at) {
				c.report("V-46", at.path()+element(".inputArtifacts", i),
					actionFault("Input Artifact Bundle %s in action %s is not declared as Output Artifact Bundle in any of the preceding actions", name, a.Name))
			}
		}
	}
}

func outputsUnique(c *check) {
	seen := map[string]bool{}
	for at, a := range c.actions() {
		for i, o := range a.Outputs {
			if seen[o.Name] {
				c.report("V-47", at.path()+element(".outputArtifacts", i),
					actionFault("Output Artifact Bundle name must be unique within the pipeline. %s has been used more than once.", o.Name))
			}
			seen[o.Name] = true
		}
	}
}

func commandsPresent(c *check) {
	for a, info := range c.typed() {
		if info.Commands && len(a.Commands) == 0 {
			c.report("V-52", a.at.path()+".commands", actionFault("Action %s must have a non-empty commands field", a.Name))
		}
	}
}

func commandsOnlyCompute(c *check) {
	hasFiles := func(o OutputArtifact) bool { return len(o.Files) > 0 }
	for a, info := range c.typed() {
		if !info.Commands && (len(a.Commands) > 0 || slices.ContainsFunc(a.Outputs, hasFiles)) {
			c.report("V-53", a.at.path(), actionFault("The following action cannot contain a commands field: %s. To use the commands field, use a compute action.", a.Name))
		}
	}
}

func timeoutOnlyApproval(c *check) {
	for at, a := range c.actions() {
		if a.TimeoutInMinutes != 0 && a.Type.Category != categoryApproval {
			c.report("V-58", at.path()+".timeoutInMinutes",
				actionFault("Action '%s' in stage '%s' cannot have timeoutInMinutes. It can only be used with approval actions", a.Name, c.stage(at).Name))
		}
	}
}

func crossRegionOwners(c *check) {
	for at, a := range c.actions() {
		if c.region(a) != c.env.Region && (a.Type.Category == categorySource || a.Type.Owner != ownerAWS) {
			c.report("V-59", at.path()+".region", actionFault("Action '%s' in stage '%s' cannot run in region %s. Source, custom and third-party actions must run in the region of the pipeline",
				a.Name, c.stage(at).Name, a.Region))
		}
	}
}
