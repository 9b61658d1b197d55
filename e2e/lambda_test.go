package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// invoking makes a pipeline whose function makes the object that the last stage
// puts into the bucket function-site, and starts it.
func (s *server) invoking(t *testing.T, name, function string, parameters object) {
	t.Helper()
	text, err := json.Marshal(parameters)
	if err != nil {
		t.Fatal(err)
	}
	s.versioned("function-source")
	s.bucket("function-site")
	s.put("function-source", "app.txt", []byte("hello"))
	s.call("CreatePipeline", object{"pipeline": declaration(name,
		stage("Source", manualSource("function-source", "app.txt")),
		stage("Call", action("Fn", "AWS", "Invoke", "Lambda", object{"FunctionName": function, "UserParameters": string(text)},
			inputs("Source"), outputs("Made"), object{"namespace": "Fn"})),
		stage("Ship", action("Put", "AWS", "Deploy", "S3", object{"BucketName": "function-site", "Extract": "false", "ObjectKey": "#{Fn.name}"}, inputs("Made"))))}, nil)
}

// A function in Python, which the server runs as a command, reports by boto3
// with what the server has put into its environment.
func TestFunctionInPython(t *testing.T) {
	t.Parallel()
	file, err := filepath.Abs(filepath.Join("python", "function.py"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		crash bool // of the server while the function runs
	}{{"plain", false}, {"the server dies", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, "--listen", freeAddress(t), "--lambda-function", "upper=exec:exec "+pythonWithBoto(t)+" -B "+file)
			calls := filepath.Join(t.TempDir(), "calls")
			s.invoking(t, "p", "upper", object{"calls": calls, "hang": c.crash})
			ids := func() []string {
				text, err := os.ReadFile(calls)
				if err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
				return strings.Fields(string(text))
			}
			want := 2
			if c.crash {
				want = 3
				until(t, "the first call", func(context.Context) (string, bool) { return "", len(ids()) == 1 })
				s.kill()
				if err := s.start(); err != nil {
					t.Fatal(err)
				}
			}
			s.ends("p", s.newest("p"), types.PipelineExecutionStatusSucceeded)
			if got := string(s.get("function-site", "made.txt")); got != "HELLO" {
				t.Errorf("deployed %q", got)
			}
			got := ids()
			if len(got) != want || c.crash != (got[0] == got[1]) || got[want-2] == got[want-1] {
				t.Errorf("called for the jobs %q", got)
			}
			e := s.state("p", "Fn", types.ActionExecutionStatusSucceeded)
			if aws.ToString(e.ExternalExecutionId) != "run-1" || aws.ToString(e.Summary) != "halfway" {
				t.Errorf("the action shows %+v", e)
			}
			if log := s.penstock("logs", "p", "--action", "Fn"); !strings.Contains(log, "made 5 bytes for upper") {
				t.Errorf("the log is\n%s", log)
			}
		})
	}
}

// A server that dies between the call of a function and its report takes the
// report when it is back.
func TestCrashBeforeTheReport(t *testing.T) {
	t.Parallel()
	calls := make(chan string, 10)
	h := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var event struct {
			Job struct {
				ID string `json:"id"`
			} `json:"CodePipeline.job"`
		}
		if err := json.Unmarshal(body, &event); err != nil {
			t.Error(err)
		}
		calls <- event.Job.ID
	}))
	t.Cleanup(h.Close)
	s := startServer(t, "--listen", freeAddress(t), "--lambda-function", "*="+h.URL)
	s.invoking(t, "p", "anything", object{})
	job := <-calls
	until(t, "the note that the function was called", func(context.Context) (string, bool) {
		log := s.log.String()
		return log, strings.Contains(log, "provider=Invoke/Lambda job="+job)
	})
	s.kill()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	_, err := s.codepipeline().PutJobFailureResult(t.Context(), &codepipeline.PutJobFailureResultInput{
		JobId: &job, FailureDetails: &types.FailureDetails{Type: types.FailureTypeJobFailed, Message: aws.String("no good")},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.ends("p", s.newest("p"), types.PipelineExecutionStatusFailed)
}
