package jobworker_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"penstock/jobworker"
	"penstock/jobworker/internal/fakeaws"
)

var partnerType = jobworker.ActionType{Category: "Test", Owner: "ThirdParty", Provider: "Acme", Version: "1"}

func tokens(id string) (string, bool) { return fakeaws.Token, strings.HasPrefix(id, "known") }

// fullData has every member of JobData.
var fullData = map[string]any{
	"actionTypeId":        map[string]any{"category": "Build", "owner": "Custom", "provider": "Mine", "version": "1"},
	"actionConfiguration": map[string]any{"configuration": map[string]any{"Project": "p", "Secret": "s"}},
	"pipelineContext": map[string]any{
		"pipelineName": "pipe", "stage": map[string]any{"name": "Build"},
		"action":      map[string]any{"name": "Make", "actionExecutionId": "ae"},
		"pipelineArn": "arn:p", "pipelineExecutionId": "pe"},
	"inputArtifacts": []any{map[string]any{"name": "In", "revision": "r1",
		"location": map[string]any{"type": "S3", "s3Location": map[string]any{"bucketName": "b", "objectKey": "p/In/abc"}}}},
	"outputArtifacts": []any{map[string]any{"name": "Out",
		"location": map[string]any{"type": "S3", "s3Location": map[string]any{"bucketName": "b", "objectKey": "p/Out/def"}}}},
	"continuationToken": "tok",
	"encryptionKey":     map[string]any{"id": "key", "type": "KMS"},
}

func TestPollDecodesJobData(t *testing.T) {
	inBubble(t, func(t *testing.T, s *fakeaws.Server, client jobworker.Client) {
		s.Add(fakeaws.Job{ID: "j1", Data: fullData})
		jobs, err := client.Poll(t.Context(), 5, 0)
		if err != nil || len(jobs) != 1 {
			t.Fatalf("%v, %v", jobs, err)
		}
		checkFullJob(t, jobs[0], "ASIA1")
		fresh, err := client.Details(t.Context(), jobs[0])
		if err != nil {
			t.Fatal(err)
		}
		checkFullJob(t, fresh, "ASIA2")
	})
}

func checkFullJob(t *testing.T, j jobworker.Job, key string) {
	t.Helper()
	for _, c := range []struct{ name, got, want string }{
		{"id", j.ID, "j1"}, {"nonce", j.Nonce, "1"}, {"account", j.AccountID, "111122223333"},
		{"provider", j.Type.Provider, "Mine"}, {"configuration", j.Configuration["Project"], "p"},
		{"pipeline", j.Context.Pipeline, "pipe"}, {"stage", j.Context.Stage, "Build"}, {"action", j.Context.Action, "Make"},
		{"arn", j.Context.PipelineARN, "arn:p"}, {"execution", j.Context.ExecutionID, "pe"},
		{"action execution", j.Context.ActionExecutionID, "ae"}, {"token", j.ContinuationToken, "tok"},
		{"key", j.EncryptionKeyID, "key"}, {"credentials", j.Credentials.AccessKeyID, key},
	} {
		if c.got != c.want {
			t.Errorf("%s is %q, want %q", c.name, c.got, c.want)
		}
	}
	if want := (jobworker.Artifact{Name: "In", Revision: "r1", Bucket: "b", Key: "p/In/abc"}); len(j.Inputs) != 1 || j.Inputs[0] != want {
		t.Errorf("inputs %v, want %v", j.Inputs, want)
	}
	if want := (jobworker.Artifact{Name: "Out", Bucket: "b", Key: "p/Out/def"}); len(j.Outputs) != 1 || j.Outputs[0] != want {
		t.Errorf("outputs %v, want %v", j.Outputs, want)
	}
}

func TestQueryParamIsSent(t *testing.T) {
	t.Parallel()
	s := fakeaws.New()
	httpClient, stop := s.Client(t)
	defer stop()
	client := jobworker.NewClient(caller(t, httpClient), custom, map[string]string{"ProjectName": "p1"})
	if _, err := client.Poll(t.Context(), 3, 0); err != nil {
		t.Fatal(err)
	}
	in := s.Calls("PollForJobs")[0].In
	if q, _ := in["queryParam"].(map[string]any); q["ProjectName"] != "p1" || in["maxBatchSize"] != 3.0 {
		t.Errorf("sent %v", in)
	}
}

func TestPartnerJobFromPollToReport(t *testing.T) {
	t.Parallel()
	s := fakeaws.New()
	httpClient, stop := s.Client(t)
	defer stop()
	s.Add(fakeaws.Job{ID: "p0", Client: "stranger"}, fakeaws.Job{ID: "p1", Client: "known-1", Data: fullData}, fakeaws.Job{ID: "p2", Client: "known-2"})
	client := jobworker.NewPartnerClient(caller(t, httpClient), partnerType, tokens)
	var seen jobworker.Job
	reports := serve(t, client, func(ctx context.Context, task *jobworker.Task) (jobworker.Success, error) {
		if task.Job.ID == "p2" {
			return jobworker.Success{}, errors.New("no")
		}
		seen = task.Job
		return jobworker.Success{OutputVariables: map[string]string{"A": "b"}}, nil
	}, jobworker.Options{Concurrency: 1, PollWait: -1, PollInterval: time.Nanosecond, CheckEvery: -1}, 2)
	if reports[0] != nil || reports[1] != nil {
		t.Errorf("reports %v", reports)
	}
	if seen.ClientID != "known-1" || seen.Nonce == "" || seen.Configuration["Secret"] != "s" {
		t.Errorf("job %+v", seen)
	}
	p1 := s.Job("p1")
	if _, sent := p1.Result["outputVariables"]; p1.State != "Succeeded" || sent {
		t.Errorf("p1 is %s with %v; output variables must not be sent", p1.State, p1.Result)
	}
	if got := s.Job("p2").State; got != "Failed" {
		t.Errorf("p2 is %s", got)
	}
	if got := s.Job("p0"); got.State != "Dispatched" {
		t.Errorf("the stranger's job is %s, want untouched", got.State)
	}
}

