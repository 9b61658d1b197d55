package store

import (
	"context"
	"errors"
	"time"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
)

// ErrNotFound says that a row does not exist. Services turn it into the error
// of their operation.
var ErrNotFound = errors.New("store: not found")

// Driver is a database. Methods are safe for concurrent use.
type Driver interface {
	// Update runs fn in a transaction that is durable when Update returns
	// nil. fn may run more than once and must have no effects but through
	// tx; an error of fn undoes what it wrote and is returned as it is.
	Update(ctx context.Context, fn func(Tx) error) error
	// View runs fn in a consistent read-only transaction that sees all
	// updates that returned before it began.
	View(ctx context.Context, fn func(Reader) error) error

	// Claim hands out up to max queued jobs of the queue and hides them until
	// now+window or until they are acknowledged or end. Jobs of one client
	// (job.ClientID; all jobs of custom actions have none) go oldest first,
	// and the clients of a queue take turns, job by job, within a claim and
	// from one to the next: while a client has a job that can be handed out,
	// no other client is given a second one before it. Turns need not outlive
	// a crash. No two claims return the same job within the window. The jobs come in
	// state Dispatched with a nonce of this hand-out (job.Nonces.HandOut). A
	// claim need not outlive a crash of the process; its nonce then stays
	// valid until the job is claimed again.
	Claim(ctx context.Context, queue string, max int, now time.Time, window time.Duration) ([]*job.Job, error)
	// GiveBack ends hand-outs that reached nobody: jobs as Claim returned them,
	// all of one queue, can be claimed again at once, at their old places. A job
	// that has a newer nonce, is acknowledged or has ended is left alone.
	GiveBack(ctx context.Context, jobs []*job.Job) error
	// Await waits until a claim of the queue may find a job, for instance
	// one that was just queued or one whose window has ended; it may also
	// return for nothing. It returns ctx.Err() when ctx ends first.
	Await(ctx context.Context, queue string) error
	// IssueNonce issues one more nonce for a job that is handed out and not
	// yet acknowledged (GetThirdPartyJobDetails), and returns the one that
	// is acknowledged otherwise. ErrNotFound for a job that is not there or
	// has ended.
	IssueNonce(ctx context.Context, jobID string) (string, error)

	OutboxWaiter
	Nodes
	Meter

	// Timers delivers a hint when a timer was set that may be due before
	// all others. Hints may be lost or come for nothing.
	Timers() <-chan struct{}
	// Close waits for what runs and closes the database.
	Close() error
}

// Reader reads. Values it returns are the caller's to keep, but documents
// (declarations, executions, state) must not be changed: they may be shared.
type Reader interface {
	PipelineReader
	ExecutionReader
	JobReader
	TypeReader
	ClientReader
	TagReader
	RuleReader
	RegisteredReader
	AccessKeyReader
	RevisionReader
	WatchReader
	WebhookReader
	ConnectionReader
	EventRuleReader
	TimerReader
	OutboxReader
	AuditReader
	RetentionReader
}

// Tx reads and writes.
type Tx interface {
	Reader
	PipelineWriter
	ExecutionWriter
	JobWriter
	TypeWriter
	AccessKeyWriter
	ClientWriter
	TagWriter
	RevisionWriter
	WatchWriter
	WebhookWriter
	ConnectionWriter
	EventRuleWriter
	OutboxWriter
	AuditWriter
	RetentionWriter
	Purger
}

// Pipeline is a pipeline without its structure.
type Pipeline struct {
	engine.Pipeline
	Version          int // in force
	Mode, Type       string
	Created, Updated time.Time
}

// PipelineReader reads pipelines. Deleted ones are not found.
type PipelineReader interface {
	Pipeline(account, region, name string) (Pipeline, error)
	// Pipelines lists by name, those after the given name.
	Pipelines(account, region, after string, limit int) ([]Pipeline, error)
	CountPipelines(account, region string) (int, error)
	// Declaration returns a version of the structure, secrets in clear.
	Declaration(pipelineID int64, version int) (*pipeline.Declaration, error)
	// State returns the state that belongs to no single execution.
	State(pipelineID int64) (*engine.State, error)
}

