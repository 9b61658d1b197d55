package lambda_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"penstock/internal/provider/lambda"
	"penstock/internal/provider/providertest"
	"penstock/jobworker"
)

// typeJobOf has a function by both of its names.
func typeJobOf(function string) jobworker.Job {
	j := job()
	j.Configuration["FunctionName"], j.Native.Function = function, function
	return j
}

func typeJob() jobworker.Job {
	j := job()
	j.Configuration = map[string]string{"Level": "2"}
	j.Context.ActionExecutionID = "execution-1"
	j.Native.Function = "arn:aws:lambda:eu-west-1:111122223333:function:check"
	return j
}

func executor(url string) *lambda.Executor {
	return lambda.NewExecutor(lambda.NewFunctions(lambda.Config{Functions: map[string]string{"check": url}}))
}

func TestExecutorAnswers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 2049)
	for _, c := range []struct {
		name, body string
		kind, text string // of a failure
		summary    string // of a success
	}{
		{"success", `{"result":"Success","status":{"ExternalExecutionId":"x1","Summary":"fine"}}`, "", "", "fine"},
		{"in any case", `{"result":"sUCCESS"}`, "", "", ""},
		{"with variables", `{"result":"Success","outputVariables":{"a":"b"}}`, "", "", ""},
		{"with members nobody knows", `{"result":"Success","more":1}`, "", "", ""},
		{"with a continuation of null", `{"result":"Success","continuation":null}`, "", "", ""},
		{"failure", `{"result":"Fail","failureType":"RevisionOutOfSync","status":{"Summary":"old"}}`, jobworker.RevisionOutOfSync, "old", ""},
		{"failure of AWS's spelling", `{"result":"FAIL","failureType":"PermissionsError"}`, jobworker.PermissionError, "answered Fail", ""},
		{"failure of the API's spelling", `{"result":"fail","failureType":"PermissionError"}`, jobworker.PermissionError, "answered Fail", ""},
		{"failure without a type", `{"result":"Fail"}`, jobworker.JobFailed, `has the failureType ""`, ""},
		{"failure of another type", `{"result":"Fail","failureType":"Weather"}`, jobworker.JobFailed, `has the failureType "Weather"`, ""},
		{"success with a failure's type", `{"result":"Success","failureType":"JobFailed"}`, jobworker.JobFailed, "goes with Fail only", ""},
		{"failure with variables", `{"result":"Fail","failureType":"JobFailed","outputVariables":{"a":"b"}}`, jobworker.JobFailed, "go with Success only", ""},
		{"continuation with variables", `{"result":"Continue","continuation":"t","outputVariables":{"a":"b"}}`, jobworker.JobFailed, "go with Success only", ""},
		{"success with a continuation", `{"result":"Success","continuation":"t"}`, jobworker.JobFailed, "goes with Continue only", ""},
		{"continuation of nothing", `{"result":"Continue"}`, jobworker.JobFailed, "a continuation of 0 characters", ""},
		{"continuation too long", `{"result":"Continue","continuation":"` + long + `"}`, jobworker.JobFailed, "a continuation of 2049 characters", ""},
		{"summary too long", `{"result":"Success","status":{"Summary":"` + long + `"}}`, jobworker.JobFailed, "more than 2048 characters", ""},
		{"another result", `{"result":"Maybe"}`, jobworker.JobFailed, `has the result "Maybe"`, ""},
		{"no result", `{}`, jobworker.JobFailed, `has the result ""`, ""},
		{"null", `null`, jobworker.JobFailed, `has the result ""`, ""},
		{"a word", `"Success"`, jobworker.JobFailed, "is not the JSON of a result", ""},
		{"nothing", ``, jobworker.JobFailed, "is not the JSON of a result", ""},
		{"an exception", `{"errorMessage":"division by zero","errorType":"ZeroDivisionError"}`, jobworker.JobFailed, "The function failed: division by zero", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, err := executor(function(t, 200, c.body).URL).Run(t.Context(), jobworker.NewTask(nil, typeJob(), 0))
			if c.kind != "" {
				providertest.Failure(t, err, c.kind, c.text)
				return
			}
			if err != nil || s.Details.Summary != c.summary || (s.OutputVariables["a"] == "b") != strings.Contains(c.body, "outputVariables") {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
}

func TestExecutorEvent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		edit func(*jobworker.Job)
		want string
	}{
		{"first", func(j *jobworker.Job) { j.Inputs = j.Inputs[:1] }, `{"jobId":"job-1","accountId":"111122223333","data":{
			"actionConfiguration":{"Level":"2"},"actionExecutionId":"execution-1",
			"inputArtifacts":[{"location":{"s3Location":{"bucketName":"b","objectKey":"p/a/x"},"type":"S3"},"revision":null,"name":"A"}],"outputArtifacts":[]}}`},
		{"all", func(j *jobworker.Job) {
			j.Inputs, j.Configuration, j.EncryptionKeyID, j.ContinuationToken = nil, nil, "key-1", "t"
			j.Credentials = jobworker.Credentials{AccessKeyID: "ASIA1", SecretAccessKey: "s", SessionToken: "t"}
		}, `{"jobId":"job-1","accountId":"111122223333","data":{
			"actionConfiguration":{},"actionExecutionId":"execution-1","inputArtifacts":[],"outputArtifacts":[],
			"actionCredentials":{"secretAccessKey":"s","sessionToken":"t","accessKeyId":"ASIA1"},"encryptionKey":{"id":"key-1","type":"KMS"},"continuationToken":"t"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got, want any
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
					t.Error(err)
				}
				_, _ = w.Write([]byte(`{"result":"Success"}`))
			}))
			t.Cleanup(s.Close)
			j := typeJob()
			c.edit(&j)
			if _, err := executor(s.URL).Run(t.Context(), jobworker.NewTask(nil, j, 0)); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %v\nwant %v", got, want)
			}
		})
	}
}
