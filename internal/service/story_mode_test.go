package service_test

import (
	"fmt"
	"strings"
	"testing"
)

// threeStages is the V2 pipeline P of a mode with the stages Source, Gate (an
// approval) and Done (the job of a custom type Ship).
func threeStages(mode string) string {
	return declare("P", `"pipelineType":"V2","executionMode":"`+mode+`"`, srcStage, stage("Gate", approval("Ask", "")), stage("Done", ship("Deploy")))
}

// story is a server with the pipeline P of threeStages and its first execution,
// which the source of has let go.
func story(t *testing.T, mode string) (s *server, first string) {
	t.Helper()
	s = newServer(t)
	s.customType("Source", "Src", "")
	s.customType("Deploy", "Ship", "")
	first = s.create(threeStages(mode))
	s.succeed(s.take("Source", "Src"), "")
	return s, first
}

// run starts one more execution and lets its source succeed.
func (s *server) run() string {
	s.Helper()
	id := s.start()
	s.succeed(s.take("Source", "Src"), "")
	return id
}

func (s *server) update(declaration string) {
	s.Helper()
	s.root.must("UpdatePipeline", `{"pipeline":`+declaration+`}`)
}

// see compares the pipeline with "STATUS STATUS … | Gate: ID STATUS < ID ID",
// the states of the executions and, for a stage, who entered last and who waits
// in front. Executions are named E1, E2 … as in ids.
func (s *server) see(want string, ids ...string) {
	s.Helper()
	var names []string
	var got []string
	for i, id := range ids {
		names = append(names, id, fmt.Sprintf("E%d", i+1))
		got = append(got, s.status(id))
	}
	state := s.state()
	parts := []string{strings.Join(got, " ")}
	for i := range get(s.T, state, "stageStates").([]any) {
		at := fmt.Sprintf("stageStates.%d.", i)
		line := text(s.T, state, at+"stageName") + ":"
		if id := text(s.T, state, at+"latestExecution.pipelineExecutionId"); id != "" {
			line += " " + id + " " + text(s.T, state, at+"latestExecution.status")
		}
		waiting := get(s.T, state, at+"inboundExecutions").([]any)
		for j := range waiting {
			if j == 0 {
				line += " <"
			}
			line += " " + text(s.T, state, fmt.Sprintf("%sinboundExecutions.%d.pipelineExecutionId", at, j))
		}
		if first := text(s.T, state, at+"inboundExecution.pipelineExecutionId"); len(waiting) > 0 && first != text(s.T, state, at+"inboundExecutions.0.pipelineExecutionId") || len(waiting) == 0 && first != "" {
			s.Errorf("inboundExecution of stage %d is %q", i, first)
		}
		if line != text(s.T, state, at+"stageName")+":" {
			parts = append(parts, line)
		}
	}
	if line := strings.NewReplacer(names...).Replace(strings.Join(parts, " | ")); line != want {
		s.Errorf("\n got %s\nwant %s", line, want)
	}
}

// tokens are the tokens of the open approvals by execution, as
// ListActionExecutions tells them.
func (s *server) tokens() map[string]string {
	s.Helper()
	open := map[string]string{}
	list := s.root.must("ListActionExecutions", `{"pipelineName":"P"}`)
	for i := range get(s.T, list, "actionExecutionDetails").([]any) {
		at := fmt.Sprintf("actionExecutionDetails.%d.", i)
		if text(s.T, list, at+"input.actionTypeId.category") == "Approval" && text(s.T, list, at+"status") == "InProgress" {
			open[text(s.T, list, at+"pipelineExecutionId")] = text(s.T, list, at+"output.executionResult.externalExecutionId")
		}
	}
	return open
}

