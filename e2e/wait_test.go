package e2e

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// patience is how long a test waits for something that must happen.
const patience = time.Minute

// until asks look until it says that what was waited for has happened. look
// also tells what it saw, for the message when it never does.
func until(t testing.TB, what string, look func(ctx context.Context) (saw string, done bool)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		saw, done := look(ctx)
		if done {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("waited %v for %s; last seen: %s", patience, what, saw)
		case <-tick.C:
		}
	}
}

// executions returns the executions of a pipeline, newest first.
func (s *server) executions(ctx context.Context, name string) []types.PipelineExecutionSummary {
	out, err := s.codepipeline().ListPipelineExecutions(ctx, &codepipeline.ListPipelineExecutionsInput{PipelineName: &name})
	if err != nil {
		s.t.Fatalf("ListPipelineExecutions: %v", err)
	}
	return out.PipelineExecutionSummaries
}

// newest returns the id of the newest execution, of which there must be one.
func (s *server) newest(name string) string {
	s.t.Helper()
	all := s.executions(s.t.Context(), name)
	if len(all) == 0 {
		s.t.Fatalf("the pipeline %s has no execution", name)
	}
	return aws.ToString(all[0].PipelineExecutionId)
}

// terminal are the states that an execution does not leave by itself.
var terminal = []types.PipelineExecutionStatus{
	types.PipelineExecutionStatusSucceeded, types.PipelineExecutionStatusFailed, types.PipelineExecutionStatusStopped,
	types.PipelineExecutionStatusSuperseded, types.PipelineExecutionStatusCancelled,
}

// ends waits for the end of an execution, which must be as wanted.
func (s *server) ends(name, id string, want types.PipelineExecutionStatus) {
	s.t.Helper()
	client := s.codepipeline()
	until(s.t, name+" "+id+" to end", func(ctx context.Context) (string, bool) {
		out, err := client.GetPipelineExecution(ctx, &codepipeline.GetPipelineExecutionInput{PipelineName: &name, PipelineExecutionId: &id})
		if err != nil {
			return err.Error(), false
		}
		got := out.PipelineExecution.Status
		if slices.Contains(terminal, got) && got != want {
			s.t.Fatalf("execution %s of %s is %s, want %s: %s", id, name, got, want, s.actions(name))
		}
		return string(got) + ": " + s.actions(name), got == want
	})
}

// actions tells the state of a pipeline in one line.
func (s *server) actions(name string) string {
	out, err := s.codepipeline().GetPipelineState(s.t.Context(), &codepipeline.GetPipelineStateInput{Name: &name})
	if err != nil {
		return err.Error()
	}
	var parts []string
	for _, st := range out.StageStates {
		for _, a := range st.ActionStates {
			if a.LatestExecution == nil {
				continue
			}
			text := *st.StageName + "/" + *a.ActionName + " " + string(a.LatestExecution.Status)
			if e := a.LatestExecution.ErrorDetails; e != nil {
				text += " (" + aws.ToString(e.Code) + ": " + aws.ToString(e.Message) + ")"
			}
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, ", ")
}

// state waits until an action's latest run has the status, and returns it.
func (s *server) state(name, action string, want types.ActionExecutionStatus) *types.ActionExecution {
	s.t.Helper()
	client := s.codepipeline()
	var found *types.ActionExecution
	until(s.t, name+"/"+action+" to be "+string(want), func(ctx context.Context) (string, bool) {
		out, err := client.GetPipelineState(ctx, &codepipeline.GetPipelineStateInput{Name: &name})
		if err != nil {
			return err.Error(), false
		}
		saw := "no run"
		for _, st := range out.StageStates {
			for _, a := range st.ActionStates {
				if *a.ActionName == action && a.LatestExecution != nil {
					found, saw = a.LatestExecution, string(a.LatestExecution.Status)
				}
			}
		}
		return saw, saw == string(want)
	})
	return found
}
