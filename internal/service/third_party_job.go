package service

import (
	"context"
	"errors"

	"penstock/internal/api"
	"penstock/internal/core/actiontype"
	"penstock/internal/core/fault"
	"penstock/internal/core/job"
	"penstock/internal/store"
)

const invalidToken = "InvalidClientTokenException"

// partnerJob lets through whoever knows the token of the job's client. The
// token proves the right to this client's jobs only.
func (s *Service) partnerJob(ctx context.Context, token string) jobCheck {
	who := caller(ctx)
	return func(r store.Reader, j *job.Job) error {
		allowed, err := worksFor(r, who, j)
		if err != nil {
			return err
		}
		if err := j.Visible(job.Partner, allowed, s.store.Now()); err != nil {
			return err
		}
		c, err := r.Client(j.ClientID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err != nil || !c.Opens(token, s.store.Now()) {
			return fault.New(invalidToken, "The client token is not valid for job '%s'", j.ID)
		}
		return nil
	}
}

// PollForThirdPartyJobs hands out the ids of partner jobs; the partner then
// asks for details with the token of the job's client.
func (s *Service) PollForThirdPartyJobs(ctx context.Context, in *api.PollForThirdPartyJobsInput) (*api.PollForThirdPartyJobsOutput, error) {
	t, err := s.polled(ctx, in.ActionTypeId, actiontype.OwnerThirdParty)
	if err != nil {
		return nil, err
	}
	jobs, fresh, err := s.poll(ctx, job.Queue(job.Partner, t.Account, t.Region, t.ID, ""), in.MaxBatchSize)
	if err != nil {
		return nil, err
	}
	if err := s.handOver(ctx, jobs, fresh, nil); err != nil {
		return nil, err
	}
	out := &api.PollForThirdPartyJobsOutput{Jobs: make([]api.ThirdPartyJob, 0, len(jobs))}
	for _, j := range jobs {
		out.Jobs = append(out.Jobs, api.ThirdPartyJob{ClientId: j.ClientID, JobId: j.ID})
	}
	return out, nil
}

// GetThirdPartyJobDetails shows a partner job, with a new nonce while it is
// not acknowledged.
func (s *Service) GetThirdPartyJobDetails(ctx context.Context, in *api.GetThirdPartyJobDetailsInput) (*api.GetThirdPartyJobDetailsOutput, error) {
	j, nonce, err := s.partnerDetails(ctx, in)
	if errors.Is(err, store.ErrNotFound) { // it ended before it got its nonce: show its end
		j, nonce, err = s.partnerDetails(ctx, in)
	}
	if errors.Is(err, store.ErrNotFound) {
		err = job.NotFound(in.JobId)
	}
	if err != nil {
		return nil, s.refusedToken(ctx, "GetThirdPartyJobDetails", in.JobId, err)
	}
	if err := s.opened(ctx, "GetThirdPartyJobDetails", j); err != nil {
		return nil, err
	}
	data, err := s.partnerData(ctx, j)
	if err != nil {
		return nil, err
	}
	return &api.GetThirdPartyJobDetailsOutput{JobDetails: &api.ThirdPartyJobDetails{Id: j.ID, Data: data, Nonce: nonce}}, nil
}

// partnerDetails returns a partner job with the nonce to show, which is a new
// one while nobody has acknowledged the job.
func (s *Service) partnerDetails(ctx context.Context, in *api.GetThirdPartyJobDetailsInput) (*job.Job, string, error) {
	open := s.partnerJob(ctx, in.ClientToken)
	j, err := s.jobDetails(ctx, in.JobId, func(r store.Reader, j *job.Job) error {
		if j.Kind != job.Partner && s.customJob(ctx)(r, j) == nil {
			return fault.New("InvalidJobException", "The job '%s' is not a job of a partner action", j.ID)
		}
		return open(r, j)
	})
	if err != nil {
		return nil, "", err
	}
	if j.State.Terminal() {
		return j, j.Nonces.String(), nil
	}
	nonce, err := s.store.IssueNonce(ctx, j.ID)
	return j, nonce, err
}

// AcknowledgeThirdPartyJob takes a partner job for the worker that has one of
// its nonces.
func (s *Service) AcknowledgeThirdPartyJob(ctx context.Context, in *api.AcknowledgeThirdPartyJobInput) (*api.AcknowledgeThirdPartyJobOutput, error) {
	state, err := s.acknowledge(ctx, in.JobId, in.Nonce, s.partnerJob(ctx, in.ClientToken), (*job.Job).Acknowledge)
	if err != nil {
		return nil, s.refusedToken(ctx, "AcknowledgeThirdPartyJob", in.JobId, err)
	}
	return &api.AcknowledgeThirdPartyJobOutput{Status: string(state)}, nil
}

// PutThirdPartyJobSuccessResult reports that a partner job went well.
func (s *Service) PutThirdPartyJobSuccessResult(ctx context.Context, in *api.PutThirdPartyJobSuccessResultInput) error {
	err := s.succeed(ctx, &api.PutJobSuccessResultInput{
		JobId: in.JobId, CurrentRevision: in.CurrentRevision, ContinuationToken: in.ContinuationToken, ExecutionDetails: in.ExecutionDetails,
	}, s.partnerJob(ctx, in.ClientToken))
	return s.refusedToken(ctx, "PutThirdPartyJobSuccessResult", in.JobId, err)
}

// PutThirdPartyJobFailureResult reports that a partner job failed.
func (s *Service) PutThirdPartyJobFailureResult(ctx context.Context, in *api.PutThirdPartyJobFailureResultInput) error {
	err := s.fail(ctx, in.JobId, in.FailureDetails, s.partnerJob(ctx, in.ClientToken))
	return s.refusedToken(ctx, "PutThirdPartyJobFailureResult", in.JobId, err)
}
