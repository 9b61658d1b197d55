package app

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// executorCall is the event of a type's function, as far as a test reads it.
type executorCall struct {
	JobID     string `json:"jobId"`
	AccountID string `json:"accountId"`
	Data      struct {
		Configuration   map[string]string `json:"actionConfiguration"`
		OutputArtifacts []calledArtifact  `json:"outputArtifacts"`
		Credentials     struct {
			AccessKeyID     string `json:"accessKeyId"`
			SecretAccessKey string `json:"secretAccessKey"`
			SessionToken    string `json:"sessionToken"`
		} `json:"actionCredentials"`
		Token     string `json:"continuationToken"`
		Execution string `json:"actionExecutionId"`
	} `json:"data"`
}

// A type's function gets an event of its own form; what it returns is the
// report, and Continue calls it again.
func TestExecutor(t *testing.T) {
	t.Parallel()
	calls, answers := make(chan executorCall), make(chan string)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var c executorCall
		if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
			t.Error(err)
		}
		calls <- c
		_, _ = io.WriteString(w, <-answers)
	}))
	t.Cleanup(h.Close)
	s := open(t, settings(t, "--lambda-function", "check="+h.URL))
	s.run()
	s.ok(s.store.Update(t.Context(), func(tx store.Tx) error {
		return tx.PutActionType(store.ActionType{Account: "000000000000", Region: region, Created: time.Now(), Type: actiontype.Type{
			ID:         pipeline.ActionType{Category: "Build", Owner: "ThirdParty", Provider: "Checker", Version: "1"},
			Properties: []actiontype.Property{{Name: "Level", Required: true}, {Name: "Token", Required: true, Secret: true}},
			MaxInputs:  1, MaxOutputs: 1, JobTimeout: 10 * time.Minute, Timeout: time.Hour,
			Executor: &actiontype.Executor{Type: actiontype.Lambda, LambdaFunctionARN: "arn:aws:lambda:eu-west-1:111122223333:function:check"},
		}})
	}))
	s.hand("p", typeID(types.ActionCategoryBuild, types.ActionOwnerThirdParty, "Checker"), map[string]string{"Level": "2", "Token": "s3cret"})
	next := func(answer string, look func(executorCall)) {
		t.Helper()
		select {
		case c := <-calls:
			look(c)
			answers <- answer
		case <-time.After(20 * time.Second):
			t.Fatalf("the function is not called; the action is %+v; the log:\n%s", s.attempt("p"), s.text.String())
		}
	}
	var first executorCall
	next(`{"result":"CONTINUE","continuation":{"step": 2},"status":{"ExternalExecutionId":"x1","Summary":"halfway"}}`, func(c executorCall) {
		first = c
		if c.AccountID != "000000000000" || !maps.Equal(c.Data.Configuration, map[string]string{"Level": "2", "Token": "s3cret"}) ||
			c.Data.Token != "" || c.Data.Execution != *s.attempt("p").ActionExecutionId {
			t.Errorf("called with %+v", c)
		}
		k := c.Data.Credentials
		objects := s.bucketClient(credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, k.SessionToken))
		out := c.Data.OutputArtifacts[0].Location.S3
		_, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &out.Bucket, Key: &out.Key})
		if err != nil {
			t.Error(err)
		}
		_, err = s.sdk.PutJobSuccessResult(t.Context(), &codepipeline.PutJobSuccessResultInput{JobId: &c.JobID})
		if codeOf(err) != "JobNotFoundException" {
			t.Errorf("a report by the API: %v", err)
		}
	})
	s.until("the report of the first job", func() bool {
		out, err := s.sdk.GetPipelineState(t.Context(), &codepipeline.GetPipelineStateInput{Name: aws.String("p")})
		s.ok(err)
		return aws.ToString(out.StageStates[1].ActionStates[0].LatestExecution.Summary) == "halfway"
	})
	s.pass(30 * time.Second)
	next(`{"result":"success","outputVariables":{"score":"7"}}`, func(c executorCall) {
		if c.JobID == first.JobID || c.Data.Token != `{"step":2}` || c.Data.OutputArtifacts[0] != first.Data.OutputArtifacts[0] {
			t.Errorf("called again with %+v", c)
		}
	})
	end := s.ended("p")
	if end.Status != types.ActionExecutionStatusSucceeded || end.Output.OutputVariables["score"] != "7" || *end.Output.ExecutionResult.ExternalExecutionId != "x1" {
		t.Errorf("the action ended as %+v", end)
	}

	_, err := s.sdk.StartPipelineExecution(t.Context(), &codepipeline.StartPipelineExecutionInput{Name: aws.String("p")})
	s.ok(err)
	s.succeed(s.take(types.ActionCategorySource, "Upload"))
	next(`{"result":"Fail","failureType":"PermissionsError","status":{"Summary":"may not"}}`, func(executorCall) {})
	if code, message := failure(s.ended("p")); code != "PermissionError" || message != "may not" {
		t.Errorf("the action ended with %s, %q", code, message)
	}
}
