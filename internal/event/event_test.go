package event

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"penstock/internal/core/engine"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

var updateGolden = flag.Bool("update", false, "write the golden files")

// told names an event as "Pipeline STARTED", "Build STARTED", "Make STARTED".
func told(t *testing.T, e Event) string {
	t.Helper()
	var v envelope
	if err := json.Unmarshal(e.JSON, &v); err != nil {
		t.Fatalf("%v in %s", err, e.JSON)
	}
	who := "Pipeline"
	if v.Detail.Stage != "" {
		who = v.Detail.Stage
	}
	if v.Detail.Action != "" {
		who = v.Detail.Action
	}
	return who + " " + v.Detail.State
}

// UnmarshalJSON reads what MarshalJSON writes.
func (n *number) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(bytes.TrimSuffix(b, []byte(".0")), (*int)(n))
}

// TestSituations drives the engine through the situations of engine.md section
// 8.4 and looks at the events that come of it: which, in which order, and byte
// by byte in testdata.
func TestSituations(t *testing.T) {
	t.Parallel()
	source := []string{"Pipeline STARTED", "Source STARTED", "Fetch STARTED", "Fetch SUCCEEDED", "Source SUCCEEDED"}
	for _, tc := range []struct {
		name   string
		stages []pipeline.Stage
		run    func(w *world, p int64)
		want   []string // after source
	}{
		{
			"normal", []pipeline.Stage{builds("Build", "Make", "Lint")},
			func(w *world, p int64) {
				w.start(p)
				w.work(fetchType, "")
				w.work(makeType, "")
				w.work(makeType, "")
			},
			[]string{"Build STARTED", "Make STARTED", "Lint STARTED", "Make SUCCEEDED", "Lint SUCCEEDED", "Build SUCCEEDED", "Pipeline SUCCEEDED"},
		},
		{
			"action fails", []pipeline.Stage{builds("Build", "Make", "Lint")},
			func(w *world, p int64) {
				w.start(p)
				w.work(fetchType, "")
				w.work(makeType, "Build failed")
				w.work(makeType, "")
			},
			[]string{"Build STARTED", "Make STARTED", "Lint STARTED", "Make FAILED", "Lint SUCCEEDED", "Build FAILED", "Pipeline FAILED"},
		},
		{
			"stop and wait", []pipeline.Stage{builds("Build", "Make")},
			func(w *world, p int64) {
				e := w.start(p)
				w.work(fetchType, "")
				w.step(p, engine.StopExecution{Execution: e, Reason: "lunch & tea"})
				w.work(makeType, "")
			},
			[]string{"Build STARTED", "Make STARTED", "Pipeline STOPPING", "Build STOPPING", "Make SUCCEEDED", "Build STOPPED", "Pipeline STOPPED"},
		},
		{
			"stop and abandon", []pipeline.Stage{builds("Build", "Make")},
			func(w *world, p int64) {
				e := w.start(p)
				w.work(fetchType, "")
				w.step(p, engine.StopExecution{Execution: e, Abandon: true})
			},
			[]string{"Build STARTED", "Make STARTED", "Pipeline STOPPING", "Build STOPPING", "Make ABANDONED", "Build STOPPED", "Pipeline STOPPED"},
		},
		{
			"retry", []pipeline.Stage{builds("Build", "Make"), approval("Sign")},
			func(w *world, p int64) {
				e := w.start(p)
				w.work(fetchType, "")
				w.work(makeType, "no")
				w.step(p, engine.RetryStage{Stage: "Build", Execution: e})
				w.work(makeType, "")
			},
			[]string{
				"Build STARTED", "Make STARTED", "Make FAILED", "Build FAILED", "Pipeline FAILED",
				"Pipeline RESUMED", "Build RESUMED", "Make STARTED", "Make SUCCEEDED", "Build SUCCEEDED",
				"Sign STARTED", "Approve STARTED",
			},
		},
		{
			"superseded", []pipeline.Stage{builds("Build", "Make")},
			func(w *world, p int64) {
				w.start(p)
				w.work(fetchType, "") // the first takes Build
				w.start(p)
				w.work(fetchType, "") // the second waits in front of it
				w.start(p)
				w.work(fetchType, "") // and is overtaken by the third
			},
			slices.Concat([]string{"Build STARTED", "Make STARTED"}, source, source, []string{"Pipeline SUPERSEDED"}),
		},
		{
			"rollback", []pipeline.Stage{builds("Build", "Make")},
			func(w *world, p int64) {
				e := w.start(p)
				w.work(fetchType, "")
				w.work(makeType, "")
				w.step(p, engine.RollbackStage{Stage: "Build", Target: e, Trigger: engine.Trigger{Type: "ManualRollback", Detail: "arn:aws:iam::111111111111:user/ana"}})
				w.work(makeType, "")
			},
			[]string{
				"Build STARTED", "Make STARTED", "Make SUCCEEDED", "Build SUCCEEDED", "Pipeline SUCCEEDED",
				"Pipeline STARTED", "Build STARTED", "Make STARTED", "Make SUCCEEDED", "Build SUCCEEDED", "Pipeline SUCCEEDED",
			},
		},
		{
			"definition updated", []pipeline.Stage{approval("Sign")},
			func(w *world, p int64) {
				w.start(p)
				w.work(fetchType, "")
				w.update(func(tx store.Tx) error {
					return tx.PutVersion(p, declared("web", 2, pipeline.Superseded, approval("Sign")), w.now())
				})
				w.step(p, engine.Updated{})
			},
			[]string{"Sign STARTED", "Approve STARTED", "Approve CANCELED", "Sign CANCELED", "Pipeline CANCELED"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tc.run(w, w.pipeline(declared("web", 1, pipeline.Superseded, tc.stages...)))
			var got []string
			var lines bytes.Buffer
			for _, e := range w.events() {
				got = append(got, told(t, e))
				lines.Write(e.JSON)
				lines.WriteByte('\n')
			}
			if want := slices.Concat(source, tc.want); !slices.Equal(got, want) {
				t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if bytes.Contains(lines.Bytes(), []byte(secret)) {
				t.Error("a secret is in an event")
			}
			file := filepath.Join("testdata", strings.ReplaceAll(tc.name, " ", "_")+".jsonl")
			if *updateGolden {
				if err := os.WriteFile(file, lines.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v (go test -update writes it)", err)
			}
			if lines.String() != string(want) {
				t.Errorf("%s differs (go test -update writes it), got\n%s", file, lines.String())
			}
		})
	}
}

// TestIDs: the same event has the same id each time, and no two share one.
func TestIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.pipeline(declared("web", 1, pipeline.Superseded, builds("Build", "Make")))
	w.start(p)
	w.work(fetchType, "")
	first := ids(w.events())
	w.reopen()
	w.work(makeType, "")
	all := ids(w.events())
	if !slices.Equal(all[:len(first)], first) {
		t.Errorf("ids change: %v, then %v", first, all)
	}
	seen := map[string]bool{}
	for _, id := range all {
		if seen[id] {
			t.Errorf("%s is used twice", id)
		}
		seen[id] = true
		if _, err := uuid.Parse(id); err != nil {
			t.Error(err)
		}
	}
	if id(1, 0, "a") == id(1, 0, "b") {
		t.Error("servers that count alike give the same ids")
	}
}

// TestRenderOfForgotten: what cannot be known any more is left out.
func TestRenderOfForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.pipeline(declared("web", 1, pipeline.Superseded, builds("Build", "Make")))
	w.start(p)
	w.work(fetchType, "")
	w.work(makeType, "")
	const link = `"external-execution-url":"https://ci.example/all/42?a=1&b=2"`
	before := w.events()
	find := func(all []Event) *Event {
		i := slices.IndexFunc(all, func(e Event) bool { return told(t, e) == "Make SUCCEEDED" })
		return &all[i]
	}
	if e := find(before); !bytes.Contains(e.JSON, []byte(link)) {
		t.Errorf("no link in %s", e.JSON)
	}
	w.update(func(tx store.Tx) error { return tx.DeletePipeline(p) })
	for range 3 {
		w.update(func(tx store.Tx) error {
			_, err := tx.Purge(w.now(), 1000)
			return err
		})
	}
	after := w.events()
	if !slices.Equal(ids(before), ids(after)) {
		t.Error("events of a deleted pipeline are not the same")
	}
	if e := find(after); bytes.Contains(e.JSON, []byte("external-execution-url")) {
		t.Errorf("a link to what is not known: %s", e.JSON)
	}
	w.pass(25 * time.Hour)
	for range 2 {
		w.update(func(tx store.Tx) error {
			_, err := tx.Purge(w.now(), 1000)
			return err
		})
	}
	if rest := w.events(); len(rest) != 0 {
		t.Errorf("%d events of a pipeline that nobody knows", len(rest))
	}
}
