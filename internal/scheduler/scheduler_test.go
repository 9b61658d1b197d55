package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
	"penstock/internal/store/sqlite"
)

const (
	account = "000000000000"
	region  = "eu-west-1"
)

type plain struct{} // a Sealer that has nothing to hide

func (plain) Seal(b []byte, _ string) string   { return string(b) }
func (plain) Open(s, _ string) ([]byte, error) { return []byte(s), nil }
func quiet() *slog.Logger                      { return slog.New(slog.DiscardHandler) }
func s3Source() pipeline.ActionType {
	return pipeline.ActionType{Category: "Source", Owner: "AWS", Provider: "S3", Version: "1"}
}
func (f *fixture) run(loop func(ctx context.Context)) { f.loop = append(f.loop, loop) }

// fixture is a store in a bubble whose time passes when all wait for it.
type fixture struct {
	*testing.T
	*store.Store
	ids  atomic.Int64
	loop []func(ctx context.Context)
}

// scenario is a test that runs in the bubble. begin may add loops; they run
// while body does.
type scenario struct {
	name  string
	begin func(f *fixture)
	body  func(f *fixture)
}

var bubbled atomic.Bool

// TestInABubble runs the scenarios with the clock of package synctest, in which
// a week passes at once. They share one bubble, since the SQLite driver keeps
// channels for reuse and a channel belongs to one bubble; so -count runs them
// once.
func TestInABubble(t *testing.T) {
	t.Parallel()
	if bubbled.Swap(true) {
		t.Skip("there can be one bubble in a process")
	}
	folder := t.TempDir()
	scenarios := []scenario{timersFireInTime, continuationDelay, fireWhatIsDue, timersRetry(), sourcesAreLookedAt(), slowSources(), pollingEnds(), schedulesFire(), purgeRemoves()}
	synctest.Test(t, func(t *testing.T) {
		for _, s := range scenarios {
			t.Log(s.name)
			driver, err := sqlite.Open(filepath.Join(folder, s.name), sqlite.Options{Sealer: plain{}})
			if err != nil {
				t.Fatal(err)
			}
			f := &fixture{T: t}
			f.Store = store.New(driver, store.Options{
				Now: time.Now, NewID: f.id, NewKey: func() string { return "key0000" },
				Native: func(pipeline.ActionType) bool { return true }, ContinuationDelay: 30 * time.Second, AckWindow: 2 * time.Minute,
			})
			s.begin(f)
			ctx, stop := context.WithCancel(t.Context())
			var loops sync.WaitGroup
			for _, l := range f.loop {
				loops.Go(func() { l(ctx) })
			}
			s.body(f)
			stop()
			loops.Wait()
			if err := driver.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func (f *fixture) id() string { return fmt.Sprintf("00000000-0000-7000-8000-%012d", f.ids.Add(1)) }

func (f *fixture) ok(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) update(fn func(tx store.Tx) error) { f.Helper(); f.ok(f.Update(f.Context(), fn)) }

// start makes a pipeline of an S3 source and an approval and starts it. Its
// source has an hour, its approval a week.
func (f *fixture) start(name string) (pipelineID int64, execution string) {
	f.Helper()
	d := &pipeline.Declaration{
		Name: name, Version: 1, Mode: pipeline.Superseded, Type: pipeline.V1, ArtifactStore: &pipeline.ArtifactStore{Bucket: "artifacts"},
		Stages: []pipeline.Stage{
			{Name: "Source", Actions: []pipeline.Action{{Name: "Fetch", Type: s3Source(), RunOrder: 1, Outputs: []pipeline.OutputArtifact{{Name: "Code"}}}}},
			{Name: "Gate", Actions: []pipeline.Action{{Name: "Ask", Type: pipeline.ActionType{Category: "Approval", Owner: "AWS", Provider: "Manual", Version: "1"}, RunOrder: 1}}},
		},
	}
	f.update(func(tx store.Tx) (err error) {
		pipelineID, err = tx.InsertPipeline(store.Pipeline{Pipeline: engine.Pipeline{Account: account, Region: region, Name: name}, Version: 1, Mode: d.Mode, Type: d.Type, Created: f.Now(), Updated: f.Now()}, d)
		if err != nil {
			return err
		}
		execution, err = f.Step(tx, pipelineID, engine.Start{Trigger: engine.Trigger{Type: "StartPipelineExecution"}})
		return err
	})
	return pipelineID, execution
}

func (f *fixture) status(pipelineID int64, execution string) (s engine.Status) {
	f.Helper()
	f.ok(f.View(f.Context(), func(r store.Reader) error {
		e, err := r.Execution(pipelineID, execution)
		if err == nil {
			s = e.Status
		}
		return err
	}))
	return s
}

// take hands out a job of the source and acknowledges it.
func (f *fixture) take() *job.Job {
	f.Helper()
	jobs, err := f.Poll(f.Context(), job.Queue(job.Native, "", "", s3Source(), ""), 1, 0)
	f.ok(err)
	if len(jobs) != 1 {
		f.Fatalf("%d jobs can be polled", len(jobs))
	}
	var j *job.Job
	f.update(func(tx store.Tx) (err error) {
		if j, err = tx.Job(jobs[0].ID); err != nil {
			return err
		}
		if _, err = j.Acknowledge(jobs[0].Nonces.String(), f.Now()); err != nil {
			return err
		}
		return tx.SaveJob(j)
	})
	return j
}

func (f *fixture) succeed(j *job.Job, token string) {
	f.Helper()
	f.update(func(tx store.Tx) error {
		_, err := f.Step(tx, j.PipelineID, engine.JobSucceeded{Job: j, ContinuationToken: token})
		return err
	})
}

func timers(f *fixture) { f.run((&Timers{Store: f.Store, Log: quiet()}).Run) }

// sleep lets time pass in the bubble, and what it causes happen.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// Timers fire at their time, not before: of the source's hour and of the
// approval's week.
var timersFireInTime = scenario{"timers fire in time", timers, func(f *fixture) {
	sleep(10 * time.Second) // the loop sleeps when the timer is set
	p, e := f.start("P")
	sleep(time.Hour - time.Millisecond)
	if got := f.status(p, e); got != engine.InProgress {
		f.Errorf("before the source's time: %s", got)
	}
	sleep(time.Millisecond)
	if got := f.status(p, e); got != engine.Failed {
		f.Errorf("at the source's time: %s", got)
	}
	q, e := f.start("Q")
	f.succeed(f.take(), "")
	sleep(7*24*time.Hour - time.Millisecond)
	if got := f.status(q, e); got != engine.InProgress {
		f.Errorf("before the approval's time: %s", got)
	}
	sleep(time.Millisecond)
	if got := f.status(q, e); got != engine.Failed {
		f.Errorf("at the approval's time: %s", got)
	}
}}

// A continuation can be polled when its pause is over, and a poll that waits
// gets it at that moment.
var continuationDelay = scenario{"continuation delay", timers, func(f *fixture) {
	f.start("P")
	f.succeed(f.take(), "token")
	begin := time.Now()
	jobs, err := f.Poll(f.Context(), job.Queue(job.Native, "", "", s3Source(), ""), 1, time.Minute)
	f.ok(err)
	if len(jobs) != 1 || jobs[0].Data.ContinuationToken != "token" || time.Since(begin) != 30*time.Second {
		f.Errorf("%d jobs after %s", len(jobs), time.Since(begin))
	}
}}

// Timers that became due while no server ran fire at once, more than fit into
// one batch; those of a deleted pipeline lead to nothing.
var fireWhatIsDue = scenario{"what is due fires at once", func(*fixture) {}, func(f *fixture) {
	loop := &Timers{Store: f.Store, Log: quiet()}
	const n = 2*timerBatch + 1
	ids, executions := make([]int64, n), make([]string, n)
	for i := range n {
		ids[i], executions[i] = f.start(fmt.Sprint("P", i))
	}
	next, err := loop.Fire(f.Context())
	f.ok(err)
	if want := time.Now().Add(time.Hour); !next.Equal(want) {
		f.Errorf("the next timer is due at %s, want %s", next, want)
	}
	f.update(func(tx store.Tx) error { return tx.DeletePipeline(ids[0]) })
	sleep(2 * time.Hour)
	next, err = loop.Fire(f.Context())
	f.ok(err)
	if !next.IsZero() {
		f.Errorf("a timer is left for %s", next)
	}
	for i := 1; i < n; i++ {
		if got := f.status(ids[i], executions[i]); got != engine.Failed {
			f.Fatalf("pipeline %d is %s", i, got)
		}
	}
}}

// The loop lives through a database that fails.
func timersRetry() scenario {
	var fails atomic.Int64
	var p int64
	var e string
	return scenario{"timers are tried again", func(f *fixture) {
		p, e = f.start("P")
		broken := store.New(failing{f.Driver, &fails}, store.Options{Now: time.Now, NewID: f.id, NewKey: func() string { return "key0000" }, Native: func(pipeline.ActionType) bool { return true }})
		f.run((&Timers{Store: broken, Log: quiet()}).Run)
	}, func(f *fixture) {
		fails.Store(1 << 30)
		sleep(2 * time.Hour)
		if got := f.status(p, e); got != engine.InProgress {
			f.Fatalf("with a broken database: %s", got)
		}
		fails.Store(0)
		sleep(retryAfter)
		if got := f.status(p, e); got != engine.Failed {
			f.Errorf("after the repair: %s", got)
		}
	}}
}

type failing struct {
	store.Driver
	fails *atomic.Int64
}

func (d failing) View(ctx context.Context, fn func(store.Reader) error) error {
	if d.fails.Add(-1) >= 0 {
		return errors.New("the disk is gone")
	}
	return d.Driver.View(ctx, fn)
}

// Jobs go a day after they ended, in steps, the history of a deleted pipeline
// with the next round.
func purgeRemoves() scenario {
	var p int64
	var e string
	return scenario{"purge", func(f *fixture) {
		f.run((&Purge{Store: f.Store, Log: quiet(), Interval: 10 * time.Minute}).Run)
		p, e = f.start("P")
	}, func(f *fixture) {
		j := f.take()
		f.succeed(j, "")
		there := func() bool {
			err := f.View(f.Context(), func(r store.Reader) error { _, err := r.Job(j.ID); return err })
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				f.Fatal(err)
			}
			return err == nil
		}
		sleep(24 * time.Hour)
		if !there() {
			f.Error("the job is gone within a day")
		}
		sleep(11 * time.Minute)
		if there() {
			f.Error("the job is there after more than a day")
		}
		f.update(func(tx store.Tx) error {
			if _, err := f.Step(tx, p, engine.Deleted{}); err != nil {
				return err
			}
			return tx.DeletePipeline(p)
		})
		sleep(10 * time.Minute)
		err := f.View(f.Context(), func(r store.Reader) error { _, err := r.Execution(p, e); return err })
		if !errors.Is(err, store.ErrNotFound) {
			f.Errorf("the history of a deleted pipeline: %v", err)
		}
	}}
}
