package service_test

import (
	"fmt"
	"strings"
	"testing"
)

// StopPipelineExecution in each state of an execution (engine.md section 4.2).
func TestStop(t *testing.T) {
	t.Parallel()
	const unknown = "00000000-0000-4000-8000-000000000000"
	body := func(execution string, abandon bool, more string) string {
		return fmt.Sprintf(`{"pipelineName":"P","pipelineExecutionId":%q,"abandon":%v%s}`, execution, abandon, member(more))
	}
	duplicate := func(e string) string {
		return "The execution with ID " + e + " in P is already in a stopping state. If you already chose to stop and wait, you cannot make that request again. You can choose to stop and abandon now, but be aware that this option can lead to failed actions. If you already chose to stop and abandon, you cannot make that request again."
	}
	over := func(e string) string {
		return "The pipeline execution with ID '" + e + "' in 'P' can't be stopped now. Either it does not exist in the pipeline, or the pipeline execution has no action executions in progress."
	}
	t.Run("wait, wait, abandon, T-08", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		e := s.fetched()
		s.stop(e, false)
		s.root.refuse("StopPipelineExecution", body(e, false, ""), "DuplicatedStopRequestException", duplicate(e))
		s.stop(e, true)
		if got := s.status(e) + text(t, s.state(), "stageStates.1.actionStates.0.latestExecution.status") + text(t, s.state(), "stageStates.1.latestExecution.status"); got != "StoppedAbandonedStopped" {
			t.Errorf("then %s", got)
		}
		for _, abandon := range []bool{false, true} {
			s.root.refuse("StopPipelineExecution", body(e, abandon, ""), "PipelineExecutionNotStoppableException", over(e))
			s.root.refuse("StopPipelineExecution", body(unknown, abandon, ""), "PipelineExecutionNotStoppableException", over(unknown))
		}
		list := s.root.must("ListPipelineExecutions", `{"pipelineName":"P"}`) // T-24
		if strings.Contains(list, "stopTrigger") || strings.Contains(list, "statusSummary") {
			t.Errorf("without a reason: %s", list)
		}
	})
	t.Run("wait for a job and its continuations", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		e := s.simple()
		job := s.take("Source", "Src")
		s.root.must("StopPipelineExecution", body(e, false, `"reason":"because, well"`))
		if got := s.execution(e); strings.Contains(got, "statusSummary") || text(t, got, "pipelineExecution.status") != "Stopping" {
			t.Errorf("while stopping: %s", got)
		}
		s.succeed(job, `"continuationToken":"t"`)
		s.pass(continuationPause)
		s.succeed(s.take("Source", "Src"), "")
		if got := s.execution(e); text(t, got, "pipelineExecution.status")+text(t, got, "pipelineExecution.statusSummary") != "Stoppedbecause, well" {
			t.Errorf("at the end: %s", got)
		}
		if got := text(t, s.root.must("ListPipelineExecutions", `{"pipelineName":"P"}`), "pipelineExecutionSummaries.0.stopTrigger.reason"); got != "because, well" {
			t.Errorf("stopTrigger %q", got)
		}
	})
	t.Run("abandon while dispatched, scenario 6", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		e := s.simple()
		j := s.poll("Source", "Src")
		id := text(t, j, "id")
		s.stop(e, true)
		if got := s.root.must("AcknowledgeJob", fmt.Sprintf(`{"jobId":%q,"nonce":%q}`, id, text(t, j, "nonce"))); got != `{"status":"Failed"}` {
			t.Errorf("acknowledge answers %s", got)
		}
		s.root.refuse("PutJobSuccessResult", fmt.Sprintf(`{"jobId":%q}`, id), "InvalidJobStateException", "The job '"+id+"' is in state Failed; a result is taken only while it is InProgress")
		s.root.refuse("PutJobFailureResult", fill(customCalls["PutJobFailureResult"], id, "", ""), "InvalidJobStateException", "")
	})
	t.Run("abandon while queued", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		e := s.simple()
		s.stop(e, true)
		if j := s.poll("Source", "Src"); j != "" {
			t.Errorf("an abandoned job is polled: %s", j)
		}
	})
	t.Run("abandon between two jobs", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		e := s.simple()
		s.succeed(s.take("Source", "Src"), `"continuationToken":"t"`)
		s.stop(e, true)
		s.pass(continuationPause)
		if j := s.poll("Source", "Src"); j != "" {
			t.Errorf("an abandoned job is polled: %s", j)
		}
	})
	t.Run("waiting in front of a stage", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		s.fetched()
		e := s.start()
		s.succeed(s.take("Source", "Src"), "")
		s.stop(e, false)
		if got := s.status(e) + jsonOf(t, get(t, s.state(), "stageStates.1.inboundExecutions")); got != "Stopped[]" {
			t.Errorf("then %s", got)
		}
		s.root.refuse("RetryStageExecution", fmt.Sprintf(`{"pipelineName":"P","stageName":"Gate","pipelineExecutionId":%q,"retryMode":"FAILED_ACTIONS"}`, e), "NotLatestPipelineExecutionException", "")
	})
	t.Run("what is not there", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		s.root.refuse("StopPipelineExecution", body(unknown, false, ""), "PipelineNotFoundException", "The account with AWS account ID '000000000000' does not include a pipeline named 'P'")
		s.root.refuse("StopPipelineExecution", body("x", false, ""), "ValidationException", "")
		s.root.refuse("StopPipelineExecution", body(unknown, false, `"reason":"`+strings.Repeat("x", 201)+`"`), "ValidationException", "")
	})
}

