package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// Account and Region are where the pipelines of BenchStore live.
const (
	Account = account
	Region  = region
)

// BenchStages are the two stages, of one custom action each, of the pipelines
// that benchmarks run.
func BenchStages() []pipeline.Stage {
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

// StoreOn is a store on the wall clock that runs S3 sources, and no other
// built-in actions.
func StoreOn(d store.Driver) *store.Store {
	return store.New(d, store.Options{
		Now: time.Now, NewID: newID, NewKey: func() string { return "abcdefg" },
		Native:    func(t pipeline.ActionType) bool { return t.Provider == "S3" },
		AckWindow: time.Minute,
	})
}

// BenchLines are the queues of the stages.
func BenchLines() (lines []string) {
	for _, st := range BenchStages() {
		lines = append(lines, job.Queue(job.Custom, account, region, st.Actions[0].Type, ""))
	}
	return lines
}

// BenchStore fills a driver with pipelines for benchmarks.
func BenchStore(b testing.TB, d store.Driver, pipelines int) (*store.Store, []int64) {
	s := StoreOn(d)
	var ids []int64
	stages := BenchStages()
	err := d.Update(b.Context(), func(tx store.Tx) error {
		ids = ids[:0]
		for _, st := range stages {
			t := actiontype.Type{ID: st.Actions[0].Type, Timeout: actiontype.CustomTimeout}
			if err := tx.PutActionType(store.ActionType{Account: account, Region: region, Type: t}); err != nil {
				return err
			}
		}
		for i := range pipelines {
			p := store.Pipeline{Pipeline: engine.Pipeline{Account: account, Region: region, Name: fmt.Sprintf("p%d", i)}}
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
	return s, ids
}

// JobCycle has a worker for each pipeline claim, acknowledge and report jobs of
// pipelines of BenchStages; who ends an execution starts the next. It makes at
// least n calls and returns how many: of seven, two are claims.
func JobCycle(b *testing.B, s *store.Store, pipelines []int64, n int) int64 {
	ctx := b.Context()
	begin := func(id int64) error {
		return s.Update(ctx, func(tx store.Tx) error {
			_, err := s.Step(tx, id, engine.Start{Trigger: engine.Trigger{Type: "StartPipelineExecution"}})
			return err
		})
	}
	lines := BenchLines()
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
	for _, id := range pipelines {
		if err := begin(id); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	var calls atomic.Int64
	var wg sync.WaitGroup
	for w := range pipelines {
		wg.Go(func() {
			for line := w; calls.Load() < int64(n); line++ {
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
	b.ReportMetric(float64(calls.Load())/b.Elapsed().Seconds(), "calls/s")
	return calls.Load()
}
