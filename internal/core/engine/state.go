package engine

import (
	"iter"
	"slices"
	"time"

	"penstock/internal/core/pipeline"
)

// Status is the status of an execution, a stage or an action
// (PipelineExecutionStatus, StageExecutionStatus, ActionExecutionStatus).
type Status string

// The statuses of the three machines; docs/states.md shows which has which.
const (
	InProgress Status = "InProgress"
	Stopping   Status = "Stopping"
	Stopped    Status = "Stopped"
	Succeeded  Status = "Succeeded"
	Failed     Status = "Failed"
	Cancelled  Status = "Cancelled"
	Superseded Status = "Superseded" // executions only
	Skipped    Status = "Skipped"    // stages only
	Abandoned  Status = "Abandoned"  // actions, rules and conditions
	Errored    Status = "Errored"    // conditions only: a rule could not be evaluated
	Overridden Status = "Overridden" // conditions only
)

// Place is where a condition stands in a stage; the first two are values of
// ConditionType.
type Place string

// The places of conditions.
const (
	BeforeEntry Place = "BEFORE_ENTRY"
	OnSuccess   Place = "ON_SUCCESS"
	OnFailure   Place = "ON_FAILURE"
)

// Pipeline identifies the pipeline of a snapshot.
type Pipeline struct {
	ID                    int64 // the store's key; a pipeline made anew under an old name has a new one
	Account, Region, Name string
}

// ARN is the pipeline's Amazon resource name.
func (p Pipeline) ARN() string {
	return "arn:aws:codepipeline:" + p.Region + ":" + p.Account + ":" + p.Name
}

// Snapshot is all that a decision about one pipeline may depend on.
type Snapshot struct {
	Pipeline     Pipeline
	Current      int                           // version in force
	Declarations map[int]*pipeline.Declaration // the current one and those of the executions below
	State        State                         // what outlives executions
	Executions   map[string]*Execution         // the live ones and those that the event needs
}

// Declaration is the version in force.
func (s *Snapshot) Declaration() *pipeline.Declaration { return s.Declarations[s.Current] }

// State is the part of a pipeline's state that belongs to no single execution.
type State struct {
	Sequence int64    // number of the newest execution
	Live     []string // executions that are not terminal, oldest first
	Stages   []Stage  // by name, in no particular order
}

// Stage is the occupancy and the gates of a stage.
type Stage struct {
	Name     string
	Holder   string   `json:",omitempty"` // execution inside; "" = free. Unused in PARALLEL mode
	Waiting  []string `json:",omitempty"` // executions in front, next to enter first
	Latest   string   `json:",omitempty"` // execution that entered last. Not set in PARALLEL mode
	Passed   string   `json:",omitempty"` // where failures roll back: who succeeded last under the version in force
	Inbound  Transition
	Outbound Transition
}

// Transition is a gate in front of or behind a stage
// (DisableStageTransition, EnableStageTransition).
type Transition struct {
	Disabled  bool      `json:",omitempty"`
	Reason    string    `json:",omitempty"`
	ChangedBy string    `json:",omitempty"`
	ChangedAt time.Time `json:",omitzero"` // zero = never touched
}

// Execution is one run of a pipeline.
type Execution struct {
	ID             string
	Number         int64 // order of start within the pipeline
	Version        int   // the declaration it runs
	Mode           string
	RollbackTarget string `json:",omitempty"` // of a ROLLBACK execution; "" = STANDARD
	Status         Status
	Summary        string `json:",omitempty"`
	Started        time.Time
	Updated        time.Time
	Trigger        Trigger
	Stop           *Stop      `json:",omitempty"`
	Outdated       bool       `json:",omitempty"` // declaration updated: ends Cancelled when nothing runs
	Attempt        int        // 1, and one more for each retry
	Variables      []Variable `json:",omitempty"`
	Overrides      []Override `json:",omitempty"`
	Bound          *Binding   `json:",omitempty"`
	// Chain counts the executions of which each started the next by an event,
	// up to this one; 0 when no event of an execution started it.
	Chain int `json:",omitempty"`

	// Alarm is when the execution's one timer is armed for (alarm.go); zero =
	// it is not armed.
	Alarm time.Time `json:",omitzero"`

	Stage  string // the stage it is in or in front of; after its end the last one
	Inside bool   // in the stage, not in front of it

	Runs      []StageRun       `json:",omitempty"` // stages entered, in order
	Artifacts []Artifact       `json:",omitempty"` // newest of each name
	Outputs   []Outputs        `json:",omitempty"` // output variables by namespace
	Revisions []SourceRevision `json:",omitempty"`
}

// Trigger says what started an execution (ExecutionTrigger).
type Trigger struct{ Type, Detail string }

// Stop is a StopPipelineExecution that is in force.
type Stop struct {
	Abandon bool
	Reason  string
}

// Variable is a pipeline variable with the value it has for an execution.
type Variable struct{ Name, Value string }

// Override names the revision a source action must read
// (SourceRevisionOverride).
type Override struct{ Action, Type, Value string }

// Binding is the revision that a source action was announced to have
// (PutActionRevision), or that a Git event is about. The execution keeps to it,
// also in a retry.
type Binding struct {
	Action   string
	Revision Revision
	Event    *GitEvent `json:",omitempty"` // nil for other announcements
}

