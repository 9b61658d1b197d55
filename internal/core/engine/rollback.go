package engine

import (
	"slices"

	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
)

// rollbackStage is RollbackStage; engine.md section 4.5. The new execution
// starts in the stage, with what the target had when it passed: it comes
// through no transition and waits in no line.
func (t *turn) rollbackStage(ev RollbackStage) error {
	d, name := t.snap.Declaration(), t.snap.Pipeline.Name
	if d.Type == pipeline.V1 {
		return fault.New("ValidationException", "A stage can only be rolled back in a V2 pipeline; '%s' is a V1 pipeline", name)
	}
	if _, err := t.currentStage(ev.Stage); err != nil {
		return err
	}
	target := t.peek(ev.Target)
	if target == nil {
		return fault.New("PipelineExecutionNotFoundException", "Pipeline '%s' does not have an execution with ID '%s'", name, ev.Target)
	}
	if target.Version != t.snap.Current {
		return fault.New("PipelineExecutionOutdatedException", "The execution '%s' ran version %d of pipeline '%s', which has been updated since", ev.Target, target.Version, name)
	}
	if err := t.rollbackable(ev.Stage, target); err != nil {
		return err
	}
	t.answer = t.startRollback(ev.Stage, target, ev.Trigger).ID
	return nil
}

func (t *turn) rollbackable(stage string, target *Execution) error {
	d := t.snap.Declaration()
	refuse := func(why string, args ...any) error {
		return fault.New("UnableToRollbackStageException", why, args...)
	}
	run := target.Run(stage)
	switch {
	case d.Mode == pipeline.Parallel:
		return refuse("Stage '%s' cannot be rolled back: pipeline '%s' runs in PARALLEL mode", stage, d.Name)
	case d.StageIndex(stage) == 0:
		return refuse("Stage '%s' cannot be rolled back: it contains source actions", stage)
	case target.RollbackTarget != "":
		return refuse("Target Pipeline Execution with id '%s' is a rollback itself", target.ID)
	case run == nil || run.Status != Succeeded:
		return refuse("Target Pipeline Execution with id '%s' has not completed in stage with name '%s'", target.ID, stage)
	}
	if st := t.state.Stage(stage); st != nil && st.Holder != "" {
		return refuse("Stage '%s' cannot be rolled back: execution '%s' is in progress in it", stage, st.Holder)
	}
	if t.full(d.Mode) {
		return refuse("Stage '%s' cannot be rolled back: pipeline '%s' has %d executions in progress, which is the limit in execution mode %s", stage, d.Name, len(t.state.Live), d.Mode)
	}
	return nil
}

// startRollback puts a new execution into the stage, which must be free.
func (t *turn) startRollback(stage string, target *Execution, trigger Trigger) *Execution {
	e := t.begin(&Execution{
		RollbackTarget: target.ID, Trigger: trigger, Stage: stage,
		Variables: target.Variables, Overrides: target.Overrides,
		Artifacts: slices.Clone(target.Artifacts), Outputs: slices.Clone(target.Outputs), Revisions: slices.Clone(target.Revisions),
	})
	t.enter(e)
	return e
}

// rollBack answers the failure of e in its stage with a rollback to the
// execution that passed there last under the version in force; without one
// nothing happens (engine.md section 4.6). The stage must be free.
func (t *turn) rollBack(e *Execution) {
	st := t.state.Stage(e.Stage)
	if e.Mode == pipeline.Parallel || st == nil || st.Passed == "" {
		return
	}
	if target := t.fetch(st.Passed); target != nil {
		t.startRollback(e.Stage, target, Trigger{"AutomatedRollback", `{"FailedPipelineExecutionId":"` + e.ID + `"}`})
	}
}

// rollsBack reports whether a failure in the stage may lead to a rollback.
func rollsBack(st *pipeline.Stage) bool {
	engages := func(c pipeline.Condition) bool { return c.Result == pipeline.ResultRollback }
	f := st.OnFailure
	return slices.ContainsFunc(st.OnSuccess, engages) ||
		f != nil && (f.Result == pipeline.ResultRollback || slices.ContainsFunc(f.Conditions, engages))
}
