package engine

import (
	"slices"

	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
)

// override is OverrideStageCondition; engine.md section 4.7. The stage goes on
// as if the condition had been met.
func (t *turn) override(ev OverrideCondition) error {
	if _, err := t.currentStage(ev.Stage); err != nil {
		return err
	}
	if err := t.overridable(ev, t.peek(ev.Execution)); err != nil {
		return err
	}
	e := t.exec(ev.Execution)
	t.answer = e.ID
	run := e.Run(ev.Stage)
	c := run.Condition(ev.Place)
	t.closeCondition(e, c, Overridden, "Overridden by "+ev.By)
	run.Conditions = slices.DeleteFunc(run.Conditions, func(c Condition) bool { return c.Place == OnFailure })
	if e.Terminal() {
		e.Summary = ""
		t.resume(e)
	}
	t.resumeStage(e, run)
	t.advance(e)
	return nil
}

func (t *turn) overridable(ev OverrideCondition, e *Execution) error {
	if t.notLatest(ev.Stage, e) {
		return t.notLatestError(ev.Stage, ev.Execution)
	}
	refuse := func(why string) error {
		return fault.New("ConditionNotOverridableException", "The %s condition of stage '%s' cannot be overridden for execution '%s': %s", ev.Place, ev.Stage, ev.Execution, why)
	}
	run := e.Run(ev.Stage)
	if run == nil {
		return refuse("the execution has not entered the stage")
	}
	c := run.Condition(ev.Place)
	if c == nil {
		return refuse("it has not been evaluated")
	}
	result := ""
	if d := declaredAt(t.declaration(e).Stage(ev.Stage), ev.Place); len(d) > 0 {
		result = d[0].Result
	}
	switch {
	case result == pipeline.ResultSkip:
		return refuse("its result is SKIP")
	case e.Version != t.snap.Current || e.Outdated:
		return refuse("the pipeline has been updated since")
	case e.Status == Stopping:
		return refuse("the execution is being stopped")
	case c.Status == InProgress:
		return nil
	case c.Status != Failed && c.Status != Errored:
		return refuse("it is " + string(c.Status))
	case e.Stage != ev.Stage || run.Status != Failed:
		return refuse("the stage is " + string(run.Status))
	case result == pipeline.ResultRollback:
		return refuse("its result, ROLLBACK, has been carried out")
	case e.Terminal() && t.full(e.Mode):
		return t.limitExceeded(e.Mode)
	}
	return nil
}

// notLatest reports whether another execution has entered the stage since e
// did, or e is unknown. Executions of PARALLEL mode do not meet.
func (t *turn) notLatest(stage string, e *Execution) bool {
	st := t.snap.State.Stage(stage)
	return e == nil || e.Mode != pipeline.Parallel && (st == nil || st.Latest != e.ID)
}

func (t *turn) notLatestError(stage, execution string) error {
	return fault.New("NotLatestPipelineExecutionException", "The execution '%s' is not the latest one in stage '%s' of pipeline '%s'", execution, stage, t.snap.Pipeline.Name)
}
