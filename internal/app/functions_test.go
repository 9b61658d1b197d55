package app

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// called is the event of a Lambda action as a function sees it.
type called struct {
	Job struct {
		ID        string `json:"id"`
		AccountID string `json:"accountId"`
		Data      struct {
			ActionConfiguration struct {
				Configuration map[string]string `json:"configuration"`
			} `json:"actionConfiguration"`
			InputArtifacts  []calledArtifact `json:"inputArtifacts"`
			OutputArtifacts []calledArtifact `json:"outputArtifacts"`
			Credentials     struct {
				AccessKeyID     string `json:"accessKeyId"`
				SecretAccessKey string `json:"secretAccessKey"`
				SessionToken    string `json:"sessionToken"`
			} `json:"artifactCredentials"`
			ContinuationToken string `json:"continuationToken"`
		} `json:"data"`
	} `json:"CodePipeline.job"`
	text string
}

type calledArtifact struct {
	Name     string `json:"name"`
	Location struct {
		S3 struct {
			Bucket string `json:"bucketName"`
			Key    string `json:"objectKey"`
		} `json:"s3Location"`
	} `json:"location"`
}

// function is a URL whose calls a test takes; each is answered 200 at once.
func function(t *testing.T) (url string, calls <-chan called) {
	t.Helper()
	c := make(chan called, 10)
	h := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		call := called{text: string(body)}
		if err != nil || json.Unmarshal(body, &call) != nil {
			t.Errorf("%v: %s", err, body)
		}
		c <- call
	}))
	t.Cleanup(h.Close)
	return h.URL, c
}

func (s *server) next(calls <-chan called) called {
	s.Helper()
	select {
	case c := <-calls:
		return c
	case <-time.After(20 * time.Second):
		s.Fatalf("the function is not called; the log:\n%s", s.text.String())
		return called{}
	}
}

// invoke makes a pipeline whose second stage calls a function with the object
// that the first one uploads.
func (s *server) invoke(name string, configuration map[string]string) {
	s.Helper()
	s.hand(name, typeID(types.ActionCategoryInvoke, types.ActionOwnerAws, "Lambda"), configuration)
}

// hand is invoke for any type of action.
func (s *server) hand(name string, to *types.ActionTypeId, configuration map[string]string) {
	s.Helper()
	s.custom(types.ActionCategorySource, "Upload")
	s.create(name,
		stage("Source", types.ActionDeclaration{
			Name: aws.String("Get"), ActionTypeId: typeID(types.ActionCategorySource, types.ActionOwnerCustom, "Upload"),
			OutputArtifacts: []types.OutputArtifact{{Name: aws.String("Src")}},
		}),
		stage("Call", types.ActionDeclaration{
			Name: aws.String("Fn"), ActionTypeId: to, Configuration: configuration,
			InputArtifacts: []types.InputArtifact{{Name: aws.String("Src")}}, OutputArtifacts: []types.OutputArtifact{{Name: aws.String("Out")}},
			Namespace: aws.String("Fn"),
		}))
	job := s.take(types.ActionCategorySource, "Upload")
	at := job.Data.OutputArtifacts[0].Location.S3Location
	_, err := s.worker(job.Data.ArtifactCredentials).PutObject(s.Context(), &s3.PutObjectInput{Bucket: at.BucketName, Key: at.ObjectKey, Body: strings.NewReader("source")})
	s.ok(err)
	s.succeed(job)
}

// attempt is the newest attempt at the action that invoke made.
func (s *server) attempt(pipeline string) types.ActionExecutionDetail {
	s.Helper()
	out, err := s.sdk.ListActionExecutions(s.Context(), &codepipeline.ListActionExecutionsInput{PipelineName: &pipeline})
	s.ok(err)
	i := slices.IndexFunc(out.ActionExecutionDetails, func(d types.ActionExecutionDetail) bool { return *d.ActionName == "Fn" })
	if i < 0 {
		s.Fatal("the action has not begun")
	}
	return out.ActionExecutionDetails[i]
}

