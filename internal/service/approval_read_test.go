package service_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// TestApprovalInReads: what the read calls tell of a request before and after
// its answer, and who gave it when.
func TestApprovalInReads(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	e := s.fetched(stage("Gate", approval("Ask", `"configuration":{"CustomData":"run #{codepipeline.PipelineExecutionId}","ExternalEntityLink":"https://stage.example","IsSummaryRequired":"true","NotificationArn":"arn:aws:sns:eu-west-1:000000000000:t"}`)))
	history := func() string {
		return jsonOf(t, get(t, s.root.must("ListActionExecutions", `{"pipelineName":"P"}`), "actionExecutionDetails.0"))
	}
	latest := func() string { return jsonOf(t, get(t, s.state(), "stageStates.1.actionStates.0.latestExecution")) }
	id := text(t, history(), "actionExecutionId")
	opened := epoch(s)
	same(t, latest(), fmt.Sprintf(`{"actionExecutionId":"#1","status":"InProgress","summary":"run #2","lastStatusChange":%s,"token":"#1"}`, opened))
	if got := get(t, history(), "output.executionResult"); got != nil {
		t.Errorf("before the answer the history has the result %v", got)
	}
	if got := text(t, history(), "input.resolvedConfiguration.CustomData"); got != "run "+e {
		t.Errorf("resolved to %q", got)
	}

	s.pass(time.Minute)
	reviewer := s.as(account)
	body := answerTo(id, "Approved", "")
	reviewer.refuse("PutApprovalResult", body, "InvalidApprovalTokenException", "Action 'Ask' in stage 'Gate' requires a summary. Provide a summary in the approval result and try again.")
	if got := text(t, latest(), "token"); got != id {
		t.Errorf("a refused answer leaves the token %q", got)
	}
	if got := reviewer.must("PutApprovalResult", answerTo(id, "Approved", "looks good")); got != `{"approvedAt":`+epoch(s)+`}` {
		t.Errorf("answers %s", got)
	}
	const arn = "arn:aws:iam::000000000000:user/u"
	same(t, latest(), fmt.Sprintf(`{"actionExecutionId":"#1","status":"Succeeded","summary":"looks good","lastStatusChange":%s,"lastUpdatedBy":%q}`, epoch(s), arn))
	if got := text(t, history(), "output.executionResult.externalExecutionId"); got != id {
		t.Errorf("the history has the external id %q", got)
	}
	same(t, jsonOf(t, get(t, history(), "output.executionResult")), `{"externalExecutionId":"#1","externalExecutionSummary":"looks good"}`)
	if got := text(t, history(), "updatedBy") + " " + text(t, history(), "status") + " " + fmt.Sprint(get(t, history(), "startTime")); got != arn+" Succeeded "+fmt.Sprint(get(t, `{"t":`+opened+`}`, "t")) {
		t.Errorf("the history has %s", got)
	}
}

