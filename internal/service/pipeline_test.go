package service_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// What Create, Update and Get answer (engine.md section 1.8, T-21).
func TestPipelineIsNormalised(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Source", "Src", "")
	sent := declare("P", "", stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)), stage("Gate", approval("Ask", `"runOrder":3,"timeoutInMinutes":10,"configuration":{"CustomData":"x"}`)))
	want := func(version int) string {
		return fmt.Sprintf(`{"name":"P","roleArn":"arn:aws:iam::000000000000:role/r","artifactStore":{"type":"S3","location":"artifacts"},"version":%d,"executionMode":"SUPERSEDED","pipelineType":"V1","stages":[
			{"name":"Source","actions":[{"name":"Fetch","actionTypeId":%s,"runOrder":1,"configuration":{},"inputArtifacts":[],"outputArtifacts":[{"name":"Code"}]}]},
			{"name":"Gate","actions":[{"name":"Ask","actionTypeId":%s,"runOrder":3,"timeoutInMinutes":10,"configuration":{"CustomData":"x"},"inputArtifacts":[],"outputArtifacts":[]}]}]}`,
			version, typeID("Source", "Custom", "Src"), typeID("Approval", "AWS", "Manual"))
	}
	created := epoch(s)
	same(t, s.root.must("CreatePipeline", `{"pipeline":`+sent+`}`), `{"pipeline":`+want(1)+`}`)
	metadata := func() string {
		return `"metadata":{"pipelineArn":"` + pipelineP + `","created":` + created + `,"updated":` + epoch(s) + `}`
	}
	same(t, s.root.must("GetPipeline", `{"name":"P"}`), `{"pipeline":`+want(1)+`,`+metadata()+`}`)
	s.pass(time.Second)
	for _, v := range []string{"1", "9"} { // the version that is sent does not matter
		s.root.must("UpdatePipeline", `{"pipeline":`+strings.Replace(sent, `"name":"P"`, `"version":`+v+`,"name":"P"`, 1)+`}`)
	}
	same(t, s.root.must("GetPipeline", `{"name":"P"}`), `{"pipeline":`+want(3)+`,`+metadata()+`}`)
	same(t, s.root.must("GetPipeline", `{"name":"P","version":2}`), `{"pipeline":`+want(2)+`,`+metadata()+`}`)
	same(t, s.root.must("ListPipelines", `{}`), `{"pipelines":[{"name":"P","version":3,"pipelineType":"V1","executionMode":"SUPERSEDED","created":`+created+`,"updated":`+epoch(s)+`}]}`)
	s.root.refuse("GetPipeline", `{"name":"P","version":4}`, "PipelineVersionNotFoundException", "")
	s.root.refuse("GetPipeline", `{"name":"Q"}`, "PipelineNotFoundException", "Account '000000000000' does not have a pipeline with name 'Q'")
	s.root.refuse("CreatePipeline", `{"pipeline":`+sent+`}`, "PipelineNameInUseException", "A pipeline with the name 'P' already exists in account '000000000000'")
	s.root.refuse("UpdatePipeline", `{"pipeline":`+strings.Replace(sent, `"P"`, `"Q"`, 1)+`}`, "PipelineNotFoundException", "")
	s.as(stranger).refuse("GetPipeline", `{"name":"P"}`, "PipelineNotFoundException", "Account '111111111111' does not have a pipeline with name 'P'")
	if _, ok := s.buckets.Load("000000000000/eu-west-1/artifacts"); !ok {
		t.Error("the artifact bucket was not made")
	}
}

// Not-found texts of the operations that take a pipeline's name (engine.md
// section 1.11).
func TestNoSuchPipeline(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const id = "00000000-0000-4000-8000-000000000000"
	for op, body := range map[string]string{
		"GetPipelineState":       `{"name":"Q"}`,
		"GetPipelineExecution":   `{"pipelineName":"Q","pipelineExecutionId":"` + id + `"}`,
		"ListPipelineExecutions": `{"pipelineName":"Q"}`,
		"ListActionExecutions":   `{"pipelineName":"Q"}`,
		"StartPipelineExecution": `{"name":"Q"}`,
		"StopPipelineExecution":  `{"pipelineName":"Q","pipelineExecutionId":"` + id + `"}`,
		"RetryStageExecution":    `{"pipelineName":"Q","stageName":"S","pipelineExecutionId":"` + id + `","retryMode":"ALL_ACTIONS"}`,
		"EnableStageTransition":  `{"pipelineName":"Q","stageName":"S","transitionType":"Inbound"}`,
		"DisableStageTransition": `{"pipelineName":"Q","stageName":"S","transitionType":"Inbound","reason":"r"}`,
		"PutApprovalResult":      `{"pipelineName":"Q","stageName":"S","actionName":"A","token":"` + id + `","result":{"status":"Approved","summary":""}}`,
		"Penstock.GetActionLog":  `{"pipelineName":"Q"}`,
		"UpdatePipeline":         `{"pipeline":` + declare("Q", "", stage("S", approval("A", "")), stage("T", approval("A", ""))) + `}`,
	} {
		s.root.refuse(op, body, "PipelineNotFoundException", "The account with AWS account ID '000000000000' does not include a pipeline named 'Q'")
	}
	if got := s.root.must("DeletePipeline", `{"name":"Q"}`); got != "" {
		t.Errorf("deleting what is not there answers %q", got)
	}
	s.simple()
	s.root.refuse("GetPipelineExecution", `{"pipelineName":"P","pipelineExecutionId":"`+id+`"}`, "PipelineExecutionNotFoundException", "Pipeline 'P' does not have an execution with ID '"+id+"'")
}

