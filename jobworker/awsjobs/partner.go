package awsjobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"

	"penstock/jobworker"
)

type partner struct {
	api    *codepipeline.Client
	t      jobworker.ActionType
	tokens func(clientID string) (string, bool)
}

// NewPartner returns a Client for the jobs of a partner action type; tokens
// returns the client token of a client id.
func NewPartner(api *codepipeline.Client, t jobworker.ActionType, tokens func(clientID string) (string, bool)) jobworker.Client {
	return &partner{api: api, t: t, tokens: tokens}
}

// Poll implements jobworker.Client; a job whose details cannot be had does not
// hold up the others.
func (c *partner) Poll(ctx context.Context, limit int, _ time.Duration) ([]jobworker.Job, error) {
	out, err := c.api.PollForThirdPartyJobs(ctx, &codepipeline.PollForThirdPartyJobsInput{
		ActionTypeId: actionTypeID(c.t), MaxBatchSize: aws.Int32(int32(limit))})
	if err != nil {
		return nil, refusal("PollForThirdPartyJobs", err)
	}
	var jobs []jobworker.Job
	var failed []error
	for _, o := range out.Jobs {
		j, err := c.Details(ctx, jobworker.Job{ID: aws.ToString(o.JobId), ClientID: aws.ToString(o.ClientId)})
		if err != nil {
			// By text only: one job's refusal is not the poll's.
			failed = append(failed, fmt.Errorf("details of job %s: %v", aws.ToString(o.JobId), err))
			continue
		}
		jobs = append(jobs, j)
	}
	if len(jobs) == 0 {
		return nil, errors.Join(failed...)
	}
	return jobs, nil
}

func (c *partner) token(j jobworker.Job) (*string, error) {
	token, ok := c.tokens(j.ClientID)
	if !ok {
		return nil, &jobworker.Error{Operation: "GetThirdPartyJobDetails", Code: "InvalidClientTokenException",
			Message: "this worker has no client token for client id " + j.ClientID}
	}
	return &token, nil
}

func (c *partner) Acknowledge(ctx context.Context, j jobworker.Job) error {
	token, err := c.token(j)
	if err != nil {
		return err
	}
	out, err := c.api.AcknowledgeThirdPartyJob(ctx, &codepipeline.AcknowledgeThirdPartyJobInput{JobId: &j.ID, Nonce: &j.Nonce, ClientToken: token})
	if err != nil {
		return refusal("AcknowledgeThirdPartyJob", err)
	}
	return started(out.Status)
}

func (c *partner) Details(ctx context.Context, j jobworker.Job) (jobworker.Job, error) {
	token, err := c.token(j)
	if err != nil {
		return jobworker.Job{}, err
	}
	out, err := c.api.GetThirdPartyJobDetails(ctx, &codepipeline.GetThirdPartyJobDetailsInput{JobId: &j.ID, ClientToken: token})
	if err != nil {
		return jobworker.Job{}, refusal("GetThirdPartyJobDetails", err)
	}
	fresh := partnerJob(out.JobDetails.Id, out.JobDetails.Data)
	fresh.Nonce, fresh.ClientID, fresh.AccountID = aws.ToString(out.JobDetails.Nonce), j.ClientID, j.AccountID
	if fresh.Nonce == "" {
		fresh.Nonce = j.Nonce
	}
	return fresh, nil
}

func (c *partner) Succeed(ctx context.Context, j jobworker.Job, r jobworker.Success) error {
	token, err := c.token(j)
	if err != nil {
		return err
	}
	_, err = c.api.PutThirdPartyJobSuccessResult(ctx, &codepipeline.PutThirdPartyJobSuccessResultInput{
		JobId: &j.ID, ClientToken: token, CurrentRevision: revision(r.Revision),
		ContinuationToken: optional(r.ContinuationToken), ExecutionDetails: details(r.Details)})
	return refusal("PutThirdPartyJobSuccessResult", err)
}

func (c *partner) Fail(ctx context.Context, j jobworker.Job, f jobworker.Failure) error {
	token, err := c.token(j)
	if err != nil {
		return err
	}
	_, err = c.api.PutThirdPartyJobFailureResult(ctx, &codepipeline.PutThirdPartyJobFailureResultInput{
		JobId: &j.ID, ClientToken: token, FailureDetails: failure(f)})
	return refusal("PutThirdPartyJobFailureResult", err)
}
