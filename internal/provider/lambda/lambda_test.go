package lambda_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"penstock/internal/provider/lambda"
	"penstock/internal/provider/providertest"
	"penstock/jobworker"
)

func job() jobworker.Job {
	return jobworker.Job{
		ID: "job-1", AccountID: "111122223333",
		Configuration: map[string]string{"FunctionName": "may-deploy", "UserParameters": "prod"},
		Inputs:        []jobworker.Artifact{{Name: "A", Bucket: "b", Key: "p/a/x"}, {Name: "B", Bucket: "b", Key: "p/b/y", Revision: "r1"}},
		Native:        &jobworker.Native{Account: "111122223333", Region: "eu-west-1"},
	}
}

// function is a server whose every answer is this.
func function(t *testing.T, status int, body string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s
}

func mapped(url string) *lambda.Rule {
	return lambda.NewRule(lambda.NewFunctions(lambda.Config{Functions: map[string]string{"may-deploy": url}}))
}

func TestSuite(t *testing.T) {
	t.Parallel()
	providertest.Run(t, func(t *testing.T, _ string) providertest.Harness {
		return providertest.Harness{Provider: mapped(function(t, 200, "").URL), Memory: providertest.NewMemory(), Job: job()}
	})
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		status int
		body   string
		kind   string // "" is a success
		text   string // of the failure or the summary
		id     string
	}{
		{"no body", 200, "", "", "The function may-deploy answered", ""},
		{"another 2xx", 204, "", "", "answered", ""},
		{"text", 200, "fine", "", "answered", ""},
		{"a word", 200, `"fine"`, "", "answered", ""},
		{"success", 200, `{"result":"Success","status":{"ExternalExecutionId":"x1","Summary":"all quiet"}}`, "", "all quiet", "x1"},
		{"failure", 200, `{"result":"Fail","failureType":"JobFailed","status":{"ExternalExecutionId":"x1","Summary":"too loud"}}`, jobworker.JobFailed, "too loud", "x1"},
		{"failure in lower case", 200, `{"result":"fail","failureType":"PermissionsError"}`, jobworker.PermissionError, "may-deploy answered Fail", ""},
		{"failure with a message", 200, `{"result":"FAIL","failureType":"ConfigurationError","message":"no such table"}`, jobworker.ConfigurationError, "no such table", ""},
		{"failure of no known type", 200, `{"result":"Fail","failureType":"Weather"}`, jobworker.JobFailed, "answered Fail", ""},
		{"continuation", 200, `{"result":"Continue","continuation":"t"}`, jobworker.JobFailed, "Continue", ""},
		{"an id that nobody could store", 200, `{"status":{"ExternalExecutionId":"` + strings.Repeat("x", 2000) + `"}}`, "", "answered", ""},
		{"error", 500, `{"result":"Success"}`, jobworker.JobFailed, "500", ""},
		{"not found", 404, "", jobworker.ConfigurationError, "404", ""},
		{"not allowed", 403, "", jobworker.PermissionError, "403", ""},
		{"an exception", 200, `{"errorMessage":"division by zero","errorType":"ZeroDivisionError"}`, jobworker.JobFailed, "The function failed: division by zero", ""},
		{"too long", 200, strings.Repeat(" ", 1<<20), jobworker.SystemUnavailable, "longer", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, err := mapped(function(t, c.status, c.body).URL).Run(t.Context(), jobworker.NewTask(nil, job(), 0))
			if c.kind != "" {
				providertest.Failure(t, err, c.kind, c.text)
				if f, ok := err.(*jobworker.Failure); ok && f.ExternalID != c.id {
					t.Errorf("external id %q, want %q", f.ExternalID, c.id)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(s.Details.Summary, c.text) || s.Details.ExternalID != c.id {
				t.Errorf("details %+v", *s.Details)
			}
		})
	}
}

