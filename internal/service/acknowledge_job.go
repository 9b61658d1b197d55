package service

import (
	"context"
	"errors"
	"strings"
	"time"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/core/job"
	"penstock/internal/store"
)

// AcknowledgeJob takes a polled job for the worker that has its nonce.
func (s *Service) AcknowledgeJob(ctx context.Context, in *api.AcknowledgeJobInput) (*api.AcknowledgeJobOutput, error) {
	state, err := s.acknowledge(ctx, in.JobId, in.Nonce, s.customJob(ctx), (*job.Job).Acknowledge)
	if err != nil {
		return nil, err
	}
	return &api.AcknowledgeJobOutput{Status: string(state)}, nil
}

// jobCheck says whether the caller may use a job: of the right kind, in its
// account, opened by its token.
type jobCheck func(r store.Reader, j *job.Job) error

func (s *Service) customJob(ctx context.Context) jobCheck {
	who := caller(ctx)
	return func(r store.Reader, j *job.Job) error {
		allowed, err := worksFor(r, who, j)
		if err != nil {
			return err
		}
		return j.Visible(job.Custom, allowed, s.store.Now())
	}
}

// worksFor reports whether the caller may have to do with the job: as the
// pipeline's account, or, when its type was registered, as one of those who
// may poll for it.
func worksFor(r store.Reader, who auth.Principal, j *job.Job) (bool, error) {
	if j.Home == "" {
		return j.Account == who.Account, nil
	}
	t, err := r.ActionType(j.Home, j.Region, j.Type)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return t.PolledBy(who.Account, who.ServicePrincipal), nil
}

// findJob returns a job that passes the check.
func findJob(r store.Reader, id string, check jobCheck) (*job.Job, error) {
	if strings.ContainsRune(id, 0) { // PostgreSQL has no such texts
		return nil, job.NotFound(id)
	}
	j, err := r.Job(id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, job.NotFound(id)
	}
	if err != nil {
		return nil, err
	}
	return j, check(r, j)
}

// taking is (*job.Job).Acknowledge or Take.
type taking func(j *job.Job, nonce string, now time.Time) (job.State, error)

func (s *Service) acknowledge(ctx context.Context, id, nonce string, check jobCheck, take taking) (state job.State, err error) {
	err = s.store.Update(ctx, func(tx store.Tx) error {
		j, err := findJob(tx, id, check)
		if err != nil {
			return err
		}
		before := j.State
		if state, err = take(j, nonce, s.store.Now()); err != nil || state == before {
			return err
		}
		return tx.SaveJob(j)
	})
	return state, err
}