// ended waits for the end of the action.
func (s *server) ended(pipeline string) types.ActionExecutionDetail {
	s.Helper()
	var d types.ActionExecutionDetail
	s.until("the end of the action", func() bool {
		d = s.attempt(pipeline)
		return d.Status != types.ActionExecutionStatusInProgress
	})
	return d
}

func failure(d types.ActionExecutionDetail) (code, message string) {
	if d.Output == nil || d.Output.ExecutionResult == nil || d.Output.ExecutionResult.ErrorDetails == nil {
		return "", ""
	}
	e := d.Output.ExecutionResult.ErrorDetails
	return aws.ToString(e.Code), aws.ToString(e.Message)
}

// A function gets the event of AWS with credentials for its artifacts, goes on
// in a second call and reports the end.
func TestFunctionReports(t *testing.T) {
	t.Parallel()
	url, calls := function(t)
	s := open(t, settings(t, "--lambda-function", "smoke="+url))
	s.run()
	s.invoke("p", map[string]string{"FunctionName": "smoke", "UserParameters": "#{codepipeline.PipelineExecutionId}"})
	first := s.next(calls)
	job := first.Job.Data
	if first.Job.AccountID != "000000000000" || job.ActionConfiguration.Configuration["UserParameters"] != *s.attempt("p").PipelineExecutionId ||
		!strings.Contains(first.text, `"revision":null`) || strings.Contains(first.text, "continuationToken") || strings.Contains(first.text, "encryptionKey") {
		t.Errorf("the event is %s", first.text)
	}
	objects := s.bucketClient(credentials.NewStaticCredentialsProvider(job.Credentials.AccessKeyID, job.Credentials.SecretAccessKey, job.Credentials.SessionToken))
	in, out := job.InputArtifacts[0].Location.S3, job.OutputArtifacts[0].Location.S3
	got, err := objects.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &in.Bucket, Key: &in.Key})
	s.ok(err)
	if text, err := io.ReadAll(got.Body); string(text) != "source" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
	_, err = objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &out.Bucket, Key: &out.Key, Body: strings.NewReader("made")})
	s.ok(err)
	_, err = objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &in.Bucket, Key: &in.Key, Body: strings.NewReader("made")})
	if codeOf(err) != "AccessDenied" {
		t.Errorf("writing the input: %v", err)
	}

	for _, nonce := range []string{"1", "4294967297", "x"} {
		_, err = s.sdk.AcknowledgeJob(t.Context(), &codepipeline.AcknowledgeJobInput{JobId: &first.Job.ID, Nonce: &nonce})
		if codeOf(err) != "InvalidNonceException" {
			t.Errorf("acknowledge with %s: %v", nonce, err)
		}
	}
	_, err = s.sdk.GetThirdPartyJobDetails(t.Context(), &codepipeline.GetThirdPartyJobDetailsInput{JobId: &first.Job.ID, ClientToken: aws.String("t")})
	if codeOf(err) != "InvalidJobException" {
		t.Errorf("as a partner: %v", err)
	}
	details, err := s.sdk.GetJobDetails(t.Context(), &codepipeline.GetJobDetailsInput{JobId: &first.Job.ID})
	if err != nil || *details.JobDetails.Data.ActionTypeId.Provider != "Lambda" || details.JobDetails.Data.ArtifactCredentials == nil {
		t.Errorf("details: %+v, %v", details, err)
	}
	_, err = s.sdk.PutJobSuccessResult(t.Context(), &codepipeline.PutJobSuccessResultInput{
		JobId: &first.Job.ID, ContinuationToken: aws.String("more"),
		ExecutionDetails: &types.ExecutionDetails{ExternalExecutionId: aws.String("x1"), Summary: aws.String("halfway"), PercentComplete: aws.Int32(50)},
	})
	s.ok(err)
	s.pass(30 * time.Second)
	second := s.next(calls)
	if second.Job.ID == first.Job.ID || second.Job.Data.ContinuationToken != "more" || second.Job.Data.OutputArtifacts[0] != job.OutputArtifacts[0] {
		t.Errorf("the second event is %s", second.text)
	}
	_, err = s.sdk.PutJobSuccessResult(t.Context(), &codepipeline.PutJobSuccessResultInput{JobId: &second.Job.ID, OutputVariables: map[string]string{"url": "u"}})
	s.ok(err)
	end := s.ended("p")
	if end.Status != types.ActionExecutionStatusSucceeded || !maps.Equal(end.Output.OutputVariables, map[string]string{"url": "u"}) ||
		aws.ToString(end.Output.ExecutionResult.ExternalExecutionId) != "x1" {
		t.Errorf("the action ended as %+v", end)
	}
	_, err = s.sdk.PutJobFailureResult(t.Context(), &codepipeline.PutJobFailureResultInput{
		JobId: &second.Job.ID, FailureDetails: &types.FailureDetails{Type: types.FailureTypeJobFailed, Message: aws.String("late")},
	})
	if codeOf(err) != "InvalidJobStateException" {
		t.Errorf("a late report: %v", err)
	}
}

