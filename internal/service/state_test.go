package service_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The answers of the read operations, member by member, through the life of an
// execution (engine.md section 6).
func TestReadsThroughALife(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Source", "Src", properties(property("Repo", "required"))+`,"settings":{"entityUrlTemplate":"https://src/{Config:Repo}","revisionUrlTemplate":"https://src/{Config:Repo}/{RevisionId}","executionUrlTemplate":"https://src/run/{ExternalExecutionId}"}`)
	begun := epoch(s)
	e := s.create(declare("P", "",
		stage("Source", action("Fetch", "Source", "Custom", "Src", `"namespace":"Src","outputArtifacts":[{"name":"Code"}],"configuration":{"Repo":"r"}`)),
		stage("Gate", approval("Ask", `"configuration":{"CustomData":"look at #{Src.Commit}"}`)),
		stage("Done", approval("Celebrate", ""))))
	first := text(t, s.root.must("ListActionExecutions", `{"pipelineName":"P"}`), "actionExecutionDetails.0.actionExecutionId")

	const open = `"inboundExecutions":[],"inboundTransitionState":{"enabled":true}`
	head := `"pipelineName":"P","pipelineVersion":1,"created":` + begun + `,"updated":` + begun
	gate := func(action string) string {
		return `{"stageName":"Gate",` + open + `,"actionStates":[{"actionName":"Ask"` + action + `}]`
	}
	const untouched = `{"stageName":"Done",` + open + `,"actionStates":[{"actionName":"Celebrate"}]}`
	state := func(stages ...string) {
		t.Helper()
		same(t, s.state(), `{`+head+`,"stageStates":[`+strings.Join(stages, ",")+`]}`, e, first)
	}
	state(`{"stageName":"Source",`+open+`,"latestExecution":{"pipelineExecutionId":"#1","status":"InProgress"},
		"actionStates":[{"actionName":"Fetch","entityUrl":"https://src/r","latestExecution":{"actionExecutionId":"#2","status":"InProgress","lastStatusChange":`+begun+`}}]}`,
		gate("")+`}`, untouched)

	const trigger = `"trigger":{"triggerType":"CreatePipeline","triggerDetail":"arn:aws:iam::000000000000:root"},"executionMode":"SUPERSEDED"`
	execution := func(status, more string) {
		t.Helper()
		same(t, s.execution(e), `{"pipelineExecution":{"pipelineName":"P","pipelineVersion":1,"pipelineExecutionId":"#1","status":"`+status+`",`+trigger+more+`}}`, e)
	}
	execution("InProgress", `,"artifactRevisions":[]`)
	summary := func(status, updated, more string) {
		t.Helper()
		same(t, s.root.must("ListPipelineExecutions", `{"pipelineName":"P"}`), `{"pipelineExecutionSummaries":[{"pipelineExecutionId":"#1","status":"`+status+`","startTime":`+begun+`,"lastUpdateTime":`+updated+`,`+trigger+more+`}]}`, e)
	}
	summary("InProgress", begun, `,"sourceRevisions":[]`)
	fetch := func(status, updated, output string) string {
		return `{"pipelineExecutionId":"#1","actionExecutionId":"#2","pipelineVersion":1,"stageName":"Source","actionName":"Fetch","startTime":` + begun + `,"lastUpdateTime":` + updated + `,"status":"` + status + `",
			"input":{"actionTypeId":` + typeID("Source", "Custom", "Src") + `,"configuration":{"Repo":"r"},"resolvedConfiguration":{"Repo":"r"},"region":"eu-west-1","inputArtifacts":[],"namespace":"Src"},"output":` + output + `}`
	}
	same(t, s.root.must("ListActionExecutions", `{"pipelineName":"P"}`), `{"actionExecutionDetails":[`+
		fetch("InProgress", begun, `{"outputArtifacts":[],"outputVariables":{}}`)+`]}`, e, first)

	s.pass(1500 * time.Millisecond)
	fetched := epoch(s)
	s.succeed(s.take("Source", "Src"), `"outputVariables":{"Commit":"c0ffee"},"currentRevision":{"revision":"rev","changeIdentifier":"ch","revisionSummary":"why"},"executionDetails":{"externalExecutionId":"x","summary":"sum","percentComplete":90}`)
	second := text(t, s.state(), "stageStates.1.actionStates.0.latestExecution.actionExecutionId")
	source := `{"stageName":"Source",` + open + `,"latestExecution":{"pipelineExecutionId":"#1","status":"Succeeded"},
		"actionStates":[{"actionName":"Fetch","entityUrl":"https://src/r","revisionUrl":"https://src/r/rev","currentRevision":{"revisionId":"rev","revisionChangeId":"ch","created":` + fetched + `},
		"latestExecution":{"actionExecutionId":"#2","status":"Succeeded","lastStatusChange":` + fetched + `,"externalExecutionId":"x","externalExecutionUrl":"https://src/run/x","summary":"sum","percentComplete":90}}]}`
	state(source, gate(`,"latestExecution":{"actionExecutionId":"#3","status":"InProgress","lastStatusChange":`+fetched+`,"token":"#3","summary":"look at c0ffee"}`)+
		`,"latestExecution":{"pipelineExecutionId":"#1","status":"InProgress"}}`, untouched)
	const revision = `,"artifactRevisions":[{"name":"Code","revisionId":"rev","revisionChangeIdentifier":"ch","revisionSummary":"why","revisionUrl":"https://src/r/rev","created":`
	execution("InProgress", revision+fetched+`}]`)
	const sources = `,"sourceRevisions":[{"actionName":"Fetch","revisionId":"rev","revisionSummary":"why","revisionUrl":"https://src/r/rev"}]`
	ask := func(status, updated, more, output string) string {
		return `{"pipelineExecutionId":"#1","actionExecutionId":"#3","pipelineVersion":1,"stageName":"Gate","actionName":"Ask","startTime":` + fetched + `,"lastUpdateTime":` + updated + `,"status":"` + status + `"` + more + `,
			"input":{"actionTypeId":` + typeID("Approval", "AWS", "Manual") + `,"configuration":{"CustomData":"look at #{Src.Commit}"},"resolvedConfiguration":{"CustomData":"look at c0ffee"},"region":"eu-west-1","inputArtifacts":[]},
			"output":{"outputArtifacts":[],"outputVariables":{}` + output + `}}`
	}
	const fetchOutput = `{"outputArtifacts":[{"name":"Code","s3location":{"bucket":"artifacts","key":"P/Code/k000001.zip"}}],"outputVariables":{"Commit":"c0ffee"},
		"executionResult":{"externalExecutionId":"x","externalExecutionSummary":"sum","externalExecutionUrl":"https://src/run/x"}}`
	actions := func(rows ...string) {
		t.Helper()
		same(t, s.root.must("ListActionExecutions", `{"pipelineName":"P"}`), `{"actionExecutionDetails":[`+strings.Join(rows, ",")+`]}`, e, first, second)
	}
	actions(ask("InProgress", fetched, "", ""), fetch("Succeeded", fetched, fetchOutput))

	s.pass(time.Second)
	answered := epoch(s)
	s.answer("Rejected", "no good")
	state(source, gate(`,"latestExecution":{"actionExecutionId":"#3","status":"Failed","lastStatusChange":`+answered+`,"lastUpdatedBy":"arn:aws:iam::000000000000:root","summary":"no good","errorDetails":{"code":"JobFailed","message":"no good"}}`)+
		`,"latestExecution":{"pipelineExecutionId":"#1","status":"Failed"}}`, untouched)
	execution("Failed", revision+fetched+`}]`)
	summary("Failed", answered, sources)
	actions(ask("Failed", answered, `,"updatedBy":"arn:aws:iam::000000000000:root"`, `,"executionResult":{"externalExecutionId":"#3","externalExecutionSummary":"no good","errorDetails":{"code":"JobFailed","message":"no good"}}`),
		fetch("Succeeded", fetched, fetchOutput))

	s.root.must("RetryStageExecution", fmt.Sprintf(`{"pipelineName":"P","stageName":"Gate","pipelineExecutionId":%q,"retryMode":"ALL_ACTIONS"}`, e))
	state(source, gate(`,"latestExecution":{"actionExecutionId":"#3","status":"InProgress","lastStatusChange":`+answered+`,"token":"#3","summary":"look at c0ffee"}`)+
		`,"latestExecution":{"pipelineExecutionId":"#1","status":"InProgress"},"retryStageMetadata":{"manualStageRetryAttempt":1,"latestRetryTrigger":"ManualStageRetry"}}`, untouched)
	execution("InProgress", revision+fetched+`}]`)
	s.root.must("StopPipelineExecution", fmt.Sprintf(`{"pipelineName":"P","pipelineExecutionId":%q,"abandon":true,"reason":"enough, really"}`, e))
	state(source, gate(`,"latestExecution":{"actionExecutionId":"#3","status":"Abandoned","lastStatusChange":`+answered+`,"summary":"The approval action has been canceled."}`)+
		`,"latestExecution":{"pipelineExecutionId":"#1","status":"Stopped"},"retryStageMetadata":{"manualStageRetryAttempt":1,"latestRetryTrigger":"ManualStageRetry"}}`, untouched)
	execution("Stopped", `,"statusSummary":"enough, really"`+revision+fetched+`}]`)
	same(t, s.root.must("ListPipelineExecutions", `{"pipelineName":"P","filter":{"succeededInStage":{"stageName":"Source"}}}`),
		`{"pipelineExecutionSummaries":[{"pipelineExecutionId":"#1","status":"Stopped","statusSummary":"enough, really","stopTrigger":{"reason":"enough, really"},"startTime":`+begun+`,"lastUpdateTime":`+answered+`,`+trigger+sources+`}]}`, e)
	for _, stage := range []string{"Gate", "Nowhere"} {
		if got := s.root.must("ListPipelineExecutions", `{"pipelineName":"P","filter":{"succeededInStage":{"stageName":"`+stage+`"}}}`); got != `{"pipelineExecutionSummaries":[]}` {
			t.Errorf("succeeded in %s: %s", stage, got)
		}
	}
}

