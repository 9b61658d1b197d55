package e2e

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"penstock/jobworker"
)

// take polls for a custom job until there is one, and acknowledges it.
func (s *server) take(provider string) jobworker.Job {
	s.t.Helper()
	client := jobworker.NewClient(s.caller(), kitType("Test", "Custom", provider), nil)
	var taken jobworker.Job
	until(s.t, "a job of "+provider, func(ctx context.Context) (string, bool) {
		jobs, err := client.Poll(ctx, 1, 0)
		if err != nil || len(jobs) == 0 {
			return "none", false
		}
		taken = jobs[0]
		return taken.ID, true
	})
	if err := client.Acknowledge(s.t.Context(), taken); err != nil {
		s.t.Fatalf("acknowledge: %v", err)
	}
	return taken
}

// report ends a job: in success, or in failure when there is a message.
func (s *server) report(j jobworker.Job, failure string) error {
	client := jobworker.NewClient(s.caller(), j.Type, nil)
	if failure != "" {
		return client.Fail(s.t.Context(), j, jobworker.Failure{Type: jobworker.JobFailed, Message: failure})
	}
	return client.Succeed(s.t.Context(), j, jobworker.Success{})
}

// controlled starts a server with a pipeline "work": a source and a stage Work
// with the custom actions First and Second, one after the other.
func controlled(t *testing.T) *server {
	t.Helper()
	awsCLI(t)
	s := startServer(t)
	for _, provider := range []string{"One", "Two"} {
		s.call("CreateCustomActionType", object{"category": "Test", "provider": provider, "version": "1",
			"inputArtifactDetails": object{"minimumCount": 0, "maximumCount": 1}, "outputArtifactDetails": object{"minimumCount": 0, "maximumCount": 1}}, nil)
	}
	s.versioned("work-source")
	s.put("work-source", "app.zip", zipped(t, map[string]string{"a": "b"}))
	s.call("CreatePipeline", object{"pipeline": declaration("work",
		stage("Source", manualSource("work-source", "app.zip")),
		stage("Work", action("First", "Custom", "Test", "One", nil), action("Second", "Custom", "Test", "Two", nil, object{"runOrder": 2})))}, nil)
	return s
}

// TestStop stops an execution in both ways and goes on with what was stopped.
func TestStop(t *testing.T) {
	t.Parallel()
	s := controlled(t)
	id := s.newest("work")
	stop := []string{"codepipeline", "stop-pipeline-execution", "--pipeline-name", "work", "--pipeline-execution-id", id}

	// Stop and wait: the running action ends, the next does not start.
	first := s.take("One")
	s.aws(append(stop, "--reason", "lunch")...)
	if e := s.executions(t.Context(), "work")[0]; e.Status != types.PipelineExecutionStatusStopping || e.StopTrigger == nil || aws.ToString(e.StopTrigger.Reason) != "lunch" {
		t.Fatalf("while the action runs on: %s", asJSON(e))
	}
	s.awsRefused("DuplicatedStopRequestException", stop...)
	if err := s.report(first, ""); err != nil {
		t.Fatal(err)
	}
	s.ends("work", id, "Stopped")
	s.state("work", "First", "Succeeded")
	got, err := s.codepipeline().GetPipelineExecution(t.Context(), &codepipeline.GetPipelineExecutionInput{PipelineName: aws.String("work"), PipelineExecutionId: &id})
	if err != nil || aws.ToString(got.PipelineExecution.StatusSummary) != "lunch" {
		t.Errorf("once stopped: %s, %v", asJSON(got), err)
	}

	// Nothing has failed, so only the whole stage can be repeated; that is done
	// in the same execution.
	retry := []string{"codepipeline", "retry-stage-execution", "--pipeline-name", "work", "--stage-name", "Work", "--pipeline-execution-id", id,
		"--query", "pipelineExecutionId", "--output", "text", "--retry-mode"}
	s.awsRefused("StageNotRetryableException", append(retry, "FAILED_ACTIONS")...)
	if got := s.aws(append(retry, "ALL_ACTIONS")...); got != id {
		t.Errorf("the retry runs in the execution %s, want %s", got, id)
	}

	// Stop and abandon: the action ends at once, its worker is turned away.
	again := s.take("One")
	s.aws(append(stop, "--abandon")...)
	s.ends("work", id, "Stopped")
	s.state("work", "First", "Abandoned")
	if err := s.report(again, ""); !errors.Is(err, jobworker.ErrLost) {
		t.Errorf("a report after the abandonment: %v, want ErrLost", err)
	}
	s.aws(append(retry, "FAILED_ACTIONS")...)
	for _, provider := range []string{"One", "Two"} {
		if err := s.report(s.take(provider), ""); err != nil {
			t.Fatal(err)
		}
	}
	s.ends("work", id, "Succeeded")
}