// DeletePipeline ends open jobs and approvals; a new pipeline of the name
// starts with nothing.
func TestDeletePipeline(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Build", "Make", "")
	e := s.fetched(stage("Gate", approval("Ask", ""), action("Compile", "Build", "Custom", "Make", ""), action("Idle", "Build", "Custom", "Make", `"namespace":"N"`)))
	approve := s.request("Approved", "")
	job := s.take("Build", "Make")
	s.root.must("StartPipelineExecution", `{"name":"P","clientRequestToken":"again"}`)
	if got := s.root.must("DeletePipeline", `{"name":"P"}`); got != "" {
		t.Errorf("answers %q", got)
	}
	for op, body := range customCalls {
		s.root.refuse(op, fill(body, job, "1", ""), "JobNotFoundException", "The job '"+job+"' was not found")
	}
	for category, provider := range map[string]string{"Build": "Make", "Source": "Src"} {
		if j := s.poll(category, provider); j != "" {
			t.Errorf("a job of a deleted pipeline: %s", j)
		}
	}
	s.root.refuse("PutApprovalResult", approve, "PipelineNotFoundException", "")
	s.pass(8 * 24 * time.Hour) // timers of the old one lead to nothing

	again := s.create(declare("P", "", stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)), stage("Gate", approval("Ask", ""))))
	if again == e || get(t, s.root.must("GetPipeline", `{"name":"P"}`), "pipeline.version") != 1.0 {
		t.Error("the new pipeline is the old one")
	}
	if rows := get(t, s.root.must("ListPipelineExecutions", `{"pipelineName":"P"}`), "pipelineExecutionSummaries").([]any); len(rows) != 1 {
		t.Errorf("%d executions", len(rows))
	}
	s.root.refuse("GetPipelineExecution", fmt.Sprintf(`{"pipelineName":"P","pipelineExecutionId":%q}`, e), "PipelineExecutionNotFoundException", "")
	token := `{"name":"P","clientRequestToken":"again"}`
	if a, b := s.root.must("StartPipelineExecution", token), s.root.must("StartPipelineExecution", token); a != b || strings.Contains(a, e) {
		t.Errorf("a token that the old pipeline knew: %s, then %s", a, b)
	}
	s.purge()
	if got := s.newest("P"); got == "" {
		t.Error("the purge took the new pipeline's history")
	}
}

// UpdatePipeline while executions run (engine.md section 1.10).
func TestUpdateWhileRunning(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Build", "Make", "")
	running := s.fetched(stage("Build", action("Compile", "Build", "Custom", "Make", "")))
	job := s.take("Build", "Make")
	waiting := s.start()
	s.succeed(s.take("Source", "Src"), "")
	update := `{"pipeline":` + jsonOf(t, get(t, s.root.must("GetPipeline", `{"name":"P"}`), "pipeline")) + `}`
	s.root.must("UpdatePipeline", update)
	if got := s.status(running) + s.status(waiting); got != "InProgressCancelled" {
		t.Errorf("after the update: %s", got)
	}
	s.succeed(job, `"executionDetails":{"summary":"late but well"}`)
	if got := s.status(running); got != "Cancelled" {
		t.Errorf("after its last action: %s", got)
	}
	if got := text(t, s.state(), "stageStates.1.actionStates.0.latestExecution.summary") + text(t, s.state(), "stageStates.1.latestExecution.status"); got != "late but wellCancelled" {
		t.Errorf("the state shows %s", got)
	}
	if got := s.newest("P"); got != waiting {
		t.Errorf("the update started %s", got)
	}
	s.start()
	s.succeed(s.take("Source", "Src"), "")
	s.succeed(s.take("Build", "Make"), "")
	if got := s.status(s.newest("P")); got != "Succeeded" {
		t.Errorf("the new version ends %s", got)
	}
}

// Quotas, and what this version does not do, are refused, not ignored.
func TestPipelineRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t, options{maxPipelines: 1, maxActionTypes: 9})
	s.customType("Source", "Src", "")
	source := stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`))
	for _, tt := range []struct{ name, declaration, code string }{
		{"one stage", declare("P", "", source), "InvalidStructureException"},
	} {
		s.root.refuse("CreatePipeline", `{"pipeline":`+tt.declaration+`}`, tt.code, "")
	}
	if _, made := s.buckets.Load("000000000000/eu-west-1/artifacts"); made {
		t.Error("the bucket of a refused pipeline was made")
	}
	s.create(declare("P", "", source, stage("Gate", approval("Ask", ""))))
	s.root.refuse("CreatePipeline", `{"pipeline":`+declare("Q", "", source, stage("Gate", approval("Ask", "")))+`}`, "LimitExceededException", "The account has reached its limit of 1 pipelines in region eu-west-1")
	s.as(stranger).refuse("CreatePipeline", `{"pipeline":`+declare("Q", "", source, stage("Gate", approval("Ask", "")))+`}`, "InvalidActionDeclarationException", "")
}
