package service

import (
	"context"
	"errors"
	"slices"
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

// PollForJobs hands out jobs of a custom action type, or of one registered with
// owner AWS, each to one poller (jobs.md section 5). It answers at once unless
// the request says "Prefer: wait=SECONDS".
func (s *Service) PollForJobs(ctx context.Context, in *api.PollForJobsInput) (*api.PollForJobsOutput, error) {
	queue, err := s.customQueue(ctx, in)
	if err != nil {
		return nil, err
	}
	jobs, fresh, err := s.poll(ctx, queue, in.MaxBatchSize)
	if err != nil {
		return nil, err
	}
	out, err := s.polledJobs(ctx, jobs)
	if err := s.handOver(ctx, jobs, fresh, err); err != nil {
		return nil, err
	}
	return out, nil
}

// customQueue finds the queue that a poll is about. It is apart from
// PollForJobs, as polledJobs is: thousands of polls wait there, and what is on
// their stacks counts.
func (s *Service) customQueue(ctx context.Context, in *api.PollForJobsInput) (string, error) {
	t, err := s.polled(ctx, in.ActionTypeId, actiontype.OwnerCustom, actiontype.OwnerAWS)
	if err != nil {
		return "", err
	}
	query, err := queryValue(t.Type, in.QueryParam)
	if err != nil {
		return "", err
	}
	return job.Queue(job.Custom, t.Account, t.Region, t.ID, query), nil
}

func (s *Service) polledJobs(ctx context.Context, jobs []*job.Job) (*api.PollForJobsOutput, error) {
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

// polled finds the type that a poll names; its owner must be one of those whose
// jobs the operation hands out. A type that the caller may not poll for is as
// one that is not there.
func (s *Service) polled(ctx context.Context, in api.ActionTypeId, owners ...string) (t *store.ActionType, err error) {
	who := caller(ctx)
	id := pipeline.ActionType(in)
	supported := slices.Contains(owners, id.Owner)
	if supported && id.Owner == actiontype.OwnerAWS {
		_, builtIn := actiontype.LookupBuiltin(who.Region, id)
		supported = !builtIn
	}
	if !supported {
		return t, fault.New("ValidationException", "ActionType with owner '%s' is not supported", id.Owner)
	}
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		if id.Owner == actiontype.OwnerCustom {
			t, err = r.ActionType(who.Account, who.Region, id)
		} else {
			t, err = r.RegisteredType(who.Region, id)
		}
		return err
	})
	allowed := func() bool {
		return id.Owner == actiontype.OwnerCustom || t.PolledBy(who.Account, who.ServicePrincipal)
	}
	if errors.Is(err, store.ErrNotFound) || err == nil && (t.Deleted || !allowed()) {
		err = actiontype.NotAvailable(id)
	}
	return t, err
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
