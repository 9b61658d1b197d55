package blob

import (
	"context"
	"time"
)

// Credentials are temporary credentials for an S3 endpoint.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expires         time.Time
}

// CredentialSource makes the credentials that are handed out with a job: they
// read its inputs and write its outputs, and reach nothing else.
type CredentialSource interface {
	For(ctx context.Context, account string, inputs, outputs []ObjectRef, jobID string) (Credentials, error)
}
