package pipeline

import (
	"maps"
	"slices"

	"penstock/internal/core/rule"
	"penstock/internal/core/variable"
)

// ruleTypes holds the rules of conditions to their types as actions are held to
// theirs.
func ruleTypes(c *check) {
	for at, r := range c.rules() {
		s := c.stage(at)
		info, ok := c.env.Type(r.Type)
		if !ok {
			c.report("", at.path()+".ruleTypeId", stageFault("RuleType (Category: '%s', Provider: '%s', Owner: '%s', Version: '%s') in rule '%s' of stage '%s' is not available in region '%s'",
				r.Type.Category, r.Type.Provider, r.Type.Owner, r.Type.Version, r.Name, s.Name, regionConstant(c.env.Region)))
			continue
		}
		for _, p := range info.Properties {
			if _, set := r.Configuration[p.Name]; p.Required && !set {
				c.report("", at.configuration(p.Name), stageFault("Rule configuration for rule '%s' of stage '%s' is missing required configuration '%s'", r.Name, s.Name, p.Name))
			}
		}
		for _, key := range slices.Sorted(maps.Keys(r.Configuration)) {
			if _, known := info.property(key); !known && !info.AnyConfiguration {
				c.report("", at.configuration(key), stageFault("Rule configuration for rule '%s' of stage '%s' contains unknown configuration '%s'", r.Name, s.Name, key))
			}
		}
		if n := len(r.InputArtifacts); n < info.MinInputs {
			c.report("", at.path()+".inputArtifacts", stageFault("Rule %s of stage %s declares %d input artifacts which is less than the minimum count (%d)", r.Name, s.Name, n, info.MinInputs))
		} else if n > info.MaxInputs {
			c.report("", at.path()+".inputArtifacts", stageFault("Rule %s of stage %s declares %d input artifacts which is more than the maximum count (%d)", r.Name, s.Name, n, info.MaxInputs))
		}
		if info.Commands && len(r.Commands) == 0 {
			c.report("", at.path()+".commands", stageFault("Rule %s of stage %s must have a non-empty commands field", r.Name, s.Name))
		}
		if !info.Commands && len(r.Commands) > 0 {
			c.report("", at.path()+".commands", stageFault("The following rule of stage %s cannot contain a commands field: %s. To use the commands field, use a Commands rule.", s.Name, r.Name))
		}
		for i, name := range r.InputArtifacts {
			if made, ok := c.artifacts[name]; !ok || !made.before(at) {
				c.report("", at.path()+element(".inputArtifacts", i), stageFault("Input Artifact Bundle %s in rule %s of stage %s is not declared as Output Artifact Bundle in any of the preceding actions", name, r.Name, s.Name))
			}
		}
	}
}

// ruleValues checks what rules could not be evaluated with. Values with
// references are left out: what they become is known when the rule starts.
func ruleValues(c *check) {
	for at, r := range c.rules() {
		if _, ok := c.env.Type(r.Type); !ok {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(r.Configuration)) {
			value := r.Configuration[key]
			if variable.Contains(value) {
				continue
			}
			if err := rule.Check(r.Type.Provider, key, value, c.env.Zone); err != nil {
				c.report("", at.configuration(key), stageFault("Rule configuration for rule '%s' of stage '%s' contains an invalid value for configuration '%s': %v", r.Name, c.stage(at).Name, key, err))
			}
		}
	}
}
