package runlocal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"penstock/internal/api"
	"penstock/internal/control"
)

// lookEvery is the pause between two looks at the execution.
const lookEvery = 100 * time.Millisecond

// createPipeline creates the pipeline, which starts it.
func (r *run) createPipeline(ctx context.Context) error {
	_, err := r.client.CreatePipeline(ctx, &api.CreatePipelineInput{Pipeline: r.pipeline})
	if e, ok := errors.AsType[*api.APIError](err); ok && e.Status/100 == 4 {
		return &Refusal{[]Reason{{"the pipeline that is left to run is refused: " + e.Code + ": " + e.Message, "leave out more, or less, with --skip"}}}
	}
	return err
}

// follow tells of the execution until it has ended.
func (r *run) follow(ctx context.Context) (Result, error) {
	f := &follower{run: r, seen: map[string]string{}, result: Result{Pipeline: r.pipeline.Name}}
	began := time.Now()
	for {
		ended, err := f.look(ctx)
		f.result.Took = time.Since(began)
		if err == nil && ended {
			err = f.addLogs(ctx)
			return f.result, err
		}
		if err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return f.result, err
		}
		select {
		case <-ctx.Done():
			return f.result, ctx.Err()
		case err := <-r.ended:
			r.parts--
			return f.result, errors.Join(errors.New("the run's server has ended"), err)
		case <-time.After(lookEvery):
		}
	}
}

type follower struct {
	*run
	seen    map[string]string // status by action execution
	ids     []string          // of result.Actions
	result  Result
	decided map[string]bool // approvals, by token
}

// look tells of what is new and says whether the execution has ended.
func (f *follower) look(ctx context.Context) (bool, error) {
	if f.result.ExecutionID == "" {
		out, err := f.client.ListPipelineExecutions(ctx, &api.ListPipelineExecutionsInput{PipelineName: f.pipeline.Name})
		if err != nil || len(out.PipelineExecutionSummaries) == 0 {
			return false, err
		}
		all := out.PipelineExecutionSummaries
		f.result.ExecutionID = all[len(all)-1].PipelineExecutionId
	}
	// The status first: when it is final, the actions seen after it are too.
	got, err := f.client.GetPipelineExecution(ctx, &api.GetPipelineExecutionInput{PipelineName: f.pipeline.Name, PipelineExecutionId: f.result.ExecutionID})
	if err != nil {
		return false, err
	}
	f.result.Status, f.result.Summary = got.PipelineExecution.Status, got.PipelineExecution.StatusSummary
	actions, err := f.actions(ctx)
	if err != nil {
		return false, err
	}
	waiting := false
	for _, a := range actions {
		f.tell(a)
		waiting = waiting || a.Status == api.ActionExecutionStatusInProgress && a.Input != nil && a.Input.ActionTypeId != nil && a.Input.ActionTypeId.Category == "Approval"
	}
	if waiting {
		if err := f.approvals(ctx); err != nil {
			return false, err
		}
	}
	return f.result.Status != api.PipelineExecutionStatusInProgress && f.result.Status != api.PipelineExecutionStatusStopping, nil
}

// actions lists the execution's actions in the order in which they started.
func (f *follower) actions(ctx context.Context) ([]api.ActionExecutionDetail, error) {
	in := &api.ListActionExecutionsInput{PipelineName: f.pipeline.Name, Filter: &api.ActionExecutionFilter{PipelineExecutionId: f.result.ExecutionID}}
	var all []api.ActionExecutionDetail
	for {
		out, err := f.client.ListActionExecutions(ctx, in)
		if err != nil {
			return nil, err
		}
		all = append(all, out.ActionExecutionDetails...)
		if in.NextToken = out.NextToken; in.NextToken == "" {
			break
		}
	}
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b api.ActionExecutionDetail) int { return a.StartTime.Compare(b.StartTime) })
	return all, nil
}

