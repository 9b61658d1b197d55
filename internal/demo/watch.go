package demo

import (
	"context"
	"fmt"
	"time"

	"penstock/internal/api"
)

// watch shows the pipeline's progress until its execution has ended, and
// answers the approval on the way.
func (d *demo) watch(ctx context.Context) error {
	began := time.Now()
	shown := map[string]string{}
	for {
		state, err := d.client.GetPipelineState(ctx, &api.GetPipelineStateInput{Name: name})
		if err != nil {
			return err
		}
		for _, st := range state.StageStates {
			for _, a := range st.ActionStates {
				if err := d.show(ctx, began, shown, st.StageName, a); err != nil {
					return err
				}
			}
		}
		done, err := d.ended(ctx)
		if err != nil || done {
			return err
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// show prints what has changed of an action.
func (d *demo) show(ctx context.Context, began time.Time, shown map[string]string, stage string, a api.ActionState) error {
	run := a.LatestExecution
	if run == nil || shown[a.ActionName] == run.Status {
		return nil
	}
	shown[a.ActionName] = run.Status
	text := run.Summary
	if run.ErrorDetails != nil {
		text = run.ErrorDetails.Message
	}
	fmt.Fprintf(d.Out, "  %5.1fs  %-8s %-8s %-11s %s\n", time.Since(began).Seconds(), stage, a.ActionName, run.Status, text)
	if run.Token == "" {
		return nil
	}
	fmt.Fprintf(d.Out, `
  The pipeline waits for a person. This is how you would answer:

    aws codepipeline put-approval-result --pipeline-name %s --stage-name %s --action-name %s \
      --result status=Approved,summary=fine --token %s

  The demo does that now.

`, name, stage, a.ActionName, run.Token)
	_, err := d.client.PutApprovalResult(ctx, &api.PutApprovalResultInput{
		PipelineName: name, StageName: stage, ActionName: a.ActionName, Token: run.Token,
		Result: api.ApprovalResult{Status: "Approved", Summary: "fine"},
	})
	return err
}

// ended reports whether the newest execution has ended; badly is an error.
func (d *demo) ended(ctx context.Context) (bool, error) {
	one := 1
	list, err := d.client.ListPipelineExecutions(ctx, &api.ListPipelineExecutionsInput{PipelineName: name, MaxResults: &one})
	if err != nil || len(list.PipelineExecutionSummaries) == 0 {
		return false, err
	}
	switch status := list.PipelineExecutionSummaries[0].Status; status {
	case "InProgress", "Stopping":
		return false, nil
	case "Succeeded":
		return true, nil
	default:
		return true, fmt.Errorf("the demo's execution is %s; see %s and the logs in %s", status, d.server.log, d.Data)
	}
}
