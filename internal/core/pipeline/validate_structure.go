package pipeline

import (
	"slices"

	"penstock/internal/core/fault"
)

// Quotas on the structure of a pipeline (CodePipeline quotas page).
const (
	minStages          = 2
	maxStages          = 50
	maxPipelineActions = 1000
	maxStageActions    = 100
)

func stageCount(c *check) {
	switch n := len(c.d.Stages); {
	case n < minStages:
		c.report("V-03", "stages", structureFault("Pipeline has only %d stage(s). There should be a minimum of %d stages in a pipeline", n, minStages))
	case n > maxStages:
		c.report("V-04", "stages", structureFault("Pipeline has too many stages. There can only be up to %d stages in a pipeline", maxStages))
	}
}

func sourceStage(c *check) {
	if len(c.d.Stages) == 0 {
		return
	}
	isSource := func(a Action) bool { return a.Type.Category == categorySource }
	isOther := func(a Action) bool { return a.Type.Category != categorySource }

	first, later := c.d.Stages[0], c.d.Stages[1:]
	if len(first.Actions) == 0 || slices.ContainsFunc(first.Actions, isOther) {
		c.report("V-05", stagePath(0), structureFault("Pipeline should start with a stage that only contains source actions"))
	}
	for at, a := range c.actions() {
		if at.stage > 0 && isSource(*a) {
			c.report("V-06", at.path(), structureFault("Source actions can only be included in the first stage of the pipeline"))
		}
	}
	if !slices.ContainsFunc(later, func(s Stage) bool { return len(s.Actions) > 0 }) {
		c.report("V-07", "stages", structureFault("Pipeline should contain at least 1 action whose category is not Source"))
	}
}

func artifactStores(c *check) {
	single, many := c.d.ArtifactStore != nil, len(c.d.ArtifactStores) > 0
	switch {
	case single && many:
		c.report("V-08", "artifactStores", structureFault("Pipeline has both 'pipeline.artifactStore' and 'pipeline.artifactStores'. There should be exactly one of them in a pipeline"))
		return
	case !single && !many:
		c.report("V-08", "", structureFault("Pipeline has neither 'pipeline.artifactStore' nor 'pipeline.artifactStores'. There should be exactly one of them in a pipeline"))
		return
	}
	for _, region := range c.regions() {
		if single && region != c.env.Region {
			c.report("V-09", "artifactStore", structureFault("Your pipeline contains actions in more than one region. Use 'pipeline.artifactStores' instead of 'pipeline.artifactStore' "+
				"to declare an artifact store, such as an artifact bucket, for each region where you have an action."))
			return
		}
		if _, ok := c.d.ArtifactStores[region]; !ok && many {
			c.report("V-10", "artifactStores", structureFault("Your pipeline must have an artifact store, such as an artifact bucket, for each region where you have an action. "+
				"The following region is missing in 'pipeline.artifactStores': %s.", region))
		}
	}
}

// regions lists the regions that need an artifact store: the pipeline's own,
// those of its actions, and those of rules that read artifacts.
func (c *check) regions() []string {
	regions := []string{c.env.Region}
	add := func(region string) {
		if region != "" && !slices.Contains(regions, region) {
			regions = append(regions, region)
		}
	}
	for _, a := range c.actions() {
		add(a.Region)
	}
	for _, r := range c.rules() {
		if len(r.InputArtifacts) > 0 {
			add(r.Region)
		}
	}
	return regions
}

func actionCount(c *check) {
	n := 0
	for range c.actions() {
		n++
	}
	if n > maxPipelineActions {
		c.report("V-12", "stages", structureFault("Pipeline has too many actions. There can only be up to %d actions in a pipeline", maxPipelineActions))
	}
}

func blockers(c *check) {
	for i, s := range c.d.Stages {
		if len(s.Blockers) > 0 {
			c.report("V-13", stagePath(i)+".blockers", fault.New(invalidBlocker, "Stage '%s' declares the blocker '%s'. Blockers are reserved for future use", s.Name, s.Blockers[0].Name))
		}
	}
}

func pipelineVariables(c *check) {
	seen := map[string]bool{}
	for i, v := range c.d.Variables {
		if seen[v.Name] {
			c.report("V-14", element("variables", i), structureFault("Variable names must be unique. The following variable name is already in use: %s", v.Name))
		}
		seen[v.Name] = true
	}
}

func modeNeedsV2(c *check) {
	if c.d.Type == V1 && c.d.Mode != Superseded {
		c.report("V-20", "executionMode", structureFault("QUEUED or PARALLEL mode can only be used with V2 pipelines"))
	}
}

func variablesNeedV2(c *check) {
	if c.d.Type == V1 && len(c.d.Variables) > 0 {
		c.report("V-21", "variables", structureFault("Pipeline variable can only be used with V2 pipelines"))
	}
}

func triggersNeedV2(c *check) {
	if c.d.Type == V1 && len(c.d.Triggers) > 0 {
		c.report("V-22", "triggers", structureFault("Triggers on tag can only be used with V2 pipelines"))
	}
}

func conditionsNeedV2(c *check) {
	for i := range c.d.Stages {
		if c.d.Type == V1 && c.d.Stages[i].hasConditions() {
			c.report("V-23", stagePath(i), stageFault("Stage level conditions can only be used with V2 pipelines."))
		}
	}
}

func typesNeedV2(c *check) {
	for a, info := range c.typed() {
		if c.d.Type == V1 && info.V2Only {
			c.report("V-25", a.at.path(), actionFault("%s Action can only be used with V2 pipelines.", a.Type.Provider))
		}
	}
}
