package engine

import "penstock/internal/core/fault"

// answerApproval is PutApprovalResult; its checks are in the order of
// engine.md section 4.3. The token is the id of the action execution.
func (t *turn) answerApproval(ev AnswerApproval) error {
	st, err := t.currentStage(ev.Stage)
	if err != nil {
		return err
	}
	decl := st.Action(ev.Action)
	if decl == nil || decl.Type.Category != "Approval" {
		return fault.New("ActionNotFoundException", "Approval action '%s' was not found in stage '%s' of pipeline '%s'", ev.Action, ev.Stage, t.snap.Pipeline.Name)
	}
	e, run, a := t.approval(ev)
	switch {
	case e == nil:
		return fault.New("InvalidApprovalTokenException", "The token does not belong to an open approval request of action '%s' in stage '%s'", ev.Action, ev.Stage)
	case a.Answered:
		return fault.New("ApprovalAlreadyCompletedException", "The approval request of action '%s' in stage '%s' has been answered already", ev.Action, ev.Stage)
	case e.Outdated || e.Version != t.snap.Current && a.Status != InProgress:
		return fault.New("InvalidApprovalTokenException", "The pipeline %s has been updated, and the approval request you responded to is now out of date.", t.snap.Pipeline.Name)
	case a.Status != InProgress:
		return fault.New("InvalidApprovalTokenException", "The approval request of action '%s' in stage '%s' is closed", ev.Action, ev.Stage)
	case decl.Configuration["IsSummaryRequired"] == "true" && ev.Summary == "":
		return fault.New("InvalidApprovalTokenException", "Action '%s' in stage '%s' requires a summary. Provide a summary in the approval result and try again.", ev.Action, ev.Stage)
	}
	a.Answered = true
	res := Result{ExternalID: a.ID, Summary: ev.Summary, UpdatedBy: ev.By}
	if ev.Approve {
		t.endAction(e, run, a, Succeeded, "SUCCEEDED", res)
	} else {
		res.ErrorCode, res.ErrorMessage = JobFailedError, ev.Summary
		t.endAction(e, run, a, Failed, "FAILED", res)
	}
	t.advance(e)
	return nil
}

// approval finds the request that the token belongs to, among the live
// executions and the one that entered the stage last.
func (t *turn) approval(ev AnswerApproval) (*Execution, *StageRun, *Action) {
	ids := t.snap.State.Live
	if st := t.snap.State.Stage(ev.Stage); st != nil {
		ids = append([]string{st.Latest}, ids...)
	}
	for _, id := range ids {
		e := t.peek(id)
		if e == nil {
			continue
		}
		if run := e.Run(ev.Stage); run != nil {
			if a := run.Action(ev.Action); a != nil && a.Approval && a.ID == ev.Token {
				e = t.exec(id)
				run = e.Run(ev.Stage)
				return e, run, run.Action(ev.Action)
			}
		}
	}
	return nil, nil, nil
}
