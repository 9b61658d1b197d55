package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// sources is a Sources over three watched objects whose revisions the test
// sets, and what it started.
type sources struct {
	*Sources
	mu       sync.Mutex
	revision map[string]string // by key; "" is one that is not there, "!" an error
	started  []string
	broken   bool          // starts fail
	hang     chan struct{} // holds up the looks at "~"
}

func newSources(f *fixture) *sources {
	x := &sources{revision: map[string]string{}, hang: make(chan struct{})}
	x.Sources = NewSources(Sources{
		Store: f.Store, Log: quiet(), Interval: time.Minute,
		Revision: func(ctx context.Context, w store.Watch) (string, error) {
			x.mu.Lock()
			revision := x.revision[w.Key]
			x.mu.Unlock()
			switch revision {
			case "~":
				select {
				case <-x.hang:
					return "late", nil
				case <-ctx.Done():
					return "", ctx.Err()
				}
			case "":
				return "", &Unreadable{"ConfigurationError", "It is not there."}
			case "!":
				return "", errors.New("cannot be read")
			}
			return revision, nil
		},
		Changed: func(ctx context.Context, w store.Watch, revision string) (bool, error) {
			x.mu.Lock()
			defer x.mu.Unlock()
			if x.broken {
				return false, errors.New("cannot be started")
			}
			x.started = append(x.started, w.Action+revision)
			return true, f.Update(ctx, func(tx store.Tx) error { return tx.Saw(w.PipelineID, w.Action, revision) })
		},
	})
	f.run(x.Sources.Run)
	return x
}

func (x *sources) set(key, revision string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.revision[key] = revision
}

// took returns and forgets what was started since.
func (x *sources) took() string {
	synctest.Wait()
	x.mu.Lock()
	defer x.mu.Unlock()
	slices.Sort(x.started)
	s := strings.Join(x.started, " ")
	x.started = nil
	return s
}

func (x *sources) watch(f *fixture, pipelineID int64, actions ...string) {
	f.Helper()
	var all []store.Watch
	for _, a := range actions {
		all = append(all, store.Watch{PipelineID: pipelineID, Account: account, Region: region, Name: "P", Action: a, Bucket: "b", Key: strings.ToLower(a)})
	}
	f.update(func(tx store.Tx) error { return tx.SetWatches(pipelineID, all) })
}

// Sources are looked at when the server starts, each interval, and when
// something is announced; each revision counts once.
func sourcesAreLookedAt() scenario {
	var x *sources
	var p, q int64
	return scenario{"sources are looked at", func(f *fixture) {
		x = newSources(f)
		p, _ = f.start("P")
		q, _ = f.start("Q")
		x.watch(f, p, "A", "B")
		x.watch(f, q, "C")
		x.set("a", "1")
	}, func(f *fixture) {
		expect := func(when, want string) {
			f.Helper()
			if got := x.took(); got != want {
				f.Errorf("%s: started %q, want %q", when, got, want)
			}
		}
		expect("at the start", "A1")
		if got := f.problem("b", "b") + f.problem("b", "a"); got != "ConfigurationError" {
			f.Errorf("problems %q", got)
		}
		x.set("a", "2")
		x.set("c", "1")
		expect("without a hint", "")
		x.ObjectChanged("b", "nobody's")
		expect("a hint about another object", "")
		x.ObjectChanged("b", "a")
		expect("a hint about the object", "A2")
		x.ObjectChanged("b", "a")
		expect("the same again", "")
		x.PipelineChanged(p)
		expect("a hint about another pipeline", "")
		x.PipelineChanged(q)
		expect("a hint about the pipeline", "C1")
		x.set("a", "!")
		x.set("b", "1")
		x.set("c", "2")
		sleep(time.Minute)
		expect("one that cannot be read holds up no other", "B1 C2")
		x.set("a", "3")
		x.set("b", "")
		sleep(time.Minute)
		expect("it can be read again, another is gone", "A3")
		if a, b := f.problem("b", "a"), f.problem("b", "b"); a != "" || b != "ConfigurationError" {
			f.Errorf("problems %q, %q", a, b)
		}
		x.set("b", "1")
		sleep(time.Minute)
		expect("what was gone came back as it was", "")
		if b := f.problem("b", "b"); b != "" {
			f.Errorf("it came back, and has the problem %q", b)
		}
		x.mu.Lock()
		x.broken = true
		x.mu.Unlock()
		x.set("c", "3")
		x.ObjectChanged("b", "c")
		expect("a start that fails", "")
		x.mu.Lock()
		x.broken = false
		x.mu.Unlock()
		sleep(time.Minute)
		expect("it is tried again", "C3")
	}}
}

