package postgres

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
	"penstock/internal/store/postgres/pgtest"
	"penstock/internal/store/storetest"
)

// TestNodes has three nodes work on one database: all of them step the same
// pipelines, and each job reaches one of their workers.
func TestNodes(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	const nodes, pipelines, runs = 3, 4, 30
	drivers := []*Driver{open(t, url), open(t, url), open(t, url)}
	_, ids := storetest.BenchStore(t, drivers[0], pipelines)
	ctx, stop := context.WithTimeout(t.Context(), forever)
	defer stop()
	var mu sync.Mutex
	seen := map[string]bool{}
	var acknowledged atomic.Int64
	var stores []*store.Store
	for _, d := range drivers {
		stores = append(stores, storetest.StoreOn(d))
	}
	queue := job.Queue(job.Custom, storetest.Account, storetest.Region, storetest.BenchStages()[0].Actions[0].Type, "")
	working, rest := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for w := range 2 * nodes {
		s := stores[w%nodes]
		wg.Go(func() {
			for working.Err() == nil {
				jobs, err := s.Poll(working, queue, 1, 20*time.Second)
				if err != nil && working.Err() == nil {
					t.Error(err)
				}
				for _, polled := range jobs {
					mu.Lock()
					if seen[polled.ID] {
						t.Errorf("job %s was handed out twice", polled.ID)
					}
					seen[polled.ID] = true
					mu.Unlock()
					other := stores[(w+1)%nodes] // the load balancer chose another
					err := other.Update(ctx, func(tx store.Tx) error {
						j, err := tx.Job(polled.ID)
						if err != nil {
							return err
						}
						if _, err := j.Acknowledge(polled.Nonces.String(), s.Now()); err != nil {
							return err
						}
						return tx.SaveJob(j)
					})
					if err != nil {
						t.Errorf("acknowledge: %v", err)
					}
					err = s.Update(ctx, func(tx store.Tx) error {
						j, err := tx.Job(polled.ID)
						if err != nil {
							return err
						}
						_, err = s.Step(tx, j.PipelineID, engine.JobSucceeded{Job: j, Digest: "d"})
						return err
					})
					if err != nil {
						t.Errorf("report: %v", err)
					}
					acknowledged.Add(1)
				}
			}
		})
	}
	var starters sync.WaitGroup
	for n := range nodes {
		starters.Go(func() {
			for i := range runs {
				s := stores[n]
				if err := s.Update(ctx, func(tx store.Tx) error {
					_, err := s.Step(tx, ids[(n+i)%pipelines], engine.Start{})
					return err
				}); err != nil {
					t.Errorf("start: %v", err)
				}
			}
		})
	}
	starters.Wait()
	// All jobs of the first stage are worked off: what is left waits in the
	// second or was superseded.
	for idle := false; !idle && ctx.Err() == nil; {
		idle = true
		if err := stores[0].View(ctx, func(r store.Reader) error {
			for _, id := range ids {
				state, err := r.State(id)
				if err != nil {
					return err
				}
				idle = idle && (state.Stage("Stage0").Holder == "")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	rest()
	wg.Wait()
	if ctx.Err() != nil {
		t.Fatal("jobs were left")
	}
	err := stores[1].View(ctx, func(r store.Reader) error {
		total := int64(0)
		for _, id := range ids {
			state, err := r.State(id)
			if err != nil {
				return err
			}
			total += state.Sequence
		}
		if total != nodes*runs {
			t.Errorf("%d executions, want %d", total, nodes*runs)
		}
		list, err := r.Outbox(0, 10_000)
		for i, e := range list {
			if e.Number != int64(i+1) {
				t.Fatalf("entry %d has number %d", i, e.Number)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTakeOver has a node fall silent with a job of a built-in action in hand:
// another takes it over, and what the first one reports late is refused.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	silent, alive := open(t, url), open(t, url)
	s3 := pipeline.ActionType{Category: "Source", Owner: "AWS", Provider: "S3", Version: "1"}
	queue := job.Queue(job.Native, "", "", s3, "")
	s, other := storetest.StoreOn(silent), storetest.StoreOn(alive)
	d := &pipeline.Declaration{
		Name: "p", Version: 1, Mode: pipeline.Superseded, Type: pipeline.V2, ArtifactStore: &pipeline.ArtifactStore{Bucket: "artifacts"},
		Stages: storetest.BenchStages(),
	}
	d.Stages[0].Actions[0].Type = s3
	var id int64
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(s.Update(t.Context(), func(tx store.Tx) (err error) {
		id, err = tx.InsertPipeline(store.Pipeline{Pipeline: engine.Pipeline{Account: storetest.Account, Region: storetest.Region, Name: "p"}}, d)
		return err
	}))
	start := func(s *store.Store) {
		t.Helper()
		ok(s.Update(t.Context(), func(tx store.Tx) error {
			_, err := s.Step(tx, id, engine.Start{})
			return err
		}))
	}
	acknowledge := func(s *store.Store, polled *job.Job) error {
		return s.Update(t.Context(), func(tx store.Tx) error {
			j, err := tx.Job(polled.ID)
			if err != nil {
				return err
			}
			if _, err := j.Acknowledge(polled.Nonces.String(), s.Now()); err != nil {
				return err
			}
			return tx.SaveJob(j)
		})
	}
	take := func(s *store.Store) *job.Job {
		t.Helper()
		jobs, err := s.Poll(t.Context(), queue, 1, forever)
		ok(err)
		if len(jobs) != 1 {
			t.Fatal("no job to be polled")
		}
		ok(acknowledge(s, jobs[0]))
		return jobs[0]
	}
	start(s)
	first := take(s)
	// As if the process had been stopped for a while.
	_, err := alive.pool.Exec(t.Context(), `UPDATE node SET heartbeat = now() - interval '1 hour' WHERE lease = $1`, silent.node.lease.Load())
	ok(err)
	lost := silent.node.lease.Load()
	ok(alive.beatOnce())
	again := take(other)
	if again.ID != first.ID {
		t.Fatalf("job %s was handed out, want %s", again.ID, first.ID)
	}
	if err := acknowledge(s, first); err == nil {
		t.Error("the silent node could acknowledge again")
	}
	ok(silent.beatOnce())
	if now := silent.node.lease.Load(); now <= lost {
		t.Errorf("the lease of the node that came back is %d, was %d", now, lost)
	}
	nodes, err := other.Nodes(t.Context())
	ok(err)
	if len(nodes) != 2 || nodes[0].Jobs != 1 || nodes[1].Jobs != 0 || !nodes[0].Self || nodes[1].Self {
		t.Errorf("nodes: %+v", nodes)
	}
	ok(other.Close())
	if j := take(s); j.ID != first.ID {
		t.Errorf("a node that left has kept job %s", first.ID)
	}
}

// TestLockedJob has somebody hold the only job of a queue locked: who waits for
// it asks now and then, and gets it when it is free.
func TestLockedJob(t *testing.T) {
	t.Parallel()
	d := open(t, pgtest.URL(t))
	s, ids := storetest.BenchStore(t, d, 1)
	if err := s.Update(t.Context(), func(tx store.Tx) error {
		_, err := s.Step(tx, ids[0], engine.Start{})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	lock, err := d.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Rollback(context.Background())
	if _, err := lock.Exec(t.Context(), `SELECT 1 FROM job FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	queue := job.Queue(job.Custom, storetest.Account, storetest.Region, storetest.BenchStages()[0].Actions[0].Type, "")
	begun := time.Now()
	if jobs, err := s.Poll(t.Context(), queue, 1, 300*time.Millisecond); err != nil || len(jobs) != 0 {
		t.Fatalf("Poll of a locked job: %v, %v", jobs, err)
	}
	if n, took := d.claims.Load(), time.Since(begun); n > 2+int64(took/(10*time.Millisecond)) {
		t.Errorf("%d claims in %v", n, took)
	}
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if jobs, err := s.Poll(t.Context(), queue, 1, forever); err != nil || len(jobs) != 1 {
		t.Errorf("Poll: %v, %v", jobs, err)
	}
	for range 100 { // the queue is empty now
		if jobs, err := s.Poll(t.Context(), queue, 1, 0); err != nil || len(jobs) != 0 {
			t.Fatalf("Poll: %v, %v", jobs, err)
		}
	}
	if n := d.claims.Load(); n > 30 {
		t.Errorf("%d claims: idle polls ask the database", n)
	}
}

// TestOtherKey opens a database with a master key that is not its own.
func TestOtherKey(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	open(t, url)
	if _, err := Open(t.Context(), url, Options{Sealer: otherSealer{}}); !errors.Is(err, errKey) {
		t.Errorf("Open with another key: %v", err)
	}
}

type otherSealer struct{ testSealer }

func (otherSealer) Open(string, string) ([]byte, error) {
	return nil, errors.New("sealed with another key")
}

// TestManyStart has nodes start at once on an empty database: one migrates it.
func TestManyStart(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			d, err := Open(t.Context(), url, Options{Sealer: testSealer{}})
			if err != nil {
				t.Error(err)
				return
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	list, err := Migrations(t.Context(), url)
	if err != nil || len(list) == 0 {
		t.Fatalf("Migrations: %v, %v", list, err)
	}
	for _, m := range list {
		if m.Applied.IsZero() {
			t.Errorf("migration %s was not applied", m.Name)
		}
	}
}
