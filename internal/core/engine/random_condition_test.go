package engine

import (
	"slices"

	"penstock/internal/core/pipeline"
)

// conditions gives a stage conditions as CreatePipeline would accept them.
func (g *gambler) conditions(st *pipeline.Stage, mode string, first bool) {
	pick := func(results ...string) pipeline.Condition {
		if mode == pipeline.Parallel || first {
			results = slices.DeleteFunc(results, func(r string) bool { return r == pipeline.ResultRollback })
		}
		c := pipeline.Condition{Result: one(g, results)}
		for range 1 + g.upTo(2) {
			c.Rules = append(c.Rules, parseRule(one(g, []string{"yes", "yes", "no", "hours", "lambda", "lambda", "run", "norule"})))
		}
		return c
	}
	if g.chance(20) {
		st.BeforeEntry = []pipeline.Condition{pick("FAIL", "SKIP", "FAIL", "")}
	}
	if g.chance(20) {
		st.OnSuccess = []pipeline.Condition{pick("ROLLBACK", "FAIL", "")}
	}
	switch n := g.upTo(100); {
	case n < 15:
		st.OnFailure = &pipeline.OnFailure{Conditions: []pipeline.Condition{pick("ROLLBACK", "ROLLBACK", "")}}
	case n < 30:
		st.OnFailure = &pipeline.OnFailure{Result: "RETRY", RetryMode: one(g, []string{"FAILED_ACTIONS", "ALL_ACTIONS", ""})}
	case n < 40 && mode != pipeline.Parallel && !first:
		st.OnFailure = &pipeline.OnFailure{Result: "ROLLBACK"}
	}
}

// overrideOne overrides some condition, mostly one that can be.
func (g *gambler) overrideOne() {
	ev := OverrideCondition{Stage: g.stageName(), Execution: g.someExecution(), Place: one(g, []Place{BeforeEntry, OnSuccess}), By: "ana"}
	var open []OverrideCondition
	for _, e := range g.executions() {
		for _, run := range e.Runs {
			for _, c := range run.Conditions {
				if c.Place != OnFailure && (c.Status == InProgress || c.Status == Failed || c.Status == Errored) {
					open = append(open, OverrideCondition{run.Stage, e.ID, c.Place, "bo"})
				}
			}
		}
	}
	if len(open) > 0 && g.chance(80) {
		ev = open[len(open)-1-min(g.upTo(4), len(open)-1)]
	}
	id, err := g.do(ev)
	if err == nil && id != ev.Execution {
		g.complain("an override for %s answered %s", ev.Execution, id)
	}
	g.note(err)
}

// rollBackOne rolls some stage back, mostly to who passed it.
func (g *gambler) rollBackOne() {
	ev := RollbackStage{Stage: g.stageName(), Target: g.someExecution(), Trigger: Trigger{"ManualRollback", "{}"}}
	if len(g.passed) > 0 && g.chance(70) {
		p := g.passed[len(g.passed)-1-min(g.upTo(6), len(g.passed)-1)]
		ev.Stage, ev.Target = p.Stage, p.Execution
	}
	_, err := g.do(ev)
	g.note(err)
}
