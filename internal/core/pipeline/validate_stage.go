package pipeline

import "slices"

func stageNames(c *check) {
	seen := map[string]bool{}
	for i, s := range c.d.Stages {
		if seen[s.Name] {
			c.report("V-30", stagePath(i), stageFault("Stage name '%s' is used more than once", s.Name))
		}
		seen[s.Name] = true
	}
}

func stageSizes(c *check) {
	for i, s := range c.d.Stages {
		switch n := len(s.Actions); {
		case n == 0:
			c.report("V-31", stagePath(i)+".actions", stageFault("Stage '%s' has no actions. There should be a minimum of 1 action in a stage", s.Name))
		case n > maxStageActions:
			c.report("V-32", stagePath(i)+".actions", stageFault("Stage '%s' has too many actions. There can only be up to %d actions in a stage", s.Name, maxStageActions))
		}
	}
}

func failureGates(c *check) {
	for i, s := range c.d.Stages {
		if f := s.OnFailure; f != nil && f.Result != "" && len(f.Conditions) > 0 {
			// The service leaves out the closing quote.
			c.report("V-33", stagePath(i)+".onFailure", stageFault("The following stage cannot have a failure exit gate configured with both top level result and conditions: '%s", s.Name))
		}
	}
}

func rollbackInParallel(c *check) {
	if c.d.Mode != Parallel {
		return
	}
	rollsBack := func(cond Condition) bool { return cond.Result == ResultRollback }
	for i, s := range c.d.Stages {
		if f := s.OnFailure; f != nil && (f.Result == ResultRollback || slices.ContainsFunc(f.Conditions, rollsBack)) {
			c.report("V-34", stagePath(i)+".onFailure", stageFault("Failure conditions with rollback result type cannot be added to a PARALLEL pipeline."))
		}
		if slices.ContainsFunc(s.OnSuccess, rollsBack) {
			c.report("V-34", stagePath(i)+".onSuccess", stageFault("Success conditions with rollback result type cannot be added to a PARALLEL pipeline."))
		}
	}
}

// skipRules are the rules that may decide to skip a stage.
var skipRules = []string{"LambdaInvoke", "VariableCheck"}

func conditionResults(c *check) {
	for i := range c.d.Stages {
		s := &c.d.Stages[i]
		if f := s.OnFailure; f != nil && f.Result != "" {
			if f.Result != ResultRollback && f.Result != ResultRetry {
				c.report("V-35", stagePath(i)+".onFailure.result", stageFault("Stage '%s' cannot have the result %s on failure. The result can be ROLLBACK or RETRY", s.Name, f.Result))
			}
			if i == 0 && f.Result == ResultRollback {
				c.report("V-35", stagePath(i)+".onFailure.result", sourceRollback(s))
			}
		}
		for p := range s.places() {
			for j, cond := range p.conditions {
				if err := conditionResult(s, p, cond, i == 0); err != nil {
					c.report("V-35", conditionPath(i, p.name, j), err)
				}
			}
		}
	}
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

func retryConfigurations(c *check) {
	for i, s := range c.d.Stages {
		if f := s.OnFailure; f != nil && f.RetryMode != "" && f.Result != ResultRetry {
			c.report("V-36", stagePath(i)+".onFailure.retryConfiguration", stageFault("Stage '%s' has a retry configuration on failure, which can only be used with the result RETRY", s.Name))
		}
	}
}
