package storetest

import (
	"errors"
	"fmt"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

func pipelines(f *fixture) {
	f.advance(123 * time.Millisecond)
	id := f.pipeline("p")
	want := store.Pipeline{
		Pipeline: engine.Pipeline{ID: id, Account: account, Region: region, Name: "p"},
		Version:  1, Mode: pipeline.Superseded, Type: pipeline.V2, Created: f.now(), Updated: f.now(),
	}
	check := func(r store.Reader) error {
		got, err := r.Pipeline(account, region, "p")
		f.equal("pipeline", got, want)
		if err != nil {
			return err
		}
		d, err := r.Declaration(id, 1)
		f.equal("declaration", d, declaration("p", 1))
		if err != nil {
			return err
		}
		state, err := r.State(id)
		f.equal("state", state, &engine.State{})
		return err
	}
	f.both(check)
	f.reopen()
	f.both(check)
	for _, at := range [][3]string{{"222222222222", region, "p"}, {account, "us-east-1", "p"}, {account, region, "P"}} {
		f.view(func(r store.Reader) error {
			if _, err := r.Pipeline(at[0], at[1], at[2]); !errors.Is(err, store.ErrNotFound) {
				f.Errorf("Pipeline%v: %v", at, err)
			}
			return nil
		})
	}
}

func pipelinePages(f *fixture) {
	for _, name := range []string{"b", "d", "a", "c", "C"} {
		f.pipeline(name)
	}
	var names []string
	after := ""
	for page := range 4 {
		list := read(f, func(r store.Reader) ([]store.Pipeline, error) { return r.Pipelines(account, region, after, 2) })
		for _, p := range list {
			names = append(names, p.Name)
			after = p.Name
		}
		if page == 0 {
			f.pipeline("0") // before the page
			f.pipeline("e") // behind it
		}
	}
	f.equal("names", names, []string{"C", "a", "b", "c", "d", "e"})
	f.equal("count", read(f, func(r store.Reader) (int, error) { return r.CountPipelines(account, region) }), 7)
	f.equal("count elsewhere", read(f, func(r store.Reader) (int, error) { return r.CountPipelines(account, "x") }), 0)
}

func versions(f *fixture) {
	id := f.pipeline("p")
	f.startExecution(id)
	next := declaration("p", 2)
	next.Mode = pipeline.Queued
	next.Stages[1].Actions[0].Configuration["Token"] = "hunter3"
	f.advance(time.Minute)
	f.update(func(tx store.Tx) error {
		if err := tx.PutVersion(id, next, f.now()); err != nil {
			return err
		}
		snap, err := tx.Snapshot(id, engine.Updated{})
		if err != nil {
			return err
		}
		f.equal("current", snap.Current, 2)
		f.equal("version of the live execution", snap.Declarations[1], declaration("p", 1))
		f.equal("version in force", snap.Declarations[2], next)
		return nil
	})
	p := read(f, func(r store.Reader) (store.Pipeline, error) { return r.Pipeline(account, region, "p") })
	f.equal("pipeline", []any{p.Version, p.Mode, p.Updated}, []any{2, pipeline.Queued, f.now()})
	f.equal("updated is later", p.Updated.After(p.Created), true)
	for v, want := range map[int]*pipeline.Declaration{1: declaration("p", 1), 2: next} {
		f.both(func(r store.Reader) error {
			d, err := r.Declaration(id, v)
			f.equal("version", d, want)
			return err
		})
	}
	f.both(func(r store.Reader) error {
		if _, err := r.Declaration(id, 3); !errors.Is(err, store.ErrNotFound) {
			f.Errorf("version 3: %v", err)
		}
		return nil
	})
}

// deletion makes a pipeline vanish with its open job, and its name free.
func deletion(f *fixture) {
	old := f.pipeline("p")
	e := f.startExecution(old)
	j := f.claimOne(sourceLine)
	arn := engine.Pipeline{Account: account, Region: region, Name: "p"}.ARN()
	f.update(func(tx store.Tx) error {
		if err := tx.SetTags(arn, map[string]string{"k": "v"}); err != nil {
			return err
		}
		return tx.SetWatches(old, []store.Watch{{Account: account, Region: region, Name: "p", Action: "Fetch", Bucket: "b", Key: "k"}})
	})
	f.view(func(r store.Reader) error { _, err := r.Declaration(old, 1); return err })
	f.update(func(tx store.Tx) error {
		if _, err := f.s.Step(tx, old, engine.Deleted{}); err != nil {
			return err
		}
		return tx.DeletePipeline(old)
	})
	gone := func(r store.Reader) error {
		_, e1 := r.Pipeline(account, region, "p")
		_, e2 := r.Declaration(old, 1)
		_, e3 := r.State(old)
		_, e4 := r.Execution(old, e)
		_, e5 := r.Job(j.ID)
		for i, err := range []error{e1, e2, e3, e4, e5} {
			if !errors.Is(err, store.ErrNotFound) {
				f.Errorf("read %d after the deletion: %v", i, err)
			}
		}
		list, err := r.Executions(old, "", 10)
		f.equal("executions", len(list), 0)
		tags, _ := r.Tags(arn)
		f.equal("tags", len(tags), 0)
		watches, _ := r.Watches()
		f.equal("watches", len(watches), 0)
		return err
	}
	f.both(gone)
	f.reopen()
	f.both(gone)
	err := f.d.Update(f.Context(), func(tx store.Tx) error {
		_, err := tx.Snapshot(old, engine.Updated{})
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		f.Errorf("Snapshot: %v", err)
	}
	f.advance(window + time.Second)
	f.equal("jobs", len(f.claim(sourceLine, 1)), 0)
	fresh := f.pipeline("p")
	if fresh == old {
		f.Fatal("the id was used again")
	}
	f.startExecution(fresh)
	f.equal("job of the new pipeline", f.claimOne(sourceLine).PipelineID, fresh)
}

// purgeDeleted removes the history of a deleted pipeline in small steps and
// leaves others alone.
func purgeDeleted(f *fixture) {
	kept, doomed := f.guarded("kept"), f.guarded("doomed")
	for _, p := range []int64{kept, doomed} {
		for range 3 {
			f.startExecution(p)
			f.work(sourceLine)
			f.work(ruleLine)
			f.work(buildLine)
		}
	}
	f.update(func(tx store.Tx) error {
		if err := tx.PutStartToken(doomed, "t", "e"); err != nil {
			return err
		}
		if err := tx.PutAnnounced(doomed, store.AnnouncedRevision{Action: "a", Revision: "r", Change: "c"}); err != nil {
			return err
		}
		return tx.DeletePipeline(doomed)
	})
	steps := 0
	for more := true; more; steps++ {
		f.update(func(tx store.Tx) (err error) {
			more, err = tx.Purge(f.now(), 5)
			return err
		})
		if steps > 100 {
			f.Fatal("no end of the purge")
		}
	}
	if steps < 4 {
		f.Errorf("purged in %d steps of 5 rows", steps)
	}
	list := read(f, func(r store.Reader) ([]*engine.Execution, error) { return r.Executions(kept, "", 10) })
	f.equal("executions of the other pipeline", len(list), 3)
	rules := read(f, func(r store.Reader) ([]engine.ActionRecord, error) { return r.Rules(kept, "", "", 10) })
	f.equal("rules of the other pipeline", len(rules), 6)
}

func executions(f *fixture) {
	a, b := f.pipeline("a"), f.pipeline("b")
	var ids []string
	for range 3 {
		ids = append(ids, f.startExecution(a))
		f.startExecution(b)
	}
	list := read(f, func(r store.Reader) ([]*engine.Execution, error) { return r.Executions(a, "", 10) })
	f.equal("number of executions", len(list), 3)
	for i, e := range list {
		f.equal("order", e.ID, ids[2-i])
	}
	f.equal("superseding", list[1].Status, engine.Superseded) // 1 is in the stage, 3 waits
	f.equal("trigger", list[0].Trigger, engine.Trigger{Type: "StartPipelineExecution", Detail: "me"})
	f.both(func(r store.Reader) error {
		e, err := r.Execution(a, ids[1])
		f.equal("execution", e, list[1])
		if err != nil {
			return err
		}
		if _, err := r.Execution(b, ids[1]); !errors.Is(err, store.ErrNotFound) {
			f.Errorf("execution of another pipeline: %v", err)
		}
		return nil
	})
}

func executionPages(f *fixture) {
	p := f.pipeline("p")
	var want []string
	for range 7 {
		want = append([]string{f.startExecution(p)}, want...)
	}
	var got []string
	below := ""
	for {
		page := read(f, func(r store.Reader) ([]*engine.Execution, error) { return r.Executions(p, below, 3) })
		for _, e := range page {
			got = append(got, e.ID)
			below = e.ID
		}
		if len(page) < 3 {
			break
		}
		f.startExecution(p) // above the page
	}
	f.equal("ids", got, want)
}

func startTokens(f *fixture) {
	p := f.pipeline("p")
	f.update(func(tx store.Tx) error { return tx.PutStartToken(p, "t", "e1") })
	f.reopen()
	f.equal("execution", read(f, func(r store.Reader) (string, error) { return r.StartedBy(p, "t") }), "e1")
	f.view(func(r store.Reader) error {
		if _, err := r.StartedBy(p, "u"); !errors.Is(err, store.ErrNotFound) {
			f.Errorf("unknown token: %v", err)
		}
		return nil
	})
}

func actions(f *fixture) {
	p := f.pipeline("p")
	var executions []string
	for range 3 {
		executions = append(executions, f.startExecution(p))
		f.work(sourceLine)
		f.work(buildLine)
	}
	all := read(f, func(r store.Reader) ([]engine.ActionRecord, error) { return r.Actions(p, "", "", 10) })
	f.equal("actions", len(all), 6)
	for i, rec := range all {
		f.equal("order", rec.Execution, executions[2-i/2])
		f.both(func(r store.Reader) error {
			got, err := r.Action(p, rec.ID)
			f.equal("action", got, rec)
			return err
		})
	}
	page := read(f, func(r store.Reader) ([]engine.ActionRecord, error) { return r.Actions(p, "", all[1].ID, 2) })
	f.equal("page", page, all[2:4])
	one := read(f, func(r store.Reader) ([]engine.ActionRecord, error) { return r.Actions(p, executions[1], "", 10) })
	f.equal("actions of one execution", one, all[2:4])
	one = read(f, func(r store.Reader) ([]engine.ActionRecord, error) { return r.Actions(p, executions[1], all[2].ID, 10) })
	f.equal("second page of one execution", one, all[3:4])
	latest := read(f, func(r store.Reader) (map[store.StageAction]engine.ActionRecord, error) { return r.LatestActions(p) })
	f.equal("latest", latest[store.StageAction{Stage: "Source", Action: "Fetch"}], all[1])
	if _, err := f.s.Poll(f.Context(), fmt.Sprint("none", p), 1, 0); err != nil {
		f.Error(err)
	}
}

// times come back in UTC with their milliseconds.
func times(f *fixture) {
	f.advance(7 * time.Millisecond)
	p := f.pipeline("p")
	e := f.startExecution(p)
	at := f.now()
	j := f.claimOne(sourceLine)
	f.advance(11 * time.Millisecond)
	f.mustAcknowledge(j)
	f.reopen()
	got := f.job(j.ID)
	f.equal("QueuedAt", got.QueuedAt, at)
	f.equal("AckedAt", got.AckedAt, f.now())
	f.equal("EndedAt", got.EndedAt, time.Time{})
	f.equal("deadline", got.Data.Deadline, at.Add(24*time.Hour))
	x := read(f, func(r store.Reader) (*engine.Execution, error) { return r.Execution(p, e) })
	f.equal("Started", x.Started, at)
	f.succeed(j.ID, "")
	f.equal("EndedAt", f.job(j.ID).EndedAt, f.now())
}

func missingRows(f *fixture) {
	p := f.pipeline("p")
	f.both(func(r store.Reader) error {
		_, e1 := r.Job("none")
		_, e2 := r.Action(p, "none")
		_, e3 := r.Client("none")
		_, e4 := r.ActionType(account, region, pipeline.ActionType{Category: "Test"})
		_, e5 := r.State(p + 1)
		for i, err := range []error{e1, e2, e3, e4, e5} {
			if !errors.Is(err, store.ErrNotFound) {
				f.Errorf("read %d: %v", i, err)
			}
		}
		return nil
	})
	for i, fn := range []func(store.Tx) error{
		func(tx store.Tx) error { return tx.SaveJob(&job.Job{ID: "none", State: job.InProgress}) },
		func(tx store.Tx) error { return tx.DeletePipeline(p + 1) },
		func(tx store.Tx) error { return tx.PutVersion(p+1, declaration("x", 2), f.now()) },
		func(tx store.Tx) error { return tx.Saw(p, "none", "r") },
	} {
		if err := f.d.Update(f.Context(), fn); !errors.Is(err, store.ErrNotFound) {
			f.Errorf("write %d: %v", i, err)
		}
	}
}