// T-03: in QUEUED mode all wait, in the order of their starts.
func TestQueued(t *testing.T) {
	t.Parallel()
	s, e1 := story(t, "QUEUED")
	e2, e3 := s.run(), s.run()
	s.see("InProgress InProgress InProgress | Source: E3 Succeeded | Gate: E1 InProgress < E2 E3", e1, e2, e3)
	s.answer("Approved", "")
	s.see("InProgress InProgress InProgress | Source: E3 Succeeded | Gate: E2 InProgress < E3 | Done: E1 InProgress", e1, e2, e3)
	s.answer("Rejected", "") // who fails makes room
	s.see("InProgress Failed InProgress | Source: E3 Succeeded | Gate: E3 InProgress | Done: E1 InProgress", e1, e2, e3)
	s.root.refuse("RetryStageExecution", fmt.Sprintf(`{"pipelineName":"P","stageName":"Gate","pipelineExecutionId":%q,"retryMode":"ALL_ACTIONS"}`, e2), "NotLatestPipelineExecutionException", "")

	// Behind a closed gate they pile up and go on in order; a stopped one
	// leaves the queue.
	s.root.must("DisableStageTransition", `{"pipelineName":"P","stageName":"Gate","transitionType":"Inbound","reason":"freeze"}`)
	e4, e5, e6 := s.run(), s.run(), s.run()
	s.answer("Approved", "")
	s.see("InProgress Failed InProgress InProgress InProgress InProgress | Source: E6 Succeeded | Gate: E3 Succeeded < E4 E5 E6 | Done: E1 InProgress < E3", e1, e2, e3, e4, e5, e6)
	s.stop(e5, false)
	s.root.must("EnableStageTransition", `{"pipelineName":"P","stageName":"Gate","transitionType":"Inbound"}`)
	s.see("InProgress Failed InProgress InProgress Stopped InProgress | Source: E6 Succeeded | Gate: E4 InProgress < E6 | Done: E1 InProgress < E3", e1, e2, e3, e4, e5, e6)
	s.succeed(s.take("Deploy", "Ship"), "")
	s.see("Succeeded Failed InProgress InProgress Stopped InProgress | Source: E6 Succeeded | Gate: E4 InProgress < E6 | Done: E3 InProgress", e1, e2, e3, e4, e5, e6)
}

// The first stage has a queue too.
func TestQueuedInFrontOfTheSource(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Source", "Src", "")
	s.customType("Deploy", "Ship", "")
	e1 := s.create(threeStages("QUEUED"))
	e2, e3 := s.start(), s.start()
	s.see("InProgress InProgress InProgress | Source: E1 InProgress < E2 E3", e1, e2, e3)
	job := s.take("Source", "Src")
	if s.poll("Source", "Src") != "" {
		t.Error("two sources at a time")
	}
	s.succeed(job, "")
	s.see("InProgress InProgress InProgress | Source: E2 InProgress < E3 | Gate: E1 InProgress", e1, e2, e3)
}

// T-04: in PARALLEL mode nobody waits, the state shows no execution, and the
// tokens of approvals are told by ListActionExecutions alone.
func TestParallel(t *testing.T) {
	t.Parallel()
	s, e1 := story(t, "PARALLEL")
	e2, e3 := s.run(), s.run()
	s.see("InProgress InProgress InProgress", e1, e2, e3)
	state := s.state()
	const open = `"inboundExecutions":[],"inboundTransitionState":{"enabled":true}`
	same(t, jsonOf(t, get(t, state, "stageStates")), `[
		{"stageName":"Source",`+open+`,"actionStates":[{"actionName":"Fetch"}]},
		{"stageName":"Gate",`+open+`,"actionStates":[{"actionName":"Ask"}]},
		{"stageName":"Done",`+open+`,"actionStates":[{"actionName":"Deploy"}]}]`)
	tokens := s.tokens()
	if len(tokens) != 3 || tokens[e1] == "" || tokens[e2] == "" || tokens[e3] == "" {
		t.Fatalf("open approvals: %v", tokens)
	}
	s.root.must("PutApprovalResult", answerTo(tokens[e3], "Approved", "")) // the last overtakes
	s.succeed(s.take("Deploy", "Ship"), "")
	s.root.must("PutApprovalResult", answerTo(tokens[e1], "Rejected", ""))
	s.see("Failed InProgress Succeeded", e1, e2, e3)
	if got := s.tokens(); len(got) != 1 || got[e2] != tokens[e2] {
		t.Errorf("then open: %v", got)
	}
	s.root.refuse("PutApprovalResult", answerTo(tokens[e1], "Approved", ""), "ApprovalAlreadyCompletedException", "")
	// That others have entered since is no reason against a retry.
	s.root.must("RetryStageExecution", fmt.Sprintf(`{"pipelineName":"P","stageName":"Gate","pipelineExecutionId":%q,"retryMode":"FAILED_ACTIONS"}`, e1))
	if got := s.tokens(); len(got) != 2 || got[e1] == tokens[e1] {
		t.Errorf("after the retry open: %v", got)
	}
	s.root.must("PutApprovalResult", answerTo(s.tokens()[e1], "Approved", ""))
	s.succeed(s.take("Deploy", "Ship"), "")
	s.see("Succeeded InProgress Succeeded", e1, e2, e3)
	s.root.refuse("RollbackStage", rollback("Done", e1), "UnableToRollbackStageException", "")

	// A closed gate is closed.
	s.root.must("DisableStageTransition", `{"pipelineName":"P","stageName":"Done","transitionType":"Inbound","reason":"freeze"}`)
	s.root.must("PutApprovalResult", answerTo(tokens[e2], "Approved", ""))
	if s.poll("Deploy", "Ship") != "" {
		t.Error("went through a closed gate")
	}
	s.root.must("EnableStageTransition", `{"pipelineName":"P","stageName":"Done","transitionType":"Inbound"}`)
	s.succeed(s.take("Deploy", "Ship"), "")
	s.see("Succeeded Succeeded Succeeded", e1, e2, e3)
}

