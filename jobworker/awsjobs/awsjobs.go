// Package awsjobs is a jobworker.Client on the AWS SDK, for workers that serve
// AWS itself with the SDK's credentials, regions and endpoints.
package awsjobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/smithy-go"

	"penstock/jobworker"
)

type custom struct {
	api   *codepipeline.Client
	t     jobworker.ActionType
	query map[string]string
}

// New returns a Client for the jobs of a custom action type; query holds the
// queryable property to match, or nil.
func New(api *codepipeline.Client, t jobworker.ActionType, query map[string]string) jobworker.Client {
	return &custom{api: api, t: t, query: query}
}

// Poll implements jobworker.Client. AWS answers at once, whatever wait is.
func (c *custom) Poll(ctx context.Context, limit int, _ time.Duration) ([]jobworker.Job, error) {
	out, err := c.api.PollForJobs(ctx, &codepipeline.PollForJobsInput{
		ActionTypeId: actionTypeID(c.t), MaxBatchSize: aws.Int32(int32(limit)), QueryParam: c.query})
	if err != nil {
		return nil, refusal("PollForJobs", err)
	}
	jobs := make([]jobworker.Job, len(out.Jobs))
	for i, j := range out.Jobs {
		jobs[i] = job(j.Id, j.AccountId, j.Data)
		jobs[i].Nonce = aws.ToString(j.Nonce)
	}
	return jobs, nil
}

func (c *custom) Acknowledge(ctx context.Context, j jobworker.Job) error {
	out, err := c.api.AcknowledgeJob(ctx, &codepipeline.AcknowledgeJobInput{JobId: &j.ID, Nonce: &j.Nonce})
	if err != nil {
		return refusal("AcknowledgeJob", err)
	}
	return started(out.Status)
}

func (c *custom) Details(ctx context.Context, j jobworker.Job) (jobworker.Job, error) {
	out, err := c.api.GetJobDetails(ctx, &codepipeline.GetJobDetailsInput{JobId: &j.ID})
	if err != nil {
		return jobworker.Job{}, refusal("GetJobDetails", err)
	}
	fresh := job(out.JobDetails.Id, out.JobDetails.AccountId, out.JobDetails.Data)
	fresh.Nonce = j.Nonce
	return fresh, nil
}

func (c *custom) Succeed(ctx context.Context, j jobworker.Job, r jobworker.Success) error {
	_, err := c.api.PutJobSuccessResult(ctx, &codepipeline.PutJobSuccessResultInput{
		JobId: &j.ID, CurrentRevision: revision(r.Revision), ContinuationToken: optional(r.ContinuationToken),
		ExecutionDetails: details(r.Details), OutputVariables: r.OutputVariables})
	return refusal("PutJobSuccessResult", err)
}

func (c *custom) Fail(ctx context.Context, j jobworker.Job, f jobworker.Failure) error {
	_, err := c.api.PutJobFailureResult(ctx, &codepipeline.PutJobFailureResultInput{JobId: &j.ID, FailureDetails: failure(f)})
	return refusal("PutJobFailureResult", err)
}

// started says whether an acknowledgement's answer means that the job is ours.
func started(s types.JobStatus) error {
	if s != types.JobStatusInProgress {
		return fmt.Errorf("acknowledge: status %q: %w", s, jobworker.ErrLost)
	}
	return nil
}

// refusal gives an SDK error the form that jobworker understands.
func refusal(operation string, err error) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return err
	}
	e := &jobworker.Error{Operation: operation, Code: api.ErrorCode(), Message: api.ErrorMessage(), Err: err}
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		e.Status = r.HTTPStatusCode()
	}
	return e
}
