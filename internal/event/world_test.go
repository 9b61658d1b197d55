package event

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
	"penstock/internal/store/sqlite"
)

const (
	account = "111111111111"
	region  = "eu-central-1"
	secret  = "hunter2-s3cr3t"
)

var (
	fetchType   = pipeline.ActionType{Category: "Source", Owner: "Custom", Provider: "Git", Version: "1"}
	makeType    = pipeline.ActionType{Category: "Build", Owner: "Custom", Provider: "Make", Version: "2"}
	approveType = pipeline.ActionType{Category: "Approval", Owner: "AWS", Provider: "Manual", Version: "1"}
)

// world is a store on SQLite whose clock and ids the test can tell.
type world struct {
	*testing.T
	s      *store.Store
	path   string
	millis atomic.Int64 // since the start of time
	ids    atomic.Int64
	keys   atomic.Int64
}

var dawn = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// plain is no encryption: nothing here may depend on it.
type plain struct{}

func (plain) Seal(text []byte, _ string) string { return base64.StdEncoding.EncodeToString(text) }
func (plain) Open(sealed, _ string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(sealed)
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, path: filepath.Join(t.TempDir(), "w.db")}
	w.open()
	w.update(func(tx store.Tx) error {
		make := actiontype.Type{ID: makeType, Timeout: time.Hour, MaxInputs: 1, MaxOutputs: 1,
			Properties: []actiontype.Property{{Name: "Target", Required: true}, {Name: "Token", Secret: true}}}
		make.Settings.ExecutionURLTemplate = "https://ci.example/{Config:Target}/{ExternalExecutionId}?a=1&b=2"
		err := tx.PutActionType(store.ActionType{Account: account, Region: region, Type: make})
		if err != nil {
			return err
		}
		return tx.PutActionType(store.ActionType{Account: account, Region: region,
			Type: actiontype.Type{ID: fetchType, Timeout: time.Hour, MaxOutputs: 1}})
	})
	return w
}

func (w *world) open() {
	d, err := sqlite.Open(w.path, sqlite.Options{Sealer: plain{}, Now: w.now})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = d.Close() })
	w.s = store.New(d, store.Options{
		Now:    w.now,
		NewID:  func() string { return fmt.Sprintf("00000000-0000-7000-8000-%012d", w.ids.Add(1)) },
		NewKey: func() string { return fmt.Sprintf("key%04d", w.keys.Add(1)) },
		Native: func(pipeline.ActionType) bool { return false }, AckWindow: time.Minute,
	})
}

// reopen is what a crash leaves: only what was committed.
func (w *world) reopen() {
	if err := w.s.Close(); err != nil {
		w.Fatal(err)
	}
	w.open()
}

func (w *world) now() time.Time { return dawn.Add(time.Duration(w.millis.Load()) * time.Millisecond) }

func (w *world) pass(d time.Duration) { w.millis.Add(d.Milliseconds()) }

func (w *world) update(fn func(tx store.Tx) error) {
	w.Helper()
	if err := w.s.Update(w.Context(), fn); err != nil {
		w.Fatal(err)
	}
}

func (w *world) view(fn func(r store.Reader) error) {
	w.Helper()
	if err := w.s.View(w.Context(), fn); err != nil {
		w.Fatal(err)
	}
}

func declared(name string, version int, mode string, stages ...pipeline.Stage) *pipeline.Declaration {
	fetch := pipeline.Action{Name: "Fetch", Type: fetchType, RunOrder: 1, Outputs: []pipeline.OutputArtifact{{Name: "Src"}}}
	return &pipeline.Declaration{
		Name: name, Version: version, Mode: mode, Type: pipeline.V2,
		ArtifactStores: map[string]pipeline.ArtifactStore{region: {Bucket: "artifacts"}, "us-west-2": {Bucket: "artifacts-west"}},
		Stages:         append([]pipeline.Stage{{Name: "Source", Actions: []pipeline.Action{fetch}}}, stages...),
	}
}

// builds is a stage with actions side by side.
func builds(name string, actions ...string) pipeline.Stage {
	st := pipeline.Stage{Name: name}
	for _, a := range actions {
		st.Actions = append(st.Actions, pipeline.Action{
			Name: a, Type: makeType, RunOrder: 1, Inputs: []string{"Src"}, Region: "us-west-2",
			Outputs:       []pipeline.OutputArtifact{{Name: "Of" + a}},
			Configuration: map[string]string{"Target": "all", "Token": secret}, Secrets: []string{"Token"},
		})
	}
	return st
}

func approval(name string) pipeline.Stage {
	return pipeline.Stage{Name: name, Actions: []pipeline.Action{{Name: "Approve", Type: approveType, RunOrder: 1}}}
}

func (w *world) pipeline(d *pipeline.Declaration) (id int64) {
	w.Helper()
	w.update(func(tx store.Tx) (err error) {
		id, err = tx.InsertPipeline(store.Pipeline{
			Pipeline: engine.Pipeline{Account: account, Region: region, Name: d.Name},
			Version:  1, Mode: d.Mode, Type: d.Type, Created: w.now(), Updated: w.now(),
		}, d)
		return err
	})
	return id
}

// step decides about an event, a second and a half after what was before.
func (w *world) step(p int64, ev engine.Event) (execution string) {
	w.Helper()
	w.pass(1500 * time.Millisecond)
	w.update(func(tx store.Tx) (err error) {
		execution, err = w.s.Step(tx, p, ev)
		return err
	})
	return execution
}

