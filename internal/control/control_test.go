package control_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"penstock/internal/actionlog"
	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/blob/fileblob"
	"penstock/internal/control"
	"penstock/internal/core/engine"
	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
	"penstock/internal/service"
	"penstock/internal/store"
	"penstock/internal/store/sqlite"
)

// server is the service on a database of its own.
type server struct {
	*testing.T
	*control.Service
	operations map[string]api.ExtraOperation
	who        auth.Principal
}

func newServer(t *testing.T) *server {
	t.Helper()
	master, err := auth.LoadOrCreateMasterKey(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	driver, err := sqlite.Open(filepath.Join(t.TempDir(), "db"), sqlite.Options{Sealer: auth.NewSealer(master)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { driver.Close() })
	blobs, err := fileblob.Open(filepath.Join(t.TempDir(), "store"), &fileblob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	logs, err := actionlog.Open(filepath.Join(t.TempDir(), "logs"), blobs, actionlog.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { logs.Close() })
	s := &server{T: t, who: auth.Principal{Account: "000000000000", Region: "eu-west-1", ARN: "arn:aws:iam::000000000000:root", Root: true}}
	tokens := 0
	s.Service = &control.Service{
		Logs: logs, Version: "1.2.3", NewToken: func() string { tokens++; return fmt.Sprintf("token-%d", tokens) },
		Store: store.New(driver, store.Options{
			Now: time.Now, NewID: func() string { return uuid.Must(uuid.NewV7()).String() }, NewKey: func() string { return "key0000" },
			Native: func(pipeline.ActionType) bool { return true },
		}),
	}
	s.Types = service.New(s.Store, service.Options{MaxActionTypes: 4})
	s.operations = s.Operations()
	return s
}

// call runs an operation as the handler does and returns its answer as JSON.
func (s *server) call(operation, body string) (string, error) {
	s.Helper()
	out, err := s.operations["Penstock."+operation](auth.WithPrincipal(s.Context(), s.who), []byte(body))
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(out)
	if err != nil {
		s.Fatal(err)
	}
	return string(b), nil
}

func (s *server) must(operation, body string) string {
	s.Helper()
	out, err := s.call(operation, body)
	if err != nil {
		s.Fatalf("%s %s: %v", operation, body, err)
	}
	return out
}

func (s *server) refuse(operation, body, code, text string) {
	s.Helper()
	if out, err := s.call(operation, body); fault.Code(err) != code || !strings.Contains(err.Error(), text) {
		s.Errorf("%s %s: %s, %v; want %s: %s", operation, body, out, err, code, text)
	}
}

func TestDescribeServer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	if got := s.must("DescribeServer", `{}`); got != `{"version":"1.2.3","account":"000000000000","region":"eu-west-1","callerArn":"arn:aws:iam::000000000000:root"}` {
		t.Errorf("answers %s", got)
	}
	s.refuse("ConnectPartner", `{"provider":7}`, "SerializationException", "")
	if _, err := s.operations["Penstock.DescribeServer"](context.Background(), []byte(`{}`)); err == nil || fault.Code(err) != "" {
		t.Errorf("without a caller: %v", err)
	}
}

func TestRegisterPartner(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const acme = `"category":"Test","provider":"Acme","version":"1"`
	if got := s.must("RegisterPartner", `{`+acme+`,"inputs":{"minimum":1,"maximum":10},"outputs":{},"properties":[{"name":"Token","required":true,"secret":true}],"jobTimeoutSeconds":43200,"entityUrlTemplate":"https://a"}`); got != `{`+acme+`,"replaced":false}` {
		t.Errorf("answers %s", got)
	}
	id := pipeline.ActionType{Category: "Test", Owner: "ThirdParty", Provider: "Acme", Version: "1"}
	stored := func() (typ *store.ActionType) {
		t.Helper()
		if err := s.Store.View(t.Context(), func(r store.Reader) (err error) {
			typ, err = r.ActionType(s.who.Account, s.who.Region, id)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return typ
	}
	if got := stored(); got.MinInputs != 1 || got.MaxInputs != 10 || got.JobTimeout != 12*time.Hour || got.Timeout != 12*time.Hour || len(got.Properties) != 1 || !got.Properties[0].Secret || got.Settings.EntityURLTemplate != "https://a" {
		t.Errorf("stored %+v", got)
	}
	if got := s.must("RegisterPartner", `{`+acme+`,"jobTimeoutSeconds":60}`); got != `{`+acme+`,"replaced":true}` {
		t.Errorf("the second time it answers %s", got)
	}
	if got := stored(); got.MaxInputs != 0 || got.Timeout != time.Hour || got.JobTimeout != time.Minute || len(got.Properties) != 0 {
		t.Errorf("replaced by %+v", got)
	}
	many := strings.TrimSuffix(strings.Repeat(`{"name":"x"},`, 11), ",")
	for _, tt := range []struct{ name, body, text string }{
		{"approval", `"category":"Approval","provider":"A","version":"1"`, "cannot have the category 'Approval'"},
		{"no category", `"provider":"A","version":"1"`, "'actionType.id.category'"},
		{"no provider", `"category":"Test","version":"1"`, "'actionType.id.provider'"},
		{"provider of 36", `"category":"Test","provider":"` + strings.Repeat("a", 36) + `","version":"1"`, "'actionType.id.provider'"},
		{"provider with a dot", `"category":"Test","provider":"a.b","version":"1"`, "'actionType.id.provider'"},
		{"no version", `"category":"Test","provider":"A"`, "'actionType.id.version'"},
		{"version of 10", `"category":"Test","provider":"A","version":"1234567890"`, "'actionType.id.version'"},
		{"taken", `"category":"Source","provider":"GitHub","version":"1"`, "comes with the service"},
		{"too many inputs", acme + `,"inputs":{"maximum":11}`, "'actionType.inputArtifactDetails.maximumCount'"},
		{"outputs the wrong way round", acme + `,"outputs":{"minimum":2,"maximum":1}`, "The minimum count of output artifacts (2) is more than the maximum count (1)"},
		{"fewer than none", acme + `,"inputs":{"minimum":-1}`, "'actionType.inputArtifactDetails.minimumCount'"},
		{"eleven properties", acme + `,"properties":[` + many + `]`, "'actionType.properties'"},
		{"a property twice", acme + `,"properties":[{"name":"x"},{"name":"x"}]`, "declared more than once"},
		{"a property without a name", acme + `,"properties":[{}]`, "'actionType.properties.1.member.name'"},
		{"hasty", acme + `,"jobTimeoutSeconds":59`, "'actionType.executor.jobTimeout'"},
		{"link to a property that is not there", acme + `,"entityUrlTemplate":"{Config:X}"`, "entityUrlTemplate refers to the configuration property 'X' which is not declared"},
		{"endless", acme + `,"jobTimeoutSeconds":43201`, "'actionType.executor.jobTimeout'"},
	} {
		t.Run(tt.name, func(t *testing.T) { s.refuse("RegisterPartner", `{`+tt.body+`}`, "ValidationException", tt.text) })
	}
}

func TestPartnerClients(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.refuse("ConnectPartner", `{"provider":"Acme"}`, "ValidationException", "penstock partner register")
	if got := s.must("ListPartners", `{}`); got != `{"partners":[]}` {
		t.Errorf("no partners are %s", got)
	}
	s.must("RegisterPartner", `{"category":"Test","provider":"Acme","version":"1"}`)
	if got := s.must("ListPartners", `{}`); got != `{"partners":[{"category":"Test","provider":"Acme","version":"1","clients":[]}]}` {
		t.Errorf("a partner without clients is %s", got)
	}
	var first, second control.ConnectPartnerOutput
	for _, out := range []*control.ConnectPartnerOutput{&first, &second} {
		if err := json.Unmarshal([]byte(s.must("ConnectPartner", `{"provider":"Acme"}`)), out); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.HasPrefix(first.ClientToken, "token-") || first.ClientToken == second.ClientToken || first.ClientID == second.ClientID || uuid.Validate(first.ClientID) != nil {
		t.Errorf("connected %+v and %+v", first, second)
	}
	s.must("RegisterPartner", `{"category":"Build","provider":"Acme","version":"1"}`)
	s.refuse("ConnectPartner", `{"provider":"Acme"}`, "ValidationException", "provider 'Acme' has 2 action types; name one by category and version")
	s.refuse("ConnectPartner", `{"provider":"Acme","version":"2"}`, "ValidationException", "")
	s.must("ConnectPartner", `{"provider":"Acme","category":"Build"}`)

	stranger := *s
	stranger.who.Account = "111111111111"
	elsewhere := *s
	elsewhere.who.Region = "us-east-1"
	for _, other := range []*server{&stranger, &elsewhere} {
		if got := other.must("ListPartners", `{}`); got != `{"partners":[]}` {
			t.Errorf("others see %s", got)
		}
		other.refuse("RevokeClient", `{"clientId":"`+first.ClientID+`"}`, "ValidationException", "penstock partner list")
	}
	s.refuse("RevokeClient", `{"clientId":"nobody"}`, "ValidationException", "no client 'nobody' is connected")
	list := func() string { return s.must("ListPartners", `{}`) }
	if got := list(); strings.Contains(got, "token-") || strings.Contains(got, "revoked") || strings.Count(got, "clientId") != 3 {
		t.Errorf("the list is %s", got)
	}
	s.must("RevokeClient", `{"clientId":"`+first.ClientID+`"}`)
	once := list()
	s.must("RevokeClient", `{"clientId":"`+first.ClientID+`"}`)
	if got := list(); got != once || strings.Count(got, "revoked") != 1 {
		t.Errorf("after revoking twice the list is %s, after once %s", got, once)
	}
}

// start runs a pipeline P whose one action that can write a log is Fetch, and
// returns the id of its action execution.
func (s *server) start() (action string) {
	s.Helper()
	d := &pipeline.Declaration{
		Name: "P", Version: 1, Mode: pipeline.Superseded, Type: pipeline.V1, ArtifactStore: &pipeline.ArtifactStore{Bucket: "artifacts"},
		Stages: []pipeline.Stage{
			{Name: "Source", Actions: []pipeline.Action{{Name: "Fetch", Type: pipeline.ActionType{Category: "Source", Owner: "AWS", Provider: "S3", Version: "1"}, RunOrder: 1}}},
			{Name: "Gate", Actions: []pipeline.Action{{Name: "Ask", Type: pipeline.ActionType{Category: "Approval", Owner: "AWS", Provider: "Manual", Version: "1"}, RunOrder: 1}}},
		},
	}
	var id int64
	err := s.Store.Update(s.Context(), func(tx store.Tx) (err error) {
		if id, err = tx.InsertPipeline(store.Pipeline{Pipeline: engine.Pipeline{Account: s.who.Account, Region: s.who.Region, Name: "P"}, Version: 1, Mode: d.Mode, Type: d.Type}, d); err != nil {
			return err
		}
		_, err = s.Store.Step(tx, id, engine.Start{Trigger: engine.Trigger{Type: "StartPipelineExecution"}})
		return err
	})
	if err == nil {
		err = s.Store.View(s.Context(), func(r store.Reader) error {
			all, err := r.LatestActions(id)
			action = all[store.StageAction{Stage: "Source", Action: "Fetch"}].ID
			return err
		})
	}
	if err != nil || action == "" {
		s.Fatalf("the action %q has not started: %v", action, err)
	}
	return action
}

func TestActionLog(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	action := s.start()
	read := func(body string) control.GetActionLogOutput {
		t.Helper()
		var out control.GetActionLogOutput
		if err := json.Unmarshal([]byte(s.must("GetActionLog", body)), &out); err != nil {
			t.Fatal(err)
		}
		if out.ActionExecutionID != action || out.StageName != "Source" || out.ActionName != "Fetch" {
			t.Errorf("the log is of %+v", out)
		}
		return out
	}
	if got := read(`{"pipelineName":"P","actionName":"Fetch"}`); got.Content != "" || got.NextOffset != 0 || got.Ended || got.Status != "InProgress" {
		t.Errorf("before a line: %+v", got)
	}
	w, err := s.Logs.Writer(t.Context(), action)
	if err != nil {
		t.Fatal(err)
	}
	const cut = 1 // byte of the last character is there
	text := "Grüße ✓"
	if _, err := w.Write([]byte(text[:len(text)-3+cut])); err != nil {
		t.Fatal(err)
	}
	got := read(`{"pipelineName":"P","stageName":"Source","actionName":"Fetch"}`)
	if got.Content != "Grüße " || got.NextOffset != int64(len("Grüße ")) || got.Ended {
		t.Errorf("in the middle of a character: %+v", got)
	}
	if _, err := w.Write([]byte(text[len(text)-3+cut:])); err != nil {
		t.Fatal(err)
	}
	if got = read(fmt.Sprintf(`{"pipelineName":"P","actionExecutionId":%q,"offset":%d}`, action, got.NextOffset)); got.Content != "✓" || got.Ended {
		t.Errorf("the rest: %+v", got)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := read(`{"pipelineName":"P","actionName":"Fetch"}`); got.Content != text || got.Ended {
		t.Errorf("the log has ended, the action has not: %+v", got)
	}
	for _, tt := range []struct{ name, body, code, text string }{
		{"pipeline", `{"pipelineName":"Q"}`, "PipelineNotFoundException", "does not include a pipeline named 'Q'"},
		{"execution", `{"pipelineName":"P","actionExecutionId":"x"}`, "ActionExecutionNotFoundException", "'x'"},
		{"action", `{"pipelineName":"P","actionName":"Cook"}`, "ActionNotFoundException", "has not run yet"},
		{"stage", `{"pipelineName":"P","stageName":"Gate","actionName":"Fetch"}`, "ActionNotFoundException", "has not run yet"},
		{"not started", `{"pipelineName":"P","actionName":"Ask"}`, "ActionNotFoundException", "has not run yet"},
		{"offset", `{"pipelineName":"P","actionName":"Fetch","offset":-1}`, "ValidationException", "offset"},
	} {
		t.Run(tt.name, func(t *testing.T) { s.refuse("GetActionLog", tt.body, tt.code, tt.text) })
	}
	stranger := *s
	stranger.who.Account = "111111111111"
	stranger.refuse("GetActionLog", `{"pipelineName":"P","actionExecutionId":"`+action+`"}`, "PipelineNotFoundException", "")
}
