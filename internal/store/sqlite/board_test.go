package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/sqlite"
	"penstock/internal/store"
	"penstock/internal/store/storetest"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func testBoard() *board { return newBoard(1, func() time.Time { return noon }) }

func offer(b *board, id, queue string, at int64) {
	n := job.Nonces{}
	n.Base(b.boot)
	b.add(boardChange{id: id, queue: queue, queuedAt: at, nonces: n})
}

func ids(claims []claim) (list []string) {
	for _, c := range claims {
		list = append(list, c.id)
	}
	return list
}

// TestBoardForgets checks that queues which nothing is in leave no trace, so
// that polls for ever new names cost no memory.
func TestBoardForgets(t *testing.T) {
	t.Parallel()
	b := testBoard()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 20 {
		b.claim(fmt.Sprint("polled", i), 1, noon, time.Minute)
		wg.Go(func() {
			if err := b.await(ctx, fmt.Sprint("awaited", i)); !errors.Is(err, context.Canceled) {
				t.Errorf("await: %v", err)
			}
		})
		offer(b, fmt.Sprint("job", i), fmt.Sprint("queue", i), 1)
		b.claim(fmt.Sprint("queue", i), 1, noon, time.Minute)
		b.hold(fmt.Sprint("job", i))
		b.apply([]boardChange{{id: fmt.Sprint("job", i), gone: true}})
	}
	cancel()
	wg.Wait()
	if len(b.queues) != 0 || len(b.jobs) != 0 {
		t.Errorf("%d queues and %d jobs are left", len(b.queues), len(b.jobs))
	}
}

func TestBoardHold(t *testing.T) {
	t.Parallel()
	b := testBoard()
	offer(b, "a", "q", 1)
	offer(b, "b", "q", 2)
	if !b.hold("a") || b.hold("a") || b.hold("none") {
		t.Error("hold must succeed once, for a job that is there")
	}
	if got := ids(b.claim("q", 5, noon, time.Minute)); len(got) != 1 || got[0] != "b" {
		t.Errorf("claimed %v while a is held, want b", got)
	}
	b.hold("b")
	b.releaseAll()
	if _, dispatched, ok := b.look("b", noon); !ok || !dispatched {
		t.Error("b is not handed out any more")
	}
	if got := ids(b.claim("q", 5, noon, time.Minute)); len(got) != 1 || got[0] != "a" {
		t.Errorf("claimed %v after the release, want a", got)
	}
}

func TestBoardClose(t *testing.T) {
	t.Parallel()
	b := testBoard()
	got := await(t.Context(), b, "q")
	b.close()
	if err := <-got; !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("await: %v", err)
	}
	if err := b.await(t.Context(), "q"); !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("await after close: %v", err)
	}
}

// TestBoardWakesOne checks that a job wakes one waiter only, the first, and
// that one which leaves passes its wake-up on.
func TestBoardWakesOne(t *testing.T) {
	t.Parallel()
	b := testBoard()
	const n = 5
	woken := make(chan int, n)
	contexts := make([]context.CancelFunc, n)
	for i := range n {
		var ctx context.Context
		ctx, contexts[i] = context.WithCancel(t.Context())
		ended := await(ctx, b, "q")
		go func() {
			if <-ended == nil {
				woken <- i
			} else {
				woken <- -1 - i
			}
		}()
	}
	contexts[0]()
	if got := <-woken; got != -1 {
		t.Fatalf("waiter %d ended, want the cancelled one", got)
	}
	offer(b, "a", "q", 1)
	if got := <-woken; got != 1 {
		t.Errorf("waiter %d was woken, want 1", got)
	}
	b.mu.Lock()
	left := b.queues["q"].waiters.Len()
	b.mu.Unlock()
	if left != 3 {
		t.Errorf("%d waiters are left, want 3", left)
	}
	b.pass("q")
	if got := <-woken; got != 2 {
		t.Errorf("waiter %d was woken, want 2", got)
	}
	for _, cancel := range contexts {
		cancel()
	}
}

// await starts a waiter and returns when it stands in line.
func await(ctx context.Context, b *board, queue string) <-chan error {
	b.mu.Lock()
	n := 0
	if q := b.queues[queue]; q != nil {
		n = q.waiters.Len()
	}
	b.mu.Unlock()
	ended := make(chan error, 1)
	go func() { ended <- b.await(ctx, queue) }()
	for there := false; !there; {
		b.mu.Lock()
		q := b.queues[queue]
		there = q != nil && q.waiters.Len() == n+1
		b.mu.Unlock()
	}
	return ended
}

