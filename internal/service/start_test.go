package service_test

import (
	"fmt"
	"strings"
	"testing"
)

// Order of checks and idempotency of StartPipelineExecution (engine.md
// section 4.1; T-12, T-13).
func TestStartIdempotency(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Source", "Src", "")
	s.create(declare("P", `"pipelineType":"V2","variables":[{"name":"A","defaultValue":"a"},{"name":"B","defaultValue":"b"}]`,
		stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)), stage("Gate", approval("Ask", `"configuration":{"CustomData":"#{variables.A}"}`))))
	variables := func(id string) string {
		return jsonOf(t, get(t, s.execution(id), "pipelineExecution.variables"))
	}
	start := func(more string) string {
		t.Helper()
		return text(t, s.root.must("StartPipelineExecution", `{"name":"P"`+member(more)+`}`), "pipelineExecutionId")
	}
	const token = `"clientRequestToken":"Token-1"`
	first := start(token + `,"variables":[{"name":"A","value":"first"},{"name":"a","value":"ignored"},{"name":"C","value":"ignored"}]`)
	const want = `[{"name":"A","resolvedValue":"first"},{"name":"B","resolvedValue":"b"}]`
	if got := variables(first); got != want {
		t.Errorf("variables %s", got)
	}
	for _, more := range []string{"", `"variables":[]`, `"variables":[{"name":"A","value":"second"}]`, `"variables":[{"name":"B","value":"x"},{"name":"A","value":"first"}]`} {
		if got := start(strings.TrimSuffix(token+","+more, ",")); got != first {
			t.Errorf("with the token again and %s: %s", more, got)
		}
	}
	if got := variables(first); got != want {
		t.Errorf("after the repeats: variables %s", got)
	}
	if other := start(`"clientRequestToken":"token-1"`); other == first {
		t.Error("a token in another case is the same token")
	}
	if start("") == start("") {
		t.Error("starts without a token are one")
	}
	for _, use := range []string{token, `"clientRequestToken":"fresh"`} {
		s.root.refuse("StartPipelineExecution", `{"name":"P",`+use+`,"variables":[{"name":"A","value":""}]}`, "ValidationException",
			"1 validation error detected: Value at 'variables.1.member.value' failed to satisfy constraint: Member must have length greater than or equal to 1")
		s.root.refuse("StartPipelineExecution", `{"name":"P",`+use+`,"variables":[{"name":"A","value":"1"},{"name":"A","value":"2"}]}`, "ValidationException",
			"Variable names must be unique. The following variable name is already in use: A")
		s.root.refuse("StartPipelineExecution", `{"name":"P",`+use+`,"sourceRevisions":[{"actionName":"Ask","revisionType":"COMMIT_ID","revisionValue":"x"}]}`, "ValidationException",
			"The action name provided in the source revision is not valid. The action must be a source action in your pipeline.")
	}
	s.root.refuse("StartPipelineExecution", `{"name":"P","clientRequestToken":"a_b"}`, "ValidationException", "")
	s.succeed(s.take("Source", "Src"), "") // the first execution of all
	s.create(strings.Replace(declare("Q", "", stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)), stage("Gate", approval("Ask", ""))), "artifacts", "other", 1))
	if got := text(t, s.root.must("StartPipelineExecution", `{"name":"Q",`+token+`}`), "pipelineExecutionId"); got == first {
		t.Error("a token of another pipeline was taken")
	}
}

// Values of variables are taken as they are (T-14).
func TestVariableValueIsLiteral(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Source", "Src", "")
	s.create(declare("P", `"variables":[{"name":"A","defaultValue":"a"}]`,
		stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)), stage("Gate", approval("Ask", `"configuration":{"CustomData":"<#{variables.A}>"}`))))
	s.stop(s.newest("P"), true)
	const literal = "#{codepipeline.PipelineExecutionId}"
	s.root.must("StartPipelineExecution", `{"name":"P","variables":[{"name":"A","value":"`+literal+`"}]}`)
	s.succeed(s.take("Source", "Src"), "")
	if got := text(t, s.root.must("ListActionExecutions", `{"pipelineName":"P"}`), "actionExecutionDetails.0.input.resolvedConfiguration.CustomData"); got != "<"+literal+">" {
		t.Errorf("resolved to %q", got)
	}
	if got := text(t, s.root.must("GetPipeline", `{"name":"P"}`), "pipeline.pipelineType"); got != "V2" { // T-23
		t.Errorf("pipelineType %q", got)
	}
}

// A start without a required value makes an execution that has failed (T-11).
func TestMissingVariables(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Source", "Src", "")
	s.create(declare("P", `"variables":[{"name":"A"},{"name":"B"},{"name":"C","defaultValue":"c"}]`,
		stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)), stage("Gate", approval("Ask", ""))))
	second := s.start()
	list := s.root.must("ListPipelineExecutions", `{"pipelineName":"P"}`)
	for i, trigger := range []string{"StartPipelineExecution", "CreatePipeline"} {
		at := fmt.Sprintf("pipelineExecutionSummaries.%d.", i)
		if got := text(t, list, at+"status") + ": " + text(t, list, at+"statusSummary") + ": " + text(t, list, at+"trigger.triggerType"); got != "Failed: Values for required variables haven't been provided: A,B: "+trigger {
			t.Errorf("%s", got)
		}
		if got := jsonOf(t, get(t, list, at+"sourceRevisions")); got != "[]" {
			t.Errorf("sourceRevisions %s", got)
		}
	}
	if got := s.execution(second); strings.Contains(got, `"variables"`) {
		t.Errorf("variables are shown: %s", got)
	}
	if got := s.root.must("ListActionExecutions", `{"pipelineName":"P"}`); got != `{"actionExecutionDetails":[]}` {
		t.Errorf("actions: %s", got)
	}
	s.root.refuse("StopPipelineExecution", fmt.Sprintf(`{"pipelineName":"P","pipelineExecutionId":%q}`, second), "PipelineExecutionNotStoppableException", "")
}

// Newer executions replace those that wait between stages (T-01, T-02).
func TestSuperseding(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ids := []string{s.fetched()}
	for range 2 {
		ids = append(ids, s.start())
		s.succeed(s.take("Source", "Src"), "")
	}
	if got := s.status(ids[0]) + s.status(ids[1]) + s.status(ids[2]); got != "InProgressSupersededInProgress" {
		t.Errorf("executions are %s", got)
	}
	if got := text(t, s.state(), "stageStates.1.inboundExecution.pipelineExecutionId"); got != ids[2] {
		t.Errorf("%s waits", got)
	}
	s.answer("Rejected", "")
	s.root.refuse("RetryStageExecution", fmt.Sprintf(`{"pipelineName":"P","stageName":"Gate","pipelineExecutionId":%q,"retryMode":"FAILED_ACTIONS"}`, ids[0]), "NotLatestPipelineExecutionException", "")
	if got := text(t, s.state(), "stageStates.1.latestExecution.pipelineExecutionId"); got != ids[2] {
		t.Errorf("%s entered", got)
	}
}
