package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/sqlite"
	"penstock/internal/store"
	"penstock/internal/store/memo"
	"penstock/internal/store/storetest"
)

// sameAsLoaded compares what the writer keeps about the pipelines with what
// the database says.
func sameAsLoaded(t *testing.T, d *Driver, ids []int64) {
	t.Helper()
	err := d.db.Update(t.Context(), func(tx *sqlite.Tx) error {
		call := &txn{reader: reader{d: d, tx: tx, now: d.now()}}
		for _, id := range ids {
			kept, ok := d.live.Get(id)
			if !ok {
				continue
			}
			loaded, err := call.load(id)
			if err != nil {
				return err
			}
			for _, pair := range [][2]any{
				{kept.pipeline, loaded.pipeline}, {kept.current, loaded.current}, {kept.declarations, loaded.declarations},
				{store.AppendState(nil, kept.state), store.AppendState(nil, loaded.state)},
				{documents(kept), documents(loaded)},
			} {
				if !reflect.DeepEqual(pair[0], pair[1]) {
					return fmt.Errorf("pipeline %d: kept %s, stored %s", id, pair[0], pair[1])
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func documents(l *live) map[string]string {
	docs := map[string]string{}
	for id, e := range l.executions {
		docs[id] = string(store.AppendExecution(nil, e))
	}
	return docs
}

var errTest = errors.New("of the test")

// TestLiveStateIsWhatIsStored runs random events, some in calls that fail
// after they were applied, and checks the cache against the database.
func TestLiveStateIsWhatIsStored(t *testing.T) {
	t.Parallel()
	s, ids := benchStore(t, 3, 0)
	d := s.Driver.(*Driver)
	random := rand.New(rand.NewPCG(1, 2))
	var line [2]string
	for i, st := range storetest.BenchStages() {
		line[i] = job.Queue(job.Custom, storetest.Account, storetest.Region, st.Actions[0].Type, "")
	}
	ended, version := 0, 1
	for range 600 {
		id := ids[random.IntN(len(ids))]
		fail := random.IntN(4) == 0
		var jobs []*job.Job
		if kind := random.IntN(4); kind > 1 {
			var err error
			if jobs, err = s.Poll(t.Context(), line[kind-2], 2, 0); err != nil {
				t.Fatal(err)
			}
		}
		err := s.Update(t.Context(), func(tx store.Tx) error {
			if random.IntN(10) == 0 {
				version++
				d := &pipeline.Declaration{
					Name: "p", Version: version, Mode: pipeline.Superseded, Type: pipeline.V2, Stages: storetest.BenchStages(),
					ArtifactStore: &pipeline.ArtifactStore{Bucket: "artifacts"},
				}
				if err := tx.PutVersion(id, d, s.Now()); err != nil {
					return err
				}
				if _, err := s.Step(tx, id, engine.Updated{}); err != nil {
					return err
				}
			}
			if len(jobs) == 0 {
				if _, err := s.Step(tx, id, engine.Start{}); err != nil {
					return err
				}
			}
			for _, polled := range jobs {
				j, err := tx.Job(polled.ID)
				if err != nil {
					return err
				}
				if _, err := j.Acknowledge(polled.Nonces.String(), s.Now()); err != nil {
					return err
				}
				if err := tx.SaveJob(j); err != nil {
					return err
				}
				var ev engine.Event = engine.JobSucceeded{Job: j, Digest: "d"}
				if random.IntN(5) == 0 {
					ev = engine.JobFailed{Job: j, Digest: "d", Type: "JobFailed"}
				}
				if _, err := s.Step(tx, j.PipelineID, ev); err != nil {
					return err
				}
				ended++
			}
			if fail {
				return errTest
			}
			return nil
		})
		if err != nil && !errors.Is(err, errTest) {
			t.Fatal(err)
		}
		if err := d.GiveBack(t.Context(), jobs); err != nil { // of a call that failed
			t.Fatal(err)
		}
		sameAsLoaded(t, d, ids)
	}
	if ended < 50 {
		t.Errorf("only %d jobs came to an end", ended)
	}
}

// TestFailedGroup has a whole group of calls fail at its commit, after calls
// that had succeeded: all that they left in memory must go.
func TestFailedGroup(t *testing.T) {
	t.Parallel()
	s, ids := benchStore(t, 1, 0)
	d := s.Driver.(*Driver)
	if err := s.Update(t.Context(), func(tx store.Tx) error {
		_, err := s.Step(tx, ids[0], engine.Start{})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	queue := job.Queue(job.Custom, storetest.Account, storetest.Region, storetest.BenchStages()[0].Actions[0].Type, "")
	jobs, err := s.Poll(t.Context(), queue, 1, 0)
	if err != nil || len(jobs) != 1 {
		t.Fatalf("Poll: %v, %v", jobs, err)
	}
	// The transaction is lost under the call's feet.
	err = d.db.Update(t.Context(), func(tx *sqlite.Tx) error {
		call := &txn{reader: reader{d: d, tx: tx, now: d.now()}}
		j, err := call.Job(jobs[0].ID)
		if err != nil {
			return err
		}
		if _, err := j.Acknowledge(jobs[0].Nonces.String(), s.Now()); err != nil {
			return err
		}
		if err := call.SaveJob(j); err != nil {
			return err
		}
		if _, err := s.Step(call, ids[0], engine.Start{}); err != nil {
			return err
		}
		// Ends the transaction; the error is dropped, as a careless
		// function would.
		_ = tx.Exec(`INSERT OR ROLLBACK INTO meta (name, value) VALUES ('boot', 1)`)
		return nil
	})
	if err == nil {
		t.Fatal("a lost transaction was reported as a success")
	}
	sameAsLoaded(t, d, ids)
	var state *engine.State
	if err := s.View(t.Context(), func(r store.Reader) error {
		state, err = r.State(ids[0])
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(state.Live) != 1 {
		t.Errorf("%d live executions, want the first only", len(state.Live))
	}
	d.board.giveBack(jobs[0].ID, jobs[0].Nonces)
	again, err := s.Poll(context.Background(), queue, 1, 0)
	if err != nil || len(again) != 1 || again[0].ID != jobs[0].ID {
		t.Errorf("Poll after the failure: %v, %v; want the job again", again, err)
	}
}

// TestEviction lets pipelines push each other out of the writer's cache.
func TestEviction(t *testing.T) {
	t.Parallel()
	s, ids := benchStore(t, 8, 0)
	d := s.Driver.(*Driver)
	d.live = memo.New[int64, *live](1) // room for one
	for round := range 3 {
		for _, id := range ids {
			if err := s.Update(t.Context(), func(tx store.Tx) error {
				_, err := s.Step(tx, id, engine.Start{})
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if n := d.live.Len(); n != 1 {
				t.Fatalf("round %d: %d pipelines are kept, want 1", round, n)
			}
		}
	}
	sameAsLoaded(t, d, ids)
	if err := s.View(t.Context(), func(r store.Reader) error {
		state, err := r.State(ids[0])
		if err == nil && state.Sequence != 3 {
			t.Errorf("sequence %d after 3 starts", state.Sequence)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
