package awsjobs_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"

	"penstock/jobworker"
	"penstock/jobworker/awsjobs"
	"penstock/jobworker/internal/fakeaws"
)

func api(client *http.Client) *codepipeline.Client {
	return codepipeline.New(codepipeline.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String("http://codepipeline.test"), HTTPClient: client,
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""), RetryMaxAttempts: 1,
	})
}

var data = map[string]any{
	"actionTypeId":        map[string]any{"category": "Test", "owner": "ThirdParty", "provider": "Acme", "version": "1"},
	"actionConfiguration": map[string]any{"configuration": map[string]any{"Project": "p"}},
	"pipelineContext":     map[string]any{"pipelineName": "pipe", "stage": map[string]any{"name": "S"}, "action": map[string]any{"name": "A", "actionExecutionId": "ae"}},
	"inputArtifacts": []any{map[string]any{"name": "In", "location": map[string]any{"type": "S3",
		"s3Location": map[string]any{"bucketName": "b", "objectKey": "k"}}}},
	"encryptionKey": map[string]any{"id": "key", "type": "KMS"},
}

// TestBothKinds runs a job of each kind through the SDK and the worker.
func TestBothKinds(t *testing.T) {
	t.Parallel()
	for _, kind := range []struct {
		name, client string
		make         func(*codepipeline.Client) jobworker.Client
	}{
		{"custom", "", func(c *codepipeline.Client) jobworker.Client {
			return awsjobs.New(c, jobworker.ActionType{Category: "Build", Owner: "Custom", Provider: "Mine", Version: "1"}, map[string]string{"P": "v"})
		}},
		{"partner", "known", func(c *codepipeline.Client) jobworker.Client {
			return awsjobs.NewPartner(c, jobworker.ActionType{Category: "Test", Owner: "ThirdParty", Provider: "Acme", Version: "1"},
				func(id string) (string, bool) { return fakeaws.Token, id == "known" })
		}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			s := fakeaws.New()
			httpClient, stop := s.Client(t)
			defer stop()
			s.Add(fakeaws.Job{ID: "good", Client: kind.client, Data: data}, fakeaws.Job{ID: "bad", Client: kind.client, Data: data})
			client := kind.make(api(httpClient))
			ctx, cancel := context.WithCancel(t.Context())
			reported := 0
			o := jobworker.Options{PollWait: -1, PollInterval: time.Nanosecond, CheckEvery: -1, RenewAfter: time.Nanosecond}
			o.Hooks.Reported = func(j jobworker.Job, err error) {
				if err != nil {
					t.Errorf("report of %s: %v", j.ID, err)
				}
				if reported++; reported == 2 {
					cancel()
				}
			}
			err := jobworker.New(client, func(ctx context.Context, task *jobworker.Task) (jobworker.Success, error) {
				j := task.Job
				if j.Configuration["Project"] != "p" || j.Context.ActionExecutionID != "ae" || j.EncryptionKeyID != "key" ||
					len(j.Inputs) != 1 || j.Inputs[0] != (jobworker.Artifact{Name: "In", Bucket: "b", Key: "k"}) || j.ClientID != kind.client {
					t.Errorf("job %+v", j)
				}
				fresh, err := task.Credentials(ctx)
				if err != nil || fresh == j.Credentials || fresh.AccessKeyID == "" {
					t.Errorf("credentials %v after %v, %v", fresh, j.Credentials, err)
				}
				if j.ID == "bad" {
					return jobworker.Success{}, jobworker.Permanent(jobworker.ConfigurationError, "bad")
				}
				return jobworker.Success{
					Revision: &jobworker.Revision{ID: "r", ChangeID: "c", Created: time.Unix(7, 0)},
					Details:  &jobworker.Details{Summary: "sum", ExternalID: "x", PercentComplete: new(100)},
				}, nil
			}, o).Run(ctx)
			if err != nil {
				t.Fatal(err)
			}
			good, bad := s.Job("good"), s.Job("bad")
			d, _ := good.Result["executionDetails"].(map[string]any)
			r, _ := good.Result["currentRevision"].(map[string]any)
			if good.State != "Succeeded" || d["summary"] != "sum" || d["percentComplete"] != 100.0 || r["created"] != 7.0 {
				t.Errorf("good is %s with %v", good.State, good.Result)
			}
			f, _ := bad.Result["failureDetails"].(map[string]any)
			if bad.State != "Failed" || f["type"] != "ConfigurationError" {
				t.Errorf("bad is %s with %v", bad.State, bad.Result)
			}
		})
	}
}

func TestErrorsAreUnderstood(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault           fakeaws.Fault
		lost, retryable bool
	}{
		{fakeaws.Fault{Status: 400, Code: "JobNotFoundException"}, true, false},
		{fakeaws.Fault{Status: 400, Code: "InvalidNonceException"}, true, false},
		{fakeaws.Fault{Status: 400, Code: "ThrottlingException"}, false, true},
		{fakeaws.Fault{Status: 500, Code: "InternalFailure"}, false, true},
		{fakeaws.Fault{Status: 400, Code: "AccessDeniedException"}, false, false},
	} {
		t.Run(c.fault.Code, func(t *testing.T) {
			t.Parallel()
			s := fakeaws.New()
			httpClient, stop := s.Client(t)
			defer stop()
			s.Fail(func(string, int) *fakeaws.Fault { return &c.fault })
			err := awsjobs.New(api(httpClient), jobworker.ActionType{}, nil).Acknowledge(t.Context(), jobworker.Job{ID: "j", Nonce: "1"})
			if err == nil || errors.Is(err, jobworker.ErrLost) != c.lost || jobworker.Retryable(err) != c.retryable {
				t.Errorf("%v: lost %v, retryable %v", err, errors.Is(err, jobworker.ErrLost), jobworker.Retryable(err))
			}
		})
	}
}
