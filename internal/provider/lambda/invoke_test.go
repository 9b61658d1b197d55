package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"penstock/internal/provider/lambda"
	"penstock/internal/provider/providertest"
	"penstock/jobworker"
)

func TestInvokeSuite(t *testing.T) {
	t.Parallel()
	providertest.Run(t, func(t *testing.T, _ string) providertest.Harness {
		memory := providertest.NewMemory()
		f := lambda.NewFunctions(lambda.Config{Functions: map[string]string{"may-deploy": function(t, 200, "").URL}, Logs: memory})
		return providertest.Harness{Provider: lambda.NewInvoke(f), Memory: memory, Job: job()}
	})
}

// pauses is a clock that notes how long it was to sleep.
type pauses struct {
	list []time.Duration
	end  int // the sleep that is cut off; 0 = none
}

var errEnd = errors.New("the end of the test")

func (p *pauses) sleep(_ context.Context, d time.Duration) error {
	p.list = append(p.list, d)
	if len(p.list) == p.end {
		return errEnd
	}
	return nil
}

// What a call of the function leads to: whether there is another one, and after
// which pause.
func TestInvoke(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		answers []int // statuses; 0 is an exception, -1 a connection that breaks
		pauses  string
		kind    string // of the failure, "" = the function need not be called again
		log     string
	}{
		{"at once", []int{200}, "[]", "", "its report is awaited"},
		{"accepted", []int{202}, "[]", "", "its report is awaited"},
		{"the second time", []int{500, 200}, "[1m0s]", "", "500"},
		{"never", []int{0, 500, -1}, "[1m0s 2m0s]", "", "The function is not called again."},
		{"busy", []int{429, 503, 429, 200}, "[1s 2s 4s]", "", "429"},
		{"busy for long", append(slices.Repeat([]int{503}, 10), 200), "[1s 2s 4s 8s 16s 32s 1m4s 2m8s 4m16s 5m0s]", "", "503"},
		{"busy and broken", []int{503, 500, 503, 502, 503, 500}, "[1s 1m0s 2s 2m0s 4s]", "", "is not called again"},
		{"not allowed", []int{403}, "[]", jobworker.PermissionError, "403"},
		{"not there", []int{404}, "[]", jobworker.ConfigurationError, "404"},
		{"broken, then gone", []int{500, 410}, "[1m0s]", jobworker.ConfigurationError, "410"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				n := int(calls.Add(1))
				if n > len(c.answers) {
					t.Error("one call too many")
					return
				}
				switch status := c.answers[n-1]; status {
				case 0:
					_, _ = io.WriteString(w, `{"errorMessage":"no","errorType":"E"}`)
				case -1:
					panic(http.ErrAbortHandler)
				default:
					w.WriteHeader(status)
				}
			}))
			t.Cleanup(s.Close)
			slept, memory := &pauses{}, providertest.NewMemory()
			f := lambda.NewFunctions(lambda.Config{Functions: map[string]string{"may-deploy": s.URL}, Sleep: slept.sleep, Logs: memory})
			j := job()
			_, err := lambda.NewInvoke(f).Run(t.Context(), jobworker.NewTask(nil, j, 0))
			if c.kind != "" {
				providertest.Failure(t, err, c.kind, c.log)
			} else if err != nil {
				t.Error(err)
			}
			if got := fmt.Sprint(slept.list); got != c.pauses || int(calls.Load()) != len(c.answers) {
				t.Errorf("%d calls with the pauses %s, want %s", calls.Load(), got, c.pauses)
			}
			if log := memory.Log(j.Context.ActionExecutionID); !strings.Contains(log, c.log) {
				t.Errorf("the log lacks %q:\n%s", c.log, log)
			}
		})
	}
}

