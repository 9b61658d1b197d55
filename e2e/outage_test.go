package e2e

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

// readyz is the status and the text of GET /readyz.
func (s *server) readyz() (int, string) {
	s.t.Helper()
	resp, err := http.Get(s.url + "/readyz")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

// unavailable is the text of a 503 with the code, "" of no error.
func (s *server) unavailable(err error, code string) string {
	s.t.Helper()
	if err == nil {
		return ""
	}
	text := err.Error()
	at := strings.Index(text, code+": ")
	if at < 0 {
		s.t.Fatalf("answered with %q, want %s", text, code)
	}
	return text[at+len(code)+2:]
}

// all wants the pipeline to have these executions and no others.
func (s *server) all(name string, want map[string]bool) {
	s.t.Helper()
	l := load{site: &site{server: s}, ledger: newLedger(s.t)}
	got := l.history(name)
	for _, e := range got {
		if !want[*e.PipelineExecutionId] {
			s.t.Errorf("the execution %s was refused and is there", *e.PipelineExecutionId)
		}
	}
	if len(got) != len(want) {
		s.t.Errorf("%d executions, %d were acknowledged", len(got), len(want))
	}
}

// TestDatabaseAway takes the database away from a server, which says so to
// callers, to whoever asks whether it is ready, and in its log, and goes on by
// itself when the database is back. A commit whose answer is lost is neither
// called a success nor made twice.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	st := onOwnPostgres(t)
	s := st.server
	s.call("CreateCustomActionType", object{"category": "Source", "provider": "Away", "version": "1",
		"inputArtifactDetails": object{"minimumCount": 0, "maximumCount": 0}, "outputArtifactDetails": object{"minimumCount": 1, "maximumCount": 1}}, nil)
	d := declaration("away", stage("Source", action("Fetch", "Custom", "Source", "Away", nil, outputs("Source"))), stage("Gate", approval("Look")))
	d["pipelineType"], d["executionMode"] = "V2", "PARALLEL"
	s.call("CreatePipeline", object{"pipeline": d}, nil)
	want := map[string]bool{s.newest("away"): true}
	start := func(token string) (string, string) {
		var out struct{ PipelineExecutionID string }
		err := s.caller().Call(t.Context(), "StartPipelineExecution", object{"name": "away", "clientRequestToken": token}, &out)
		return out.PipelineExecutionID, s.unavailable(err, "ServiceUnavailableException")
	}

	const away = "The server cannot reach its database."
	st.database.Kill()
	if _, text := start("while-away"); !strings.HasPrefix(text, away) {
		t.Errorf("a start is answered with %q", text)
	}
	err := s.caller().Call(t.Context(), "ListPipelines", object{}, nil)
	if text := s.unavailable(err, "ServiceUnavailableException"); !strings.HasPrefix(text, away) {
		t.Errorf("a list is answered with %q", text)
	}
	if code, text := s.readyz(); code != http.StatusServiceUnavailable || text != away && text != "The server's database does not answer." {
		t.Errorf("/readyz says %d %q", code, text)
	}
	until(t, "the log to say that the database cannot be reached", func(context.Context) (string, bool) {
		log := s.log.String()
		return log, strings.Contains(log, "the database cannot be reached")
	})
	if err := st.database.Run(); err != nil {
		t.Fatal(err)
	}
	until(t, "the server to be ready", func(context.Context) (string, bool) {
		code, text := s.readyz()
		return text, code == http.StatusOK
	})
	id, text := start("while-away")
	if text != "" {
		t.Errorf("with its database back the server answers %q", text)
	}
	want[id] = true

	for i := 0; ; i++ {
		token := "cut-" + strings.Repeat("x", i)
		st.cable.cutNext(lostAnswer)
		id, text := start(token)
		st.cable.cutNext(none)
		if text != "" {
			id, _ = start(token)
		}
		want[id] = true
		if strings.HasPrefix(text, "The server lost the connection to its database while it saved the change, which may have been made or not.") {
			break
		}
		if i == 50 { // the cut may meet another transaction
			t.Fatalf("no start lost the answer to its commit; the last was answered with %q", text)
		}
	}
	s.all("away", want)
}
