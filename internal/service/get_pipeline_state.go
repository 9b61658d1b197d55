package service

import (
	"context"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/core/actiontype"
	"penstock/internal/core/engine"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// GetPipelineState shows the stages of the version in force with who is in
// them, who waits in front, and the last run of each action (engine.md
// section 6.2).
func (s *Service) GetPipelineState(ctx context.Context, in *api.GetPipelineStateInput) (*api.GetPipelineStateOutput, error) {
	out := &api.GetPipelineStateOutput{StageStates: []api.StageState{}}
	err := s.view(ctx, in.Name, func(r store.Reader, p store.Pipeline) error {
		d, err := r.Declaration(p.ID, p.Version)
		if err != nil {
			return err
		}
		v := stateView{r: r, p: p, d: d, who: caller(ctx)}
		if v.state, err = r.State(p.ID); err != nil {
			return err
		}
		if v.latest, err = r.LatestActions(p.ID); err != nil {
			return err
		}
		if v.watches, err = r.PipelineWatches(p.ID); err != nil {
			return err
		}
		out.PipelineName, out.PipelineVersion, out.Created, out.Updated = p.Name, &p.Version, p.Created, p.Updated
		for i := range d.Stages {
			st, err := v.stage(i)
			if err != nil {
				return err
			}
			out.StageStates = append(out.StageStates, st)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// stateView assembles the state of a pipeline from one read transaction.
type stateView struct {
	r      store.Reader
	p      store.Pipeline
	d      *pipeline.Declaration
	state  *engine.State
	latest map[store.StageAction]engine.ActionRecord
	// watches are the sources that poll.
	watches []store.Watch
	who     auth.Principal
}

func (v *stateView) stage(i int) (api.StageState, error) {
	decl := &v.d.Stages[i]
	out := api.StageState{
		StageName: decl.Name, InboundExecutions: []api.StageExecution{}, ActionStates: []api.ActionState{},
	}
	st := v.state.Stage(decl.Name)
	if st == nil {
		st = &engine.Stage{Name: decl.Name}
	}
	out.InboundTransitionState = transitionTo(v.gate(i, st))
	parallel := v.d.Mode == pipeline.Parallel
	var run *engine.StageRun
	if !parallel {
		var err error
		if run, err = v.executions(&out, st); err != nil {
			return out, err
		}
	}
	conditionStates(&out, decl, run)
	for j := range decl.Actions {
		a := &decl.Actions[j]
		state := api.ActionState{ActionName: a.Name}
		t, _ := definition(v.r, v.who.Account, v.who.Region, a.Type)
		state.EntityUrl = actiontype.RenderURL(t.Settings.EntityURLTemplate, a.Configuration, "", "")
		if rec, ok := v.latest[store.StageAction{Stage: decl.Name, Action: a.Name}]; ok && !parallel && !rec.Parallel {
			state.LatestExecution = latestTo(rec, t)
			if rev := rec.Result.Revision; rev != nil {
				state.CurrentRevision = &api.ActionRevision{RevisionId: rev.ID, RevisionChangeId: rev.ChangeID, Created: rev.Created}
				state.RevisionUrl = actiontype.RenderURL(t.Settings.RevisionURLTemplate, rec.Resolved, rec.Result.ExternalID, rev.ID)
			}
		}
		if i == 0 {
			v.unreadable(&state)
		}
		out.ActionStates = append(out.ActionStates, state)
	}
	return out, nil
}

// unreadable shows a polling source that cannot be read as a failed action
// without an execution, unless it has run since.
func (v *stateView) unreadable(a *api.ActionState) {
	for _, w := range v.watches {
		if p := w.Problem; w.Action == a.ActionName && p.Code != "" && (a.LatestExecution == nil || p.Since.After(a.LatestExecution.LastStatusChange)) {
			a.CurrentRevision, a.RevisionUrl = nil, ""
			a.LatestExecution = &api.ActionExecution{
				Status: string(engine.Failed), LastStatusChange: p.Since, ErrorDetails: &api.ErrorDetails{Code: p.Code, Message: p.Message},
			}
		}
	}
}

// gate is the transition in front of the stage: its own inbound one, or the
// outbound one of the stage before when only that is closed (the API has no
// other member to show it).
func (v *stateView) gate(i int, st *engine.Stage) engine.Transition {
	if !st.Inbound.Disabled && i > 0 {
		if before := v.state.Stage(v.d.Stages[i-1].Name); before != nil && before.Outbound.Disabled {
			return before.Outbound
		}
	}
	return st.Inbound
}

// executions shows who waits in front of the stage and who entered last, whose
// passage it returns.
func (v *stateView) executions(out *api.StageState, st *engine.Stage) (*engine.StageRun, error) {
	for _, id := range st.Waiting {
		e, err := v.r.Execution(v.p.ID, id)
		if err != nil {
			return nil, err
		}
		out.InboundExecutions = append(out.InboundExecutions, api.StageExecution{
			PipelineExecutionId: e.ID, Status: string(engine.InProgress), Type: rollbackType(e),
		})
	}
	if len(out.InboundExecutions) > 0 {
		out.InboundExecution = &out.InboundExecutions[0]
	}
	if st.Latest == "" {
		return nil, nil
	}
	e, err := v.r.Execution(v.p.ID, st.Latest)
	if err != nil {
		return nil, err
	}
	run := e.Run(st.Name)
	if run == nil {
		return nil, nil
	}
	out.LatestExecution = &api.StageExecution{PipelineExecutionId: e.ID, Status: string(run.Status), Type: rollbackType(e)}
	if run.ManualRetries > 0 || run.AutoRetries > 0 {
		out.RetryStageMetadata = &api.RetryStageMetadata{LatestRetryTrigger: run.LatestRetry, ManualStageRetryAttempt: positive(run.ManualRetries), AutoStageRetryAttempt: positive(run.AutoRetries)}
	}
	return run, nil
}

func positive(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

// rollbackType is the executionType to send: it is omitted for STANDARD ones.
func rollbackType(e *engine.Execution) string {
	if e.RollbackTarget != "" {
		return "ROLLBACK"
	}
	return ""
}

func transitionTo(t engine.Transition) *api.TransitionState {
	enabled := !t.Disabled
	out := &api.TransitionState{Enabled: &enabled, LastChangedBy: t.ChangedBy, LastChangedAt: t.ChangedAt}
	if t.Disabled {
		out.DisabledReason = t.Reason
	}
	return out
}

func latestTo(rec engine.ActionRecord, t actiontype.Type) *api.ActionExecution {
	res := rec.Result
	out := &api.ActionExecution{
		ActionExecutionId: rec.ID, Status: string(rec.Status), Summary: res.Summary, LastStatusChange: rec.Updated,
		LastUpdatedBy: res.UpdatedBy, PercentComplete: res.Percent, ErrorDetails: errorTo(res),
	}
	if rec.Approval {
		if rec.Status == engine.InProgress {
			out.Token = rec.ID
			out.Summary = rec.Resolved["CustomData"]
		}
		return out
	}
	out.ExternalExecutionId = res.ExternalID
	out.ExternalExecutionUrl = executionURL(rec, t)
	return out
}

// executionURL is the link to the work at the provider, "" while its id is
// not known.
func executionURL(rec engine.ActionRecord, t actiontype.Type) string {
	if rec.Result.ExternalID == "" {
		return ""
	}
	return actiontype.RenderURL(t.Settings.ExecutionURLTemplate, rec.Resolved, rec.Result.ExternalID, "")
}

func errorTo(res engine.Result) *api.ErrorDetails {
	if res.ErrorCode == "" {
		return nil
	}
	return &api.ErrorDetails{Code: res.ErrorCode, Message: res.ErrorMessage}
}