const silentText = "The AWS Lambda function smoke failed to return a result. Check the function to verify that it has permission to call the PutJobSuccessResult action and that it made a call to PutJobSuccessResult."

// A function that says nothing fails its action after a time that each
// continuation starts anew.
func TestFunctionIsSilent(t *testing.T) {
	t.Parallel()
	url, calls := function(t)
	s := open(t, settings(t, "--lambda-function", "*="+url, "--lambda-silence", "20m"))
	s.run()
	s.invoke("p", map[string]string{"FunctionName": "smoke"})
	first := s.next(calls)
	if strings.Contains(first.text, "UserParameters") {
		t.Errorf("the event is %s", first.text)
	}
	s.pass(19 * time.Minute)
	_, err := s.sdk.PutJobSuccessResult(t.Context(), &codepipeline.PutJobSuccessResultInput{JobId: &first.Job.ID, ContinuationToken: aws.String("more")})
	s.ok(err)
	s.pass(30 * time.Second)
	second := s.next(calls)
	s.pass(19 * time.Minute)
	if d := s.attempt("p"); d.Status != types.ActionExecutionStatusInProgress {
		t.Errorf("the action is %+v", d)
	}
	s.pass(61 * time.Second)
	end := s.ended("p")
	if code, message := failure(end); code != "JobFailed" || message != silentText {
		t.Errorf("the action ended with %s, %q", code, message)
	}
	_, err = s.sdk.PutJobSuccessResult(t.Context(), &codepipeline.PutJobSuccessResultInput{JobId: &second.Job.ID})
	if codeOf(err) != "InvalidJobStateException" {
		t.Errorf("a late report: %v", err)
	}
}

// An action may not go on for ever.
func TestFunctionGoesOnForTooLong(t *testing.T) {
	t.Parallel()
	url, calls := function(t)
	s := open(t, settings(t, "--lambda-function", "smoke="+url, "--continuation-delay", "0", "--action-timeout", "Invoke/AWS/Lambda=1h"))
	s.run()
	s.invoke("p", map[string]string{"FunctionName": "smoke"})
	for range 4 {
		c := s.next(calls)
		s.pass(15 * time.Minute)
		_, err := s.sdk.PutJobSuccessResult(t.Context(), &codepipeline.PutJobSuccessResultInput{JobId: &c.Job.ID, ContinuationToken: aws.String("more")})
		if code := codeOf(err); code != "" && code != "InvalidJobStateException" {
			t.Error(err)
		}
	}
	if code, message := failure(s.ended("p")); code != "TimeoutError" || !strings.Contains(message, "60 minutes") {
		t.Errorf("the action ended with %s, %q", code, message)
	}
}

