package auth

import (
	"context"
	"time"
)

// Principal is who signed a request.
type Principal struct {
	Account     string // 12 digits
	Region      string // from the credential scope
	AccessKeyID string
	ARN         string // for messages and audit: arn:aws:iam::ACCOUNT:user/NAME
	// Root is set for the root access key, not for sessions made with it. Its
	// holder runs the server and reaches into all accounts.
	Root bool
	// ServicePrincipal is the service that the caller is, for example
	// worker.example.com; "" for callers that are none.
	ServicePrincipal string
	// Job is set for credentials that were handed out with a job; they are
	// valid on S3 only.
	Job *JobScope
	// Expires is when temporary credentials end; zero for access keys.
	Expires time.Time
}

// JobScope is what the artifact credentials of a job may reach: nothing but
// reading its inputs and writing its outputs.
type JobScope struct {
	JobID   string
	Inputs  []ObjectRef
	Outputs []ObjectRef
}

// ObjectRef names one object.
type ObjectRef struct{ Bucket, Key string }

type principalKey struct{}

// WithPrincipal returns a context that carries p.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom returns the caller that the context carries.
func PrincipalFrom(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}
