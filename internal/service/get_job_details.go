package service

import (
	"context"

	"penstock/internal/api"
	"penstock/internal/core/job"
	"penstock/internal/store"
)

// GetJobDetails shows a job again, with fresh artifact credentials while it is
// open.
func (s *Service) GetJobDetails(ctx context.Context, in *api.GetJobDetailsInput) (*api.GetJobDetailsOutput, error) {
	j, err := s.jobDetails(ctx, in.JobId, s.customJob(ctx))
	if err != nil {
		return nil, err
	}
	if err := s.shown(ctx, "GetJobDetails", j); err != nil {
		return nil, err
	}
	data, err := s.jobData(ctx, j)
	if err != nil {
		return nil, err
	}
	return &api.GetJobDetailsOutput{JobDetails: &api.JobDetails{Id: j.ID, Data: data, AccountId: j.Account}}, nil
}

// jobDetails reads a job that workers may look at: one that has not been
// queued yet does not exist for them.
func (s *Service) jobDetails(ctx context.Context, id string, check jobCheck) (j *job.Job, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		if j, err = findJob(r, id, check); err != nil {
			return err
		}
		if j.State == job.Created {
			return job.NotFound(id)
		}
		return nil
	})
	return j, err
}
