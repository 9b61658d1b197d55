package sqlite

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/sqlite"
	"penstock/internal/store"
)

const (
	benchAccount = "111111111111"
	benchRegion  = "eu-central-1"
)

func benchStages() []pipeline.Stage {
	stages := make([]pipeline.Stage, 2)
	for i, category := range []string{"Source", "Build"} {
		name := fmt.Sprintf("Stage%d", i)
		a := pipeline.Action{
			Name: "Act", RunOrder: 1,
			Type:          pipeline.ActionType{Category: category, Owner: "Custom", Provider: "Bench", Version: "1"},
			Configuration: map[string]string{"ProjectName": "demo", "Branch": "main", "Flags": "--verbose --all"},
		}
		if i == 0 {
			a.Outputs = []pipeline.OutputArtifact{{Name: "src"}}
		} else {
			a.Inputs = []string{"src"}
		}
		stages[i] = pipeline.Stage{Name: name, Actions: []pipeline.Action{a}}
	}
	return stages
}

// benchStore is a store with pipelines that have past executions each.
func benchStore(b testing.TB, pipelines, past int) (*store.Store, []int64) {
	d := open(b, filepath.Join(b.TempDir(), "bench.db"))
	s := store.New(d, store.Options{
		Now: time.Now, NewID: func() string { return uuid.Must(uuid.NewV7()).String() },
		NewKey:    func() string { return "abcdefg" },
		Native:    func(pipeline.ActionType) bool { return false },
		AckWindow: time.Minute,
	})
	var ids []int64
	stages := benchStages()
	err := d.Update(b.Context(), func(tx store.Tx) error {
		ids = ids[:0]
		for _, st := range stages {
			t := actiontype.Type{ID: st.Actions[0].Type, Timeout: actiontype.CustomTimeout}
			if err := tx.PutActionType(store.ActionType{Account: benchAccount, Region: benchRegion, Type: t}); err != nil {
				return err
			}
		}
		for i := range pipelines {
			p := store.Pipeline{Pipeline: engine.Pipeline{Account: benchAccount, Region: benchRegion, Name: fmt.Sprintf("p%d", i)}}
			id, err := tx.InsertPipeline(p, &pipeline.Declaration{
				Name: p.Name, Version: 1, Mode: pipeline.Superseded, Type: pipeline.V2, Stages: stages,
				ArtifactStore: &pipeline.ArtifactStore{Bucket: "artifacts"},
			})
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	fillHistory(b, d, ids, past)
	return s, ids
}

// fillHistory adds executions that ended, shaped like those of the benchmark.
func fillHistory(b testing.TB, d *Driver, ids []int64, n int) {
	now := time.Now().Add(-48 * time.Hour).UTC()
	for from := 0; from < n; from += 5000 {
		err := d.db.Update(b.Context(), func(tx *sqlite.Tx) error {
			t := &txn{reader: reader{d: d, tx: tx, now: now}}
			for i := from; i < min(n, from+5000); i++ {
				id := ids[i%len(ids)]
				e := &engine.Execution{ID: uuid.Must(uuid.NewV7()).String(), Version: 1, Status: engine.Succeeded, Started: now, Updated: now}
				for k, st := range benchStages() {
					rec := &engine.ActionRecord{
						ID: uuid.Must(uuid.NewV7()).String(), Execution: e.ID, Version: 1, Stage: st.Name, Action: "Act",
						Status: engine.Succeeded, Started: now, Updated: now, Type: st.Actions[0].Type,
						Declared: st.Actions[0].Configuration, Resolved: st.Actions[0].Configuration,
						Result: engine.Result{Summary: "done"},
					}
					e.Runs = append(e.Runs, engine.StageRun{Stage: st.Name, Status: engine.Succeeded, Started: now,
						Actions: []engine.Action{{ID: rec.ID, Name: "Act", Status: engine.Succeeded, Started: now, Updated: now}}})
					if err := t.insertAction(id, rec); err != nil {
						return err
					}
					if err := t.insertPassed(id, engine.StagePassed{Stage: st.Name, Version: 1, Execution: e.ID}); err != nil {
						return err
					}
					if k == 1 {
						if _, err := t.putExecution(id, e, true); err != nil {
							return err
						}
					}
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJobCycle has 64 workers claim, acknowledge and report jobs of
// two-stage pipelines; who ends an execution starts the next. One op is one
// such call; of seven calls two are claims, which need no transaction.
func BenchmarkJobCycle(b *testing.B) {
	for _, past := range []int{0, 200_000} {
		b.Run(fmt.Sprintf("past=%d", past), func(b *testing.B) {
			const workers = 64
			s, ids := benchStore(b, workers, past)
			ctx := b.Context()
			begin := func(id int64) error {
				return s.Update(ctx, func(tx store.Tx) error {
					_, err := s.Step(tx, id, engine.Start{Trigger: engine.Trigger{Type: "StartPipelineExecution"}})
					return err
				})
			}
			for _, id := range ids {
				if err := begin(id); err != nil {
					b.Fatal(err)
				}
			}
			stages := benchStages()
			lines := []string{
				job.Queue(job.Custom, benchAccount, benchRegion, stages[0].Actions[0].Type, ""),
				job.Queue(job.Custom, benchAccount, benchRegion, stages[1].Actions[0].Type, ""),
			}
			cycle := func(line int) (calls int64, err error) {
				jobs, err := s.Poll(ctx, lines[line], 1, 0)
				if err != nil || len(jobs) == 0 {
					return 0, err
				}
				j := jobs[0]
				err = s.Update(ctx, func(tx store.Tx) error {
					got, err := tx.Job(j.ID)
					if err != nil {
						return err
					}
					if _, err := got.Acknowledge(j.Nonces.String(), s.Now()); err != nil {
						return err
					}
					return tx.SaveJob(got)
				})
				if err != nil {
					return 0, err
				}
				err = s.Update(ctx, func(tx store.Tx) error {
					got, err := tx.Job(j.ID)
					if err != nil {
						return err
					}
					_, err = s.Step(tx, got.PipelineID, engine.JobSucceeded{Job: got, Digest: "digest", Details: engine.Details{Summary: "done"}})
					return err
				})
				if err != nil || line == 0 {
					return 3, err
				}
				return 4, begin(j.PipelineID)
			}
			db := s.Driver.(*Driver).db
			before, cpu := db.Stats(), processCPU(b)
			b.ReportAllocs()
			b.ResetTimer()
			var calls atomic.Int64
			var wg sync.WaitGroup
			for w := range workers {
				wg.Go(func() {
					for line := w; calls.Load() < int64(b.N); line++ {
						n, err := cycle(line % 2)
						if err != nil {
							b.Error(err)
							return
						}
						calls.Add(n)
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			after := db.Stats()
			n := float64(calls.Load())
			b.ReportMetric(n/b.Elapsed().Seconds(), "calls/s")
			b.ReportMetric((processCPU(b)-cpu)*1e6/n, "µs-cpu/call")
			b.ReportMetric(float64(after.Calls-before.Calls)/float64(after.Groups-before.Groups), "calls/commit")
		})
	}
}

// processCPU is the processor time this process used so far, in seconds.
func processCPU(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
