package storetest

import (
	"errors"

	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

var (
	commandsRule = pipeline.ActionType{Category: "Rule", Owner: "AWS", Provider: "Commands", Version: "1"}
	ruleLine     = job.Queue(job.Native, "", "", commandsRule, "")
)

// guarded makes a pipeline whose second stage has an entry condition of two
// rules, one of them a job, and rolls back when it fails.
func (f *fixture) guarded(name string) (id int64) {
	f.Helper()
	f.pipeline("types of " + name)
	f.update(func(tx store.Tx) (err error) {
		d := declaration(name, 1)
		build := &d.Stages[1]
		build.BeforeEntry = []pipeline.Condition{{Result: pipeline.ResultFail, Rules: []pipeline.Rule{
			{Name: "Same", Type: pipeline.ActionType{Category: "Rule", Owner: "AWS", Provider: "VariableCheck", Version: "1"},
				Configuration: map[string]string{"Variable": "x", "Operator": "EQ", "Value": "x"}},
			{Name: "Probe", Type: commandsRule, Commands: []string{"true"}, InputArtifacts: []string{"src"}},
		}}}
		build.OnFailure = &pipeline.OnFailure{Result: pipeline.ResultRollback}
		id, err = tx.InsertPipeline(store.Pipeline{
			Pipeline: engine.Pipeline{Account: account, Region: region, Name: name},
			Version:  1, Mode: pipeline.Superseded, Type: pipeline.V2, Created: f.now(), Updated: f.now(),
		}, d)
		return err
	})
	return id
}

// rules takes an execution through a condition, reopening at each step.
func rules(f *fixture) {
	p := f.guarded("p")
	e := f.startExecution(p)
	f.work(sourceLine)
	f.reopen()
	j := f.claimOne(ruleLine)
	f.equal("commands of the rule", j.Data.Commands, []string{"true"})
	f.equal("inputs of the rule", len(j.Data.Inputs), 1)
	f.mustAcknowledge(j)
	f.succeed(j.ID, "token")
	running := read(f, func(r store.Reader) ([]engine.ActionRecord, error) { return r.Rules(p, e, "", 1) })
	f.equal("rule that goes on", running[0].Status, engine.InProgress)
	f.equal("its result so far", running[0].Result, engine.Result{Summary: "done", ExternalID: "ext"})
	f.reopen()
	f.work(ruleLine)
	c := read(f, func(r store.Reader) (*engine.Execution, error) { return r.Execution(p, e) }).Run("Build").Conditions[0]
	f.equal("condition", c.Status, engine.Succeeded)
	f.equal("result of the rule in the execution", c.Rules[1].Reported, engine.Result{Summary: "done", ExternalID: "ext"})
	f.work(buildLine)
	f.equal("execution", read(f, func(r store.Reader) (*engine.Execution, error) { return r.Execution(p, e) }).Status, engine.Succeeded)
	f.both(func(r store.Reader) error {
		list, err := r.Rules(p, "", "", 10)
		f.equal("rules", len(list), 2)
		probe, same := list[0], list[1]
		f.equal("newest rule", probe.Action, "Probe")
		f.equal("rule id", probe.ID, j.ActionExecutionID)
		f.equal("status", probe.Status, engine.Succeeded)
		f.equal("result", probe.Result, engine.Result{Summary: "done", ExternalID: "ext"})
		f.equal("type", probe.Type, commandsRule)
		f.equal("decided at once", same.Status, engine.Succeeded)
		f.equal("configuration", same.Resolved["Variable"], "x")
		if err != nil {
			return err
		}
		page, err := r.Rules(p, "", probe.ID, 10)
		f.equal("second page", page, list[1:])
		if err != nil {
			return err
		}
		none, err := r.Rules(p, newID(), "", 10)
		f.equal("rules of no execution", len(none), 0)
		return err
	})
}

// automaticRollback loads its target, which has left the live executions, also
// after a restart.
func automaticRollback(f *fixture) {
	p := f.guarded("p")
	run := func() *job.Job {
		f.startExecution(p)
		f.work(sourceLine)
		f.work(ruleLine)
		j := f.claimOne(buildLine)
		f.mustAcknowledge(j)
		return j
	}
	good := run()
	f.succeed(good.ID, "")
	f.reopen()
	bad := run()
	f.update(func(tx store.Tx) error {
		j, err := tx.Job(bad.ID)
		if err != nil {
			return err
		}
		_, err = f.s.Step(tx, p, engine.JobFailed{Job: j, Digest: "d", Type: "JobFailed", Message: "no"})
		return err
	})
	back := f.work(buildLine)
	f.equal("input of the rollback", back.Data.Inputs, good.Data.Inputs)
	e := read(f, func(r store.Reader) (*engine.Execution, error) { return r.Execution(p, back.ExecutionID) })
	f.equal("target", e.RollbackTarget, good.ExecutionID)
	f.equal("status", e.Status, engine.Succeeded)
	passed := read(f, func(r store.Reader) ([]*engine.Execution, error) { return r.ExecutionsPassed(p, "Build", 1, "", 10) })
	f.equal("candidates", len(passed), 1)
}

// announcedRevisions are remembered by action, revision and change, for each
// pipeline apart.
func announcedRevisions(f *fixture) {
	p, q := f.pipeline("p"), f.pipeline("q")
	rev := store.AnnouncedRevision{Action: "Fetch", Revision: "r1", Change: "c1"}
	put := func(r store.AnnouncedRevision, execution string) {
		r.Execution = execution
		f.update(func(tx store.Tx) error { return tx.PutAnnounced(p, r) })
	}
	find := func(pipelineID int64, r store.AnnouncedRevision, want string) {
		f.Helper()
		f.both(func(reader store.Reader) error {
			got, err := reader.Announced(pipelineID, r)
			f.equal("execution", got, want)
			if want == "" && errors.Is(err, store.ErrNotFound) {
				err = nil
			}
			return err
		})
	}
	find(p, rev, "")
	put(rev, "e1")
	f.reopen()
	find(p, rev, "e1")
	find(q, rev, "")
	for _, other := range []store.AnnouncedRevision{{Action: "Other", Revision: "r1", Change: "c1"}, {Action: "Fetch", Revision: "r2", Change: "c1"}, {Action: "Fetch", Revision: "r1", Change: "c2"}} {
		find(p, other, "")
	}
	put(rev, "e2")
	find(p, rev, "e2")
	f.update(func(tx store.Tx) error { return tx.DeletePipeline(p) })
	find(p, rev, "")
}
