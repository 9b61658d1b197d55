package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"penstock/internal/auth"
	"penstock/internal/blob"
	"penstock/internal/blob/fileblob"
	"penstock/internal/blob/s3blob"
	"penstock/internal/config"
	"penstock/internal/provider"
	"penstock/internal/scheduler"
	"penstock/internal/store"
	"penstock/jobworker"
)

// openBlobs opens the artifact store and the source of the credentials that
// jobs get for it.
func (a *App) openBlobs(ctx context.Context, sessions *auth.Sessions) (blob.Store, blob.CredentialSource, error) {
	cfg := a.cfg
	if cfg.S3Endpoint != "" {
		opt := s3Options(cfg)
		external, err := s3blob.Open(ctx, opt)
		if err != nil {
			return nil, nil, err
		}
		if cfg.S3RoleARN == "" && !cfg.S3ShareKeys {
			a.log.Warn("jobs get no artifact credentials for the external S3: set --s3-role-arn, or let workers bring their own")
		}
		a.external = external
		source, err := s3blob.NewCredentials(ctx, opt)
		return external, source, err
	}
	embedded, err := fileblob.Open(filepath.Join(cfg.Data, "artifacts"), &fileblob.Options{Logger: a.log})
	if err != nil {
		return nil, nil, err
	}
	a.embedded = embedded
	return embedded, embeddedCredentials{sessions, cfg.CredentialLife}, nil
}

// s3Options say how the external S3 is reached.
func s3Options(cfg config.Config) s3blob.Options {
	return s3blob.Options{
		Endpoint: cfg.S3Endpoint, Region: cfg.S3Region, PathStyle: true,
		AccessKeyID: cfg.S3AccessKeyID, SecretAccessKey: cfg.S3SecretAccessKey,
		RoleARN: cfg.S3RoleARN, STSEndpoint: cfg.S3STSEndpoint, HandOutOwn: cfg.S3ShareKeys,
	}
}

// logBucket is where the logs of actions end up. An external S3 may be another
// Penstock, whose own bucket of logs is out of reach.
func logBucket(cfg config.Config) string {
	if cfg.S3Endpoint != "" {
		return cfg.S3LogBucket
	}
	return reservedBucket
}

// embeddedCredentials makes credentials for the embedded S3.
type embeddedCredentials struct {
	sessions *auth.Sessions
	life     time.Duration
}

// For implements blob.CredentialSource.
func (e embeddedCredentials) For(_ context.Context, account string, inputs, outputs []blob.ObjectRef, jobID string) (blob.Credentials, error) {
	scope := auth.SessionScope{
		Account: account, ARN: "arn:aws:sts::" + account + ":assumed-role/penstock-job/" + jobID,
		Job: &auth.JobScope{JobID: jobID, Inputs: refs(inputs), Outputs: refs(outputs)},
	}
	c := e.sessions.Mint(scope, e.life)
	return blob.Credentials{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: string(c.SecretAccessKey), SessionToken: string(c.SessionToken), Expires: c.Expiration,
	}, nil
}

func refs(in []blob.ObjectRef) []auth.ObjectRef {
	out := make([]auth.ObjectRef, len(in))
	for i, o := range in {
		out[i] = auth.ObjectRef(o)
	}
	return out
}

// uploadGrace is how long the credentials of a job outlive it, for uploads in
// flight.
const uploadGrace = 5 * time.Minute

