package service

import (
	"context"

	"penstock/internal/blob"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
	"penstock/jobworker"
)

// CalledJobs is the jobworker.Client of functions whose answer is the report,
// for all action types that leave their work to one.
type CalledJobs struct{ *LocalJobs }

// PushedJobs is the jobworker.Client of functions that report themselves.
type PushedJobs struct {
	CalledJobs
	answers bool
}

var (
	_ jobworker.Client = CalledJobs{}
	_ jobworker.Client = PushedJobs{}
)

// CalledJobs returns the client for jobs of registered types.
func (s *Service) CalledJobs() CalledJobs {
	return CalledJobs{&LocalJobs{svc: s, kind: job.Called}}
}

// PushedJobs returns the client for jobs of a type whose functions report
// themselves. With answers, the result of a handler is a report as well.
func (s *Service) PushedJobs(t jobworker.ActionType, answers bool) PushedJobs {
	return PushedJobs{CalledJobs{&LocalJobs{svc: s, kind: job.Pushed, id: pipeline.ActionType(t)}}, answers}
}

// Details implements jobworker.Client: functions need credentials for their
// artifacts, which polled jobs do not have yet.
func (c CalledJobs) Details(ctx context.Context, j jobworker.Job) (jobworker.Job, error) {
	fresh, err := c.LocalJobs.Details(ctx, j)
	if err != nil {
		return fresh, err
	}
	got, err := c.svc.opt.Credentials.For(ctx, fresh.AccountID, references(fresh.Inputs), references(fresh.Outputs), fresh.ID)
	if blob.CodeOf(err) == blob.CredentialsNotAllowed {
		return fresh, nil // an external S3 without a role: functions bring their own keys
	}
	fresh.Credentials = jobworker.Credentials{AccessKeyID: got.AccessKeyID, SecretAccessKey: got.SecretAccessKey, SessionToken: got.SessionToken}
	return fresh, err
}

func references(in []jobworker.Artifact) []blob.ObjectRef {
	out := make([]blob.ObjectRef, len(in))
	for i, a := range in {
		out[i] = blob.ObjectRef{Bucket: a.Bucket, Key: a.Key}
	}
	return out
}

// Succeed implements jobworker.Client: the function need not be called again.
func (p PushedJobs) Succeed(ctx context.Context, j jobworker.Job, r jobworker.Success) error {
	if p.answers {
		return p.CalledJobs.Succeed(ctx, j, r)
	}
	return localError(p.svc.store.Update(ctx, func(tx store.Tx) error {
		now, err := findJob(tx, j.ID, p.holder(j.Nonce))
		if err != nil || !now.LetGo() {
			return err
		}
		return tx.SaveJob(now)
	}))
}
