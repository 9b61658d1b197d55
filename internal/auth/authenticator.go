package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"penstock/internal/core/fault"
	"penstock/internal/sigv4"
)

// Config is what an Authenticator is made from.
type Config struct {
	// Account is the 12 digits that the root access key belongs to.
	Account string
	// RootAccessKeyID and RootSecretAccessKey are the root access key.
	RootAccessKeyID     string
	RootSecretAccessKey Secret
	// AccessKey finds another long-term access key; ok is false when there is
	// none of the id. Nil means that there are no others.
	AccessKey func(id string) (k AccessKey, ok bool, err error)
	// Sessions resolves temporary credentials.
	Sessions *Sessions
	// Regions are the regions that clients may name; none means any.
	Regions []string
	// JobActive tells whether a job's artifact credentials are still good, so
	// that they end with the job; an error is a failure of the server. Nil
	// leaves it to their expiry.
	JobActive func(jobID string, expires time.Time) (bool, error)
	// Now is the clock.
	Now func() time.Time
}

// Authenticator finds out who signed a request.
type Authenticator struct {
	root          identity
	rootID        string
	rootSecret    Secret
	accessKey     func(id string) (AccessKey, bool, error)
	sessions      *Sessions
	jobActive     func(jobID string, expires time.Time) (bool, error)
	json, s3, sts sigv4.Verifier
}

// identity is the part of a Principal that belongs to its access key.
type identity struct {
	account, arn     string
	servicePrincipal string
	root             bool
	job              *JobScope
	expires          time.Time // zero for long-term keys
}

// NewAuthenticator returns an Authenticator.
func NewAuthenticator(c Config) *Authenticator {
	a := &Authenticator{
		root:       identity{account: c.Account, arn: "arn:aws:iam::" + c.Account + ":root", root: true},
		rootID:     c.RootAccessKeyID,
		rootSecret: c.RootSecretAccessKey,
		accessKey:  c.AccessKey,
		sessions:   c.Sessions,
		jobActive:  c.JobActive,
	}
	for v, services := range map[*sigv4.Verifier][]string{
		&a.json: {"codepipeline", "events", "penstock"},
		&a.s3:   {"s3"},
		&a.sts:  {"sts"},
	} {
		v.Keys, v.Now, v.Services, v.Regions = a, c.Now, services, c.Regions
	}
	return a
}

// Lookup implements sigv4.Keys.
func (a *Authenticator) Lookup(accessKeyID, sessionToken string) (sigv4.Key, error) {
	if subtle.ConstantTimeCompare([]byte(accessKeyID), []byte(a.rootID)) == 1 {
		if sessionToken != "" {
			return sigv4.Key{}, sigv4.ErrBadToken
		}
		return sigv4.Key{Secret: string(a.rootSecret), Owner: &a.root}, nil
	}
	if !strings.HasPrefix(accessKeyID, temporaryPrefix) {
		return a.longTerm(accessKeyID, sessionToken)
	}
	s, err := a.sessions.Resolve(accessKeyID, sessionToken)
	if err == nil && s.Job != nil && a.jobActive != nil {
		active := false
		if active, err = a.jobActive(s.Job.JobID, s.Expiration); err == nil && !active {
			err = sigv4.ErrTokenExpired
		}
	}
	if err != nil && !errors.Is(err, sigv4.ErrTokenExpired) {
		return sigv4.Key{}, err
	}
	owner := &identity{account: s.Account, arn: s.ARN, job: s.Job, expires: s.Expiration}
	return sigv4.Key{Secret: string(s.SecretAccessKey), Owner: owner}, err
}

// longTerm finds an access key that is not the root key.
func (a *Authenticator) longTerm(id, sessionToken string) (sigv4.Key, error) {
	if a.accessKey == nil || !isAccessKeyID(id) {
		return sigv4.Key{}, sigv4.ErrUnknownKey
	}
	k, ok, err := a.accessKey(id)
	switch {
	case err != nil:
		return sigv4.Key{}, err
	case !ok:
		return sigv4.Key{}, sigv4.ErrUnknownKey
	case sessionToken != "":
		return sigv4.Key{}, sigv4.ErrBadToken
	}
	return sigv4.Key{Secret: string(k.Secret), Owner: &identity{account: k.Account, arn: k.ARN(), servicePrincipal: k.ServicePrincipal}}, nil
}

func principal(id sigv4.Identity) Principal {
	owner := id.Owner.(*identity)
	return Principal{
		Account:     owner.account,
		Region:      id.Region,
		AccessKeyID: id.AccessKeyID,
		ARN:         owner.arn,
		Root:        owner.root,
		Job:         owner.job,
		Expires:     owner.expires,

		ServicePrincipal: owner.servicePrincipal,
	}
}

// Authenticate verifies a request to a JSON service (CodePipeline or
// Penstock's own), whose body has been read, and returns ctx with the
// Principal. Refusals are of type *fault.Error with the codes of protocol.md
// section 9.4, to be answered with HTTP 400.
func (a *Authenticator) Authenticate(ctx context.Context, r *http.Request, body []byte) (context.Context, error) {
	id, err := a.json.Verify(r, body)
	if err != nil {
		if e, ok := errors.AsType[*sigv4.Error](err); ok {
			return nil, &fault.Error{Code: e.JSONCode(), Message: e.Message}
		}
		return nil, err
	}
	p := principal(id)
	if p.Job != nil {
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		return nil, fault.New("AccessDeniedException", "User: %s is not authorized to perform: %s:%s", p.ARN, id.Service, operation)
	}
	return WithPrincipal(ctx, p), nil
}

// AuthenticateSTS verifies a request to STS, whose body has been read.
// Refusals are of type *sigv4.Error, whose Query method has the code.
func (a *Authenticator) AuthenticateSTS(r *http.Request, body []byte) (Principal, error) {
	id, err := a.sts.Verify(r, body)
	if err != nil {
		return Principal{}, err
	}
	return principal(id), nil
}

// AuthenticateS3 verifies a request to S3 and replaces r.Body by a reader of
// the decoded body, which ends with an error instead of io.EOF when the body
// is not the signed one; see sigv4.Verifier.VerifyS3 for what else changes in
// r. Refusals, those of the reader too, are of type *fault.Error with the
// codes of S3; sigv4.S3Status has their HTTP status.
func (a *Authenticator) AuthenticateS3(r *http.Request) (Principal, error) {
	id, err := a.s3.VerifyS3(r)
	if err != nil {
		return Principal{}, s3Fault(err)
	}
	if r.Body != http.NoBody {
		r.Body = faultBody{r.Body}
	}
	return principal(id), nil
}

func s3Fault(err error) error {
	if e, ok := errors.AsType[*sigv4.Error](err); ok {
		code, message, _ := e.S3()
		return &fault.Error{Code: code, Message: message}
	}
	return err
}

// faultBody gives the refusals of a verifying reader their codes of S3.
type faultBody struct{ io.ReadCloser }

func (b faultBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = s3Fault(err)
	}
	return n, err
}