// The function of a rule may report its verdict by the job's id; what it answers
// then comes too late.
func TestFunctionOfRuleReports(t *testing.T) {
	t.Parallel()
	var s *server
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var call called
		if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
			t.Error(err)
		}
		_, err := s.sdk.PutJobFailureResult(r.Context(), &codepipeline.PutJobFailureResultInput{
			JobId: &call.Job.ID, FailureDetails: &types.FailureDetails{Type: types.FailureTypeJobFailed, Message: aws.String("not today")},
		})
		if err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, `{"result":"Success"}`)
	}))
	t.Cleanup(h.Close)
	s = shipping(t, types.StageDeclaration{BeforeEntry: &types.BeforeEntryConditions{Conditions: conditionOf(types.ResultFail,
		ruleOf("LambdaInvoke", "Code", map[string]string{"FunctionName": "day"}))}}, "--lambda-function", "day="+h.URL)
	s.fetched("code")
	rule := s.prod(types.StageExecutionStatusFailed).BeforeEntryConditionState.ConditionStates[0].RuleStates[0].LatestExecution
	if rule.Status != "Failed" || aws.ToString(rule.ErrorDetails.Message) != "not today" {
		t.Errorf("the rule is %+v", *rule)
	}
}

// Actions whose function can never be called fail at once.
func TestFunctionCannotBeCalled(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(closed.Close)
	for _, c := range []struct {
		name          string
		configuration map[string]string
		code, message string
	}{
		{"nobody has heard of it", map[string]string{"FunctionName": "other"}, "ConfigurationError", "--lambda-function other=URL"},
		{"it may not be called", map[string]string{"FunctionName": "closed"}, "PermissionError", "403"},
		{"parameters too long", map[string]string{"FunctionName": "closed", "UserParameters": strings.Repeat("ü", 1001)}, "ConfigurationError", "1001 characters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, settings(t, "--lambda-function", "closed="+closed.URL))
			s.run()
			s.invoke("p", c.configuration)
			if code, message := failure(s.ended("p")); code != c.code || !strings.Contains(message, c.message) {
				t.Errorf("the action ended with %s, %q", code, message)
			}
		})
	}
}

// A server that ends before a function was called calls it when it starts
// again; one that has called it does not, and still takes the report.
func TestFunctionsAcrossRestarts(t *testing.T) {
	t.Parallel()
	url, calls := function(t)
	cfg := settings(t, "--lambda-function", "smoke="+url)
	s := open(t, cfg) // its loops do not run: nobody calls
	s.invoke("p", map[string]string{"FunctionName": "smoke"})
	s.shut()
	s = open(t, cfg)
	stop := s.run()
	first := s.next(calls)
	s.until("the note that the function was called", func() bool { return strings.Contains(s.text.String(), "job done") })
	stop()
	s.shut()
	s = open(t, cfg)
	s.run()
	_, err := s.sdk.StartPipelineExecution(t.Context(), &codepipeline.StartPipelineExecutionInput{Name: aws.String("p")})
	s.ok(err)
	s.succeed(s.take(types.ActionCategorySource, "Upload"))
	_, err = s.sdk.PutJobSuccessResult(t.Context(), &codepipeline.PutJobSuccessResultInput{JobId: &first.Job.ID})
	s.ok(err)
	// The older job would come first.
	second := s.next(calls)
	_, err = s.sdk.PutJobSuccessResult(t.Context(), &codepipeline.PutJobSuccessResultInput{JobId: &second.Job.ID})
	s.ok(err)
	if d := s.ended("p"); second.Job.ID == first.Job.ID || d.Status != types.ActionExecutionStatusSucceeded {
		t.Errorf("after %s, %s was called, and the action ended as %+v", first.Job.ID, second.Job.ID, d)
	}
}
