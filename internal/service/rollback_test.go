package service_test

import (
	"fmt"
	"strings"
	"testing"
)

func rollback(stage, target string) string {
	return fmt.Sprintf(`{"pipelineName":"P","stageName":%q,"targetPipelineExecutionId":%q}`, stage, target)
}

// T-17 and T-18: a stage goes back to what an earlier execution brought there.
func TestRollbackStage(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	first := s.fetchedV2(stage("Prod", ship("Deploy")), stage("Done", approval("Celebrate", "")))
	good := s.take("Deploy", "Ship")
	key := text(t, s.root.must("GetJobDetails", fmt.Sprintf(`{"jobId":%q}`, good)), "jobDetails.data.inputArtifacts.0.location.s3Location.objectKey")
	s.succeed(good, "")
	second := s.start()
	s.fetch()
	s.root.refuse("RollbackStage", rollback("Prod", first), "UnableToRollbackStageException", "Stage 'Prod' cannot be rolled back: execution '"+second+"' is in progress in it")
	s.fail(s.take("Deploy", "Ship"))

	back := text(t, s.root.must("RollbackStage", rollback("Prod", first)), "pipelineExecutionId")
	same(t, s.execution(back), `{"pipelineExecution":{"pipelineName":"P","pipelineVersion":1,"pipelineExecutionId":"#1","status":"InProgress",
		"artifactRevisions":[{"name":"Code","revisionId":"r1","revisionChangeIdentifier":"c1","created":`+epoch(s)+`}],
		"trigger":{"triggerType":"ManualRollback","triggerDetail":"{\"AwsUserArn\":\"arn:aws:iam::000000000000:root\"}"},
		"executionMode":"SUPERSEDED","executionType":"ROLLBACK","rollbackMetadata":{"rollbackTargetPipelineExecutionId":"#2"}}}`, back, first)
	if got := get(t, s.state(), "stageStates.1.latestExecution"); fmt.Sprint(got) != fmt.Sprintf("map[pipelineExecutionId:%s status:InProgress type:ROLLBACK]", back) {
		t.Errorf("latest execution of the stage: %v", got)
	}
	job := s.take("Deploy", "Ship")
	if got := text(t, s.root.must("GetJobDetails", fmt.Sprintf(`{"jobId":%q}`, job)), "jobDetails.data.inputArtifacts.0.location.s3Location.objectKey"); got != key {
		t.Errorf("the rollback deploys %s, want %s", got, key)
	}
	s.succeed(job, "")
	if s.status(back) != "Succeeded" || s.status(second) != "Failed" || s.poll("Source", "Src") != "" {
		t.Errorf("the rollback is %s, the failed execution %s", s.status(back), s.status(second))
	}
	list := s.root.must("ListPipelineExecutions", `{"pipelineName":"P","filter":{"succeededInStage":{"stageName":"Prod"}}}`)
	if text(t, list, "pipelineExecutionSummaries.0.pipelineExecutionId") != first || get(t, list, "pipelineExecutionSummaries.1") != nil {
		t.Errorf("candidates: %s", list)
	}

	// Each refusal.
	s.root.refuse("RollbackStage", rollback("Prod", "nonsense"), "ValidationException", "")
	s.root.refuse("RollbackStage", strings.Replace(rollback("Prod", first), `"P"`, `"Q"`, 1), "PipelineNotFoundException", "")
	s.root.refuse("RollbackStage", rollback("Nowhere", first), "StageNotFoundException", "")
	s.root.refuse("RollbackStage", rollback("Prod", unknownID), "PipelineExecutionNotFoundException", "")
	s.root.refuse("RollbackStage", rollback("Source", first), "UnableToRollbackStageException", "Stage 'Source' cannot be rolled back: it contains source actions")
	s.root.refuse("RollbackStage", rollback("Prod", back), "UnableToRollbackStageException", "Target Pipeline Execution with id '"+back+"' is a rollback itself")
	s.root.refuse("RollbackStage", rollback("Prod", second), "UnableToRollbackStageException", "Target Pipeline Execution with id '"+second+"' has not completed in stage with name 'Prod'")
	declaration := jsonOf(t, get(t, s.root.must("GetPipeline", `{"name":"P"}`), "pipeline"))
	s.root.must("UpdatePipeline", `{"pipeline":`+declaration+`}`)
	s.root.refuse("RollbackStage", rollback("Prod", first), "PipelineExecutionOutdatedException", "")
}

func TestRollbackOfV1(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	e := s.fetched()
	s.root.refuse("RollbackStage", rollback("Gate", e), "ValidationException", "A stage can only be rolled back in a V2 pipeline; 'P' is a V1 pipeline")
}

// A failure goes back by itself where the stage says so.
func TestAutomaticRollback(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	first := s.fetchedV2(guarded("Prod", `"onFailure":{"result":"ROLLBACK"}`, ship("Deploy")))
	s.fail(s.take("Deploy", "Ship")) // nothing to go back to
	if got := s.newest("P"); got != first {
		t.Fatalf("a rollback to nothing: %s", got)
	}
	run := func() string {
		e := s.start()
		s.fetch()
		return e
	}
	second := run()
	s.succeed(s.take("Deploy", "Ship"), "")
	third := run()
	s.fail(s.take("Deploy", "Ship"))
	back := s.newest("P")
	same(t, jsonOf(t, get(t, s.root.must("ListPipelineExecutions", `{"pipelineName":"P","maxResults":1}`), "pipelineExecutionSummaries.0.trigger")),
		`{"triggerType":"AutomatedRollback","triggerDetail":"{\"FailedPipelineExecutionId\":\"#1\"}"}`, third)
	if got := text(t, s.execution(back), "pipelineExecution.rollbackMetadata.rollbackTargetPipelineExecutionId"); got != second {
		t.Errorf("the rollback goes to %s, want %s", got, second)
	}
	s.fail(s.take("Deploy", "Ship"))
	if got := s.newest("P"); got != back || s.status(back) != "Failed" {
		t.Errorf("the failed rollback is %s, the newest execution %s", s.status(back), got)
	}
}

// T-19: a failure is retried once by itself.
func TestAutomaticRetry(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	e := s.fetchedV2(guarded("Prod", `"onFailure":{"result":"RETRY","retryConfiguration":{"retryMode":"FAILED_ACTIONS"}}`, ship("Deploy")))
	s.fail(s.take("Deploy", "Ship"))
	const auto = `{"autoStageRetryAttempt":1,"latestRetryTrigger":"AutomatedStageRetry"}`
	same(t, jsonOf(t, get(t, s.state(), "stageStates.1.retryStageMetadata")), auto)
	if got := s.status(e); got != "InProgress" {
		t.Fatalf("the execution is %s", got)
	}
	s.fail(s.take("Deploy", "Ship"))
	same(t, jsonOf(t, get(t, s.state(), "stageStates.1.retryStageMetadata")), auto)
	if got := s.status(e); got != "Failed" {
		t.Fatalf("the execution is %s", got)
	}
	s.root.must("RetryStageExecution", fmt.Sprintf(`{"pipelineName":"P","stageName":"Prod","pipelineExecutionId":%q,"retryMode":"ALL_ACTIONS"}`, e))
	s.fail(s.take("Deploy", "Ship"))
	same(t, jsonOf(t, get(t, s.state(), "stageStates.1.retryStageMetadata")), `{"autoStageRetryAttempt":1,"manualStageRetryAttempt":1,"latestRetryTrigger":"ManualStageRetry"}`)
	if got := s.status(e); got != "Failed" {
		t.Errorf("a manual retry has rearmed the automatic one: %s", got)
	}
}
