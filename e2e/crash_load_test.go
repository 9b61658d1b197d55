package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/uuid"

	"penstock/jobworker"
)

// load are the clients of a site that is harmed again and again.
type load struct {
	*site
	*ledger
	pipelines []string
}

// again calls op until it succeeds or the server itself refuses, which may not
// happen. Answers that got lost are as good as none.
func (l *load) again(ctx context.Context, what string, op func(ctx context.Context) error) error {
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for {
		err := op(ctx)
		if err == nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		other, refusedToo := errors.AsType[*jobworker.Error](err)
		switch {
		case errors.Is(err, jobworker.ErrLost):
			return err
		case l.unlessDown(err) != nil:
			return fmt.Errorf("%s: %w", what, err)
		case refusedToo && other.Code != "" && !jobworker.Retryable(err) && !l.mistimed(err):
			return fmt.Errorf("%s: %w", what, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// every calls do in a rhythm until ctx ends; an error ends the test.
func (l *load) every(ctx context.Context, d time.Duration, do func(ctx context.Context) error) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			l.ledger.t.Errorf("under load: %v", err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// api returns an SDK client that leaves trying again to us.
func (l *load) api() *codepipeline.Client {
	return codepipeline.New(codepipeline.Options{Region: region, BaseEndpoint: aws.String(l.url), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(keyID, secretKey, "")})
}

// startExecutions starts one execution after the other.
func (l *load) startExecutions(ctx context.Context, name string) {
	client := l.api()
	l.every(ctx, 250*time.Millisecond, func(ctx context.Context) error {
		token := uuid.NewString()
		return l.again(ctx, "StartPipelineExecution", func(ctx context.Context) error {
			out, err := client.StartPipelineExecution(ctx, &codepipeline.StartPipelineExecutionInput{Name: &name, ClientRequestToken: &token})
			if err == nil {
				l.enter(func() { l.started[*out.PipelineExecutionId] = name })
			}
			return err
		})
	})
}

// upload puts one version of the source after the other.
func (l *load) upload(ctx context.Context) {
	client := l.artifacts.s3()
	l.every(ctx, 150*time.Millisecond, func(ctx context.Context) error {
		text := uuid.NewString()
		content := zipped(l.ledger.t, map[string]string{"main.txt": text})
		return l.again(ctx, "PutObject", func(ctx context.Context) error {
			out, err := client.PutObject(ctx, &awss3.PutObjectInput{Bucket: aws.String("crash-source"), Key: aws.String("app.zip"), Body: bytes.NewReader(content)})
			if err == nil {
				l.enter(func() { l.uploads[*out.VersionId] = text })
			}
			return err
		})
	})
}

// approve answers the approvals that wait; one in twenty is rejected.
func (l *load) approve(ctx context.Context) {
	client := l.api()
	l.every(ctx, 50*time.Millisecond, func(ctx context.Context) error {
		for _, name := range l.pipelines {
			out, err := client.GetPipelineState(ctx, &codepipeline.GetPipelineStateInput{Name: &name})
			if err != nil {
				return l.unlessDown(err)
			}
			for _, st := range out.StageStates {
				for _, a := range st.ActionStates {
					if a.LatestExecution == nil || a.LatestExecution.Token == nil {
						continue
					}
					if err := l.settle(ctx, client, name, *st.StageName, *a.ActionName, a.LatestExecution); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
}

func (l *load) settle(ctx context.Context, client *codepipeline.Client, name, stage, action string, e *types.ActionExecution) error {
	status := types.ApprovalStatusApproved
	if rand.IntN(20) == 0 {
		status = types.ApprovalStatusRejected
	}
	first := true
	return l.again(ctx, "PutApprovalResult", func(ctx context.Context) error {
		_, err := client.PutApprovalResult(ctx, &codepipeline.PutApprovalResultInput{PipelineName: &name, StageName: &stage, ActionName: &action,
			Token: e.Token, Result: &types.ApprovalResult{Status: status, Summary: aws.String("seen")}})
		// The answer to an earlier attempt may have got lost.
		if _, done := errors.AsType[*types.ApprovalAlreadyCompletedException](err); done && !first {
			err = nil
		}
		first = false
		if err == nil {
			l.enter(func() { l.approvals[*e.ActionExecutionId] = string(status) })
		}
		return err
	})
}

// unlessDown returns an error that is about the call: a server that is harmed
// has statuses from 500 on, and S3's SlowDown.
func (l *load) unlessDown(err error) error {
	if l.mistimed(err) {
		return nil
	}
	refusal, refused := errors.AsType[smithy.APIError](err)
	answer, answered := errors.AsType[*smithyhttp.ResponseError](err)
	if refused && refusal.ErrorCode() != "SlowDown" && !(answered && answer.HTTPStatusCode() >= http.StatusInternalServerError) {
		return err
	}
	return nil
}

// observe looks at the history of a pipeline.
func (l *load) observe(ctx context.Context) {
	client := l.api()
	l.every(ctx, 200*time.Millisecond, func(ctx context.Context) error {
		for _, name := range l.pipelines {
			out, err := client.ListActionExecutions(ctx, &codepipeline.ListActionExecutionsInput{PipelineName: &name})
			if err != nil {
				return l.unlessDown(err)
			}
			for _, d := range out.ActionExecutionDetails {
				l.see(d)
			}
		}
		return nil
	})
}

// see holds an action execution that has ended against the ledger.
func (l *load) see(d types.ActionExecutionDetail) {
	if d.Status != types.ActionExecutionStatusInProgress {
		if text := asJSON(d.Output); l.database != nil && strings.Contains(text, "TimeoutError") {
			l.ledger.t.Errorf("an action ran into its time limit: %s", text)
		}
		l.saw(*d.ActionExecutionId, fmt.Sprintf("%s %v %s", d.Status, d.LastUpdateTime, asJSON(d.Output)))
	}
}

// work takes jobs of a client and does them, one at a time.
func (l *load) work(ctx context.Context, client jobworker.Client) {
	l.every(ctx, 10*time.Millisecond, func(ctx context.Context) error {
		began := time.Now()
		jobs, err := client.Poll(ctx, 1, time.Second)
		if err != nil {
			if e, ok := errors.AsType[*jobworker.Error](err); ok && e.Code != "" && !jobworker.Retryable(err) && !l.mistimed(err) {
				return err
			}
			return nil
		}
		for _, j := range jobs {
			if err := l.do(ctx, client, j, began); err != nil {
				return err
			}
		}
		return nil
	})
}

// do does one job of a poll that was sent at polled: half of the first rounds go on later, one in thirty fails.
func (l *load) do(ctx context.Context, client jobworker.Client, j jobworker.Job, polled time.Time) error {
	l.polled(j.ID, polled)
	err := l.again(ctx, "acknowledge", func(ctx context.Context) error { return client.Acknowledge(ctx, j) })
	if e, ok := errors.AsType[*jobworker.Error](err); ok && e.Code == "InvalidNonceException" || errors.Is(err, jobworker.ErrLost) && ctx.Err() == nil {
		return nil // handed to another since, who has it now
	}
	if err != nil {
		return err
	}
	l.acknowledged(j.ID, j.Nonce)
	execution := j.Context.ActionExecutionID
	details := &jobworker.Details{Summary: "done", ExternalID: j.ID}
	switch {
	case rand.IntN(30) == 0:
		err = l.again(ctx, "failure", func(ctx context.Context) error {
			return client.Fail(ctx, j, jobworker.Failure{Type: jobworker.JobFailed, Message: "by chance", ExternalID: j.ID})
		})
		if err == nil {
			l.ended(j.ID, execution, "failure", &ending{"Failed", j.ID})
		}
	case j.ContinuationToken == "" && rand.IntN(2) == 0:
		err = l.again(ctx, "continuation", func(ctx context.Context) error {
			return client.Succeed(ctx, j, jobworker.Success{ContinuationToken: "more of " + j.ID, Details: details})
		})
		if err == nil {
			l.ended(j.ID, execution, "continuation", nil)
		}
	default:
		if err := l.again(ctx, "artifacts", func(ctx context.Context) error { return l.pass(ctx, client, j) }); err != nil {
			return err
		}
		err = l.again(ctx, "success", func(ctx context.Context) error { return client.Succeed(ctx, j, jobworker.Success{Details: details}) })
		if err == nil {
			l.ended(j.ID, execution, "success", &ending{"Succeeded", j.ID})
		}
	}
	return err
}

// pass copies a job's input to its output, by fresh credentials of its own.
func (l *load) pass(ctx context.Context, client jobworker.Client, j jobworker.Job) error {
	if len(j.Outputs) == 0 {
		return nil
	}
	fresh, err := client.Details(ctx, j)
	if err != nil {
		return err
	}
	c := fresh.Credentials
	s3 := awss3.New(awss3.Options{Region: region, BaseEndpoint: aws.String(l.artifacts.url), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)})
	content, err := fetch(ctx, s3, j.Inputs[0].Bucket, j.Inputs[0].Key)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(string(content), "PK") {
		return fmt.Errorf("the input of job %s is no archive", j.ID)
	}
	_, err = s3.PutObject(ctx, &awss3.PutObjectInput{Bucket: &j.Outputs[0].Bucket, Key: &j.Outputs[0].Key, Body: bytes.NewReader(content)})
	return err
}