// jobActive reports whether artifact credentials of a job are still good.
func (a *App) jobActive(id string, _ time.Time) (active bool, err error) {
	err = a.store.View(context.Background(), func(r store.Reader) error {
		j, err := r.Job(id)
		active = err == nil && (!j.State.Terminal() || a.store.Now().Sub(j.EndedAt) < uploadGrace)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return active, err
}

// revision is what identifies the present content of a polled object. The
// error is *scheduler.Unreadable when there is none or it may not be read.
func revision(ctx context.Context, b buckets, w store.Watch) (string, error) {
	o, err := b.Head(ctx, provider.Ref{Account: w.Account, Region: w.Region, Bucket: w.Bucket, Key: w.Key})
	switch {
	case errors.Is(err, provider.ErrNoBucket), errors.Is(err, provider.ErrNoObject):
		return "", &scheduler.Unreadable{Code: string(jobworker.ConfigurationError), Message: "The object " + w.Key + " does not exist in the bucket " + w.Bucket + "."}
	case errors.Is(err, provider.ErrDenied):
		return "", &scheduler.Unreadable{Code: string(jobworker.PermissionError), Message: "The object " + w.Key + " in the bucket " + w.Bucket + " may not be read."}
	case err != nil:
		return "", err
	case o.VersionID != "" && o.VersionID != "null":
		return o.VersionID, nil
	}
	return o.ETag, nil
}

// buckets lets built-in actions reach objects for the account they run for.
type buckets struct {
	store blob.Store
	owned func(ctx context.Context, bucket string) (account string, err error) // nil: not known
}

var _ provider.Buckets = buckets{}

func (a *App) buckets(s blob.Store) buckets {
	b := buckets{store: s}
	if e := a.embedded; e != nil {
		b.owned = func(ctx context.Context, bucket string) (string, error) {
			info, err := e.Bucket(ctx, bucket)
			return info.Owner, err
		}
	}
	return b
}

// check refuses buckets of other accounts and translates refusals.
func (b buckets) check(ctx context.Context, r provider.Ref) error {
	if b.owned == nil {
		return nil
	}
	owner, err := b.owned(ctx, r.Bucket)
	if err != nil {
		return portError(err)
	}
	if owner != r.Account && owner != "" || r.Bucket == reservedBucket {
		return fmt.Errorf("%w: bucket %s belongs to another account", provider.ErrDenied, r.Bucket)
	}
	return nil
}

func portError(err error) error {
	var refused *blob.Error
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Code {
	case blob.NoSuchBucket:
		return fmt.Errorf("%w: %w", provider.ErrNoBucket, err)
	case blob.NoSuchKey, blob.NoSuchVersion:
		return fmt.Errorf("%w: %w", provider.ErrNoObject, err)
	case blob.AccessDenied:
		return fmt.Errorf("%w: %w", provider.ErrDenied, err)
	}
	return fmt.Errorf("%w: %w", provider.ErrInvalid, err)
}

func objectOf(i blob.Info) provider.Object {
	return provider.Object{
		VersionID: i.VersionID, ETag: i.ETag, Size: i.Size, ContentType: i.ContentType, Modified: i.Modified, Metadata: i.Metadata,
	}
}

// Head implements provider.Buckets.
func (b buckets) Head(ctx context.Context, r provider.Ref) (provider.Object, error) {
	if err := b.check(ctx, r); err != nil {
		return provider.Object{}, err
	}
	info, err := b.store.Head(ctx, r.Bucket, r.Key, &blob.GetOptions{VersionID: r.VersionID})
	if err != nil {
		return provider.Object{}, portError(err)
	}
	return objectOf(info), nil
}

// Get implements provider.Buckets.
func (b buckets) Get(ctx context.Context, r provider.Ref) (io.ReadCloser, provider.Object, error) {
	if err := b.check(ctx, r); err != nil {
		return nil, provider.Object{}, err
	}
	o, err := b.store.Get(ctx, r.Bucket, r.Key, &blob.GetOptions{VersionID: r.VersionID})
	if err != nil {
		return nil, provider.Object{}, portError(err)
	}
	return o.Body, objectOf(o.Info), nil
}

// Put implements provider.Buckets.
func (b buckets) Put(ctx context.Context, r provider.Ref, body io.Reader, o provider.PutOptions) (provider.Object, error) {
	if err := b.check(ctx, r); err != nil {
		return provider.Object{}, err
	}
	opt := &blob.PutOptions{Attributes: blob.Attributes{ContentType: o.ContentType, CacheControl: o.CacheControl, Metadata: o.Metadata}}
	if o.Size >= 0 {
		opt.Length = &o.Size
	}
	if o.KMSKeyID != "" {
		opt.Encryption = blob.Encryption{Algorithm: "aws:kms", KMSKeyID: o.KMSKeyID}
	}
	info, err := b.store.Put(ctx, r.Bucket, r.Key, body, opt)
	if err != nil {
		return provider.Object{}, portError(err)
	}
	return objectOf(info), nil
}

// Copy implements provider.Buckets.
func (b buckets) Copy(ctx context.Context, from, to provider.Ref) (provider.Object, error) {
	if err := errors.Join(b.check(ctx, from), b.check(ctx, to)); err != nil {
		return provider.Object{}, err
	}
	info, err := b.store.Copy(ctx, blob.Source{Bucket: from.Bucket, Key: from.Key, VersionID: from.VersionID}, to.Bucket, to.Key, nil)
	if err != nil {
		return provider.Object{}, portError(err)
	}
	return objectOf(info), nil
}