// problem is what the store knows to be wrong with the source of a key.
func (f *fixture) problem(bucket, key string) (code string) {
	f.Helper()
	f.ok(f.View(f.Context(), func(r store.Reader) error {
		list, err := r.WatchesOf(bucket, key)
		for _, w := range list {
			code += w.Problem.Code
			if (w.Problem.Code == "") != w.Problem.Since.IsZero() {
				f.Errorf("problem %+v", w.Problem)
			}
		}
		return err
	}))
	return code
}

// A source that does not answer holds up a round once, for some seconds, and
// then no round and no hint any more; when it answers it counts like any other.
func slowSources() scenario {
	var x *sources
	var p, q int64
	const many = lookAtOnce + slowAtOnce + 10
	return scenario{"slow sources", func(f *fixture) {
		x = newSources(f)
		p, _ = f.start("P")
		q, _ = f.start("Q")
		var names []string
		for i := range many {
			names = append(names, fmt.Sprintf("S%02d", i))
			x.set(strings.ToLower(names[i]), "~")
		}
		x.watch(f, p, names...)
		x.watch(f, q, "Z")
		x.set("z", "1")
	}, func(f *fixture) {
		begin := time.Now()
		for x.took() != "Z1" {
			sleep(100 * time.Millisecond)
		}
		if d := time.Since(begin); d > (many/lookAtOnce+1)*patience+time.Second {
			f.Errorf("the first round took %s", d)
		}
		sleep(patience)
		for i := 2; i < 5; i++ {
			x.set("z", fmt.Sprint(i))
			x.ObjectChanged("b", "z")
			if got, want := x.took(), fmt.Sprint("Z", i); got != want {
				f.Errorf("a hint beside slow sources: started %q, want %q", got, want)
			}
			sleep(time.Minute)
		}
		close(x.hang)
		for range 10 {
			sleep(time.Minute)
		}
		if got := strings.Fields(x.took()); len(got) != many {
			f.Errorf("%d sources answered in the end: %q", len(got), got)
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		if len(x.slow)+len(x.busy) != 0 {
			f.Errorf("slow %v, busy %v", x.slow, x.busy)
		}
	}}
}

// Polling ends after 30 days without an execution, and not before.
func pollingEnds() scenario {
	var x *sources
	var p, q int64
	return scenario{"polling ends", func(f *fixture) {
		x = newSources(f)
		x.Interval = 6 * time.Hour
		p, _ = f.start("P")
		q, _ = f.start("Q")
		x.watch(f, p, "A")
		x.watch(f, q, "B")
		x.set("a", "1")
		x.set("b", "1")
	}, func(f *fixture) {
		if got := x.took(); got != "A1 B1" {
			f.Fatalf("at the start: %q", got)
		}
		stopped := func(id int64) (at time.Time) {
			f.Helper()
			f.ok(f.View(f.Context(), func(r store.Reader) (err error) { at, err = r.PollingStopped(id); return err }))
			return at
		}
		sleep(20 * 24 * time.Hour)
		f.update(func(tx store.Tx) error {
			_, err := f.Step(tx, q, engine.Start{Trigger: engine.Trigger{Type: "StartPipelineExecution"}})
			return err
		})
		sleep(10*24*time.Hour - 7*time.Hour)
		if at := stopped(p); !at.IsZero() {
			f.Errorf("P is not polled since %s", at)
		}
		sleep(14 * time.Hour)
		if at := stopped(p); at.IsZero() || f.Now().Sub(at) > 14*time.Hour {
			f.Errorf("P is not polled since %s", at)
		}
		if at := stopped(q); !at.IsZero() {
			f.Errorf("Q had an execution, and is not polled since %s", at)
		}
		x.set("a", "2")
		x.set("b", "2")
		sleep(6 * time.Hour)
		if got := x.took(); got != "B2" {
			f.Errorf("after the end: %q", got)
		}
	}}
}

// Hints that find no room are dropped, never waited for.
func TestHintsNeverBlock(t *testing.T) {
	t.Parallel()
	s := NewSources(Sources{})
	for i := range 5000 {
		s.ObjectChanged("b", "k")
		s.PipelineChanged(int64(i))
	}
	if len(s.hints) != cap(s.hints) {
		t.Errorf("%d hints wait", len(s.hints))
	}
}