// How gates show, and who waits in front (engine.md section 3.3).
func TestTransitions(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	gate := func(op, stage, kind, reason string) {
		t.Helper()
		if reason != "" {
			reason = `,"reason":"` + reason + `"`
		}
		if got := s.root.must(op, `{"pipelineName":"P","stageName":"`+stage+`","transitionType":"`+kind+`"`+reason+`}`); got != "" {
			t.Errorf("%s answers %q", op, got)
		}
	}
	shown := func(want string) {
		t.Helper()
		same(t, jsonOf(t, get(t, s.state(), "stageStates.1.inboundTransitionState")), want)
	}
	s.simple()
	const by = `"lastChangedBy":"arn:aws:iam::000000000000:root"`
	shown(`{"enabled":true}`)
	gate("DisableStageTransition", "Gate", "Inbound", "first! (a.b*c?)-@")
	shown(`{"enabled":false,` + by + `,"lastChangedAt":` + epoch(s) + `,"disabledReason":"first! (a.b*c?)-@"}`)
	s.pass(time.Second)
	gate("DisableStageTransition", "Gate", "Inbound", "second")
	shown(`{"enabled":false,` + by + `,"lastChangedAt":` + epoch(s) + `,"disabledReason":"second"}`)

	var waited string
	for range 3 {
		waited = s.newest("P")
		s.succeed(s.take("Source", "Src"), "")
		same(t, jsonOf(t, map[string]any{"one": get(t, s.state(), "stageStates.1.inboundExecution"), "all": get(t, s.state(), "stageStates.1.inboundExecutions")}),
			`{"one":{"pipelineExecutionId":"#1","status":"InProgress"},"all":[{"pipelineExecutionId":"#1","status":"InProgress"}]}`, waited)
		if get(t, s.state(), "stageStates.1.latestExecution") != nil {
			t.Error("a waiting execution shows as the stage's latest")
		}
		s.start()
	}
	gate("DisableStageTransition", "Source", "Outbound", "behind")
	s.pass(time.Second)
	gate("EnableStageTransition", "Gate", "Inbound", "")
	shown(`{"enabled":false,` + by + `,"lastChangedAt":` + fmt.Sprint(s.clock.now().Add(-time.Second).Unix()) + `,"disabledReason":"behind"}`)
	if get(t, s.state(), "stageStates.1.latestExecution") != nil {
		t.Error("went through the gate behind the stage before")
	}
	gate("EnableStageTransition", "Source", "Outbound", "")
	shown(`{"enabled":true,` + by + `,"lastChangedAt":` + epoch(s) + `}`)
	if got := text(t, s.state(), "stageStates.1.latestExecution.pipelineExecutionId"); got != waited {
		t.Errorf("the gate let %q in, want the newest that waited, %s", got, waited)
	}
	if got := jsonOf(t, get(t, s.state(), "stageStates.1.inboundExecutions")); got != "[]" {
		t.Errorf("still waiting: %s", got)
	}

	gate("DisableStageTransition", "Gate", "Inbound", "kept")
	s.root.must("UpdatePipeline", `{"pipeline":`+jsonOf(t, get(t, s.root.must("GetPipeline", `{"name":"P"}`), "pipeline"))+`}`)
	if got := get(t, s.state(), "stageStates.1.inboundTransitionState.enabled"); got != false {
		t.Error("the update opened the gate")
	}
	for _, op := range []string{"DisableStageTransition", "EnableStageTransition"} {
		body := `{"pipelineName":"P","stageName":"Gate","transitionType":"Inbound","reason":"r"}`
		s.root.refuse(op, strings.Replace(body, `"P"`, `"Q"`, 1), "PipelineNotFoundException", "The account with AWS account ID '000000000000' does not include a pipeline named 'Q'")
		s.root.refuse(op, strings.Replace(body, "Gate", "Hole", 1), "StageNotFoundException", "")
		s.root.refuse(op, strings.Replace(body, "Inbound", "Sideways", 1), "ValidationException", "1 validation error detected: Value at 'transitionType' failed to satisfy constraint: Member must satisfy enum value set: [Inbound, Outbound]")
	}
	s.root.refuse("DisableStageTransition", `{"pipelineName":"P","stageName":"Gate","transitionType":"Inbound"}`, "ValidationException", "")
	s.root.refuse("DisableStageTransition", `{"pipelineName":"P","stageName":"Gate","transitionType":"Inbound","reason":"a, b"}`, "ValidationException", // T-06
		`1 validation error detected: Value at 'reason' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9!@ \(\)\.\*\?\-]+`)
}