// tell reports an action whose status is new.
func (f *follower) tell(a api.ActionExecutionDetail) {
	before, known := f.seen[a.ActionExecutionId]
	if before == a.Status {
		return
	}
	f.seen[a.ActionExecutionId] = a.Status
	p := Progress{Stage: a.StageName, Action: a.ActionName, Event: "started"}
	if !known {
		f.Tell(p)
		f.ids = append(f.ids, a.ActionExecutionId)
		f.result.Actions = append(f.result.Actions, Action{Stage: a.StageName, Action: a.ActionName, Status: a.Status})
	}
	if a.Status == api.ActionExecutionStatusInProgress {
		return
	}
	p.Event, p.Took = a.Status, a.LastUpdateTime.Sub(a.StartTime)
	if a.Output != nil && a.Output.ExecutionResult != nil {
		p.Message = a.Output.ExecutionResult.ExternalExecutionSummary
		if d := a.Output.ExecutionResult.ErrorDetails; d != nil && a.Status == api.ActionExecutionStatusFailed {
			p.Message = d.Message
		}
	}
	f.Tell(p)
	ended := &f.result.Actions[slices.Index(f.ids, a.ActionExecutionId)]
	ended.Status, ended.Took, ended.Message = a.Status, p.Took, p.Message
}

// approvals answers the approvals that wait.
func (f *follower) approvals(ctx context.Context) error {
	state, err := f.client.GetPipelineState(ctx, &api.GetPipelineStateInput{Name: f.pipeline.Name})
	if err != nil {
		return err
	}
	for _, s := range state.StageStates {
		for _, a := range s.ActionStates {
			if a.LatestExecution == nil || a.LatestExecution.Token == "" || f.decided[a.LatestExecution.Token] {
				continue
			}
			if err := f.approve(ctx, s.StageName, a.ActionName, a.LatestExecution.Token); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *follower) approve(ctx context.Context, stage, action, token string) error {
	ask := Approval{Stage: stage, Action: action}
	for _, s := range f.pipeline.Stages {
		for _, a := range s.Actions {
			if s.Name == stage && a.Name == action {
				ask.CustomData, ask.Link = a.Configuration["CustomData"], a.Configuration["ExternalEntityLink"]
			}
		}
	}
	d, err := f.Ask(ctx, ask)
	if err != nil {
		return err
	}
	status := "Rejected"
	if d.Approved {
		status = "Approved"
	}
	if f.decided == nil {
		f.decided = map[string]bool{}
	}
	f.decided[token] = true
	_, err = f.client.PutApprovalResult(ctx, &api.PutApprovalResultInput{
		PipelineName: f.pipeline.Name, StageName: stage, ActionName: action, Token: token, Result: api.ApprovalResult{Status: status, Summary: d.Summary},
	})
	return err
}

// addLogs fetches what the failed actions have printed.
func (f *follower) addLogs(ctx context.Context) error {
	for i := range f.result.Actions {
		a := &f.result.Actions[i]
		if a.Status != api.ActionExecutionStatusFailed {
			continue
		}
		text, err := f.log(ctx, f.ids[i])
		if err != nil {
			return fmt.Errorf("the log of %s/%s: %w", a.Stage, a.Action, err)
		}
		if text == "" {
			text = f.logs.text(a.Stage, a.Action)
		}
		a.Log = strings.ToValidUTF8(text, "")
	}
	return nil
}

// log returns the end of an action's log, "" when there is none.
func (f *follower) log(ctx context.Context, id string) (string, error) {
	in := control.GetActionLogInput{PipelineName: f.pipeline.Name, ActionExecutionID: id}
	text := ""
	for {
		var out control.GetActionLogOutput
		if err := f.client.CallRaw(ctx, "Penstock.GetActionLog", in, &out); err != nil {
			return text, err
		}
		text += out.Content
		text = text[max(0, len(text)-keep):]
		if out.Ended || out.Content == "" {
			return text, nil
		}
		in.Offset = out.NextOffset
	}
}
