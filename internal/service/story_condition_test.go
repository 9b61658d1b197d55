package service_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// onFailure is the member of a stage with a condition for its failures, whose
// result can only be ROLLBACK.
func onFailure(rules ...string) string { return condition("onFailure", "ROLLBACK", rules...) }

// shipped lets the next job of Ship end, with the output variable Health, or in
// failure when that is "".
func (s *server) shipped(health string) {
	s.Helper()
	job := s.take("Deploy", "Ship")
	if health == "" {
		s.fail(job)
		return
	}
	s.succeed(job, `"outputVariables":{"Health":"`+health+`"}`)
}

func (s *server) again() string {
	s.Helper()
	id := s.start()
	s.fetch()
	return id
}

const healthy = `"namespace":"Ship","inputArtifacts":[{"name":"Code"}]`

func shipHealthy() string { return action("Deploy", "Deploy", "Custom", "Ship", healthy) }

// A success condition that is not met fails the stage; overridden, the
// execution goes on.
func TestSuccessConditionFails(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	e := s.fetchedV2(guarded("Prod", condition("onSuccess", "FAIL", variableCheck("Healthy", "#{Ship.Health}", "EQ", "ok")), shipHealthy()), stage("Done", approval("Celebrate", "")))
	s.shipped("bad")
	state := s.state()
	if got := text(t, state, "stageStates.1.onSuccessConditionState.latestExecution.status") + text(t, state, "stageStates.1.latestExecution.status") + s.status(e) +
		text(t, state, "stageStates.1.actionStates.0.latestExecution.status"); got != "FailedFailedFailedSucceeded" {
		t.Errorf("condition, stage, execution and action: %s", got)
	}
	s.root.must("OverrideStageCondition", s.override(e, "Prod", "ON_SUCCESS"))
	state = s.state()
	if got := text(t, state, "stageStates.1.onSuccessConditionState.latestExecution.status") + text(t, state, "stageStates.1.latestExecution.status") +
		s.status(e) + text(t, state, "stageStates.2.latestExecution.status"); got != "OverriddenSucceededInProgressInProgress" {
		t.Errorf("overridden: condition, stage, execution, next stage: %s", got)
	}
	s.root.refuse("OverrideStageCondition", s.override(e, "Prod", "ON_SUCCESS"), "ConditionNotOverridableException", "")
	s.root.refuse("OverrideStageCondition", s.override(e, "Prod", "BEFORE_ENTRY"), "ConditionNotOverridableException", "")
}

// A success or failure condition with the result ROLLBACK brings back the last
// execution that has passed the stage; no condition is looked at on the way.
func TestConditionsRollBack(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ members, health string }{
		"onSuccess": {condition("onSuccess", "ROLLBACK", variableCheck("Healthy", "#{Ship.Health}", "EQ", "ok")), "bad"},
		"onFailure": {onFailure(variableCheck("Calm", "#{Src.Branch}", "NE", "main")), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			good := s.fetchedV2(guarded("Prod", tt.members, shipHealthy()))
			s.shipped("ok")
			failed := s.again()
			s.shipped(tt.health)
			back := s.newest("P")
			same(t, jsonOf(t, get(t, s.execution(back), "pipelineExecution.trigger")), `{"triggerType":"AutomatedRollback","triggerDetail":"{\"FailedPipelineExecutionId\":\"#1\"}"}`, failed)
			if got := text(t, s.execution(back), "pipelineExecution.rollbackMetadata.rollbackTargetPipelineExecutionId"); got != good {
				t.Errorf("rolled back to %q, want %q", got, good)
			}
			s.shipped(tt.health) // what the condition would not like
			want := "Succeeded"
			if name == "onFailure" {
				want = "Failed"
			}
			if got := s.status(back) + s.status(failed); got != want+"Failed" || s.newest("P") != back {
				t.Errorf("rollback and failed execution are %s", got)
			}
			rows := get(t, s.root.must("ListRuleExecutions", fmt.Sprintf(`{"pipelineName":"P","filter":{"pipelineExecutionId":%q}}`, back)), "ruleExecutionDetails").([]any)
			if len(rows) != 0 {
				t.Errorf("the rollback has looked at %d rules", len(rows))
			}
		})
	}
	t.Run("onFailure, met", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		s.fetchedV2(guarded("Prod", onFailure(variableCheck("Main", "#{Src.Branch}", "EQ", "main")), shipHealthy()))
		s.shipped("ok")
		failed := s.again()
		s.shipped("")
		if got := text(t, s.state(), "stageStates.1.onFailureConditionState.latestExecution.status"); got != "Succeeded" || s.newest("P") != failed || s.status(failed) != "Failed" {
			t.Errorf("condition %s, execution %s", got, s.status(failed))
		}
	})
}

// An automatic retry of all actions runs those again that had succeeded.
func TestAutomaticRetryOfAllActions(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Build", "Make", "")
	e := s.fetchedV2(guarded("Prod", `"onFailure":{"result":"RETRY","retryConfiguration":{"retryMode":"ALL_ACTIONS"}}`, action("Compile", "Build", "Custom", "Make", ""), ship("Deploy")))
	s.succeed(s.take("Build", "Make"), "")
	s.shipped("")
	s.succeed(s.take("Build", "Make"), "")
	s.shipped("ok")
	if got := s.status(e); got != "Succeeded" {
		t.Errorf("the execution is %s", got)
	}
}

