package service

import (
	"context"
	"strings"

	"penstock/internal/api"
	"penstock/internal/core/actiontype"
	"penstock/internal/core/fault"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// maxBatch is the most jobs that one poll returns.
const maxBatch = 100

// PollForJobs hands out jobs of a custom action type, each to one poller
// (jobs.md section 5). It answers at once unless the request says
// "Prefer: wait=SECONDS".
func (s *Service) PollForJobs(ctx context.Context, in *api.PollForJobsInput) (*api.PollForJobsOutput, error) {
	who := caller(ctx)
	t, err := s.polled(ctx, in.ActionTypeId, actiontype.OwnerCustom)
	if err != nil {
		return nil, err
	}
	query, err := queryValue(t, in.QueryParam)
	if err != nil {
		return nil, err
	}
	jobs, err := s.store.Poll(ctx, job.Queue(job.Custom, who.Account, who.Region, t.ID, query), batch(in.MaxBatchSize), api.PreferWait(ctx))
	if err != nil {
		return nil, err
	}
	if err := s.shown(ctx, "PollForJobs", jobs...); err != nil {
		return nil, err
	}
	out := &api.PollForJobsOutput{Jobs: make([]api.Job, 0, len(jobs))}
	for _, j := range jobs {
		data, err := s.jobData(ctx, j)
		if err != nil {
			return nil, err
		}
		out.Jobs = append(out.Jobs, api.Job{Id: j.ID, Data: data, Nonce: j.Nonces.String(), AccountId: j.Account})
	}
	return out, nil
}

// polled finds the type that a poll names; its owner must be the one whose
// jobs the operation hands out.
func (s *Service) polled(ctx context.Context, in api.ActionTypeId, owner string) (actiontype.Type, error) {
	who := caller(ctx)
	id := pipeline.ActionType(in)
	if id.Owner != owner {
		return actiontype.Type{}, fault.New("ValidationException", "ActionType with owner '%s' is not supported", id.Owner)
	}
	var t store.ActionType
	err := s.store.View(ctx, func(r store.Reader) (err error) {
		t, err = r.ActionType(who.Account, who.Region, id)
		return err
	})
	if err == store.ErrNotFound || err == nil && t.Deleted {
		return actiontype.Type{}, actiontype.NotAvailable(id)
	}
	return t.Type, err
}

// queryValue checks the queryParam against the type: it must name the type's
// queryable property, and must be absent when there is none.
func queryValue(t actiontype.Type, param map[string]string) (string, error) {
	for _, p := range t.Properties {
		if !p.Queryable {
			continue
		}
		if v, ok := param[p.Name]; ok && len(param) == 1 {
			return v, nil
		}
		return "", fault.New("ValidationException", "The queryParam must have exactly the queryable property '%s' of the action type", p.Name)
	}
	if len(param) > 0 {
		return "", fault.New("ValidationException", "The queryParam must be empty: action type '%s' has no queryable property", strings.Join([]string{t.ID.Category, t.ID.Owner, t.ID.Provider, t.ID.Version}, "/"))
	}
	return "", nil
}

func batch(size *int) int {
	if size == nil {
		return 1
	}
	return min(*size, maxBatch)
}
