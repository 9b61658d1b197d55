package event

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

var errAway = errors.New("away")

// TestOrder lets several pipelines run at the same time; of each, the sink gets
// the events in their order, all of them, once.
func TestOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const pipelines, runs = 6, 8
	var ps []int64
	for i := range pipelines {
		ps = append(ps, w.pipeline(declared(fmt.Sprint("p", i), 1, pipeline.Parallel, builds("Build", "Make"))))
	}
	sink := newMemory()
	feed := w.feed(sink)
	var all sync.WaitGroup
	for _, p := range ps {
		all.Go(func() {
			for range runs {
				err := w.s.Update(t.Context(), func(tx store.Tx) error {
					_, err := w.s.Step(tx, p, engine.Start{})
					return err
				})
				if err != nil {
					t.Error(err)
				}
				for _, ty := range []pipeline.ActionType{fetchType, makeType} {
					// Whosever job it is: as many are done as are opened.
					j, err := w.take(ty)
					if err == nil {
						err = w.report(j, "")
					}
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	total := len(w.events())
	got := w.until(sink, total)
	if !slices.Equal(ids(got), ids(w.events())) {
		t.Error("the sink got other events than there are, or in another order")
	}
	perPipeline := map[string]map[string]string{} // execution → what was told
	for _, e := range got {
		text := string(e.JSON)
		_, rest, _ := strings.Cut(text, `"execution-id":"`)
		execution, _, _ := strings.Cut(rest, `"`)
		_, rest, _ = strings.Cut(text, `"pipeline":"`)
		name, _, _ := strings.Cut(rest, `"`)
		if perPipeline[name] == nil {
			perPipeline[name] = map[string]string{}
		}
		perPipeline[name][execution] += told(t, e) + "\n"
	}
	const whole = "Pipeline STARTED\nSource STARTED\nFetch STARTED\nFetch SUCCEEDED\nSource SUCCEEDED\n" +
		"Build STARTED\nMake STARTED\nMake SUCCEEDED\nBuild SUCCEEDED\nPipeline SUCCEEDED\n"
	ended := 0
	for name, executions := range perPipeline {
		for id, lines := range executions {
			if ended++; lines != whole {
				t.Errorf("%s %s: %s", name, id, lines)
			}
		}
	}
	if len(perPipeline) != pipelines || ended != pipelines*runs {
		t.Errorf("%d pipelines, %d runs", len(perPipeline), ended)
	}
	feed.stop()
	if n := w.cursor(); n == 0 {
		t.Error("the cursor was not saved")
	}
}

// TestAtLeastOnce: what the sink took after the last save comes again after a
// crash, with the same ids; nothing is left out.
func TestAtLeastOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.pipeline(declared("web", 1, pipeline.Superseded, builds("Build", "Make")))
	sink := newMemory()
	feed := w.feed(sink)
	w.start(p)
	w.until(sink, 3)
	feed.stop()
	saved := w.cursor()
	w.work(fetchType, "")
	w.work(makeType, "")
	feed = w.feed(sink)
	w.until(sink, 10)
	feed.stop()
	w.reopen()
	w.update(func(tx store.Tx) error { return tx.SetSinkCursor("test", saved) }) // as if it had not come to the save
	again := newMemory()
	w.feed(again)
	w.until(again, 7)
	all := ids(w.events())
	if got := ids(sink.taken()); !slices.Equal(got, all) {
		t.Errorf("first got %v, want %v", got, all)
	}
	if got := ids(again.taken()); !slices.Equal(got, all[3:]) {
		t.Errorf("then got %v, want %v", got, all[3:])
	}
}

// TestNewSinkStartsNow: a sink that is configured later is not told the past,
// and from then on misses nothing, running or not.
func TestNewSinkStartsNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.pipeline(declared("web", 1, pipeline.Superseded, builds("Build", "Make")))
	w.start(p)
	sink := newMemory()
	feed := w.feed(sink)
	feed.stop()
	w.work(fetchType, "")
	w.reopen()
	w.feed(sink)
	w.work(makeType, "")
	if got := ids(w.until(sink, 7)); !slices.Equal(got, ids(w.events())[3:]) {
		t.Errorf("got %v", got)
	}
}

// TestFailingSink is tried again, ever later, from the event it did not take;
// its cursor is where it is, and others do not wait.
func TestFailingSink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.pipeline(declared("web", 1, pipeline.Superseded, builds("Build", "Make")))
	bad := newMemory()
	bad.max = 1
	bad.fail = func(call int) error {
		if call%6 == 0 {
			bad.max = 1 - bad.max // sometimes it takes one of them, sometimes none
		}
		if call <= 12 {
			return errAway
		}
		return nil
	}
	good := newMemory()
	other := &Feed{Name: "other", Sink: good, Store: w.s, Log: discard, Meter: new(counts)}
	if err := other.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	feed := w.feed(bad)
	w.start(p)
	w.work(fetchType, "")
	w.work(makeType, "")
	var done sync.WaitGroup
	done.Go(func() { other.Run(t.Context()) })
	t.Cleanup(done.Wait)
	all := ids(w.events())
	if got := ids(w.until(good, len(all))); !slices.Equal(got, all) {
		t.Errorf("the other sink got %v", got)
	}
	if got := ids(w.until(bad, len(all))); !slices.Equal(got, all) {
		t.Errorf("the failing sink got %v, want %v", got, all)
	}
	w.start(p) // when that is there, the feed has noticed that the sink works
	w.until(bad, len(all)+3)
	feed.stop()
	if f, d := feed.failed.Load(), feed.delivered.Load(); f != 12 || d != int64(len(all)+3) {
		t.Errorf("%d failures, %d delivered", f, d)
	}
	var pauses []time.Duration
	for len(feed.pauses) > 0 {
		pauses = append(pauses, <-feed.pauses)
	}
	if int64(len(pauses)) != feed.failed.Load() {
		t.Errorf("%d pauses after %d failures", len(pauses), feed.failed.Load())
	}
	if !strings.Contains(feed.log.String(), "away") || !strings.Contains(feed.log.String(), "works again") {
		t.Errorf("log: %s", feed.log)
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		failures  int
		low, high time.Duration
	}{
		{0, 250 * time.Millisecond, 500 * time.Millisecond},
		{1, 500 * time.Millisecond, time.Second},
		{6, 16 * time.Second, 32 * time.Second},
		{7, 30 * time.Second, time.Minute},
		{1 << 40, 30 * time.Second, time.Minute},
	} {
		different := map[time.Duration]bool{}
		for range 50 {
			d := backoff(tc.failures)
			if d < tc.low || d >= tc.high {
				t.Errorf("after %d failures: %v", tc.failures, d)
			}
			different[d] = true
		}
		if len(different) < 2 {
			t.Errorf("after %d failures: no chance in it", tc.failures)
		}
	}
}

// TestPartOfADecision: a sink that stops amid the events of one decision gets
// the rest in the same process, and the whole decision after a crash.
func TestPartOfADecision(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.pipeline(declared("web", 1, pipeline.Superseded, builds("Build", "Make")))
	sink := newMemory()
	sink.max = 2
	block := make(chan struct{})
	sink.fail = func(call int) error {
		if call == 2 {
			<-block
		}
		return errAway
	}
	feed := w.feed(sink)
	w.start(p) // three events
	w.until(sink, 2)
	if n := w.cursor(); n != 0 {
		t.Errorf("the cursor is at %d, and one event was not taken", n)
	}
	close(block)
	w.until(sink, 3)
	feed.stop()
	if n := w.cursor(); n != 1 {
		t.Errorf("the cursor is at %d after all was taken", n)
	}
	if got := ids(sink.taken()); !slices.Equal(got, ids(w.events())) {
		t.Errorf("got %v", got)
	}
}

// TestLost: what was purged before the sink took it is told and counted, while
// the sink is away and after it was off.
func TestLost(t *testing.T) {
	t.Parallel()
	purge := func(w *world) {
		w.pass(25 * time.Hour)
		w.update(func(tx store.Tx) error {
			_, err := tx.Purge(w.now(), 1000)
			return err
		})
	}
	t.Run("off", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		p := w.pipeline(declared("web", 1, pipeline.Superseded, builds("Build", "Make")))
		sink := newMemory()
		w.feed(sink).stop()
		w.start(p)
		w.start(p)
		w.start(p)
		purge(w) // leaves the newest
		feed := w.feed(sink)
		w.until(sink, 2)
		feed.stop()
		if n := feed.lost.Load(); n != 2 {
			t.Errorf("%d decisions are lost, want 2", n)
		}
		if !strings.Contains(feed.log.String(), "decisions=2") {
			t.Errorf("log: %s", feed.log)
		}
		if got := ids(sink.taken()); !slices.Equal(got, ids(w.events())) {
			t.Errorf("got %v", got)
		}
	})
	t.Run("away", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		p := w.pipeline(declared("web", 1, pipeline.Superseded, builds("Build", "Make")))
		sink := newMemory()
		entered, purged := make(chan struct{}), make(chan struct{})
		var back atomic.Bool
		sink.fail = func(call int) error {
			if call == 1 {
				close(entered)
				<-purged
			}
			if back.Load() {
				return nil
			}
			return errAway
		}
		feed := w.feed(sink)
		w.start(p)
		<-entered // the first is in the hands of the sink
		w.start(p)
		w.start(p)
		w.start(p)
		all := ids(w.events())
		purge(w)
		close(purged)
		limit := time.After(20 * time.Second)
		for feed.lost.Load() == 0 {
			select {
			case <-feed.pauses:
			case <-limit:
				t.Fatalf("nothing is lost; log: %s", feed.log)
			}
		}
		back.Store(true)
		got := ids(w.until(sink, 5))
		feed.stop()
		if n := feed.lost.Load(); n != 2 {
			t.Errorf("%d decisions are lost, want 2", n)
		}
		if want := append(all[:3:3], all[len(all)-2:]...); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
