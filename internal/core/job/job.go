// Package job holds the life of a job: its states, its nonces and what each
// call answers in each state (the matrix of "call x state"). It is pure.
//
// An action execution hands its work to one job after another (continuation);
// each job is taken by exactly one worker, proven by the nonce.
package job

import (
	"strings"
	"time"

	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
)

// State is the status of a job (JobStatus of the API).
type State string

// The states of a job.
const (
	Created    State = "Created"    // exists, cannot be polled yet
	Queued     State = "Queued"     // can be polled
	Dispatched State = "Dispatched" // handed out, acknowledgement awaited
	InProgress State = "InProgress" // acknowledged
	TimedOut   State = "TimedOut"
	Succeeded  State = "Succeeded"
	Failed     State = "Failed"
)

// Terminal reports whether the state never changes again.
func (s State) Terminal() bool { return s == TimedOut || s == Succeeded || s == Failed }

// Kind says which family of calls a job belongs to.
type Kind string

// The kinds of jobs.
const (
	Custom  Kind = "Custom"  // PollForJobs and its family
	Partner Kind = "Partner" // PollForThirdPartyJobs and its family
	Native  Kind = "Native"  // Penstock's own actions, in-process
	Pushed  Kind = "Pushed"  // functions that the server calls and that report; see push.go
	Called  Kind = "Called"  // functions that the server calls and whose answer is the report
)

// RepeatWindow is how long an identical repeat of a report is answered with
// success (SDKs retry when an answer is lost).
const RepeatWindow = 5 * time.Minute

// Retention is how long a terminal job can be looked up.
const Retention = 24 * time.Hour

// Job is one hand-off of an action to a worker.
type Job struct {
	ID                string
	Kind              Kind
	PipelineID        int64
	Account           string
	Region            string
	Pipeline          string
	ExecutionID       string
	ActionExecutionID string
	Stage             string
	Action            string
	Type              pipeline.ActionType
	Query             string // value of the type's queryable property; "" = none
	ClientID          string // partner jobs: the client whose token opens it
	Home              string // account that registered the type; "" = types of the pipeline's own account, and built-in ones
	Data              Data
	QueuedAt          time.Time
	Timeout           time.Duration // limit from acknowledgement to report; 0 = none
	ReportBy          time.Time     // pushed jobs with a Timeout: when it is over

	State   State
	Nonces  Nonces
	AckedAt time.Time
	EndedAt time.Time
	Report  string // digest of the report that ended it
}

// Data is what a worker gets to see (JobData), without credentials.
type Data struct {
	Configuration     map[string]string
	Secrets           []string // keys of Configuration that are secret
	Inputs            []Artifact
	Outputs           []Artifact
	EncryptionKey     *pipeline.EncryptionKey
	ContinuationToken string

	// For Penstock's own actions: members that stand beside the configuration.
	Commands        []string
	Environment     []pipeline.EnvironmentVariable
	OutputVariables []string
	OutputFiles     map[string][]string // by output artifact
	Overrides       map[string]string   // source override: revision type → value
	Event           map[string]string   // output variables that a Git event tells a source action
	Deadline        time.Time           // of the action

	Function string // of the action type, when a function does its work
}

// Artifact is an object that holds an artifact of one execution.
type Artifact struct {
	Name     string
	Revision string
	Bucket   string
	Key      string
}

// Queue names the queue that a job of the given type stands in. Jobs of
// Penstock's own actions, and those that it pushes, stand in one queue for all
// accounts, as the process works for all of them.
func Queue(kind Kind, account, region string, t pipeline.ActionType, query string) string {
	switch kind {
	case Native, Pushed:
		account, region = "*", "*"
	case Called: // one queue for types that come and go
		return "*|*|Called"
	}
	return account + "|" + region + "|" + t.Category + "|" + t.Owner + "|" + t.Provider + "|" + t.Version + "|" + query
}

// KindOfQueue says for whom the jobs of a queue are: Custom, Partner, or Native
// for all that the server itself sees to.
func KindOfQueue(queue string) Kind {
	part := strings.SplitN(queue, "|", 5)
	switch {
	case part[0] == "*":
		return Native
	case len(part) == 5 && part[3] == "ThirdParty":
		return Partner
	}
	return Custom
}

// Queue is the queue that the job stands in. A registered type has one for the
// pipelines of all accounts that use it.
func (j *Job) Queue() string {
	account := j.Account
	if j.Home != "" {
		account = j.Home
	}
	return Queue(j.Kind, account, j.Region, j.Type, j.Query)
}

// NotFound is the answer for a job that does not exist, is purged, belongs to
// another account or to the other family of calls.
func NotFound(id string) error {
	return fault.New("JobNotFoundException", "The job '%s' was not found", id)
}

// Visible checks that a job can be used by a call of the given kind; allowed
// says whether the caller may work for its action type. Otherwise it answers as
// if there were none.
func (j *Job) Visible(kind Kind, allowed bool, now time.Time) error {
	if j.calls() != kind || !allowed || j.expired(now) {
		return NotFound(j.ID)
	}
	return nil
}

func (j *Job) expired(now time.Time) bool {
	return j.State.Terminal() && now.Sub(j.EndedAt) > Retention
}

// Acknowledge takes the job for the worker that presents the nonce
// (AcknowledgeJob, AcknowledgeThirdPartyJob) and returns the status to answer.
// A repeat by the same worker changes nothing and answers the same. Of pushed
// jobs nobody outside was given a nonce.
func (j *Job) Acknowledge(nonce string, now time.Time) (State, error) {
	if j.Kind == Pushed {
		return "", j.invalid(nonce)
	}
	return j.Take(nonce, now)
}

func (j *Job) invalid(nonce string) error {
	return fault.New("InvalidNonceException", "The nonce '%s' is not valid for job '%s'", nonce, j.ID)
}

// Take is Acknowledge for the workers within the server, who take pushed jobs
// too.
func (j *Job) Take(nonce string, now time.Time) (State, error) {
	n, ok := parseNonce(nonce)
	if !ok || !j.Nonces.valid(n) {
		return "", j.invalid(nonce)
	}
	if j.waiting() {
		j.State, j.AckedAt, j.Nonces.Acked = InProgress, now, n
	}
	return j.State, nil
}

// CheckReport says what a report of the given digest does to the job: nothing
// to do when it repeats the report that ended the job (repeat), an error when
// the job is not in progress.
func (j *Job) CheckReport(digest string, now time.Time) (repeat bool, err error) {
	if j.Shown() == InProgress {
		return false, nil
	}
	if (j.State == Succeeded || j.State == Failed) && j.Report == digest && digest != "" && now.Sub(j.EndedAt) <= RepeatWindow {
		return true, nil
	}
	return false, fault.New("InvalidJobStateException", "The job '%s' is in state %s; a result is taken only while it is InProgress", j.ID, j.State)
}

// Next returns the job that carries a continuation token onward: a new id and
// new nonces, all else inherited. now is when it can be taken.
func (j *Job) Next(id, token string, state State, now time.Time) *Job {
	n := *j
	n.ID, n.State, n.QueuedAt = id, state, now
	n.Nonces, n.AckedAt, n.EndedAt, n.Report = Nonces{}, time.Time{}, time.Time{}, ""
	n.Data.ContinuationToken = token
	n.Limit()
	return &n
}
