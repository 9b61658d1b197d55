package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/store"
	"penstock/internal/store/postgres/pgtest"
	"penstock/internal/store/storetest"
)

// patience of a test, for what must come.
const forever = 2 * time.Minute

// TestServerIsKilled kills all of the server's processes under a load of
// starts, again and again. What was acknowledged is there, nothing is there
// twice, and the driver goes on by itself.
func TestServerIsKilled(t *testing.T) {
	t.Parallel()
	server, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	d := open(t, server.URL())
	s, ids := storetest.BenchStore(t, d, 4)
	ctx, stop := context.WithTimeout(t.Context(), forever)
	defer stop()
	const kills = 2
	var mu sync.Mutex
	done, unknown := map[string]bool{}, map[string]bool{}
	var over atomic.Bool
	var worked atomic.Int64
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := 0; !over.Load() && ctx.Err() == nil; i++ {
				token := fmt.Sprintf("%d-%d", w, i)
				err := s.Update(ctx, func(tx store.Tx) error {
					if _, err := tx.StartedBy(ids[w%4], token); err == nil {
						return errors.New("the update was applied twice")
					}
					e, err := s.Step(tx, ids[w%4], engine.Start{})
					if err != nil {
						return err
					}
					return tx.PutStartToken(ids[w%4], token, e)
				})
				mu.Lock()
				switch {
				case err == nil:
					done[token] = true
					worked.Add(1)
				case errors.Is(err, ErrOutcome):
					unknown[token] = true
				case !unreachable(err) && ctx.Err() == nil:
					t.Errorf("start %s: %v", token, err)
				}
				mu.Unlock()
			}
		})
	}
	for range kills {
		for before := worked.Load(); worked.Load() < before+20+rand.Int64N(40) && ctx.Err() == nil; {
			time.Sleep(time.Millisecond)
		}
		server.Kill()
		if err := server.Run(); err != nil {
			t.Fatal(err)
		}
	}
	over.Store(true)
	wg.Wait()
	if ctx.Err() != nil {
		t.Fatal("the driver did not go on")
	}
	found := 0
	err = s.View(ctx, func(r store.Reader) error {
		for token := range done {
			if _, err := r.StartedBy(ids[int(token[0]-'0')%4], token); err != nil {
				t.Errorf("%s was acknowledged: %v", token, err)
			}
		}
		for token := range unknown {
			if _, err := r.StartedBy(ids[int(token[0]-'0')%4], token); err == nil {
				found++
			}
		}
		total := int64(0)
		for _, id := range ids {
			state, err := r.State(id)
			if err != nil {
				return err
			}
			total += state.Sequence
		}
		if total != int64(len(done)+found) {
			t.Errorf("%d executions; %d were acknowledged and %d of the uncertain ones are there", total, len(done), found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d acknowledged, %d uncertain of which %d were done", len(done), len(unknown), found)
}

// TestGroupOfOnePipeline has many updates of one pipeline wait at the same
// moment: they share transactions and see each other.
func TestGroupOfOnePipeline(t *testing.T) {
	t.Parallel()
	d := open(t, pgtest.URL(t))
	s, ids := storetest.BenchStore(t, d, 1)
	const callers, each = 16, 10
	groups := d.groups.Load()
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range each {
				if err := s.Update(t.Context(), func(tx store.Tx) error {
					_, err := s.Step(tx, ids[0], engine.Start{})
					return err
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	err := s.View(t.Context(), func(r store.Reader) error {
		state, err := r.State(ids[0])
		if err == nil && state.Sequence != callers*each {
			t.Errorf("%d executions were started, want %d", state.Sequence, callers*each)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := d.groups.Load() - groups; n > callers*each/2 {
		t.Errorf("%d updates took %d transactions", callers*each, n)
	}
	if n := d.alone.Load(); n > 5 { // those of BenchStore
		t.Errorf("%d updates ran alone", n)
	}
}

// TestFailsAlone has calls of a group fail, by themselves and in the database.
func TestFailsAlone(t *testing.T) {
	t.Parallel()
	d := open(t, pgtest.URL(t))
	s, ids := storetest.BenchStore(t, d, 8)
	refused := errors.New("refused")
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			err := s.Update(t.Context(), func(tx store.Tx) error {
				if _, err := s.Step(tx, ids[i%8], engine.Start{}); err != nil {
					return err
				}
				switch i % 5 {
				case 0:
					return refused
				case 1: // fails in the database, when it is flushed
					return tx.PutStartToken(ids[i%8], "a\x00b", "e")
				case 2: // is flushed, then refused
					if _, err := tx.Tags("arn"); err != nil {
						return err
					}
					if i%20 == 2 {
						return refused
					}
				}
				return nil
			})
			wanted := i%5 == 0 || i%20 == 2
			if (i%5 == 1) != (code(err) == "22021") || wanted != errors.Is(err, refused) || !wanted && i%5 != 1 && err != nil {
				t.Errorf("update %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	err := s.View(t.Context(), func(r store.Reader) error {
		total := int64(0)
		for _, id := range ids {
			state, err := r.State(id)
			if err != nil {
				return err
			}
			total += state.Sequence
		}
		if total != 200-80-10 {
			t.Errorf("%d executions were started, want %d", total, 200-80-10)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