// Five actions of an execution in PARALLEL mode run at a time.
func TestParallelActions(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]int{"PARALLEL": 5, "QUEUED": 7} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.customType("Source", "Src", "")
			s.customType("Deploy", "Ship", "")
			var wide []string
			for i := range 7 {
				wide = append(wide, ship(fmt.Sprint("Deploy", i)))
			}
			e := s.create(declare("P", `"pipelineType":"V2","executionMode":"`+mode+`"`, srcStage, stage("Wide", wide...)))
			s.succeed(s.take("Source", "Src"), "")
			batch := s.root.must("PollForJobs", `{"maxBatchSize":100,"actionTypeId":`+typeID("Deploy", "Custom", "Ship")+`}`)
			jobs := get(t, batch, "jobs").([]any)
			if len(jobs) != want {
				t.Fatalf("%d jobs at a time, want %d", len(jobs), want)
			}
			for i := range jobs {
				at := fmt.Sprintf("jobs.%d.", i)
				id := text(t, batch, at+"id")
				s.root.must("AcknowledgeJob", fmt.Sprintf(`{"jobId":%q,"nonce":%q}`, id, text(t, batch, at+"nonce")))
				s.succeed(id, "")
			}
			for range 7 - want {
				s.succeed(s.take("Deploy", "Ship"), "")
			}
			if got := s.status(e); got != "Succeeded" {
				t.Errorf("the execution is %s", got)
			}
		})
	}
}

// T-05: 50 executions at a time in the modes without superseding; a start that
// was answered before is answered again.
func TestConcurrencyLimit(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"QUEUED", "PARALLEL", "SUPERSEDED"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.customType("Source", "Src", "")
			s.customType("Deploy", "Ship", "")
			first := s.create(threeStages(mode))
			const again = `{"name":"P","clientRequestToken":"once"}`
			id := s.root.must("StartPipelineExecution", again)
			for range 48 {
				s.start()
			}
			if mode == "SUPERSEDED" {
				s.start()
				return
			}
			s.root.refuse("StartPipelineExecution", `{"name":"P"}`, "ConcurrentPipelineExecutionsLimitExceededException",
				"The pipeline 'P' has 50 executions in progress, which is the limit in execution mode "+mode)
			if got := s.root.must("StartPipelineExecution", again); got != id {
				t.Errorf("a repeat at the limit answers %s, want %s", got, id)
			}
			s.stop(first, false) // Stopping still counts
			s.root.refuse("StartPipelineExecution", `{"name":"P"}`, "ConcurrentPipelineExecutionsLimitExceededException", "")
			s.stop(first, true)
			s.start()
			s.root.refuse("StartPipelineExecution", `{"name":"P"}`, "ConcurrentPipelineExecutionsLimitExceededException", "")
		})
	}
}

