package service

import (
	"context"

	"penstock/internal/audit"
	"penstock/internal/core/fault"
	"penstock/internal/core/job"
	"penstock/internal/store"
)

// shown records that the call is about to show secrets of jobs, before it
// does. Jobs without any cost nothing.
func (s *Service) shown(ctx context.Context, operation string, jobs ...*job.Job) error {
	var list []store.AuditJob
	for _, j := range jobs {
		if keys := audit.Secrets(j); len(keys) > 0 {
			list = append(list, audit.Job(j, keys))
		}
	}
	if len(list) == 0 {
		return nil
	}
	r := audit.Record(ctx, s.store.Now(), operation, nil)
	r.Jobs = list
	return s.store.Update(ctx, func(tx store.Tx) error { return tx.PutAudit(r) })
}

// opened records that a client's token was used to look at a job.
func (s *Service) opened(ctx context.Context, operation string, j *job.Job) error {
	r := audit.Record(ctx, s.store.Now(), operation, nil)
	r.ClientID, r.Jobs = j.ClientID, []store.AuditJob{audit.Job(j, audit.Secrets(j))}
	return s.store.Update(ctx, func(tx store.Tx) error { return tx.PutAudit(r) })
}

// refusedToken records a call with a token that did not open the job, and
// returns err, what the call ends with.
func (s *Service) refusedToken(ctx context.Context, operation, jobID string, err error) error {
	if fault.Code(err) != invalidToken {
		return err
	}
	r := audit.Record(ctx, s.store.Now(), operation, err)
	failed := s.store.Update(ctx, func(tx store.Tx) error {
		j, err := tx.Job(jobID)
		if err != nil {
			return err
		}
		r.ClientID, r.Jobs = j.ClientID, []store.AuditJob{audit.Job(j, nil)}
		return tx.PutAudit(r)
	})
	if failed != nil {
		s.opt.Logger.ErrorContext(ctx, "a refused client token is not in the audit log", "operation", operation, "job", jobID, "error", failed)
	}
	return err
}
