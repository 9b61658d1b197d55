package provider

import (
	"context"
	"errors"
	"io"
	"time"

	"penstock/internal/git"
)

// What the ports answer; their errors wrap one of these.
var (
	ErrNoBucket   = errors.New("the bucket does not exist")
	ErrNoObject   = errors.New("the object or its version does not exist")
	ErrDenied     = errors.New("access denied")
	ErrNoPipeline = errors.New("the pipeline does not exist")
	// ErrInvalid says that a request was refused for what it asked; the text
	// that wraps it says why.
	ErrInvalid = errors.New("refused")
)

// Ref names an object for an account; a bucket of another account answers
// ErrDenied or ErrNoBucket.
type Ref struct {
	Account, Region string
	Bucket, Key     string
	VersionID       string // "" is the newest version
}

// Object is what a bucket knows about an object.
type Object struct {
	VersionID   string // "" or "null" where versioning is off
	ETag        string // with or without quotes
	Size        int64
	ContentType string
	Modified    time.Time
	Metadata    map[string]string // user metadata, keys in lower case without x-amz-meta-
}

// PutOptions go with a new object; empty members are left to the bucket.
type PutOptions struct {
	Size         int64 // of the body; -1 when unknown
	ContentType  string
	CacheControl string
	ACL          string // a canned ACL
	KMSKeyID     string // SSE-KMS with this key
	Metadata     map[string]string
}

// Buckets reaches objects: the embedded store or an external S3.
type Buckets interface {
	Head(ctx context.Context, r Ref) (Object, error)
	// Get returns the object's body, which the caller closes.
	Get(ctx context.Context, r Ref) (io.ReadCloser, Object, error)
	// Put stores body whole or not at all; VersionID of r is ignored.
	Put(ctx context.Context, r Ref, body io.Reader, o PutOptions) (Object, error)
	// Copy stores the bytes and content type of from as a new object at to.
	Copy(ctx context.Context, from, to Ref) (Object, error)
}

// Logs keeps what actions print.
type Logs interface {
	// Writer opens the log of an action execution; closing it ends the log. A
	// second run of the same action goes on behind the first one's lines.
	Writer(ctx context.Context, actionExecutionID string) (io.WriteCloser, error)
}

// Start asks for an execution of a pipeline.
type Start struct {
	Account, Region string
	Pipeline        string
	Revisions       []Revision
	Variables       []Variable
	// Token is the same in each run of one action execution: the second start
	// answers the execution that the first one began.
	Token string
	// Caller is who the start is authorised as (jobworker.Native.Caller).
	Caller string
}

// Revision overrides a source action's revision (SourceRevisionOverride).
type Revision struct{ Action, Type, Value string }

// Variable sets a pipeline variable (PipelineVariable).
type Variable struct{ Name, Value string }

// Pipelines starts pipelines.
type Pipelines interface {
	// Start answers the execution id. ErrNoPipeline, ErrDenied and ErrInvalid
	// are what the request itself can meet.
	Start(ctx context.Context, s Start) (executionID string, err error)
}

// Connections reaches repositories through the connections of an account.
type Connections interface {
	// Remote returns how to reach a repository, and the provider type of its
	// connection. ErrInvalid says that there is no such connection for the
	// account, or that the repository's name is none.
	Remote(ctx context.Context, account, arn, repository string) (remote git.Remote, provider string, err error)
}
