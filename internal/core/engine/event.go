package engine

import (
	"fmt"
	"time"

	"penstock/internal/core/job"
)

// Event is something asked of a pipeline or reported to it.
type Event interface {
	// needs lists executions beyond the live ones that the decision reads.
	needs(*State) []string
}

// Needs lists the executions beyond the live ones that a snapshot must hold
// for a decision about ev.
func Needs(ev Event, s *State) []string { return ev.needs(s) }

// Also is an event with executions that the snapshot for it must hold too, as
// far as they exist: the answer to Missing.
type Also struct {
	Event
	Executions []string
}

// Missing is the error of Decide when a decision turns out to need executions
// that the snapshot does not hold; decide again about Also of them. Only
// automatic rollbacks look for one.
type Missing struct{ Executions []string }

// Error implements error.
func (m *Missing) Error() string { return fmt.Sprintf("engine: the snapshot lacks %q", m.Executions) }

// Start begins an execution (StartPipelineExecution, CreatePipeline, a
// poller, a webhook).
type Start struct {
	Trigger   Trigger
	Variables []Variable
	Overrides []Override
	Bound     *Binding
	Chain     int // see Execution.Chain
	// Replay is the execution that an earlier start with the same client
	// request token began; "" if there was none.
	Replay string
}

// StopExecution is StopPipelineExecution.
type StopExecution struct {
	Execution string
	Abandon   bool
	Reason    string
}

// RetryStage is RetryStageExecution.
type RetryStage struct {
	Stage, Execution string
	All              bool // ALL_ACTIONS instead of FAILED_ACTIONS
}

// RollbackStage is the operation of that name.
type RollbackStage struct {
	Stage, Target string
	Trigger       Trigger
}

// OverrideCondition is OverrideStageCondition.
type OverrideCondition struct {
	Stage, Execution string
	Place            Place
	By               string
}

// SetTransition is DisableStageTransition and EnableStageTransition.
type SetTransition struct {
	Stage      string
	Outbound   bool
	Disable    bool
	Reason, By string
}

// AnswerApproval is PutApprovalResult.
type AnswerApproval struct {
	Stage, Action, Token string
	Approve              bool
	Summary, By          string
	// Execution is the execution that the token's action execution belongs
	// to, by the history; "" when the caller does not know. With it an answer
	// to a request of the past is told apart from a wrong token.
	Execution string
	// Answered says that the history has a reviewer's answer for the token.
	Answered bool
}

// JobSucceeded is PutJobSuccessResult and its siblings for a job in progress.
type JobSucceeded struct {
	Job               *job.Job
	Digest            string // of the report
	ContinuationToken string
	Revision          *Revision
	Details           Details
	Outputs           map[string]string // output variables
}

// JobFailed is PutJobFailureResult and its siblings for a job in progress.
type JobFailed struct {
	Job        *job.Job
	Digest     string
	Type       string
	Message    string
	ExternalID string
}

// Revision is what a job reports as its current revision.
type Revision struct {
	ID, ChangeID, Summary string
	Created               time.Time
}

// Details are the execution details of a report; nil and "" keep what an
// earlier report said.
type Details struct {
	Summary, ExternalID string
	PercentComplete     *int
}

// TimerFired says that a timer set by an earlier plan is due.
type TimerFired struct{ Timer Timer }

// Updated says that the declaration in force is a new one (UpdatePipeline).
type Updated struct{}

// Deleted says that the pipeline is about to be removed (DeletePipeline): open
// jobs are purged and timers cleared.
type Deleted struct{}

func (e Start) needs(*State) []string             { return nil }
func (e StopExecution) needs(*State) []string     { return []string{e.Execution} }
func (e RetryStage) needs(*State) []string        { return []string{e.Execution} }
func (e SetTransition) needs(*State) []string     { return nil }
func (e RollbackStage) needs(*State) []string     { return []string{e.Target} }
func (e OverrideCondition) needs(*State) []string { return []string{e.Execution} }
func (e Also) needs(s *State) []string            { return append(e.Event.needs(s), e.Executions...) }
func (e JobSucceeded) needs(*State) []string      { return nil }
func (e JobFailed) needs(*State) []string         { return nil }
func (e TimerFired) needs(*State) []string        { return nil }
func (e Updated) needs(*State) []string           { return nil }
func (e Deleted) needs(*State) []string           { return nil }
func (e AnswerApproval) needs(s *State) (ids []string) {
	if e.Execution != "" {
		ids = append(ids, e.Execution)
	}
	if st := s.Stage(e.Stage); st != nil && st.Latest != "" {
		ids = append(ids, st.Latest)
	}
	return ids
}