// TestApprovalEnds are the ways in which a request ends without an answer.
func TestApprovalEnds(t *testing.T) {
	t.Parallel()
	latest := func(t *testing.T, s *server, member string) string {
		return text(t, s.state(), "stageStates.1.actionStates.0.latestExecution."+member)
	}
	t.Run("nobody answers while the execution stops", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		e := s.fetched(stage("Gate", approval("Ask", `"timeoutInMinutes":5`)))
		body := s.request("Approved", "")
		s.stop(e, false)
		s.pass(5*time.Minute - time.Millisecond)
		before := s.status(e)
		s.pass(time.Millisecond)
		if got := before + " " + s.status(e) + " " + latest(t, s, "errorDetails.code"); got != "Stopping Stopped TimeoutError" {
			t.Errorf("went %s", got)
		}
		s.root.refuse("PutApprovalResult", body, "InvalidApprovalTokenException", "")
	})
	t.Run("rejected twice, then approved", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		e := s.fetched(stage("Gate", approval("Ask", "")))
		seen := map[string]bool{}
		for _, status := range []string{"Rejected", "Rejected", "Approved"} {
			body := s.request(status, status+" it")
			if token := latest(t, s, "token"); seen[token] {
				t.Errorf("the token %s again", token)
			} else {
				seen[token] = true
			}
			s.root.must("PutApprovalResult", body)
			s.root.refuse("PutApprovalResult", body, "ApprovalAlreadyCompletedException", "")
			if status == "Rejected" {
				if got := latest(t, s, "errorDetails.message") + " " + latest(t, s, "lastUpdatedBy"); got != "Rejected it arn:aws:iam::000000000000:root" {
					t.Errorf("rejected: %s", got)
				}
				s.root.must("RetryStageExecution", fmt.Sprintf(`{"pipelineName":"P","stageName":"Gate","pipelineExecutionId":%q,"retryMode":"FAILED_ACTIONS"}`, e))
			}
		}
		if got := s.status(e); got != "Succeeded" {
			t.Errorf("the execution is %s", got)
		}
	})
	t.Run("an older execution keeps the stage, a newer one is superseded", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		e1 := s.fetched(stage("Gate", approval("Ask", "")))
		body := s.request("Approved", "")
		e2 := s.start()
		s.succeed(s.take("Source", "Src"), "")
		e3 := s.start()
		s.succeed(s.take("Source", "Src"), "")
		if got := s.status(e1) + " " + s.status(e2) + " " + s.status(e3); got != "InProgress Superseded InProgress" {
			t.Errorf("they are %s", got)
		}
		s.root.must("PutApprovalResult", body) // e1's request is as good as before
		if got := s.request("Approved", ""); got == body {
			t.Error("the next execution has the same request")
		}
		s.answer("Approved", "")
		if got := s.status(e1) + " " + s.status(e3); got != "Succeeded Succeeded" {
			t.Errorf("then %s", got)
		}
	})
	t.Run("updated in PARALLEL mode", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		s.customType("Source", "Src", "")
		e := s.create(declare("P", `"pipelineType":"V2","executionMode":"PARALLEL"`,
			stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)), stage("Gate", approval("Ask", ""))))
		s.succeed(s.take("Source", "Src"), "")
		token := s.tokens()[e]
		s.root.must("UpdatePipeline", `{"pipeline":`+jsonOf(t, get(t, s.root.must("GetPipeline", `{"name":"P"}`), "pipeline"))+`}`)
		s.root.must("PutApprovalResult", answerTo(token, "Approved", ""))
		if got := s.status(e); got != "Succeeded" {
			t.Errorf("the execution is %s", got)
		}
	})
	t.Run("its topic refuses the request", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		e := s.fetched(stage("Gate", approval("Ask", "")))
		body := s.request("Approved", "")
		token := latest(t, s, "token")
		fail := func() {
			s.ok(s.store.Update(s.Context(), func(tx store.Tx) error {
				p, err := tx.Pipeline(account, region, "P")
				if err != nil {
					return err
				}
				_, err = s.store.Step(tx, p.ID, engine.FailApproval{Execution: e, Stage: "Gate", Token: token, Type: "ConfigurationError", Message: "no such topic"})
				return err
			}))
		}
		fail()
		if got := s.status(e) + " " + latest(t, s, "errorDetails.code") + ": " + latest(t, s, "errorDetails.message"); got != "Failed ConfigurationError: no such topic" {
			t.Errorf("then %s", got)
		}
		s.root.refuse("PutApprovalResult", body, "InvalidApprovalTokenException", "")
		s.root.must("RetryStageExecution", fmt.Sprintf(`{"pipelineName":"P","stageName":"Gate","pipelineExecutionId":%q,"retryMode":"FAILED_ACTIONS"}`, e))
		fail() // of the request before: nothing happens to the new one
		s.answer("Approved", "")
		fail()
		if got := s.status(e); got != "Succeeded" {
			t.Errorf("in the end %s", got)
		}
	})
	t.Run("a token of another action", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		s.fetched(stage("Gate", approval("Ask", "")), stage("Next", approval("More", "")))
		body := s.request("Approved", "")
		s.answer("Approved", "")
		s.root.refuse("PutApprovalResult", strings.NewReplacer("Gate", "Next", "Ask", "More").Replace(body), "InvalidApprovalTokenException", "")
	})
}
