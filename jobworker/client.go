package jobworker

import (
	"context"
	"time"
)

// ActionType identifies the action type whose jobs a worker takes.
type ActionType struct{ Category, Owner, Provider, Version string }

// Client is what a worker needs of CodePipeline. NewClient and NewPartnerClient
// implement it over HTTP, the subpackage awsjobs over the AWS SDK, and Penstock
// in-process for its own actions. A refusal is an *Error, so that Retryable can
// tell what to do about it; Error matches ErrLost where the job is gone.
type Client interface {
	// Poll returns up to max jobs that nobody else holds. It waits up to
	// wait for the first one where the server can (Penstock can, AWS answers
	// at once); no job is an empty slice and no error.
	Poll(ctx context.Context, max int, wait time.Duration) ([]Job, error)
	// Acknowledge takes a polled job. ErrLost says that another worker has
	// it or that it has ended: drop it.
	Acknowledge(ctx context.Context, j Job) error
	// Details returns the job with fresh artifact credentials.
	Details(ctx context.Context, j Job) (Job, error)
	// Succeed reports success; with a ContinuationToken the action goes on
	// in a later job. Repeating an identical report is safe.
	Succeed(ctx context.Context, j Job, r Success) error
	// Fail reports failure. Repeating an identical report is safe.
	Fail(ctx context.Context, j Job, f Failure) error
}

// Job is one hand-off of an action to a worker (JobData of the API).
type Job struct {
	ID        string
	Nonce     string
	ClientID  string // partner jobs: whose job it is
	AccountID string
	Type      ActionType
	// Configuration holds the resolved values, secrets in clear text.
	Configuration     map[string]string
	Context           Context
	Inputs            []Artifact
	Outputs           []Artifact
	Credentials       Credentials
	ContinuationToken string
	EncryptionKeyID   string
	// Native is what the API's JobData does not carry and only Penstock's
	// own actions need; nil for jobs that came over HTTP.
	Native *Native
}

// Context says where in a pipeline a job stands. ARN and ExecutionID are
// empty for partner jobs.
type Context struct {
	Pipeline, Stage, Action string
	PipelineARN             string
	ExecutionID             string
	ActionExecutionID       string
}

// Artifact is an input or output of a job: an object in an S3 bucket.
type Artifact struct {
	Name, Revision string
	Bucket, Key    string
}

// Credentials are temporary and reach only this job's artifacts.
type Credentials struct{ AccessKeyID, SecretAccessKey, SessionToken string }

// Native carries the members of an action declaration that stand beside its
// configuration (Commands actions), the region, and a source override.
type Native struct {
	Account, Region   string
	Commands          []string
	Environment       []EnvironmentVariable
	OutputFiles       map[string][]string // by output artifact name
	OutputVariables   []string
	RevisionOverrides map[string]string // revisionType → revisionValue
	// Event are the output variables that a Git event tells a source action:
	// which branch, tag or pull request it is about.
	Event    map[string]string
	Deadline time.Time
	// Function is the function that an action type leaves its work to.
	Function string
	// Caller is who the action acts for: the principal as whom an
	// Invoke/CodePipeline action starts its pipeline.
	Caller string
}

// EnvironmentVariable is one environment variable of a Commands action.
type EnvironmentVariable struct{ Name, Value, Type string }

// Success is the result of a job that went well.
type Success struct {
	Revision          *Revision
	ContinuationToken string
	Details           *Details
	OutputVariables   map[string]string // refused for partner jobs by the API
}

// Revision is the revision a source action read (CurrentRevision).
type Revision struct {
	ID, ChangeID, Summary string
	Created               time.Time
}

// Details are shown with the action's execution (ExecutionDetails).
type Details struct {
	Summary, ExternalID string
	PercentComplete     *int
}

// Failure types of PutJobFailureResult.
const (
	JobFailed           = "JobFailed"
	ConfigurationError  = "ConfigurationError"
	PermissionError     = "PermissionError"
	RevisionOutOfSync   = "RevisionOutOfSync"
	RevisionUnavailable = "RevisionUnavailable"
	SystemUnavailable   = "SystemUnavailable"
)

// Failure is the result of a job that went wrong (FailureDetails).
type Failure struct {
	Type       string // one of the constants above; "" means JobFailed
	Message    string // 1 to 5000 characters; the Worker cuts longer ones
	ExternalID string
}

// Error implements error, so that a Handler returns a *Failure to say exactly
// what is reported.
func (f *Failure) Error() string {
	if f.Type == "" {
		return JobFailed + ": " + f.Message
	}
	return f.Type + ": " + f.Message
}