// A function that nobody serves yet is called until somebody does, or its job
// ends.
func TestInvokeWaitsForItsFunction(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	l.Close()
	slept := &pauses{end: 3}
	f := lambda.NewFunctions(lambda.Config{Functions: map[string]string{"may-deploy": address}, Sleep: slept.sleep})
	if _, err := lambda.NewInvoke(f).Run(t.Context(), jobworker.NewTask(nil, job(), 0)); !errors.Is(err, errEnd) || fmt.Sprint(slept.list) != "[1s 2s 4s]" {
		t.Errorf("%v after %v", err, slept.list)
	}
}

// What a function answers is of no interest when it reports.
func TestInvokeTakesAnyAnswer(t *testing.T) {
	t.Parallel()
	f := lambda.NewFunctions(lambda.Config{Functions: map[string]string{"may-deploy": function(t, 200, strings.Repeat("x", 1<<20)).URL}})
	if _, err := lambda.NewInvoke(f).Run(t.Context(), jobworker.NewTask(nil, job(), 0)); err != nil {
		t.Error(err)
	}
}

// keyless is the client of jobs that there are no credentials for, at first.
type keyless struct {
	jobworker.Client
	asked int
}

func (k *keyless) Details(_ context.Context, j jobworker.Job) (jobworker.Job, error) {
	if k.asked++; k.asked < 3 {
		return j, errors.New("the STS is away")
	}
	return j, nil
}

func TestInvokeWaitsForCredentials(t *testing.T) {
	t.Parallel()
	slept := &pauses{}
	f := lambda.NewFunctions(lambda.Config{Functions: map[string]string{"may-deploy": function(t, 200, "").URL}, Sleep: slept.sleep})
	if _, err := lambda.NewInvoke(f).Run(t.Context(), jobworker.NewTask(&keyless{}, job(), time.Nanosecond)); err != nil || fmt.Sprint(slept.list) != "[1s 2s]" {
		t.Errorf("%v after %v", err, slept.list)
	}
}

// ended is the client of a job that has ended.
type ended struct{ jobworker.Client }

func (ended) Details(context.Context, jobworker.Job) (jobworker.Job, error) {
	return jobworker.Job{}, jobworker.ErrLost
}

func TestInvokeOfAnEndedJob(t *testing.T) {
	t.Parallel()
	var called atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called.Store(true) }))
	t.Cleanup(s.Close)
	f := lambda.NewFunctions(lambda.Config{Functions: map[string]string{"may-deploy": s.URL}})
	if _, err := lambda.NewInvoke(f).Run(t.Context(), jobworker.NewTask(ended{}, job(), time.Nanosecond)); !errors.Is(err, jobworker.ErrLost) || called.Load() {
		t.Errorf("%v, called: %t", err, called.Load())
	}
}

// By the API of Lambda the event is left in its queue.
func TestInvokeByAPI(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ function, path, region string }{
		{"may-deploy", "may-deploy", "eu-west-1"},
		{"may-deploy:live", "may-deploy:live", "eu-west-1"},
		{"arn:aws:lambda:us-west-2:111122223333:function:may-deploy:3", "arn:aws:lambda:us-west-2:111122223333:function:may-deploy:3", "us-west-2"},
	} {
		t.Run(c.function, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("X-Amz-Invocation-Type") != "Event" || r.URL.Path != "/2015-03-31/functions/"+c.path+"/invocations" ||
					!strings.Contains(r.Header.Get("Authorization"), "/"+c.region+"/lambda/") {
					t.Errorf("%s of %s, signed %s", r.Header.Get("X-Amz-Invocation-Type"), r.URL.Path, r.Header.Get("Authorization"))
				}
				w.WriteHeader(http.StatusAccepted)
			}))
			t.Cleanup(s.Close)
			f := lambda.NewFunctions(lambda.Config{Endpoint: s.URL, AWS: aws.Config{Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", "")}})
			j := job()
			j.Configuration["FunctionName"] = c.function
			if _, err := lambda.NewInvoke(f).Run(t.Context(), jobworker.NewTask(nil, j, 0)); err != nil {
				t.Error(err)
			}
		})
	}
}