// A rejection and a time-out are failures like any other.
func TestAutomaticRetryOfAnApproval(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	e := s.fetchedV2(guarded("Gate", `"onFailure":{"result":"RETRY"}`, approval("Ask", `"timeoutInMinutes":5`)))
	old := s.request("Approved", "")
	s.answer("Rejected", "no")
	s.root.refuse("PutApprovalResult", old, "ApprovalAlreadyCompletedException", "")
	if got := s.status(e); got != "InProgress" {
		t.Fatalf("after the rejection: %s", got)
	}
	s.pass(5 * time.Minute)
	if got := s.status(e); got != "Failed" {
		t.Errorf("after the second failure: %s", got)
	}
}

// A rollback can be stopped and retried as other executions can.
func TestRollbackIsAnExecution(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	first := s.fetchedV2(stage("Prod", ship("Deploy")), stage("Done", approval("Celebrate", "")))
	s.shipped("ok")
	back := text(t, s.root.must("RollbackStage", rollback("Prod", first)), "pipelineExecutionId")
	s.root.refuse("RollbackStage", rollback("Prod", first), "UnableToRollbackStageException", "")
	s.stop(back, true)
	if got := s.status(back); got != "Stopped" {
		t.Fatalf("stopped: %s", got)
	}
	retry := fmt.Sprintf(`{"pipelineName":"P","stageName":"Prod","pipelineExecutionId":%q,"retryMode":"ALL_ACTIONS"}`, back)
	s.root.must("RetryStageExecution", retry)
	s.shipped("")
	s.root.must("RetryStageExecution", strings.Replace(retry, "ALL_ACTIONS", "FAILED_ACTIONS", 1))
	s.shipped("ok")
	if got := s.status(back) + text(t, s.state(), "stageStates.2.latestExecution.pipelineExecutionId"); got != "Succeeded"+first {
		t.Errorf("at the end: %s", got)
	}
}

// A custom action may take a day, its continuations included (engine.md
// section 4.8).
func TestActionTimesOut(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	e := s.fetchedV2(stage("Prod", ship("Deploy")))
	job := s.take("Deploy", "Ship")
	s.pass(23 * time.Hour)
	s.succeed(job, `"continuationToken":"t"`)
	s.pass(continuationPause)
	job = s.take("Deploy", "Ship")
	s.pass(time.Hour - continuationPause - time.Millisecond)
	if got := s.status(e); got != "InProgress" {
		t.Fatalf("before its time: %s", got)
	}
	s.pass(time.Millisecond)
	latest := s.latest()
	at := "output.executionResult.errorDetails."
	if got := s.status(e) + ": " + text(t, latest, at+"code") + ": " + text(t, latest, at+"message"); got != "Failed: TimeoutError: The action 'Deploy' did not finish within its time limit of 24 hours" {
		t.Errorf("then %s", got)
	}
	s.root.refuse("PutJobSuccessResult", fmt.Sprintf(`{"jobId":%q}`, job), "InvalidJobStateException", "")
	s.root.must("RetryStageExecution", fmt.Sprintf(`{"pipelineName":"P","stageName":"Prod","pipelineExecutionId":%q,"retryMode":"FAILED_ACTIONS"}`, e))
	s.shipped("ok")
	if got := s.status(e); got != "Succeeded" {
		t.Errorf("after the retry: %s", got)
	}
}

// Source overrides that fit no source are refused.
func TestSourceOverrides(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s3 := func(name, more string) string {
		return action(name, "Source", "AWS", "S3", `"outputArtifacts":[{"name":"`+name+`"}],"configuration":{"S3Bucket":"in","S3ObjectKey":"k","PollForSourceChanges":"false"`+more+`}`)
	}
	s.create(declare("P", `"pipelineType":"V2","executionMode":"QUEUED"`, stage("Source", s3("Fixed", ""), s3("Free", `,"AllowOverrideForS3ObjectKey":"true"`)), stage("Gate", approval("Ask", ""))))
	start := func(overrides ...string) string {
		var list []string
		for _, o := range overrides {
			f := strings.Fields(o)
			list = append(list, fmt.Sprintf(`{"actionName":%q,"revisionType":%q,"revisionValue":%q}`, f[0], f[1], f[2]))
		}
		return `{"name":"P","sourceRevisions":[` + strings.Join(list, ",") + `]}`
	}
	for override, want := range map[string]string{
		"Ask S3_OBJECT_VERSION_ID v":  "The action name provided in the source revision is not valid. The action must be a source action in your pipeline.",
		"None S3_OBJECT_VERSION_ID v": "The action name provided in the source revision is not valid. The action must be a source action in your pipeline.",
		"Fixed COMMIT_ID c":           "The revision type COMMIT_ID cannot be used for action 'Fixed' with provider S3",
		"Fixed IMAGE_DIGEST d":        "The revision type IMAGE_DIGEST cannot be used for action 'Fixed' with provider S3",
		"Fixed S3_OBJECT_KEY k":       "The object key of action 'Fixed' cannot be overridden unless its configuration AllowOverrideForS3ObjectKey is true",
		"Fixed NOTHING x":             "1 validation error detected: Value at 'sourceRevisions.1.member.revisionType' failed to satisfy constraint: Member must satisfy enum value set: [COMMIT_ID, IMAGE_DIGEST, S3_OBJECT_VERSION_ID, S3_OBJECT_KEY]",
	} {
		s.root.refuse("StartPipelineExecution", start(override), "ValidationException", want)
	}
	s.root.must("StartPipelineExecution", start("Fixed S3_OBJECT_VERSION_ID v", "Free S3_OBJECT_VERSION_ID v", "Free S3_OBJECT_KEY other"))
	s.root.must("StartPipelineExecution", `{"name":"P","sourceRevisions":[]}`)
}
