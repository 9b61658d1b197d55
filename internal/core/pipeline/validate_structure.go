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

func stageCount(c *check) error {
	switch n := len(c.d.Stages); {
	case n < minStages:
		return structureFault("Pipeline has only %d stage(s). There should be a minimum of %d stages in a pipeline", n, minStages)
	case n > maxStages:
		return structureFault("Pipeline has too many stages. There can only be up to %d stages in a pipeline", maxStages)
	}
	return nil
}

func sourceStage(c *check) error {
	isSource := func(a Action) bool { return a.Type.Category == categorySource }
	isOther := func(a Action) bool { return a.Type.Category != categorySource }

	first, later := c.d.Stages[0], c.d.Stages[1:]
	if len(first.Actions) == 0 || slices.ContainsFunc(first.Actions, isOther) {
		return structureFault("Pipeline should start with a stage that only contains source actions")
	}
	if slices.ContainsFunc(later, func(s Stage) bool { return slices.ContainsFunc(s.Actions, isSource) }) {
		return structureFault("Source actions can only be included in the first stage of the pipeline")
	}
	if !slices.ContainsFunc(later, func(s Stage) bool { return len(s.Actions) > 0 }) {
		return structureFault("Pipeline should contain at least 1 action whose category is not Source")
	}
	return nil
}

func artifactStores(c *check) error {
	single, many := c.d.ArtifactStore != nil, len(c.d.ArtifactStores) > 0
	switch {
	case single && many:
		return structureFault("Pipeline has both 'pipeline.artifactStore' and 'pipeline.artifactStores'. There should be exactly one of them in a pipeline")
	case !single && !many:
		return structureFault("Pipeline has neither 'pipeline.artifactStore' nor 'pipeline.artifactStores'. There should be exactly one of them in a pipeline")
	}
	for _, region := range c.regions() {
		if single && region != c.env.Region {
			return structureFault("Your pipeline contains actions in more than one region. Use 'pipeline.artifactStores' instead of 'pipeline.artifactStore' " +
				"to declare an artifact store, such as an artifact bucket, for each region where you have an action.")
		}
		if _, ok := c.d.ArtifactStores[region]; !ok && many {
			return structureFault("Your pipeline must have an artifact store, such as an artifact bucket, for each region where you have an action. "+
				"The following region is missing in 'pipeline.artifactStores': %s.", region)
		}
	}
	return nil
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

func actionCount(c *check) error {
	n := 0
	for range c.actions() {
		n++
	}
	if n > maxPipelineActions {
		return structureFault("Pipeline has too many actions. There can only be up to %d actions in a pipeline", maxPipelineActions)
	}
	return nil
}

func blockers(c *check) error {
	for _, s := range c.d.Stages {
		if len(s.Blockers) > 0 {
			return fault.New(invalidBlocker, "Stage '%s' declares the blocker '%s'. Blockers are reserved for future use", s.Name, s.Blockers[0].Name)
		}
	}
	return nil
}

func pipelineVariables(c *check) error {
	seen := map[string]bool{}
	for _, v := range c.d.Variables {
		if seen[v.Name] {
			return structureFault("Variable names must be unique. The following variable name is already in use: %s", v.Name)
		}
		seen[v.Name] = true
	}
	return nil
}

func modeNeedsV2(c *check) error {
	if c.d.Type == V1 && c.d.Mode != Superseded {
		return structureFault("QUEUED or PARALLEL mode can only be used with V2 pipelines")
	}
	return nil
}

func variablesNeedV2(c *check) error {
	if c.d.Type == V1 && len(c.d.Variables) > 0 {
		return structureFault("Pipeline variable can only be used with V2 pipelines")
	}
	return nil
}

func triggersNeedV2(c *check) error {
	if c.d.Type == V1 && len(c.d.Triggers) > 0 {
		return structureFault("Triggers on tag can only be used with V2 pipelines")
	}
	return nil
}

func conditionsNeedV2(c *check) error {
	if c.d.Type == V1 && slices.ContainsFunc(c.d.Stages, func(s Stage) bool { return s.hasConditions() }) {
		return stageFault("Stage level conditions can only be used with V2 pipelines.")
	}
	return nil
}

func typesNeedV2(c *check) error {
	for a, info := range c.typed() {
		if c.d.Type == V1 && info.V2Only {
			return actionFault("%s Action can only be used with V2 pipelines.", a.Type.Provider)
		}
	}
	return nil
}