// StageRun is the passage of an execution through a stage.
type StageRun struct {
	Stage         string
	Status        Status
	Started       time.Time
	ManualRetries int       `json:",omitempty"`
	AutoRetries   int       `json:",omitempty"`
	LatestRetry   string    `json:",omitempty"` // ManualStageRetry or AutomatedStageRetry
	Retried       time.Time `json:",omitzero"`
	Actions       []Action  `json:",omitempty"` // newest attempt of each started action

	Conditions []Condition `json:",omitempty"` // those that were evaluated since the last retry
}

// Condition is an evaluation of a condition of a stage.
type Condition struct {
	Place   Place
	Status  Status
	Updated time.Time
	Summary string `json:",omitempty"`
	// Rules are kept like attempts at actions. Reported is all that is known
	// of a rule, also after its end.
	Rules []Action `json:",omitempty"`
}

// Action is an attempt at an action: one action execution.
type Action struct {
	ID       string // actionExecutionId
	Name     string
	Status   Status
	Started  time.Time
	Updated  time.Time
	Approval bool       `json:",omitempty"` // waits for PutApprovalResult; its token is the ID
	Answered bool       `json:",omitempty"` // an approval that a reviewer answered
	Job      string     `json:",omitempty"` // open job
	Deadline time.Time  `json:",omitzero"`  // the action's time limit; zero = could not start
	JobDue   time.Time  `json:",omitzero"`  // continuation due
	Reported Result     `json:",omitzero"`  // what reports with a continuation token said so far
	Outputs  []Artifact `json:",omitempty"`
}

// Artifact is a named artifact of an execution and where it lies.
type Artifact struct {
	Name     string
	Bucket   string
	Key      string
	Revision string `json:",omitempty"`
}

// Outputs are the output variables of the action that has a namespace.
type Outputs struct {
	Namespace string
	Values    map[string]string
}

// SourceRevision is what a source action of an execution read.
type SourceRevision struct {
	Action    string
	Artifacts []string
	ID        string
	ChangeID  string `json:",omitempty"`
	Summary   string `json:",omitempty"`
	Created   time.Time
}

// Terminal reports whether the execution has ended. Failed and Stopped ones
// may be taken up again by a retry.
func (e *Execution) Terminal() bool {
	return e.Status != InProgress && e.Status != Stopping
}

// Run returns the execution's passage through the stage, nil if it never
// entered.
func (e *Execution) Run(stage string) *StageRun {
	for i := range e.Runs {
		if e.Runs[i].Stage == stage {
			return &e.Runs[i]
		}
	}
	return nil
}

// Action returns the newest attempt of the named action, nil if none started.
func (r *StageRun) Action(name string) *Action {
	for i := range r.Actions {
		if r.Actions[i].Name == name {
			return &r.Actions[i]
		}
	}
	return nil
}

// Condition returns the newest evaluation of the condition at the place, nil
// if there was none.
func (r *StageRun) Condition(p Place) *Condition {
	for i := range r.Conditions {
		if r.Conditions[i].Place == p {
			return &r.Conditions[i]
		}
	}
	return nil
}

// evaluating returns the condition whose rules run, nil if none is.
func (r *StageRun) evaluating() *Condition {
	for i := range r.Conditions {
		if r.Conditions[i].Status == InProgress {
			return &r.Conditions[i]
		}
	}
	return nil
}

// attempts yields the actions of the stage, then the rules of its conditions,
// each with its condition.
func (r *StageRun) attempts() iter.Seq2[*Action, *Condition] {
	return func(yield func(*Action, *Condition) bool) {
		for i := range r.Actions {
			if !yield(&r.Actions[i], nil) {
				return
			}
		}
		for i := range r.Conditions {
			c := &r.Conditions[i]
			for k := range c.Rules {
				if !yield(&c.Rules[k], c) {
					return
				}
			}
		}
	}
}

// clone copies all that a decision may change. Maps of output variables are
// replaced whole, never written to, and may be shared.
func (e *Execution) clone() *Execution {
	c := *e
	if e.Stop != nil {
		s := *e.Stop
		c.Stop = &s
	}
	c.Runs = slices.Clone(e.Runs)
	for i := range c.Runs {
		r := &c.Runs[i]
		r.Actions, r.Conditions = slices.Clone(r.Actions), slices.Clone(r.Conditions)
		for k := range r.Conditions {
			r.Conditions[k].Rules = slices.Clone(r.Conditions[k].Rules)
		}
	}
	c.Artifacts = slices.Clone(e.Artifacts)
	c.Outputs = slices.Clone(e.Outputs)
	c.Revisions = slices.Clone(e.Revisions)
	return &c
}

func (s State) clone() State {
	s.Live = slices.Clone(s.Live)
	s.Stages = slices.Clone(s.Stages)
	for i := range s.Stages {
		s.Stages[i].Waiting = slices.Clone(s.Stages[i].Waiting)
	}
	return s
}

// Stage returns the state of the named stage, nil if there is none.
func (s *State) Stage(name string) *Stage {
	for i := range s.Stages {
		if s.Stages[i].Name == name {
			return &s.Stages[i]
		}
	}
	return nil
}
