package engine

import (
	"time"

	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
)

// Env is what a decision needs from outside.
type Env struct {
	Now    time.Time     // UTC, whole milliseconds
	NewID  func() string // a fresh time-ordered UUID
	NewKey func() string // seven random letters and digits, for an object key
	// Type tells about an action type; the zero TypeInfo for unknown ones.
	Type func(pipeline.ActionType) TypeInfo
	// Zone finds a time zone by its name in the IANA database.
	Zone func(name string) (*time.Location, error)
	// ContinuationDelay is the pause before a job with a continuation token
	// can be polled; 0 makes it pollable at once.
	ContinuationDelay time.Duration
}

// TypeInfo is what the engine must know of an action type to run it.
type TypeInfo struct {
	Available  bool          // exists and is not deleted
	Unrunnable string        // why this server cannot run it; "" = it can
	Kind       job.Kind      // whose calls take its jobs; "" for approvals
	Timeout    time.Duration // limit of the whole action
	JobTimeout time.Duration // limit of one job, 0 = none
	Queryable  string        // name of the queryable property, "" = none
	Clients    []string      // partner types: ids of the connected clients
	Home       string        // registered types: the account that registered it
	Secrets    []string      // names of the secret properties
	Function   string        // the function that does the work; "" = none
}

// Plan is the outcome of a decision.
type Plan struct {
	// Execution is the execution that the command is about, as the API
	// answers it.
	Execution string
	// State is the new state, nil if it did not change.
	State *State
	// Executions are the new values of the executions that changed.
	Executions []*Execution
	// Changes are to be saved in this order, in the same transaction.
	Changes []Change
}

// Change is one thing to save beside the state: see the types below.
type Change interface{ change() }

// ActionStarted adds a row to the history of action executions.
type ActionStarted struct{ Record ActionRecord }

// ActionUpdated changes a row of that history.
type ActionUpdated struct {
	ID     string
	Status Status
	At     time.Time
	Result Result
}

// RuleStarted adds a row to the history of rule executions. Action is the
// name of the rule.
type RuleStarted struct{ Record ActionRecord }

// RuleUpdated changes a row of that history.
type RuleUpdated ActionUpdated

// ActionRecord is the history of an action execution
// (ActionExecutionDetail), or of a rule execution.
type ActionRecord struct {
	ID         string
	Execution  string
	Version    int
	Stage      string
	Action     string
	Status     Status
	Started    time.Time
	Updated    time.Time
	Type       pipeline.ActionType
	RoleARN    string
	Region     string
	Namespace  string
	Declared   map[string]string // configuration as declared, secrets masked
	Resolved   map[string]string // with variables replaced, secrets masked
	Inputs     []Artifact
	Outputs    []Artifact
	HasOutputs bool // the action has succeeded: outputs are there
	Approval   bool
	Parallel   bool // of an execution of PARALLEL mode
	Result     Result
}

// Result is what is known of an action's work; each update overwrites what it
// sets and keeps the rest.
type Result struct {
	ExternalID   string            `json:",omitempty"`
	Summary      string            `json:",omitempty"`
	Percent      *int              `json:",omitempty"`
	ErrorCode    string            `json:",omitempty"`
	ErrorMessage string            `json:",omitempty"`
	UpdatedBy    string            `json:",omitempty"`
	Variables    map[string]string `json:",omitempty"`
	Revision     *Revision         `json:",omitempty"`
}

// Merge returns r with what u sets.
func (r Result) Merge(u Result) Result {
	set := func(to *string, v string) {
		if v != "" {
			*to = v
		}
	}
	set(&r.ExternalID, u.ExternalID)
	set(&r.Summary, u.Summary)
	set(&r.ErrorCode, u.ErrorCode)
	set(&r.ErrorMessage, u.ErrorMessage)
	set(&r.UpdatedBy, u.UpdatedBy)
	if u.Percent != nil {
		r.Percent = u.Percent
	}
	if u.Variables != nil {
		r.Variables = u.Variables
	}
	if u.Revision != nil {
		r.Revision = u.Revision
	}
	return r
}

// JobOpened adds a job.
type JobOpened struct{ Job *job.Job }

// JobQueued makes a Created job pollable.
type JobQueued struct {
	ID string
	At time.Time
}

// JobClosed ends a job. Digest identifies the report that did it, "" for an
// end by the engine; then the job's own timer (JobTimer), if it is armed,
// stays behind and does nothing when it fires.
type JobClosed struct {
	ID     string
	State  job.State
	Digest string
	At     time.Time
}

// JobPurged removes a job as if it had never been.
type JobPurged struct{ ID string }

// StagePassed records that a STANDARD execution succeeded in a stage.
type StagePassed struct {
	Stage     string
	Version   int
	Execution string
}

// TimerSet arms a timer, TimerMoved sets one that is armed to another time,
// TimerCleared disarms it.
type (
	TimerSet   struct{ Timer Timer }
	TimerMoved struct {
		Timer Timer
		To    time.Time
	}
	TimerCleared struct{ Timer Timer }
)

// TimerKind says what a timer is for.
type TimerKind string

// The kinds of timers. Earlier versions had one of kind "action" for each
// attempt and one of kind "continuation" for each pause; what they left is taken
// for an alarm.
const (
	Alarm       TimerKind = "execution" // something of the execution may be due
	JobDeadline TimerKind = "job"       // a job's own time limit
)

// Timer is something that becomes due.
type Timer struct {
	At        time.Time
	Kind      TimerKind
	ID        string // of the execution or the job
	Execution string
}

// Emitted is a state change for the event stream.
type Emitted struct{ StateChange StateChange }

// StateChange is a state change of a pipeline, a stage or an action execution
// (engine.md section 8).
type StateChange struct {
	At        time.Time
	State     string // STARTED, SUCCEEDED, …
	Execution string
	Version   int
	Started   time.Time
	Attempt   int
	Trigger   *Trigger      `json:",omitempty"` // pipeline STARTED; after a Git event also SUCCEEDED and FAILED
	Bound     *Binding      `json:",omitempty"` // with Trigger, after a Git event
	Comment   string        `json:",omitempty"` // pipeline STOPPING
	Stage     string        `json:",omitempty"`
	Retried   time.Time     `json:",omitzero"` // stages, after a retry
	Action    *ActionChange `json:",omitempty"`
}

// ActionChange is the part of a state change that belongs to an action.
type ActionChange struct {
	Name    string
	ID      string
	Region  string
	Type    pipeline.ActionType
	Inputs  []Artifact `json:",omitempty"`
	Outputs []Artifact `json:",omitempty"`
	Result  Result
	// Request is set when an approval with a topic has opened.
	Request *ApprovalRequest `json:",omitempty"`
}

// ApprovalRequest is what the topic of a manual approval is told; the token is
// the id of the action execution.
type ApprovalRequest struct {
	Topic      string // NotificationArn
	Link       string `json:",omitempty"` // ExternalEntityLink
	CustomData string `json:",omitempty"`
	Expires    time.Time
}

func (ActionStarted) change() {}
func (ActionUpdated) change() {}
func (RuleStarted) change()   {}
func (RuleUpdated) change()   {}
func (JobOpened) change()     {}
func (JobQueued) change()     {}
func (JobClosed) change()     {}
func (JobPurged) change()     {}
func (StagePassed) change()   {}
func (TimerSet) change()      {}
func (TimerMoved) change()    {}
func (TimerCleared) change()  {}
func (Emitted) change()       {}
