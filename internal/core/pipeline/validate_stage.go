package pipeline

import (
	"maps"
	"slices"
)

func stageNames(c *check) error {
	seen := map[string]bool{}
	for _, s := range c.d.Stages {
		if seen[s.Name] {
			return stageFault("Stage name '%s' is used more than once", s.Name)
		}
		seen[s.Name] = true
	}
	return nil
}

func stageSizes(c *check) error {
	for _, s := range c.d.Stages {
		switch n := len(s.Actions); {
		case n == 0:
			return stageFault("Stage '%s' has no actions. There should be a minimum of 1 action in a stage", s.Name)
		case n > maxStageActions:
			return stageFault("Stage '%s' has too many actions. There can only be up to %d actions in a stage", s.Name, maxStageActions)
		}
	}
	return nil
}

func failureGates(c *check) error {
	for _, s := range c.d.Stages {
		if f := s.OnFailure; f != nil && f.Result != "" && len(f.Conditions) > 0 {
			// The service leaves out the closing quote.
			return stageFault("The following stage cannot have a failure exit gate configured with both top level result and conditions: '%s", s.Name)
		}
	}
	return nil
}

func rollbackInParallel(c *check) error {
	if c.d.Mode != Parallel {
		return nil
	}
	rollsBack := func(cond Condition) bool { return cond.Result == ResultRollback }
	for _, s := range c.d.Stages {
		if f := s.OnFailure; f != nil && (f.Result == ResultRollback || slices.ContainsFunc(f.Conditions, rollsBack)) {
			return stageFault("Failure conditions with rollback result type cannot be added to a PARALLEL pipeline.")
		}
		if slices.ContainsFunc(s.OnSuccess, rollsBack) {
			return stageFault("Success conditions with rollback result type cannot be added to a PARALLEL pipeline.")
		}
	}
	return nil
}

// skipRules are the rules that may decide to skip a stage.
var skipRules = []string{"LambdaInvoke", "VariableCheck"}

func conditionResults(c *check) error {
	for i := range c.d.Stages {
		s := &c.d.Stages[i]
		if f := s.OnFailure; f != nil && f.Result != "" {
			if f.Result != ResultRollback && f.Result != ResultRetry {
				return stageFault("Stage '%s' cannot have the result %s on failure. The result can be ROLLBACK or RETRY", s.Name, f.Result)
			}
			if i == 0 && f.Result == ResultRollback {
				return sourceRollback(s)
			}
		}
		for p := range s.places() {
			for _, cond := range p.conditions {
				if err := conditionResult(s, p, cond, i == 0); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// conditionResult checks one condition. A condition may lack a result, which
// then stays without consequence, but not rules: there would be nothing to
// evaluate.
func conditionResult(s *Stage, p place, cond Condition, source bool) error {
	if len(cond.Rules) == 0 {
		return stageFault("Stage '%s' has a condition without rules in %s. There should be a minimum of 1 rule in a condition", s.Name, p.name)
	}
	if cond.Result != "" && !slices.Contains(p.results, cond.Result) {
		return stageFault("Stage '%s' cannot have a condition with the result %s in %s", s.Name, cond.Result, p.name)
	}
	if source && cond.Result == ResultRollback {
		return sourceRollback(s)
	}
	if cond.Result != ResultSkip {
		return nil
	}
	for _, r := range cond.Rules {
		if !slices.Contains(skipRules, r.Type.Provider) {
			return stageFault("Stage '%s' has a condition with the result SKIP in %s, which cannot be used with the rule '%s' of provider %s. "+
				"Use LambdaInvoke or VariableCheck", s.Name, p.name, r.Name, r.Type.Provider)
		}
	}
	return nil
}

func sourceRollback(s *Stage) error {
	return stageFault("Stage '%s' contains source actions and cannot have the result ROLLBACK", s.Name)
}

func retryConfigurations(c *check) error {
	for _, s := range c.d.Stages {
		if f := s.OnFailure; f != nil && f.RetryMode != "" && f.Result != ResultRetry {
			return stageFault("Stage '%s' has a retry configuration on failure, which can only be used with the result RETRY", s.Name)
		}
	}
	return nil
}

// ruleTypes holds the rules of conditions to their types as actions are held to
// theirs.
func ruleTypes(c *check) error {
	for at, r := range c.rules() {
		s := c.stage(at)
		info, ok := c.env.Type(r.Type)
		if !ok {
			return stageFault("RuleType (Category: '%s', Provider: '%s', Owner: '%s', Version: '%s') in rule '%s' of stage '%s' is not available in region '%s'",
				r.Type.Category, r.Type.Provider, r.Type.Owner, r.Type.Version, r.Name, s.Name, regionConstant(c.env.Region))
		}
		for _, p := range info.Properties {
			if _, set := r.Configuration[p.Name]; p.Required && !set {
				return stageFault("Rule configuration for rule '%s' of stage '%s' is missing required configuration '%s'", r.Name, s.Name, p.Name)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(r.Configuration)) {
			if _, known := info.property(key); !known && !info.AnyConfiguration {
				return stageFault("Rule configuration for rule '%s' of stage '%s' contains unknown configuration '%s'", r.Name, s.Name, key)
			}
		}
		if n := len(r.InputArtifacts); n < info.MinInputs {
			return stageFault("Rule %s of stage %s declares %d input artifacts which is less than the minimum count (%d)", r.Name, s.Name, n, info.MinInputs)
		} else if n > info.MaxInputs {
			return stageFault("Rule %s of stage %s declares %d input artifacts which is more than the maximum count (%d)", r.Name, s.Name, n, info.MaxInputs)
		}
		if info.Commands && len(r.Commands) == 0 {
			return stageFault("Rule %s of stage %s must have a non-empty commands field", r.Name, s.Name)
		}
		if !info.Commands && len(r.Commands) > 0 {
			return stageFault("The following rule of stage %s cannot contain a commands field: %s. To use the commands field, use a Commands rule.", s.Name, r.Name)
		}
		for _, name := range r.InputArtifacts {
			if made, ok := c.artifacts[name]; !ok || !made.before(at) {
				return stageFault("Input Artifact Bundle %s in rule %s of stage %s is not declared as Output Artifact Bundle in any of the preceding actions", name, r.Name, s.Name)
			}
		}
	}
	return nil
}