// RetryStageExecution (engine.md section 4.4).
func TestRetry(t *testing.T) {
	t.Parallel()
	const unknown = "00000000-0000-4000-8000-000000000000"
	body := func(execution, stage, mode string) string {
		return fmt.Sprintf(`{"pipelineName":"P","stageName":%q,"pipelineExecutionId":%q,"retryMode":%q}`, stage, execution, mode)
	}
	// work is a stage of two actions side by side and one behind.
	work := func(t *testing.T) (s *server, execution string) {
		s = newServer(t)
		for _, p := range []string{"X", "Y", "Z"} {
			s.customType("Build", p, "")
		}
		execution = s.fetched(stage("Work", action("X", "Build", "Custom", "X", ""), action("Y", "Build", "Custom", "Y", ""), action("Z", "Build", "Custom", "Z", `"runOrder":2`)))
		return s, execution
	}
	t.Run("failed actions while a sibling runs, T-07", func(t *testing.T) {
		t.Parallel()
		s, e := work(t)
		y := s.take("Build", "Y")
		s.fail(s.take("Build", "X"))
		if got := s.status(e); got != "InProgress" {
			t.Fatalf("while Y runs: %s", got)
		}
		s.root.refuse("RetryStageExecution", body(e, "Work", "ALL_ACTIONS"), "StageNotRetryableException", "")
		if got := s.root.must("RetryStageExecution", body(e, "Work", "FAILED_ACTIONS")); got != `{"pipelineExecutionId":"`+e+`"}` {
			t.Errorf("answers %s", got)
		}
		s.succeed(y, "")
		s.succeed(s.take("Build", "X"), "")
		s.succeed(s.take("Build", "Z"), "")
		if got := s.status(e); got != "Succeeded" {
			t.Errorf("at the end: %s", got)
		}
		s.root.refuse("RetryStageExecution", body(e, "Work", "FAILED_ACTIONS"), "StageNotRetryableException", "")
	})
	t.Run("all actions", func(t *testing.T) {
		t.Parallel()
		s, e := work(t)
		s.succeed(s.take("Build", "Y"), "")
		s.fail(s.take("Build", "X"))
		s.root.must("RetryStageExecution", body(e, "Work", "ALL_ACTIONS"))
		s.succeed(s.take("Build", "Y"), "")
		s.fail(s.take("Build", "X"))
		s.root.must("RetryStageExecution", body(e, "Work", "FAILED_ACTIONS"))
		if s.poll("Build", "Y") != "" {
			t.Error("an action that succeeded runs again")
		}
		s.succeed(s.take("Build", "X"), "")
		s.succeed(s.take("Build", "Z"), "")
		if got := s.status(e) + fmt.Sprint(get(t, s.state(), "stageStates.1.retryStageMetadata.manualStageRetryAttempt")); got != "Succeeded2" {
			t.Errorf("at the end: %s", got)
		}
	})
	t.Run("abandoned actions", func(t *testing.T) {
		t.Parallel()
		s, e := work(t)
		s.succeed(s.take("Build", "Y"), "")
		s.stop(e, true)
		s.root.must("RetryStageExecution", body(e, "Work", "FAILED_ACTIONS"))
		s.succeed(s.take("Build", "X"), "")
		s.succeed(s.take("Build", "Z"), "")
		if got := s.status(e); got != "Succeeded" {
			t.Errorf("at the end: %s", got)
		}
	})
	t.Run("of a stage that another has entered", func(t *testing.T) {
		t.Parallel()
		s, e := work(t)
		s.succeed(s.take("Build", "Y"), "")
		s.fail(s.take("Build", "X"))
		second := s.start()
		s.succeed(s.take("Source", "Src"), "")
		for _, id := range []string{e, unknown} {
			s.root.refuse("RetryStageExecution", body(id, "Work", "FAILED_ACTIONS"), "NotLatestPipelineExecutionException", "")
		}
		s.root.refuse("RetryStageExecution", body(second, "Work", "FAILED_ACTIONS"), "StageNotRetryableException", "")
	})
	t.Run("after an update", func(t *testing.T) {
		t.Parallel()
		s, e := work(t)
		s.succeed(s.take("Build", "Y"), "")
		s.fail(s.take("Build", "X"))
		s.root.must("UpdatePipeline", `{"pipeline":`+jsonOf(t, get(t, s.root.must("GetPipeline", `{"name":"P"}`), "pipeline"))+`}`)
		s.root.refuse("RetryStageExecution", body(e, "Work", "FAILED_ACTIONS"), "StageNotRetryableException", "")
	})
	t.Run("what is not there", func(t *testing.T) {
		t.Parallel()
		s, e := work(t)
		s.root.refuse("RetryStageExecution", strings.Replace(body(e, "Work", "ALL_ACTIONS"), `"P"`, `"Q"`, 1), "PipelineNotFoundException", "")
		s.root.refuse("RetryStageExecution", body(e, "Play", "ALL_ACTIONS"), "StageNotFoundException", "")
		s.root.refuse("RetryStageExecution", body(e, "Work", "SOME_ACTIONS"), "ValidationException", "1 validation error detected: Value at 'retryMode' failed to satisfy constraint: Member must satisfy enum value set: [FAILED_ACTIONS, ALL_ACTIONS]")
	})
}
