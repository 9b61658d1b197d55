package engine

import (
	"time"

	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/core/rule"
)

// pending is the outcome of a condition whose rules still run.
const pending = "pending"

// condition evaluates a condition of the stage, once, and says how to go on:
// pending, the declared result when the condition has failed, "" otherwise.
// The result engages when the condition has failed, at each place. A
// ROLLBACK execution has no conditions.
func (t *turn) condition(e *Execution, st *pipeline.Stage, run *StageRun, place Place) string {
	declared := declaredAt(st, place)
	if len(declared) == 0 || e.RollbackTarget != "" {
		return ""
	}
	c := run.Condition(place)
	if c == nil {
		c = t.openCondition(e, run, place, declared[0].Rules)
	}
	switch c.Status {
	case InProgress:
		return pending
	case Failed, Errored:
		return declared[0].Result
	}
	return ""
}

// declaredAt is the condition that a stage has at a place; there is at most
// one.
func declaredAt(st *pipeline.Stage, place Place) []pipeline.Condition {
	switch {
	case place == BeforeEntry:
		return st.BeforeEntry
	case place == OnSuccess:
		return st.OnSuccess
	case st.OnFailure != nil:
		return st.OnFailure.Conditions
	}
	return nil
}

// openCondition starts all rules together.
func (t *turn) openCondition(e *Execution, run *StageRun, place Place, rules []pipeline.Rule) *Condition {
	run.Conditions = append(run.Conditions, Condition{Place: place, Status: InProgress, Updated: t.env.Now})
	c := &run.Conditions[len(run.Conditions)-1]
	for i := range rules {
		t.startRule(e, run, c, &rules[i])
	}
	t.settle(c)
	return c
}

// startRule begins a rule: a record, then its verdict or a job.
func (t *turn) startRule(e *Execution, run *StageRun, c *Condition, r *pipeline.Rule) {
	a := &pipeline.Action{
		Name: r.Name, Type: r.Type, Configuration: r.Configuration, Commands: r.Commands, Inputs: r.InputArtifacts,
		RoleARN: r.RoleARN, Region: r.Region, TimeoutInMinutes: r.TimeoutInMinutes,
	}
	info := t.env.Type(a.Type)
	pure := rule.Pure(a.Type.Provider)
	if pure {
		info.Unrunnable = ""
	}
	rec := t.record(e, run, a)
	now := Action{ID: rec.ID, Name: a.Name, Status: InProgress, Started: t.env.Now, Updated: t.env.Now}
	work, err := t.prepare(e, a, info)
	if err == nil {
		rec.Resolved, rec.Inputs = work.Configuration, artifacts(work.Inputs)
	}
	t.add(RuleStarted{rec})
	if err == nil && !pure {
		now.Deadline = t.env.Now.Add(timeLimit(a, info))
		work.Deadline = now.Deadline
		j := t.newJob(e, run, a, info, now.ID, work)
		now.Job = j.ID
		t.openJob(j)
	}
	c.Rules = append(c.Rules, now)
	started := &c.Rules[len(c.Rules)-1]
	switch {
	case err != nil:
		t.endRule(started, Failed, unstarted(err))
	case pure:
		t.judge(started, a.Type.Provider, work.Configuration)
	}
}

// judge ends a rule that the engine evaluates itself.
func (t *turn) judge(a *Action, provider string, config map[string]string) {
	v := rule.Evaluate(provider, config, t.env.Now, t.env.Zone)
	switch {
	case v.Err != nil:
		t.endRule(a, Failed, Result{ErrorCode: ConfigurationError, ErrorMessage: v.Err.Error()})
	case v.Passed:
		t.endRule(a, Succeeded, Result{Summary: v.Why})
	default:
		t.endRule(a, Failed, Result{Summary: v.Why, ErrorCode: JobFailedError, ErrorMessage: v.Why})
	}
}

// endRule ends a rule and whatever it waited for; what is known of it stays in
// the execution, where GetPipelineState looks for it.
func (t *turn) endRule(a *Action, s Status, res Result) {
	a.Status, a.Updated, a.Reported = s, t.env.Now, a.Reported.Merge(res)
	a.Job, a.JobDue = "", time.Time{}
	t.add(RuleUpdated{ID: a.ID, Status: s, At: t.env.Now, Result: res})
}

// settle ends the condition when all of its rules have ended.
func (t *turn) settle(c *Condition) {
	if c.Status != InProgress {
		return
	}
	status, why := Succeeded, ""
	for i := range c.Rules {
		r := &c.Rules[i]
		switch {
		case r.Status == InProgress:
			return
		case r.Status == Succeeded || status == Failed:
		case !unsound(r):
			status, why = Failed, "Rule '"+r.Name+"' failed: "+r.Reported.ErrorMessage
		case status == Succeeded:
			status, why = Errored, "Rule '"+r.Name+"' could not be evaluated: "+r.Reported.ErrorMessage
		}
	}
	c.Status, c.Updated, c.Summary = status, t.env.Now, why
}

// unsound reports whether the rule ended without a verdict.
func unsound(r *Action) bool {
	switch r.Reported.ErrorCode {
	case "", JobFailedError, TimeoutError:
		return false
	}
	return true
}

// closeCondition ends a condition whose rules still run, without waiting for
// them.
func (t *turn) closeCondition(e *Execution, c *Condition, s Status, why string) {
	c.Status, c.Updated, c.Summary = s, t.env.Now, why
	for i := range c.Rules {
		r := &c.Rules[i]
		if r.Status != InProgress {
			continue
		}
		t.add(JobClosed{ID: r.Job, State: job.Failed, At: t.env.Now})
		t.endRule(r, Abandoned, Result{})
	}
}