// PipelineWriter writes pipelines and applies decisions.
type PipelineWriter interface {
	// InsertPipeline adds a pipeline with its first version and returns its
	// id. The name must be free: check before.
	InsertPipeline(p Pipeline, d *pipeline.Declaration) (int64, error)
	// PutVersion adds d as version d.Version and makes it the one in force.
	PutVersion(pipelineID int64, d *pipeline.Declaration, now time.Time) error
	// DeletePipeline makes the pipeline unfindable and its name free at
	// once; Purge removes its history later, in small steps.
	DeletePipeline(pipelineID int64) error

	// Snapshot locks the pipeline and loads what a decision about ev needs.
	Snapshot(pipelineID int64, ev engine.Event) (*engine.Snapshot, error)
	// Apply saves a decision that was made on the snapshot.
	Apply(s *engine.Snapshot, p engine.Plan) error
}

// ExecutionReader reads executions and the history of actions. Lists are
// newest first and start below the given id; "" starts at the newest.
type ExecutionReader interface {
	Execution(pipelineID int64, id string) (*engine.Execution, error)
	Executions(pipelineID int64, below string, limit int) ([]*engine.Execution, error)
	// ExecutionsPassed lists executions that succeeded in the stage under
	// the given version.
	ExecutionsPassed(pipelineID int64, stage string, version int, below string, limit int) ([]*engine.Execution, error)
	// StartedBy returns the execution that a client request token started.
	StartedBy(pipelineID int64, token string) (string, error)
	// Actions lists action executions; of one execution unless it is "".
	Actions(pipelineID int64, execution, below string, limit int) ([]engine.ActionRecord, error)
	// LatestActions returns the newest attempt of each action of the
	// pipeline that ever started, keyed by stage and action.
	LatestActions(pipelineID int64) (map[StageAction]engine.ActionRecord, error)
	// Action returns one action execution.
	Action(pipelineID int64, id string) (engine.ActionRecord, error)
}

// StageAction names an action of a pipeline.
type StageAction struct{ Stage, Action string }

// ExecutionWriter writes what Apply does not.
type ExecutionWriter interface {
	PutStartToken(pipelineID int64, token, execution string) error
}

// JobReader reads jobs.
type JobReader interface {
	// Job returns a job with its hand-out state: Dispatched while it is
	// hidden by a claim.
	Job(id string) (*job.Job, error)
}

// JobWriter writes jobs.
type JobWriter interface {
	// SaveJob saves state, nonces and times of a job that was read in this
	// transaction, and arms the timer of an acknowledged job that has a
	// time limit (engine.JobTimer).
	SaveJob(j *job.Job) error
}

// ActionType is a custom or partner action type of an account.
type ActionType struct {
	Account, Region string
	actiontype.Type
	Deleted bool
	Created time.Time
}

// TypeReader reads the action types that users and operators added.
type TypeReader interface {
	// ActionType returns the type, deleted ones included. Others see it too: it
	// must not be changed.
	ActionType(account, region string, id pipeline.ActionType) (*ActionType, error)
	// ActionTypes lists the types that are not deleted, ordered by
	// provider, category and newest first.
	ActionTypes(account, region string) ([]ActionType, error)
}

// TypeWriter writes action types.
type TypeWriter interface {
	PutActionType(t ActionType) error
}

// TagReader reads tags by ARN.
type TagReader interface {
	Tags(arn string) (map[string]string, error)
}

// TagWriter writes tags.
type TagWriter interface {
	// SetTags replaces all tags of the resource.
	SetTags(arn string, tags map[string]string) error
}

// DueTimer is a timer that has become due, with the pipeline it belongs to.
type DueTimer struct {
	PipelineID int64
	engine.Timer
}

// TimerReader reads timers.
type TimerReader interface {
	// Due lists timers with At <= now, oldest first.
	Due(now time.Time, limit int) ([]DueTimer, error)
	// NextTimer returns when the next timer is due; zero when there is none.
	NextTimer() (time.Time, error)
}

// Purger removes what is past its time, a bounded step a call.
type Purger interface {
	// ClearTimer removes a timer that led to nothing.
	ClearTimer(t engine.Timer) error
	// Purge removes at most limit rows: jobs that ended before now minus
	// job.Retention, outbox rows, history of deleted pipelines and
	// deliveries older than DeliveryRetention, and reports whether there is more.
	Purge(now time.Time, limit int) (more bool, err error)
}
