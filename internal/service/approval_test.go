package service_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// request is an answer to the open approval of P, with the token of now.
func (s *server) request(status, summary string) string {
	s.Helper()
	token := text(s.T, s.state(), "stageStates.1.actionStates.0.latestExecution.token")
	if token == "" {
		s.Fatalf("no approval is open: %s", s.state())
	}
	return answerTo(token, status, summary)
}

func answerTo(token, status, summary string) string {
	return fmt.Sprintf(`{"pipelineName":"P","stageName":"Gate","actionName":"Ask","token":%q,"result":{"status":%q,"summary":%q}}`, token, status, summary)
}

// TestApprovals is scenario 10 and engine.md section 4.3.
func TestApprovals(t *testing.T) {
	t.Parallel()
	const unknown = "00000000-0000-4000-8000-000000000000"
	gate := func(s *server) string {
		return s.fetched(stage("Gate", approval("Ask", "")), stage("Next", approval("More", "")))
	}
	latest := func(t *testing.T, s *server, member string) string {
		return text(t, s.state(), "stageStates.1.actionStates.0.latestExecution."+member)
	}
	t.Run("approve", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		e := gate(s)
		s.pass(time.Second)
		body := s.request("Approved", "fine")
		if got := s.root.must("PutApprovalResult", body); got != `{"approvedAt":`+epoch(s)+`}` {
			t.Errorf("answers %s", got)
		}
		if got := latest(t, s, "status") + latest(t, s, "token") + s.status(e); got != "SucceededInProgress" {
			t.Errorf("then %s", got)
		}
		s.root.refuse("PutApprovalResult", body, "ApprovalAlreadyCompletedException", "")
		s.root.refuse("PutApprovalResult", strings.Replace(body, "Approved", "Rejected", 1), "ApprovalAlreadyCompletedException", "")
	})
	t.Run("without a summary", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		gate(s)
		s.answer("Approved", "")
		if strings.Contains(jsonOf(t, get(t, s.state(), "stageStates.1.actionStates.0.latestExecution")), "summary") {
			t.Error("an empty summary is shown")
		}
	})
	t.Run("reject", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		e := gate(s)
		if got := s.root.must("PutApprovalResult", s.request("Rejected", "no")); got != `{"approvedAt":`+epoch(s)+`}` {
			t.Errorf("answers %s", got)
		}
		if got := latest(t, s, "status") + latest(t, s, "errorDetails.code") + s.status(e); got != "FailedJobFailedFailed" {
			t.Errorf("then %s", got)
		}
	})
	t.Run("what is not there", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		gate(s)
		body := s.request("Approved", "")
		for _, tt := range []struct{ from, to, code, text string }{
			{`"P"`, `"Q"`, "PipelineNotFoundException", "The account with AWS account ID '000000000000' does not include a pipeline named 'Q'"},
			{"Gate", "Hole", "StageNotFoundException", ""},
			{"Ask", "Tell", "ActionNotFoundException", ""},
			{`"Gate","actionName":"Ask"`, `"Source","actionName":"Fetch"`, "ActionNotFoundException", ""},
			{"Approved", "Perhaps", "ValidationException", "1 validation error detected: Value at 'result.status' failed to satisfy constraint: Member must satisfy enum value set: [Approved, Rejected]"},
			{`"summary":""`, `"summary":"` + strings.Repeat("x", 513) + `"`, "ValidationException", ""},
		} {
			s.root.refuse("PutApprovalResult", strings.Replace(body, tt.from, tt.to, 1), tt.code, tt.text)
		}
		s.root.refuse("PutApprovalResult", answerTo("no uuid", "Approved", ""), "ValidationException", "")
		s.root.refuse("PutApprovalResult", answerTo(unknown, "Approved", ""), "InvalidApprovalTokenException", "")
		s.root.must("PutApprovalResult", body)
	})
	t.Run("token of an earlier run", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		gate(s)
		old := s.request("Approved", "")
		s.answer("Rejected", "")
		s.start()
		s.succeed(s.take("Source", "Src"), "")
		s.root.refuse("PutApprovalResult", old, "ApprovalAlreadyCompletedException", "")
		abandoned := s.request("Approved", "")
		s.stop(s.newest("P"), true)
		s.start()
		s.succeed(s.take("Source", "Src"), "")
		s.root.refuse("PutApprovalResult", abandoned, "InvalidApprovalTokenException", "")
		s.answer("Approved", "")
	})
	t.Run("token of before a retry", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		e := gate(s)
		old := s.request("Approved", "")
		s.answer("Rejected", "")
		s.root.must("RetryStageExecution", fmt.Sprintf(`{"pipelineName":"P","stageName":"Gate","pipelineExecutionId":%q,"retryMode":"FAILED_ACTIONS"}`, e))
		s.root.refuse("PutApprovalResult", old, "ApprovalAlreadyCompletedException", "")
		s.answer("Approved", "")
	})
	t.Run("timed out after 7 days", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		e := gate(s)
		body := s.request("Approved", "")
		s.pass(7*24*time.Hour - time.Millisecond)
		if got := s.status(e); got != "InProgress" {
			t.Fatalf("before the time: %s", got)
		}
		s.pass(time.Millisecond)
		if got := latest(t, s, "status") + ": " + latest(t, s, "errorDetails.code") + ": " + latest(t, s, "errorDetails.message") + latest(t, s, "token"); got != "Failed: TimeoutError: The action 'Ask' did not finish within its time limit of 168 hours" {
			t.Errorf("then %s", got)
		}
		if got := s.status(e); got != "Failed" {
			t.Errorf("the execution is %s", got)
		}
		s.root.refuse("PutApprovalResult", body, "InvalidApprovalTokenException", "")
	})
	t.Run("its own time limit", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		e := s.fetched(stage("Gate", approval("Ask", `"timeoutInMinutes":5`)))
		s.pass(5*time.Minute - time.Millisecond)
		before := s.status(e)
		s.pass(time.Millisecond)
		if got := before + s.status(e) + ": " + latest(t, s, "errorDetails.message"); got != "InProgressFailed: The action 'Ask' did not finish within its time limit of 5 minutes" {
			t.Errorf("went %s", got)
		}
	})
	t.Run("updated meanwhile, T-10", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		e := gate(s)
		body := s.request("Approved", "")
		s.root.must("UpdatePipeline", `{"pipeline":`+jsonOf(t, get(t, s.root.must("GetPipeline", `{"name":"P"}`), "pipeline"))+`}`)
		s.root.refuse("PutApprovalResult", body, "InvalidApprovalTokenException", "The pipeline P has been updated, and the approval request you responded to is now out of date.")
		if got := s.status(e); got != "Cancelled" {
			t.Errorf("the execution is %s", got)
		}
		if got := latest(t, s, "status") + ": " + latest(t, s, "summary") + latest(t, s, "token"); got != "Failed: The approval action has been canceled." {
			t.Errorf("the action is %s", got)
		}
		if got := get(t, s.state(), "pipelineVersion"); got != 2.0 {
			t.Errorf("version %v", got)
		}
	})
	t.Run("required summary", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		gate(s)
		s.configure("Ask", map[string]string{"IsSummaryRequired": "true"})
		s.start()
		s.succeed(s.take("Source", "Src"), "")
		for _, status := range []string{"Approved", "Rejected"} {
			s.root.refuse("PutApprovalResult", s.request(status, ""), "InvalidApprovalTokenException", "Action 'Ask' in stage 'Gate' requires a summary. Provide a summary in the approval result and try again.")
		}
		s.answer("Approved", "x")
	})
	t.Run("abandoned", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		e := gate(s)
		body := s.request("Approved", "")
		s.stop(e, true)
		if got := latest(t, s, "status") + ": " + latest(t, s, "summary") + latest(t, s, "token"); got != "Abandoned: The approval action has been canceled." {
			t.Errorf("the action is %s", got)
		}
		s.root.refuse("PutApprovalResult", body, "InvalidApprovalTokenException", "")
	})
	t.Run("while stopping, T-09", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		e := gate(s)
		s.stop(e, false)
		if got := s.status(e); got != "Stopping" {
			t.Fatalf("the execution is %s", got)
		}
		s.answer("Approved", "still")
		if got := s.status(e) + latest(t, s, "status"); got != "StoppedSucceeded" {
			t.Errorf("then %s", got)
		}
		if get(t, s.state(), "stageStates.2.latestExecution") != nil {
			t.Error("the next stage was entered")
		}
	})
}

func (s *server) stop(execution string, abandon bool) {
	s.Helper()
	got := s.root.must("StopPipelineExecution", fmt.Sprintf(`{"pipelineName":"P","pipelineExecutionId":%q,"abandon":%v}`, execution, abandon))
	if got != `{"pipelineExecutionId":"`+execution+`"}` {
		s.Errorf("stop answers %s", got)
	}
}

// configure stores a new version of P with another configuration of an action,
// whether CreatePipeline would take it or not.
func (s *server) configure(action string, configuration map[string]string) {
	s.Helper()
	s.ok(s.store.Update(s.Context(), func(tx store.Tx) error {
		p, err := tx.Pipeline(account, region, "P")
		if err != nil {
			return err
		}
		d, err := tx.Declaration(p.ID, p.Version)
		if err != nil {
			return err
		}
		d = d.Clone()
		d.Version++
		for i := range d.Stages {
			if a := d.Stages[i].Action(action); a != nil {
				a.Configuration = configuration
			}
		}
		if err := tx.PutVersion(p.ID, d, s.store.Now()); err != nil {
			return err
		}
		_, err = s.store.Step(tx, p.ID, engine.Updated{})
		return err
	}))
}
