package eventbridge

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/core/engine"
	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
	"penstock/internal/store/sqlite"
)

const (
	account = "111111111111"
	region  = "eu-central-1"
)

var dawn = time.Date(2026, 10, 2, 12, 0, 0, 0, time.UTC)

type plain struct{} // a Sealer that has nothing to hide

func (plain) Seal(b []byte, _ string) string   { return string(b) }
func (plain) Open(s, _ string) ([]byte, error) { return []byte(s), nil }

// world is the service on a database of its own.
type world struct {
	*testing.T
	*Service
	operations map[string]api.ExtraOperation
	who        auth.Principal
	mu         sync.Mutex
	now        time.Time
	hints      int
}

func newWorld(t *testing.T, maxRules int) *world {
	t.Helper()
	w := &world{T: t, who: auth.Principal{Account: account, Region: region, ARN: "arn:aws:iam::111111111111:root"}, now: dawn}
	driver, err := sqlite.Open(filepath.Join(t.TempDir(), "db"), sqlite.Options{Sealer: plain{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { driver.Close() })
	s := store.New(driver, store.Options{
		Now: w.time, NewID: func() string { return uuid.Must(uuid.NewV7()).String() }, NewKey: func() string { return "key0000" },
		Native: func(pipeline.ActionType) bool { return true },
	})
	w.Service = &Service{Bus: NewBus(s, slog.New(slog.DiscardHandler)), SchedulesChanged: func() { w.hints++ }, MaxRules: maxRules}
	w.operations = w.Operations()
	return w
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// call runs an operation as the handler does and returns its answer as JSON.
func (w *world) call(operation, body string) (string, error) {
	w.Helper()
	out, err := w.operations["AWSEvents."+operation](auth.WithPrincipal(w.Context(), w.who), []byte(body))
	if err != nil {
		return "", err
	}
	b, err := encode(out)
	if err != nil {
		w.Fatal(err)
	}
	return string(b), nil
}

func (w *world) must(operation, body string) string {
	w.Helper()
	out, err := w.call(operation, body)
	if err != nil {
		w.Fatalf("%s %s: %v", operation, body, err)
	}
	return out
}

func (w *world) answers(operation, body, want string) {
	w.Helper()
	if got := w.must(operation, body); got != want {
		w.Errorf("%s %s answers\n%s, want\n%s", operation, body, got, want)
	}
}

func (w *world) refuse(operation, body, code, text string) {
	w.Helper()
	if out, err := w.call(operation, body); fault.Code(err) != code || !strings.Contains(err.Error(), text) {
		w.Errorf("%s %s: %s, %v; want %s: %s", operation, body, out, err, code, text)
	}
}

func (w *world) rule(name string) (r store.EventRule) {
	w.Helper()
	err := w.Bus.store.View(w.Context(), func(tx store.Reader) (err error) {
		r, err = tx.EventRule(account, region, name)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// pipeline makes a V2 pipeline with the variables A and B, that have defaults.
func (w *world) pipeline(name string) (id int64) {
	w.Helper()
	none := "none"
	d := &pipeline.Declaration{
		Name: name, Version: 1, Mode: pipeline.Superseded, Type: pipeline.V2, ArtifactStore: &pipeline.ArtifactStore{Bucket: "artifacts"},
		Variables: []pipeline.Variable{{Name: "A", Default: &none}, {Name: "B", Default: &none}},
		Stages: []pipeline.Stage{
			{Name: "Source", Actions: []pipeline.Action{{
				Name: "Fetch", Type: pipeline.ActionType{Category: "Source", Owner: "AWS", Provider: "S3", Version: "1"}, RunOrder: 1,
				Outputs: []pipeline.OutputArtifact{{Name: "Code"}},
			}}},
			{Name: "Gate", Actions: []pipeline.Action{{Name: "Ask", Type: pipeline.ActionType{Category: "Approval", Owner: "AWS", Provider: "Manual", Version: "1"}, RunOrder: 1}}},
		},
	}
	err := w.Bus.store.Update(w.Context(), func(tx store.Tx) (err error) {
		id, err = tx.InsertPipeline(store.Pipeline{
			Pipeline: engine.Pipeline{Account: account, Region: region, Name: name}, Version: 1, Mode: d.Mode, Type: d.Type, Created: w.time(), Updated: w.time(),
		}, d)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return id
}

func (w *world) executions(id int64) (list []*engine.Execution) {
	w.Helper()
	err := w.Bus.store.View(w.Context(), func(r store.Reader) (err error) {
		list, err = r.Executions(id, "", 100)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return list
}

func arn(pipeline string) string {
	return "arn:aws:codepipeline:" + region + ":" + account + ":" + pipeline
}

// quoted is a text as JSON.
func quoted(text string) string {
	b, err := encode(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// publish has the rules take an event with a detail.
func (w *world) publish(detail string) {
	w.Helper()
	w.must("PutEvents", fmt.Sprintf(`{"Entries":[{"Source":"me","DetailType":"t","Detail":%s}]}`, quoted(detail)))
}

func TestNoCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10)
	if _, err := w.operations["AWSEvents.ListRules"](context.Background(), []byte(`{}`)); err == nil || fault.Code(err) != "" {
		t.Errorf("without a caller: %v", err)
	}
	if _, err := w.call("ListRules", `{"Limit":"x"}`); fault.Code(err) != "SerializationException" {
		t.Errorf("a text for a number: %v", err)
	}
	var list map[string]json.RawMessage
	if err := json.Unmarshal([]byte(w.must("ListRules", `{}`)), &list); err != nil || string(list["Rules"]) != "[]" {
		t.Errorf("no rules: %s, %v", list, err)
	}
}