// What UpdatePipeline does to executions in flight, from each mode into each
// other (engine.md section 2.8).
func TestModeChange(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"SUPERSEDED", "QUEUED"} {
		for _, to := range []string{"SUPERSEDED", "QUEUED", "PARALLEL"} {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				s, working := story(t, from)
				s.answer("Approved", "")
				job := s.take("Deploy", "Ship")
				asking, waiting := s.run(), s.run()
				s.see("InProgress InProgress InProgress | Source: E3 Succeeded | Gate: E2 InProgress < E3 | Done: E1 InProgress", working, asking, waiting)
				s.update(threeStages(to))
				if got := s.status(working) + s.status(asking) + s.status(waiting); got != "InProgressCancelledCancelled" {
					t.Errorf("after the update: %s", got)
				}
				s.succeed(job, "")
				last := s.run()
				if got := s.status(working) + s.status(last); got != "CancelledInProgress" {
					t.Errorf("when the running action has ended: %s", got)
				}
				for id, mode := range map[string]string{working: from, last: to} {
					if got := text(t, s.execution(id), "pipelineExecution.executionMode"); got != mode {
						t.Errorf("an execution of mode %s is shown as %s", mode, got)
					}
				}
				if len(s.tokens()) != 1 {
					t.Errorf("open approvals: %v", s.tokens())
				}
			})
		}
	}
	for _, to := range []string{"PARALLEL", "SUPERSEDED", "QUEUED"} {
		t.Run("PARALLEL to "+to, func(t *testing.T) {
			t.Parallel()
			s, e1 := story(t, "PARALLEL")
			e2 := s.run()
			// The new version has another last stage.
			s.update(declare("P", `"pipelineType":"V2","executionMode":"`+to+`"`, srcStage, stage("Gate", approval("Ask", "")), stage("End", approval("Ask", ""))))
			s.see("InProgress InProgress", e1, e2) // the state keeps silent about them
			if got := jsonOf(t, get(t, s.state(), "stageStates.1.actionStates")); got != `[{"actionName":"Ask"}]` {
				t.Errorf("the state shows %s", got)
			}
			e3 := s.run() // is not held up
			if to == "PARALLEL" {
				s.see("InProgress InProgress InProgress", e1, e2, e3)
			} else {
				s.see("InProgress InProgress InProgress | Source: E3 Succeeded | Gate: E3 InProgress", e1, e2, e3)
			}
			for _, id := range []string{e1, e2} { // both go on by the old version
				s.root.must("PutApprovalResult", answerTo(s.tokens()[id], "Approved", ""))
				s.succeed(s.take("Deploy", "Ship"), "")
				if got := s.status(id) + fmt.Sprint(get(t, s.execution(id), "pipelineExecution.pipelineVersion")); got != "Succeeded1" {
					t.Errorf("an execution of the old version: %s", got)
				}
			}
			if got := s.status(e3); got != "InProgress" {
				t.Errorf("the execution of the new version is %s", got)
			}
		})
	}
}

