package runlocal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"penstock/internal/api"
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
	steps, err := f.steps(ctx)
	if err != nil {
		return false, err
	}
	waiting := false
	for _, s := range steps {
		f.tell(s)
		waiting = waiting || s.approval && s.status == api.ActionExecutionStatusInProgress
	}
	if waiting {
		if err := f.approvals(ctx); err != nil {
			return false, err
		}
	}
	return f.result.Status != api.PipelineExecutionStatusInProgress && f.result.Status != api.PipelineExecutionStatusStopping, nil
}

// step is an action execution or a rule execution.
type step struct {
	id, stage, name, status string
	rule, approval          bool
	began, changed          time.Time
	message                 string
}

// steps lists what the execution has started, in order.
func (f *follower) steps(ctx context.Context) ([]step, error) {
	all, err := f.actions(ctx)
	if err == nil && slices.ContainsFunc(f.pipeline.Stages, func(s api.StageDeclaration) bool { return len(rules(&s)) > 0 }) {
		var more []step
		more, err = f.rules(ctx)
		all = append(all, more...)
	}
	slices.SortStableFunc(all, func(a, b step) int { return a.began.Compare(b.began) })
	return all, err
}

func (f *follower) actions(ctx context.Context) ([]step, error) {
	in := &api.ListActionExecutionsInput{PipelineName: f.pipeline.Name, Filter: &api.ActionExecutionFilter{PipelineExecutionId: f.result.ExecutionID}}
	var all []step
	for {
		out, err := f.client.ListActionExecutions(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, a := range out.ActionExecutionDetails {
			s := step{id: a.ActionExecutionId, stage: a.StageName, name: a.ActionName, status: a.Status, began: a.StartTime, changed: a.LastUpdateTime}
			s.approval = a.Input != nil && a.Input.ActionTypeId != nil && a.Input.ActionTypeId.Category == "Approval"
			if a.Output != nil && a.Output.ExecutionResult != nil {
				s.say(a.Output.ExecutionResult.ExternalExecutionSummary, a.Output.ExecutionResult.ErrorDetails)
			}
			all = append(all, s)
		}
		if in.NextToken = out.NextToken; in.NextToken == "" {
			slices.Reverse(all) // they come newest first
			return all, nil
		}
	}
}

func (f *follower) rules(ctx context.Context) ([]step, error) {
	in := &api.ListRuleExecutionsInput{PipelineName: f.pipeline.Name, Filter: &api.RuleExecutionFilter{PipelineExecutionId: f.result.ExecutionID}}
	var all []step
	for {
		out, err := f.client.ListRuleExecutions(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, r := range out.RuleExecutionDetails {
			s := step{id: r.RuleExecutionId, stage: r.StageName, name: r.RuleName, status: r.Status, rule: true, began: r.StartTime, changed: r.LastUpdateTime}
			if r.Output != nil && r.Output.ExecutionResult != nil {
				s.say(r.Output.ExecutionResult.ExternalExecutionSummary, r.Output.ExecutionResult.ErrorDetails)
			}
			all = append(all, s)
		}
		if in.NextToken = out.NextToken; in.NextToken == "" {
			slices.Reverse(all)
			return all, nil
		}
	}
}

// say keeps what there is to say about the end of a step.
func (s *step) say(summary string, failed *api.ErrorDetails) {
	s.message = summary
	if failed != nil && s.status == api.ActionExecutionStatusFailed {
		s.message = failed.Message
	}
}

// tell reports a step whose status is new.
func (f *follower) tell(s step) {
	before, known := f.seen[s.id]
	if before == s.status {
		return
	}
	f.seen[s.id] = s.status
	p := Progress{Stage: s.stage, Action: s.name, Rule: s.rule, Event: "started"}
	if !known {
		f.Tell(p)
		f.ids = append(f.ids, s.id)
		f.result.Actions = append(f.result.Actions, Action{Stage: s.stage, Action: s.name, Rule: s.rule, Status: s.status})
	}
	if s.status == api.ActionExecutionStatusInProgress {
		return
	}
	p.Event, p.Took, p.Message = s.status, s.changed.Sub(s.began), s.message
	f.Tell(p)
	ended := &f.result.Actions[slices.Index(f.ids, s.id)]
	ended.Status, ended.Took, ended.Message = s.status, p.Took, p.Message
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
		text, err := f.app.LogEnd(ctx, f.ids[i], keep)
		if err != nil {
			return fmt.Errorf("the log of %s/%s: %w", a.Stage, a.Action, err)
		}
		if text == "" && !a.Rule {
			text = f.logs.text(a.Stage, a.Action)
		}
		a.Log = strings.ToValidUTF8(text, "")
	}
	return nil
}