func (w *world) start(p int64) string {
	w.Helper()
	return w.step(p, engine.Start{Trigger: engine.Trigger{Type: "StartPipelineExecution", Detail: "arn:aws:iam::111111111111:user/ana"}})
}

// take claims and acknowledges the oldest job of the type.
func (w *world) take(t pipeline.ActionType) (*job.Job, error) {
	jobs, err := w.s.Claim(w.Context(), job.Queue(job.Custom, account, region, t, ""), 1, w.now(), time.Minute)
	if err != nil || len(jobs) != 1 {
		return nil, errors.Join(fmt.Errorf("%d jobs of %s", len(jobs), t.Provider), err)
	}
	j := jobs[0]
	return j, w.s.Update(w.Context(), func(tx store.Tx) error {
		got, err := tx.Job(j.ID)
		if err != nil {
			return err
		}
		if _, err := got.Acknowledge(j.Nonces.String(), w.now()); err != nil {
			return err
		}
		return tx.SaveJob(got)
	})
}

// work ends the oldest job of the type: well, or with a failure if there is a
// message.
func (w *world) work(t pipeline.ActionType, failure string) {
	w.Helper()
	j, err := w.take(t)
	if err != nil {
		w.Fatal(err)
	}
	w.pass(1500 * time.Millisecond)
	if err := w.report(j, failure); err != nil {
		w.Fatal(err)
	}
}

func (w *world) report(j *job.Job, failure string) error {
	return w.s.Update(w.Context(), func(tx store.Tx) error {
		j, err := tx.Job(j.ID)
		if err != nil {
			return err
		}
		var ev engine.Event = engine.JobSucceeded{Job: j, Digest: "d", Details: engine.Details{Summary: "did <it>", ExternalID: "42"}}
		if failure != "" {
			ev = engine.JobFailed{Job: j, Digest: "d", Type: "JobFailed", Message: failure, ExternalID: "43"}
		}
		_, err = w.s.Step(tx, j.PipelineID, ev)
		return err
	})
}

// events renders all that is in the outbox.
func (w *world) events() (all []Event) {
	w.Helper()
	w.view(func(r store.Reader) error {
		entries, err := r.Outbox(0, 100000)
		if err != nil {
			return err
		}
		all = nil
		for i := range entries {
			more, err := Render(r, &entries[i])
			if err != nil {
				return err
			}
			all = append(all, more...)
		}
		return nil
	})
	return all
}

// memory is a sink that keeps what it gets, and fails when it is told to.
type memory struct {
	mu   sync.Mutex
	got  []Event
	max  int // events taken of a delivery; 0 = all
	fail func(call int) error
	call int
	then chan struct{} // gets a value after each delivery
}

func newMemory() *memory { return &memory{then: make(chan struct{}, 10000)} }

func (m *memory) Deliver(_ context.Context, events []Event) (int, error) {
	m.call++ // by the feed alone
	n := len(events)
	var err error
	if m.fail != nil {
		if err = m.fail(m.call); err != nil {
			n = min(n, m.max)
		}
	}
	m.mu.Lock()
	m.got = append(m.got, events[:n]...)
	m.mu.Unlock()
	m.then <- struct{}{}
	return n, err
}

func (m *memory) Close() error { return nil }

func (m *memory) taken() []Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Event(nil), m.got...)
}

var discard = slog.New(slog.DiscardHandler)

// counts is a Meter.
type counts struct {
	delivered, failed, lost, waiting atomic.Int64

	more chan struct{} // gets a value with each delivery; may be nil
}

func (c *counts) Delivered(n int) {
	c.delivered.Add(int64(n))
	select {
	case c.more <- struct{}{}:
	default:
	}
}

func (c *counts) Failed()         { c.failed.Add(1) }
func (c *counts) Lost(n int64)    { c.lost.Add(n) }
func (c *counts) Waiting(n int64) { c.waiting.Store(n) }

func (w *world) cursor() (n int64) {
	w.Helper()
	w.view(func(r store.Reader) (err error) {
		n, err = r.SinkCursor("test")
		return err
	})
	return n
}

// running is a feed at work.
type running struct {
	*counts
	log    *buffer
	pauses chan time.Duration
	stop   func()
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// feed runs a feed until stop is called, or the test ends. Its pauses take no
// time.
func (w *world) feed(s Sink) *running {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	r := &running{counts: &counts{more: make(chan struct{}, 10000)}, log: new(buffer), pauses: make(chan time.Duration, 10000)}
	f := &Feed{Name: "test", Sink: s, Store: w.s, Log: slog.New(slog.NewTextHandler(r.log, nil)), Meter: r.counts,
		Pause: func(_ context.Context, d time.Duration) { r.pauses <- d }}
	if err := f.Load(ctx); err != nil { // so that what comes next is not missed
		w.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.Run(ctx)
	}()
	r.stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	w.Cleanup(r.stop)
	return r
}

// until waits until the sink has n events.
func (w *world) until(m *memory, n int) []Event {
	w.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for {
		if got := m.taken(); len(got) >= n {
			return got
		}
		select {
		case <-m.then:
		case <-limit.C:
			w.Fatalf("%d events came, not %d", len(m.taken()), n)
		}
	}
}

func ids(events []Event) []string {
	var out []string
	for _, e := range events {
		out = append(out, e.ID)
	}
	return out
}
