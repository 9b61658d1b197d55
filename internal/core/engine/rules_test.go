package engine

// What a world keeps of conditions, rules and rollbacks, and what must hold
// for them.

// stagesChanged notes what the event stream does not show: skipped stages and
// conditions.
func (w *world) stagesChanged(old, e *Execution) {
	if old.ID == "" && e.RollbackTarget != "" {
		w.rollbackStarted(e)
	}
	for i := range e.Runs {
		run := &e.Runs[i]
		before := old.Run(run.Stage)
		if before == nil {
			before = &StageRun{}
		}
		if run.Status == Skipped && before.Status != Skipped {
			w.observe("stage", "InProgress", "Skipped")
			w.last[e.ID+"/"+run.Stage] = Skipped
		}
		for k := range run.Conditions {
			c := &run.Conditions[k]
			from := Status("")
			if b := before.Condition(c.Place); b != nil && b.Rules[0].ID == c.Rules[0].ID {
				from = b.Status
			}
			if from == "" {
				w.observe("condition", "", string(InProgress))
				from = InProgress
			}
			if c.Status != from {
				w.observe("condition", string(from), string(c.Status))
			}
		}
	}
}

// A rollback goes back to a STANDARD execution that succeeded in the stage
// under the version in force, and never answers the failure of a rollback.
func (w *world) rollbackStarted(e *Execution) {
	target := w.execs[e.RollbackTarget]
	if target == nil || target.RollbackTarget != "" || target.Version != w.current || target.Run(e.Stage) == nil || target.Run(e.Stage).Status != Succeeded {
		w.complain("%s rolls back to %+v", e.ID, target)
	}
	if e.Trigger.Type == "AutomatedRollback" {
		for id, by := range w.execs {
			if e.Trigger.Detail == `{"FailedPipelineExecutionId":"`+id+`"}` && (by.RollbackTarget != "" || by.Status != Failed) {
				w.complain("the rollback %s answers %s, which is %s and rolls back to %q", e.ID, id, by.Status, by.RollbackTarget)
			}
		}
	}
}

// skipped reports whether the execution may lack what a skipped stage would
// have produced.
func (w *world) skipped(e *Execution) bool {
	for _, run := range e.Runs {
		if run.Status == Skipped {
			return true
		}
	}
	return e.RollbackTarget != "" && w.skipped(w.execs[e.RollbackTarget])
}

func (w *world) ruleStarted(r ActionRecord) {
	e := w.execs[r.Execution]
	if _, ok := w.rules[r.ID]; ok || e.RollbackTarget != "" {
		w.complain("rule %s started twice, or in a rollback", r.ID)
	}
	w.observe("rule", "", string(r.Status))
	w.rules[r.ID] = r
	for _, in := range r.Inputs {
		if !w.produced(r.Execution, in) {
			w.complain("rule %s reads artifact %+v, which no action of its execution has put out", r.Action, in)
		}
	}
}

func (w *world) ruleUpdated(c RuleUpdated) {
	r, ok := w.rules[c.ID]
	if !ok || r.Status != InProgress {
		w.complain("updated rule execution %s, which is %q", c.ID, r.Status)
	}
	if c.Status != InProgress {
		w.observe("rule", string(r.Status), string(c.Status))
	}
	r.Status, r.Updated, r.Result = c.Status, c.At, r.Result.Merge(c.Result)
	w.rules[c.ID] = r
}

// checkConditions holds executions to what conditions and rollbacks promise.
func (w *world) checkConditions() {
	for id, e := range w.execs {
		if e.RollbackTarget != "" && (len(e.Runs) != 1 || e.Runs[0].Stage != e.Stage || !e.Terminal() && !e.Inside) {
			w.complain("the rollback %s is in more than its stage: %+v", id, e.Runs)
		}
		for i := range e.Runs {
			run := &e.Runs[i]
			if run.AutoRetries > 1 || e.RollbackTarget != "" && (run.AutoRetries > 0 || len(run.Conditions) > 0) {
				w.complain("stage %s of %s was retried automatically %d times, conditions %v", run.Stage, id, run.AutoRetries, run.Conditions)
			}
			w.checkStageConditions(e, run)
		}
	}
	for _, st := range w.state.Stages {
		if st.Passed == "" {
			continue
		}
		if e := w.execs[st.Passed]; e.RollbackTarget != "" || e.Version != w.current || e.Run(st.Name).Status != Succeeded {
			w.complain("failures in %s roll back to %s", st.Name, st.Passed)
		}
	}
}

func (w *world) checkStageConditions(e *Execution, run *StageRun) {
	st := w.decls[e.Version].Stage(run.Stage)
	for i := range run.Conditions {
		c := &run.Conditions[i]
		failed, running := 0, 0
		for _, r := range c.Rules {
			if rec := w.rules[r.ID]; rec.Status != r.Status || rec.Result.ErrorMessage != r.Reported.ErrorMessage {
				w.complain("rule %s is %+v, its record says %+v", r.Name, r, rec)
			}
			switch r.Status {
			case InProgress:
				running++
			case Failed, Abandoned:
				failed++
			}
		}
		switch c.Status {
		case InProgress:
			if running == 0 || e.Terminal() {
				w.complain("a condition of %s runs without rules, or in an execution that is %s", run.Stage, e.Status)
			}
		case Succeeded:
			if failed+running > 0 {
				w.complain("the condition %s of %s has succeeded, its rules %+v", c.Place, run.Stage, c.Rules)
			}
		default:
			if running > 0 || failed == 0 && c.Status != Overridden {
				w.complain("the condition %s of %s is %s, its rules %+v", c.Place, run.Stage, c.Status, c.Rules)
			}
		}
	}
	// Behind a failed condition nothing starts.
	if c := run.Condition(BeforeEntry); c != nil && c.Status != Succeeded && c.Status != Overridden && st.BeforeEntry[0].Result != "" && len(run.Actions) > 0 {
		w.complain("actions of %s started behind the entry condition, which is %s", run.Stage, c.Status)
	}
	if c := run.Condition(OnSuccess); run.Status == Succeeded && c != nil && (c.Status == Failed || c.Status == Errored) && st.OnSuccess[0].Result != "" {
		w.complain("stage %s has succeeded although its condition is %s", run.Stage, c.Status)
	}
	if c := run.Condition(OnFailure); c != nil && !anyFailed(run) && !conditionFailed(run) {
		w.complain("the failure of %s is looked at, but nothing has failed", run.Stage)
	}
}
