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
			c.Rules = append(c.Rules, parseRule(one(g, []string{"yes", "yes", "no", "hours", "lambda", "lambda", "run", "norule", "norule"})))
		}
		return c
	}
	if g.chance(25) {
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
		st := g.state.Stage(e.Stage)
		if e.Version != g.current || st == nil || st.Latest != e.ID {
			continue
		}
		run := e.Run(e.Stage)
		for _, c := range run.Conditions {
			if c.Place == OnFailure {
				continue
			}
			result := declaredAt(g.decls[e.Version].Stage(e.Stage), c.Place)[0].Result
			if c.Status == InProgress || run.Status == Failed && result == pipeline.ResultFail && c.Status != Succeeded && c.Status != Overridden {
				open = append(open, OverrideCondition{e.Stage, e.ID, c.Place, "bo"})
			}
		}
	}
	if len(open) > 0 && g.chance(80) {
		ev = one(g, open)
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
	if g.chance(10) {
		ev.Target = "nobody"
	}
	_, err := g.do(ev)
	g.note(err)
}