// What needs V2, at create and at start.
func TestPipelineTypes(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Source", "Src", "")
	gate := stage("Gate", approval("Ask", ""))
	connected := stage("Source", action("Fetch", "Source", "AWS", "CodeStarSourceConnection", `"outputArtifacts":[{"name":"Code"}],
		"configuration":{"ConnectionArn":"arn:aws:codestar-connections:eu-west-1:000000000000:connection/c","FullRepositoryId":"o/r","BranchName":"main"}`))
	for _, tt := range []struct{ declaration, code, text string }{
		{declare("N", `"pipelineType":"V1","executionMode":"QUEUED"`, srcStage, gate), "InvalidStructureException", "QUEUED or PARALLEL mode can only be used with V2 pipelines"},
		{declare("N", `"pipelineType":"V1","executionMode":"PARALLEL"`, srcStage, gate), "InvalidStructureException", "QUEUED or PARALLEL mode can only be used with V2 pipelines"},
		{declare("N", `"pipelineType":"V1","variables":[{"name":"A"}]`, srcStage, gate), "InvalidStructureException", "Pipeline variable can only be used with V2 pipelines"},
		{declare("N", `"pipelineType":"V1","triggers":[{"providerType":"CodeStarSourceConnection","gitConfiguration":{"sourceActionName":"Fetch","push":[{"branches":{"includes":["main"]}}]}}]`, connected, gate), // T-22
			"InvalidStructureException", "Triggers on tag can only be used with V2 pipelines"},
		{declare("N", `"pipelineType":"V1"`, srcStage, guarded("Gate", condition("beforeEntry", "FAIL", variableCheck("R", "a", "EQ", "a")), approval("Ask", ""))),
			"InvalidStageDeclarationException", "Stage level conditions can only be used with V2 pipelines."},
		{declare("N", `"pipelineType":"V1"`, srcStage, guarded("Gate", `"onFailure":{"result":"RETRY"}`, approval("Ask", ""))),
			"InvalidStageDeclarationException", ""},
		{declare("N", `"pipelineType":"V1"`, srcStage, stage("Build", action("Make", "Compute", "AWS", "Commands", `"commands":["true"],"inputArtifacts":[{"name":"Code"}]`))),
			"InvalidActionDeclarationException", "Commands Action can only be used with V2 pipelines."},
		{declare("N", `"pipelineType":"V2","executionMode":"PARALLEL"`, srcStage, guarded("Gate", `"onFailure":{"result":"ROLLBACK"}`, approval("Ask", ""))),
			"InvalidStageDeclarationException", "Failure conditions with rollback result type cannot be added to a PARALLEL pipeline."},
	} {
		s.root.refuse("CreatePipeline", `{"pipeline":`+tt.declaration+`}`, tt.code, tt.text)
	}
	s.create(declare("P", `"pipelineType":"V1"`, srcStage, gate))
	s.root.refuse("StartPipelineExecution", `{"name":"P","variables":[{"name":"A","value":"a"}]}`, "ValidationException",
		"Variables can only be given when starting a V2 pipeline; 'P' is a V1 pipeline")
	s.root.refuse("StartPipelineExecution", `{"name":"P","sourceRevisions":[{"actionName":"Fetch","revisionType":"COMMIT_ID","revisionValue":"x"}]}`, "ValidationException",
		"Source revisions can only be given when starting a V2 pipeline; 'P' is a V1 pipeline")
	s.update(declare("P", `"pipelineType":"V2","executionMode":"QUEUED","variables":[{"name":"A","defaultValue":"a"}]`, srcStage, gate))
	s.root.must("StartPipelineExecution", `{"name":"P","variables":[{"name":"A","value":"b"}]}`)
	s.update(declare("P", `"pipelineType":"V1"`, srcStage, gate)) // without what V1 has not
	if got := text(t, s.root.must("GetPipeline", `{"name":"P"}`), "pipeline.executionMode"); got != "SUPERSEDED" {
		t.Errorf("back in V1 the mode is %s", got)
	}
	s.start()
}

// A token answers the approval it was made for, and no other that is open in
// the same stage or in another execution.
func TestParallelTokens(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Source", "Src", "")
	e1 := s.create(declare("P", `"pipelineType":"V2","executionMode":"PARALLEL"`, srcStage, stage("Gate", approval("Ask", ""), approval("Also", "")), stage("Then", approval("Ask", ""))))
	s.succeed(s.take("Source", "Src"), "")
	e2 := s.run()
	tokens := map[string]string{}
	list := s.root.must("ListActionExecutions", `{"pipelineName":"P"}`)
	for i := range get(t, list, "actionExecutionDetails").([]any) {
		at := fmt.Sprintf("actionExecutionDetails.%d.", i)
		tokens[text(t, list, at+"actionName")+" "+text(t, list, at+"pipelineExecutionId")] = text(t, list, at+"output.executionResult.externalExecutionId")
	}
	s.root.refuse("PutApprovalResult", answerTo(tokens["Also "+e1], "Approved", ""), "InvalidApprovalTokenException", "")
	s.root.refuse("PutApprovalResult", strings.Replace(answerTo(tokens["Ask "+e1], "Approved", ""), "Gate", "Then", 1), "InvalidApprovalTokenException", "")
	s.root.must("PutApprovalResult", answerTo(tokens["Ask "+e1], "Approved", ""))
	s.root.must("PutApprovalResult", strings.Replace(answerTo(tokens["Also "+e1], "Approved", ""), "Ask", "Also", 1))
	s.root.must("PutApprovalResult", answerTo(tokens["Ask "+e2], "Rejected", ""))
	s.see("InProgress InProgress", e1, e2) // the other approval of e2 is open
	s.root.must("PutApprovalResult", strings.Replace(answerTo(tokens["Also "+e2], "Approved", ""), "Ask", "Also", 1))
	s.see("InProgress Failed", e1, e2)
}
