package jobworker

import (
	"context"
	"fmt"
	"time"
)

// maxPollWait is the longest wait that Penstock grants.
const maxPollWait = 20 * time.Second

type customClient struct {
	caller Caller
	t      ActionType
	query  map[string]string
}

// NewClient returns a Client for the jobs of a custom action type (PollForJobs,
// AcknowledgeJob, GetJobDetails, PutJobSuccessResult, PutJobFailureResult).
// query holds the queryable property to match, or nil.
func NewClient(caller Caller, t ActionType, query map[string]string) Client {
	return &customClient{caller: caller, t: t, query: query}
}

func (c *customClient) Poll(ctx context.Context, limit int, wait time.Duration) ([]Job, error) {
	in := struct {
		ActionTypeID wireActionType    `json:"actionTypeId"`
		MaxBatchSize int               `json:"maxBatchSize"`
		QueryParam   map[string]string `json:"queryParam,omitempty"`
	}{wireActionType(c.t), limit, c.query}
	var out struct {
		Jobs []wireJob `json:"jobs"`
	}
	if err := c.caller.Call(withWait(ctx, min(wait, maxPollWait)), "PollForJobs", in, &out); err != nil {
		return nil, err
	}
	jobs := make([]Job, len(out.Jobs))
	for i, w := range out.Jobs {
		jobs[i] = w.job()
	}
	return jobs, nil
}

type acknowledgement struct {
	JobID       string `json:"jobId"`
	Nonce       string `json:"nonce"`
	ClientToken string `json:"clientToken,omitempty"`
}

func acknowledge(ctx context.Context, caller Caller, operation string, in acknowledgement) error {
	var out struct {
		Status string `json:"status"`
	}
	if err := caller.Call(ctx, operation, in, &out); err != nil {
		return err
	}
	if out.Status != "InProgress" {
		return fmt.Errorf("%s: status %q: %w", operation, out.Status, ErrLost)
	}
	return nil
}

func (c *customClient) Acknowledge(ctx context.Context, j Job) error {
	return acknowledge(ctx, c.caller, "AcknowledgeJob", acknowledgement{JobID: j.ID, Nonce: j.Nonce})
}

type detailsRequest struct {
	JobID       string `json:"jobId"`
	ClientToken string `json:"clientToken,omitempty"`
}

func details(ctx context.Context, caller Caller, operation string, in detailsRequest) (Job, error) {
	var out struct {
		JobDetails wireJob `json:"jobDetails"`
	}
	if err := caller.Call(ctx, operation, in, &out); err != nil {
		return Job{}, err
	}
	return out.JobDetails.job(), nil
}

func (c *customClient) Details(ctx context.Context, j Job) (Job, error) {
	fresh, err := details(ctx, c.caller, "GetJobDetails", detailsRequest{JobID: j.ID})
	if err != nil {
		return Job{}, err
	}
	fresh.Nonce = j.Nonce // GetJobDetails has none
	return fresh, nil
}

func (c *customClient) Succeed(ctx context.Context, j Job, r Success) error {
	return c.caller.Call(ctx, "PutJobSuccessResult", successOf(j, "", r), nil)
}

func (c *customClient) Fail(ctx context.Context, j Job, f Failure) error {
	return c.caller.Call(ctx, "PutJobFailureResult", failureOf(j, "", f), nil)
}
