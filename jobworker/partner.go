package jobworker

import (
	"context"
	"errors"
	"fmt"
	"time"
)

type partnerClient struct {
	caller Caller
	t      ActionType
	tokens func(clientID string) (string, bool)
}

// NewPartnerClient returns a Client for the jobs of a partner action type
// (PollForThirdPartyJobs, GetThirdPartyJobDetails, AcknowledgeThirdPartyJob,
// PutThirdPartyJobSuccessResult, PutThirdPartyJobFailureResult). tokens returns
// the client token of a client id, and false when the id is unknown.
func NewPartnerClient(caller Caller, t ActionType, tokens func(clientID string) (string, bool)) Client {
	return &partnerClient{caller: caller, t: t, tokens: tokens}
}

// Poll fetches the details of each job too, as the poll itself carries no data.
// A job that cannot be fetched does not hold up the others: it goes back to the
// queue.
func (c *partnerClient) Poll(ctx context.Context, limit int, wait time.Duration) ([]Job, error) {
	in := struct {
		ActionTypeID wireActionType `json:"actionTypeId"`
		MaxBatchSize int            `json:"maxBatchSize"`
	}{wireActionType(c.t), limit}
	var out struct {
		Jobs []struct {
			ClientID string `json:"clientId"`
			JobID    string `json:"jobId"`
		} `json:"jobs"`
	}
	if err := c.caller.Call(withWait(ctx, min(wait, maxPollWait)), "PollForThirdPartyJobs", in, &out); err != nil {
		return nil, err
	}
	var jobs []Job
	var failed []error
	for _, o := range out.Jobs {
		j, err := c.Details(ctx, Job{ID: o.JobID, ClientID: o.ClientID})
		if err != nil {
			// Another job's trouble must not end a worker that has just started.
			failed = append(failed, fmt.Errorf("details of job %s: %w", o.JobID, &pollTrouble{err}))
			continue
		}
		jobs = append(jobs, j)
	}
	if len(jobs) == 0 {
		return nil, errors.Join(failed...)
	}
	return jobs, nil
}

// pollTrouble hides a refusal's code, so that Retryable takes it as temporary.
type pollTrouble struct{ err error }

func (p *pollTrouble) Error() string { return p.err.Error() }

func (c *partnerClient) token(j Job) (string, error) {
	token, ok := c.tokens(j.ClientID)
	if !ok {
		return "", &Error{Operation: "GetThirdPartyJobDetails", Code: "InvalidClientTokenException",
			Message: "this worker has no client token for client id " + j.ClientID}
	}
	return token, nil
}

func (c *partnerClient) Acknowledge(ctx context.Context, j Job) error {
	token, err := c.token(j)
	if err != nil {
		return err
	}
	return acknowledge(ctx, c.caller, "AcknowledgeThirdPartyJob", acknowledgement{JobID: j.ID, Nonce: j.Nonce, ClientToken: token})
}

func (c *partnerClient) Details(ctx context.Context, j Job) (Job, error) {
	token, err := c.token(j)
	if err != nil {
		return Job{}, err
	}
	fresh, err := details(ctx, c.caller, "GetThirdPartyJobDetails", detailsRequest{JobID: j.ID, ClientToken: token})
	if err != nil {
		return Job{}, err
	}
	fresh.ClientID, fresh.AccountID = j.ClientID, j.AccountID
	if fresh.Nonce == "" {
		fresh.Nonce = j.Nonce
	}
	return fresh, nil
}

func (c *partnerClient) Succeed(ctx context.Context, j Job, r Success) error {
	token, err := c.token(j)
	if err != nil {
		return err
	}
	r.OutputVariables = nil // the call has no such member
	return c.caller.Call(ctx, "PutThirdPartyJobSuccessResult", successOf(j, token, r), nil)
}

func (c *partnerClient) Fail(ctx context.Context, j Job, f Failure) error {
	token, err := c.token(j)
	if err != nil {
		return err
	}
	return c.caller.Call(ctx, "PutThirdPartyJobFailureResult", failureOf(j, token, f), nil)
}