// TestBoardLosesNoWakeUp has a job wake a waiter at the moment its time is
// over: either it takes the job or the next one does.
func TestBoardLosesNoWakeUp(t *testing.T) {
	t.Parallel()
	passed := 0
	for range 200 {
		b := testBoard()
		ctx, cancel := context.WithCancel(t.Context())
		leaving, staying := await(ctx, b, "q"), await(t.Context(), b, "q")
		b.mu.Lock()
		cancel()
		n := job.Nonces{Last: 1, Floor: 2}
		b.insert(boardChange{id: "a", queue: "q", queuedAt: 1, nonces: n})
		b.mu.Unlock()
		if err := <-leaving; err != nil {
			passed++
			if err := <-staying; err != nil {
				t.Fatal(err)
			}
			continue
		}
		b.pass("q")
		<-staying
	}
	if passed == 0 {
		t.Error("no waiter left at the moment of its wake-up")
	}
}

// TestClaimAfterTheEnd gives up between the wake-up and the claim.
func TestClaimAfterTheEnd(t *testing.T) {
	t.Parallel()
	d := open(t, filepath.Join(t.TempDir(), "x.db"))
	first, second := await(t.Context(), d.board, "q"), await(t.Context(), d.board, "q")
	offer(d.board, "a", "q", 1)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if jobs, err := d.Claim(gone, "q", 1, noon, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("Claim: %v, %v", jobs, err)
	}
	if err := <-second; err != nil {
		t.Error(err)
	}
}

// TestBoardManyJobs claims 100,000 jobs in the order of their age.
func TestBoardManyJobs(t *testing.T) {
	t.Parallel()
	b := testBoard()
	const n = 100_000
	random := rand.New(rand.NewPCG(3, 4))
	for _, i := range random.Perm(n) {
		offer(b, fmt.Sprintf("%06d", i), "q", int64(i/10))
	}
	next := 0
	for next < n {
		claims := b.claim("q", 100, noon, time.Minute)
		if len(claims) == 0 {
			t.Fatalf("nothing to claim after %d jobs", next)
		}
		for _, c := range claims {
			if want := fmt.Sprintf("%06d", next); c.id != want {
				t.Fatalf("claimed %s, want %s", c.id, want)
			}
			next++
		}
	}
	if got := b.claim("q", 1, noon.Add(time.Minute), time.Minute); len(got) != 1 || got[0].id != "000000" {
		t.Errorf("claimed %v after the window, want the oldest", ids(got))
	}
}

// TestNonceOfJobThatEnds asks for a nonce while a call that ends the job is on
// its way: it is none that what the call saves does not know of.
func TestNonceOfJobThatEnds(t *testing.T) {
	t.Parallel()
	d := open(t, filepath.Join(t.TempDir(), "penstock.db"))
	s, ids := storetest.BenchStore(t, d, 1)
	var execution string
	err := s.Update(t.Context(), func(tx store.Tx) (err error) {
		execution, err = s.Step(tx, ids[0], engine.Start{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := d.Claim(t.Context(), storetest.BenchLines()[0], 1, s.Now(), time.Minute)
	if err != nil || len(jobs) != 1 {
		t.Fatalf("claimed %d jobs: %v", len(jobs), err)
	}
	type answer struct {
		nonce string
		err   error
	}
	for _, end := range []error{errors.New("undo"), nil} {
		asked := make(chan answer, 1)
		err := s.Update(t.Context(), func(tx store.Tx) error {
			if _, err := s.Step(tx, ids[0], engine.StopExecution{Execution: execution, Abandon: true}); err != nil {
				return err
			}
			if nonce, held := d.board.issue(jobs[0].ID); nonce != "" || !held {
				t.Errorf("nonce %q for a job that is about to end", nonce)
			}
			go func() {
				nonce, err := d.IssueNonce(context.Background(), jobs[0].ID)
				asked <- answer{nonce, err}
			}()
			return end
		})
		if !errors.Is(err, end) {
			t.Fatal(err)
		}
		got := <-asked
		if (end == nil) != errors.Is(got.err, store.ErrNotFound) || (end == nil) != (got.nonce == "") {
			t.Errorf("with %v: nonce %q, %v", end, got.nonce, got.err)
		}
	}
}