// TestRetry repeats a failed stage.
func TestRetry(t *testing.T) {
	t.Parallel()
	s := controlled(t)
	id := s.newest("work")
	if err := s.report(s.take("One"), ""); err != nil {
		t.Fatal(err)
	}
	if err := s.report(s.take("Two"), "red"); err != nil {
		t.Fatal(err)
	}
	s.ends("work", id, "Failed")
	retry := []string{"codepipeline", "retry-stage-execution", "--pipeline-name", "work", "--pipeline-execution-id", id, "--retry-mode", "FAILED_ACTIONS"}
	s.awsRefused("StageNotRetryableException", append(retry, "--stage-name", "Source")...)
	s.aws(append(retry, "--stage-name", "Work")...)
	if err := s.report(s.take("Two"), ""); err != nil {
		t.Fatal(err)
	}
	s.ends("work", id, "Succeeded")
	history, err := s.codepipeline().ListActionExecutions(t.Context(), &codepipeline.ListActionExecutionsInput{PipelineName: aws.String("work")})
	if err != nil {
		t.Fatal(err)
	}
	runs := map[string]int{}
	for _, d := range history.ActionExecutionDetails {
		runs[*d.ActionName]++
	}
	if runs["Fetch"] != 1 || runs["First"] != 1 || runs["Second"] != 2 {
		t.Errorf("the actions ran %v times; only Second was to run again", runs)
	}
}

// TestTransition closes a transition: executions wait in front of it, a newer
// one takes the place of an older one, and the last goes on when it opens.
func TestTransition(t *testing.T) {
	t.Parallel()
	s := controlled(t)
	if err := s.report(s.take("One"), "not yet"); err != nil {
		t.Fatal(err)
	}
	s.ends("work", s.newest("work"), "Failed")
	transition := []string{"--pipeline-name", "work", "--stage-name", "Work", "--transition-type", "Inbound"}
	s.aws(append([]string{"codepipeline", "disable-stage-transition", "--reason", "freeze"}, transition...)...)
	var ids [2]string
	for i := range ids {
		ids[i] = s.aws("codepipeline", "start-pipeline-execution", "--name", "work", "--query", "pipelineExecutionId", "--output", "text")
		s.waits("work", ids[i])
	}
	s.ends("work", ids[0], "Superseded")
	s.aws(append([]string{"codepipeline", "enable-stage-transition"}, transition...)...)
	for _, provider := range []string{"One", "Two"} {
		j := s.take(provider)
		if j.Context.ExecutionID != ids[1] {
			t.Errorf("a job of the execution %s, want %s", j.Context.ExecutionID, ids[1])
		}
		if err := s.report(j, ""); err != nil {
			t.Fatal(err)
		}
	}
	s.ends("work", ids[1], "Succeeded")
}

// waits waits until the execution stands in front of the closed transition.
func (s *server) waits(name, id string) {
	s.t.Helper()
	until(s.t, id+" to wait in front of Work", func(ctx context.Context) (string, bool) {
		out, err := s.codepipeline().GetPipelineState(ctx, &codepipeline.GetPipelineStateInput{Name: &name})
		if err != nil {
			return err.Error(), false
		}
		work := out.StageStates[1]
		if work.InboundTransitionState.Enabled || aws.ToString(work.InboundTransitionState.DisabledReason) != "freeze" {
			s.t.Fatalf("the transition is %s", asJSON(work.InboundTransitionState))
		}
		return asJSON(work.InboundExecution), work.InboundExecution != nil && *work.InboundExecution.PipelineExecutionId == id
	})
}
