package engine

import (
	"time"

	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
)

// answerApproval is PutApprovalResult; its checks are in the order of
// engine.md section 4.3. The token is the id of the action execution.
func (t *turn) answerApproval(ev AnswerApproval) error {
	e := t.approval(ev)
	decl, err := t.approvalAction(ev, e)
	if err != nil {
		return err
	}
	if e == nil && ev.Answered { // and was retried since
		return answered(ev)
	}
	if e == nil {
		return fault.New("InvalidApprovalTokenException", "The token does not belong to an open approval request of action '%s' in stage '%s'", ev.Action, ev.Stage)
	}
	switch a := e.Run(ev.Stage).Action(ev.Action); {
	case e.Mode != pipeline.Parallel && e.Version != t.snap.Current:
		return fault.New("InvalidApprovalTokenException", "The pipeline %s has been updated, and the approval request you responded to is now out of date.", t.snap.Pipeline.Name)
	case a.Answered:
		return answered(ev)
	case a.Status != InProgress:
		return fault.New("InvalidApprovalTokenException", "The approval request of action '%s' in stage '%s' is closed", ev.Action, ev.Stage)
	case decl.Configuration["IsSummaryRequired"] == "true" && ev.Summary == "":
		return fault.New("InvalidApprovalTokenException", "Action '%s' in stage '%s' requires a summary. Provide a summary in the approval result and try again.", ev.Action, ev.Stage)
	}
	e = t.exec(e.ID)
	run := e.Run(ev.Stage)
	a := run.Action(ev.Action)
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

func answered(ev AnswerApproval) error {
	return fault.New("ApprovalAlreadyCompletedException", "The approval request of action '%s' in stage '%s' has been answered already", ev.Action, ev.Stage)
}

// approvalAction finds the action that is answered in the version in force or,
// for an execution of PARALLEL mode, in the version that it runs.
func (t *turn) approvalAction(ev AnswerApproval, e *Execution) (*pipeline.Action, error) {
	d := t.snap.Declaration()
	if e != nil && e.Mode == pipeline.Parallel {
		d = t.declaration(e)
	}
	st := d.Stage(ev.Stage)
	if st == nil {
		return nil, t.noStage(ev.Stage)
	}
	a := st.Action(ev.Action)
	if a == nil || a.Type.Category != "Approval" {
		return nil, fault.New("ActionNotFoundException", "Approval action '%s' was not found in stage '%s' of pipeline '%s'", ev.Action, ev.Stage, t.snap.Pipeline.Name)
	}
	return a, nil
}

// approval finds the execution whose request the token belongs to: the one
// that the caller knows, a live one, or the one that entered the stage last.
func (t *turn) approval(ev AnswerApproval) *Execution {
	ids := append(ev.needs(&t.snap.State), t.snap.State.Live...)
	for _, id := range ids {
		e := t.peek(id)
		if e == nil {
			continue
		}
		if run := e.Run(ev.Stage); run != nil {
			if a := run.Action(ev.Action); a != nil && a.Approval && a.ID == ev.Token {
				return e
			}
		}
	}
	return nil
}

// approvalRequest is what the topic of an approval is told; nil without one.
func approvalRequest(config map[string]string, expires time.Time) *ApprovalRequest {
	if config["NotificationArn"] == "" {
		return nil
	}
	return &ApprovalRequest{
		Topic: config["NotificationArn"], Link: config["ExternalEntityLink"], CustomData: config["CustomData"], Expires: expires,
	}
}

// FailApproval ends an open approval badly, because its topic refuses the
// request. One that is not open any more stays as it is.
type FailApproval struct {
	Execution, Stage, Token string
	Type, Message           string // of the error
}

func (e FailApproval) needs(*State) []string { return []string{e.Execution} }

func (t *turn) failApproval(ev FailApproval) {
	e := t.peek(ev.Execution)
	if e == nil || e.Terminal() || e.Run(ev.Stage) == nil {
		return
	}
	e = t.exec(e.ID)
	run := e.Run(ev.Stage)
	if w := t.find(e, run, ev.Token); w.a != nil && w.a.Approval && w.a.Status == InProgress {
		t.endAction(e, run, w.a, Failed, "FAILED", Result{ErrorCode: ev.Type, ErrorMessage: ev.Message})
		t.advance(e)
	}
}
