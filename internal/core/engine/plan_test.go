package engine

import (
	"runtime"
	"testing"
	"weak"

	"penstock/internal/core/pipeline"
)

// TestPlanKeepsNobody: stores keep the state and the executions of a plan for as
// long as the pipeline is at work. They must not hold what the decision had of its
// caller, which is a transaction with all that it wrote.
func TestPlanKeepsNobody(t *testing.T) {
	state, executions, caller := decideFor(t, stage(t, "SUPERSEDED\nS: X=custom\nT: Y=custom").world)
	runtime.GC()
	runtime.GC()
	if caller.Value() != nil {
		t.Error("the plan holds its caller")
	}
	runtime.KeepAlive(state)
	runtime.KeepAlive(executions)
}

func decideFor(t *testing.T, w *world) (*State, []*Execution, weak.Pointer[[1 << 10]byte]) {
	t.Helper()
	caller := new([1 << 10]byte)
	env := w.env()
	env.Type = func(id pipeline.ActionType) TypeInfo {
		caller[0]++
		return w.types[id]
	}
	ev := Start{}
	plan, err := Decide(w.snapshot(ev), ev, env)
	if err != nil || plan.State == nil || caller[0] == 0 {
		t.Fatalf("a start changed nothing: %v", err)
	}
	return plan.State, plan.Executions, weak.Make(caller)
}
