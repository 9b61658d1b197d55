package service

import (
	"context"
	"time"

	"penstock/internal/blob"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
	"penstock/jobworker"
)

// PushedJobs is the jobworker.Client of functions that the server calls. Nobody
// acknowledges their jobs, and they stay open for the functions' own reports.
// As jobs are handed out again after a crash only, each call is made at least
// once.
type PushedJobs struct {
	*LocalJobs
	answers bool
}

var _ jobworker.Client = PushedJobs{}

// pushWindow hides a job from others for as long as it can be open.
const pushWindow = 100 * 24 * time.Hour

// PushedJobs returns the client for jobs of a type whose functions report
// themselves. With answers, the result of a handler is a report as well.
func (s *Service) PushedJobs(t jobworker.ActionType, answers bool) PushedJobs {
	return PushedJobs{&LocalJobs{svc: s, kind: job.Pushed, id: pipeline.ActionType(t)}, answers}
}

// Poll implements jobworker.Client. The jobs have no credentials yet.
func (p PushedJobs) Poll(ctx context.Context, max int, wait time.Duration) ([]jobworker.Job, error) {
	jobs, err := p.svc.store.Lease(ctx, job.Queue(job.Pushed, "", "", p.id, ""), max, wait, pushWindow)
	var out []jobworker.Job
	for _, j := range jobs {
		out = append(out, localJob(j))
	}
	return out, err
}

// Acknowledge implements jobworker.Client.
func (p PushedJobs) Acknowledge(context.Context, jobworker.Job) error { return nil }

// Details implements jobworker.Client: functions need credentials for their
// artifacts.
func (p PushedJobs) Details(ctx context.Context, j jobworker.Job) (jobworker.Job, error) {
	fresh, err := p.LocalJobs.Details(ctx, j)
	if err != nil {
		return fresh, err
	}
	return fresh, p.svc.equip(ctx, &fresh)
}

// Succeed implements jobworker.Client: the function need not be called again.
func (p PushedJobs) Succeed(ctx context.Context, j jobworker.Job, r jobworker.Success) error {
	if p.answers {
		return p.LocalJobs.Succeed(ctx, j, r)
	}
	return localError(p.svc.store.Update(ctx, func(tx store.Tx) error {
		now, err := findJob(tx, j.ID, p.check)
		if err != nil || !now.Called(p.svc.store.Now()) {
			return err
		}
		return tx.SaveJob(now)
	}))
}

// equip adds artifact credentials to a job.
func (s *Service) equip(ctx context.Context, j *jobworker.Job) error {
	c, err := s.opt.Credentials.For(ctx, j.AccountID, refs(j.Inputs), refs(j.Outputs), j.ID)
	if blob.CodeOf(err) == blob.CredentialsNotAllowed {
		return nil // an external S3 without a role: functions bring their own keys
	}
	j.Credentials = jobworker.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
	return err
}

func refs(in []jobworker.Artifact) []blob.ObjectRef {
	out := make([]blob.ObjectRef, len(in))
	for i, a := range in {
		out[i] = blob.ObjectRef{Bucket: a.Bucket, Key: a.Key}
	}
	return out
}