func TestPartnerWrongTokenIsFinal(t *testing.T) {
	t.Parallel()
	s := fakeaws.New()
	httpClient, stop := s.Client(t)
	defer stop()
	s.Add(fakeaws.Job{ID: "p1", Client: "known-1"})
	client := jobworker.NewPartnerClient(caller(t, httpClient), partnerType, func(string) (string, bool) { return "wrong", true })
	_, err := client.Poll(t.Context(), 1, 0)
	if err == nil || !strings.Contains(err.Error(), "InvalidClientTokenException") {
		t.Errorf("poll: %v", err)
	}
	if !jobworker.Retryable(err) {
		t.Error("one client's trouble would end a worker that serves many")
	}
	err = client.Fail(t.Context(), jobworker.Job{ID: "p1", ClientID: "known-1"}, jobworker.Failure{Message: "m"})
	if err == nil || jobworker.Retryable(err) {
		t.Errorf("fail: %v, want a final error", err)
	}
}

// TestSignatureMatchesSDK signs what was sent again with the AWS SDK's signer.
func TestSignatureMatchesSDK(t *testing.T) {
	t.Parallel()
	for name, creds := range map[string]jobworker.Credentials{
		"long-term": {AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG"},
		"temporary": {AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "other", SessionToken: "tok+en/=="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got, want string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = r.Header.Get("Authorization")
				body, _ := io.ReadAll(r.Body)
				again, _ := http.NewRequest(r.Method, "http://"+r.Host+r.URL.Path, strings.NewReader(string(body)))
				for _, h := range []string{"Content-Type", "X-Amz-Target"} {
					again.Header.Set(h, r.Header.Get(h))
				}
				again.ContentLength = 0 // the SDK would sign it too
				at, _ := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
				sum := sha256.Sum256(body)
				_ = v4.NewSigner().SignHTTP(r.Context(), aws.Credentials{AccessKeyID: creds.AccessKeyID, SecretAccessKey: creds.SecretAccessKey,
					SessionToken: creds.SessionToken}, again, hex.EncodeToString(sum[:]), "codepipeline", "eu-west-1", at)
				want = again.Header.Get("Authorization")
				_, _ = io.WriteString(w, `{"jobs":[]}`)
			}))
			defer server.Close()
			c, err := jobworker.NewCaller(jobworker.Config{Endpoint: server.URL, Region: "eu-west-1", Credentials: jobworker.Static(creds)})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := jobworker.NewClient(c, custom, nil).Poll(t.Context(), 1, time.Second); err != nil {
				t.Fatal(err)
			}
			if got != want || want == "" {
				t.Errorf("signed\n%s, the SDK signs\n%s", got, want)
			}
		})
	}
}

func TestNewCallerRefusesHalfConfigurations(t *testing.T) {
	t.Parallel()
	creds := jobworker.Static(jobworker.Credentials{})
	for name, c := range map[string]jobworker.Config{
		"no endpoint":    {Region: "r", Credentials: creds},
		"no scheme":      {Endpoint: "localhost:7480", Region: "r", Credentials: creds},
		"other scheme":   {Endpoint: "ftp://h", Region: "r", Credentials: creds},
		"no region":      {Endpoint: "http://h", Credentials: creds},
		"no credentials": {Endpoint: "http://h", Region: "r"},
	} {
		if _, err := jobworker.NewCaller(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestErrorAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body, header string
		status             int
		code               string
		lost, retryable    bool
	}{
		{"modelled", `{"__type":"JobNotFoundException","message":"m"}`, "", 400, "JobNotFoundException", true, false},
		{"namespace", `{"__type":"com.amazonaws.codepipeline#InvalidNonceException"}`, "", 400, "InvalidNonceException", true, false},
		{"header", ``, "ValidationException:http://internal/", 400, "ValidationException", false, false},
		{"proxy page", `<html>`, "", 502, "HTTP502", false, true},
		{"redirect", ``, "", 307, "HTTP307", false, false},
		{"denied", `{"__type":"AccessDeniedException"}`, "", 400, "AccessDeniedException", false, false},
		{"cut JSON", `{"jobs":`, "", 200, "", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.header != "" {
					w.Header().Set("X-Amzn-ErrorType", c.header)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer server.Close()
			k, err := jobworker.NewCaller(jobworker.Config{Endpoint: server.URL, Region: "r", Credentials: jobworker.Static(jobworker.Credentials{})})
			if err != nil {
				t.Fatal(err)
			}
			_, err = jobworker.NewClient(k, custom, nil).Poll(t.Context(), 1, 0)
			e, isError := errors.AsType[*jobworker.Error](err)
			if err == nil || isError != (c.code != "") || isError && e.Code != c.code {
				t.Errorf("got %v, want code %q", err, c.code)
			}
			if errors.Is(err, jobworker.ErrLost) != c.lost || jobworker.Retryable(err) != c.retryable {
				t.Errorf("%v: lost %v, retryable %v", err, errors.Is(err, jobworker.ErrLost), jobworker.Retryable(err))
			}
		})
	}
}