func TestEvent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		edit func(*jobworker.Job)
		want string
	}{
		{"plain", func(*jobworker.Job) {}, `{"CodePipeline.job":{"id":"job-1","accountId":"111122223333","data":{
			"actionConfiguration":{"configuration":{"FunctionName":"may-deploy","UserParameters":"prod"}},
			"inputArtifacts":[{"location":{"s3Location":{"bucketName":"b","objectKey":"p/a/x"},"type":"S3"},"revision":null,"name":"A"},
				{"location":{"s3Location":{"bucketName":"b","objectKey":"p/b/y"},"type":"S3"},"revision":"r1","name":"B"}],
			"outputArtifacts":[]}}}`},
		{"all", func(j *jobworker.Job) {
			j.Inputs, j.EncryptionKeyID, j.ContinuationToken = nil, "key-1", "step 2"
			j.Credentials = jobworker.Credentials{AccessKeyID: "ASIA1", SecretAccessKey: "s", SessionToken: "t"}
		}, `{"CodePipeline.job":{"id":"job-1","accountId":"111122223333","data":{
			"actionConfiguration":{"configuration":{"FunctionName":"may-deploy","UserParameters":"prod"}},
			"inputArtifacts":[],"outputArtifacts":[],
			"artifactCredentials":{"secretAccessKey":"s","sessionToken":"t","accessKeyId":"ASIA1"},"encryptionKey":{"id":"key-1","type":"KMS"},"continuationToken":"step 2"}}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got, want any
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
					t.Errorf("%s with %s", r.Method, r.Header.Get("Content-Type"))
				}
				if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
					t.Error(err)
				}
			}))
			defer s.Close()
			j := job()
			c.edit(&j)
			if _, err := mapped(s.URL).Run(t.Context(), jobworker.NewTask(nil, j, 0)); err != nil {
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

// A declaration names functions; only the settings say where they are.
func TestOnlyConfigured(t *testing.T) {
	t.Parallel()
	var called atomic.Bool
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called.Store(true) }))
	defer inside.Close()
	redirect := httptest.NewServer(http.RedirectHandler(inside.URL, http.StatusTemporaryRedirect))
	defer redirect.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, c := range []struct {
		name, function, url, kind, text string
	}{
		{"a URL as its name", inside.URL, redirect.URL, jobworker.ConfigurationError, "--lambda-function"},
		{"another name", "other", inside.URL, jobworker.ConfigurationError, "--lambda-endpoint"},
		{"no name", "", inside.URL, jobworker.ConfigurationError, "FunctionName"},
		{"a redirect", "may-deploy", redirect.URL, jobworker.JobFailed, "307"},
		{"nobody there", "may-deploy", gone.URL + "/secret", jobworker.SystemUnavailable, "refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := job()
			j.Configuration["FunctionName"] = c.function
			_, err := mapped(c.url).Run(t.Context(), jobworker.NewTask(nil, j, 0))
			providertest.Failure(t, err, c.kind, c.text)
			if strings.Contains(err.Error(), "/secret") {
				t.Errorf("the URL is shown: %v", err)
			}
		})
	}
	if called.Load() {
		t.Error("an address that is not configured was called")
	}
}

func TestAPI(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		status int
		header string // X-Amz-Function-Error, or X-Amzn-ErrorType of a refusal
		body   string
		kind   string
		text   string
	}{
		{"success", 200, "", `{"result":"Success","status":{"Summary":"quiet"}}`, "", "quiet"},
		{"verdict", 200, "", `{"result":"Fail","failureType":"JobFailed","message":"loud"}`, jobworker.JobFailed, "loud"},
		{"thrown", 200, "Unhandled", `{"errorMessage":"division by zero","errorType":"Error"}`, jobworker.JobFailed, "division by zero"},
		{"no function", 404, "ResourceNotFoundException", `{"Message":"Function not found"}`, jobworker.ConfigurationError, "Function not found"},
		{"denied", 403, "AccessDeniedException", `{"Message":"no"}`, jobworker.PermissionError, "AccessDenied"},
		{"trouble", 500, "ServiceException", `{"Message":"no"}`, jobworker.SystemUnavailable, "ServiceException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				if r.URL.Path != "/2015-03-31/functions/may-deploy/invocations" || !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/lambda/") {
					t.Errorf("%s signed %s", r.URL.Path, r.Header.Get("Authorization"))
				}
				if c.status == 200 && c.header != "" {
					w.Header().Set("X-Amz-Function-Error", c.header)
				} else if c.header != "" {
					w.Header().Set("X-Amzn-ErrorType", c.header)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer s.Close()
			rule := lambda.NewRule(lambda.NewFunctions(lambda.Config{Endpoint: s.URL, AWS: aws.Config{Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", "")}}))
			got, err := rule.Run(t.Context(), jobworker.NewTask(nil, job(), 0))
			if c.kind != "" {
				providertest.Failure(t, err, c.kind, c.text)
			} else if err != nil || got.Details.Summary != c.text {
				t.Errorf("%+v, %v", got, err)
			}
			if n := asked.Load(); n != 1 {
				t.Errorf("called %d times", n)
			}
		})
	}
}
