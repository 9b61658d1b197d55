package service

import (
	"context"
	"slices"

	"penstock/internal/audit"
	"penstock/internal/core/fault"
	"penstock/internal/core/job"
	"penstock/internal/store"
)

// shown records that the call is about to show secrets of jobs, before it
// does: once for each account and region that they are of. Jobs without any
// cost nothing.
func (s *Service) shown(ctx context.Context, operation string, jobs ...*job.Job) error {
	var records []store.AuditRecord
	for _, j := range jobs {
		keys := audit.Secrets(j)
		if len(keys) == 0 {
			continue
		}
		i := slices.IndexFunc(records, func(r store.AuditRecord) bool { return r.Account == j.Account && r.Region == j.Region })
		if i < 0 {
			i = len(records)
			records = append(records, s.record(ctx, operation, j, nil))
		}
		records[i].Jobs = append(records[i].Jobs, audit.Job(j, keys))
	}
	if len(records) == 0 {
		return nil
	}
	return s.store.Update(ctx, func(tx store.Tx) error {
		for _, r := range records {
			if err := tx.PutAudit(r); err != nil {
				return err
			}
		}
		return nil
	})
}

// record begins the record of a call about a job, which belongs to the account
// of the job whoever calls.
func (s *Service) record(ctx context.Context, operation string, j *job.Job, err error) store.AuditRecord {
	r := audit.Record(ctx, s.store.Now(), operation, err)
	r.Account, r.Region = j.Account, j.Region
	return r
}

// opened records that a client's token was used to look at a job.
func (s *Service) opened(ctx context.Context, operation string, j *job.Job) error {
	r := s.record(ctx, operation, j, nil)
	r.ClientID, r.Jobs = j.ClientID, []store.AuditJob{audit.Job(j, audit.Secrets(j))}
	return s.store.Update(ctx, func(tx store.Tx) error { return tx.PutAudit(r) })
}

// refusedToken records a call with a token that did not open the job, and
// returns err, what the call ends with.
func (s *Service) refusedToken(ctx context.Context, operation, jobID string, err error) error {
	if fault.Code(err) != invalidToken {
		return err
	}
	failed := s.store.Update(ctx, func(tx store.Tx) error {
		j, missing := tx.Job(jobID)
		if missing != nil {
			return missing
		}
		r := s.record(ctx, operation, j, err)
		r.ClientID, r.Jobs = j.ClientID, []store.AuditJob{audit.Job(j, nil)}
		return tx.PutAudit(r)
	})
	if failed != nil {
		s.opt.Logger.ErrorContext(ctx, "a refused client token is not in the audit log", "operation", operation, "job", jobID, "error", failed)
	}
	return err
}
