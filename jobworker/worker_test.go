package jobworker_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"penstock/jobworker"
	"penstock/jobworker/internal/fakeaws"
)

var custom = jobworker.ActionType{Category: "Build", Owner: "Custom", Provider: "Mine", Version: "1"}

func caller(t *testing.T, client *http.Client) jobworker.Caller {
	t.Helper()
	c, err := jobworker.NewCaller(jobworker.Config{
		Endpoint: "http://codepipeline.test", Region: "eu-west-1", HTTP: client,
		Credentials: jobworker.Static(jobworker.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// inBubble runs body in virtual time with a fake server and a client of it.
func inBubble(t *testing.T, body func(t *testing.T, s *fakeaws.Server, c jobworker.Client)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := fakeaws.New()
		httpClient, stop := s.Client(t)
		defer stop()
		body(t, s, jobworker.NewClient(caller(t, httpClient), custom, nil))
	})
}

// serve runs a worker until n jobs are through.
func serve(t *testing.T, c jobworker.Client, h jobworker.Handler, o jobworker.Options, n int) []error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	var reports []error
	o.Hooks.Reported = func(_ jobworker.Job, err error) {
		mu.Lock()
		defer mu.Unlock()
		if reports = append(reports, err); len(reports) == n {
			cancel()
		}
	}
	if err := jobworker.New(c, h, o).Run(ctx); err != nil {
		t.Fatalf("Run: %v", err)
	}
	return reports
}

func ok(context.Context, *jobworker.Task) (jobworker.Success, error) {
	return jobworker.Success{Details: &jobworker.Details{Summary: "done"}}, nil
}

func TestHandlerResults(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 6000)
	for _, c := range []struct {
		name    string
		handler jobworker.Handler
		state   string
		check   func(result map[string]any) any
		want    any
	}{
		{"success", ok, "Succeeded", member("executionDetails", "summary"), "done"},
		{"variables", func(context.Context, *jobworker.Task) (jobworker.Success, error) {
			return jobworker.Success{OutputVariables: map[string]string{"A": "b"}}, nil
		}, "Succeeded", member("outputVariables", "A"), "b"},
		{"revision", func(context.Context, *jobworker.Task) (jobworker.Success, error) {
			return jobworker.Success{Revision: &jobworker.Revision{ID: "r1", ChangeID: "c1", Created: time.UnixMilli(1500)}}, nil
		}, "Succeeded", member("currentRevision", "created"), 1.5},
		{"later", func(context.Context, *jobworker.Task) (jobworker.Success, error) {
			return jobworker.Success{}, jobworker.ContinueLater("tok", jobworker.Details{PercentComplete: new(0)})
		}, "Succeeded", member("executionDetails", "percentComplete"), 0.0},
		{"plain error", func(context.Context, *jobworker.Task) (jobworker.Success, error) {
			return jobworker.Success{}, errors.New("no luck")
		}, "Failed", member("failureDetails", "message"), "no luck"},
		{"typed failure", func(context.Context, *jobworker.Task) (jobworker.Success, error) {
			return jobworker.Success{}, fmt.Errorf("wrapped: %w", jobworker.Permanent(jobworker.ConfigurationError, "bad %s", "key"))
		}, "Failed", member("failureDetails", "type"), "ConfigurationError"},
		{"empty message", func(context.Context, *jobworker.Task) (jobworker.Success, error) {
			return jobworker.Success{}, &jobworker.Failure{}
		}, "Failed", member("failureDetails", "message"), "The job failed without a message."},
		{"long message", func(context.Context, *jobworker.Task) (jobworker.Success, error) {
			return jobworker.Success{}, errors.New(long)
		}, "Failed", func(r map[string]any) any { return len([]rune(member("failureDetails", "message")(r).(string))) }, 5000},
		{"panic", func(context.Context, *jobworker.Task) (jobworker.Success, error) { panic("boom") },
			"Failed", member("failureDetails", "message"), "The worker's handler panicked: boom"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *fakeaws.Server, client jobworker.Client) {
				s.Add(fakeaws.Job{ID: "j1"})
				if got := serve(t, client, c.handler, jobworker.Options{}, 1); got[0] != nil {
					t.Errorf("report: %v", got[0])
				}
				j := s.Job("j1")
				if j.State != c.state || j.Reports != 1 {
					t.Fatalf("state %s after %d reports, want %s after 1", j.State, j.Reports, c.state)
				}
				if got := c.check(j.Result); got != c.want {
					t.Errorf("reported %v, want %v", got, c.want)
				}
			})
		})
	}
}

func member(a, b string) func(map[string]any) any {
	return func(r map[string]any) any { inner, _ := r[a].(map[string]any); return inner[b] }
}

func TestTemporaryFaultsAreRetried(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]fakeaws.Fault{
		"throttled":       {Status: 400, Code: "ThrottlingException"},
		"throttled, ns":   {Status: 400, Code: "com.amazonaws#TooManyRequestsException"},
		"server error":    {Status: 500, Code: "InternalFailure"},
		"bad gateway":     {Status: 502},
		"unavailable":     {Status: 503, Code: "ServiceUnavailable"},
		"429":             {Status: 429},
		"answer lost":     {Lost: true},
		"commit conflict": {Status: 400, Code: "ConcurrentModificationException"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *fakeaws.Server, client jobworker.Client) {
				s.Add(fakeaws.Job{ID: "j1"})
				s.Fail(func(op string, nth int) *fakeaws.Fault {
					// A poll whose answer gets lost has handed its job out.
					if nth > 2 || op == "PollForJobs" && fault.Lost {
						return nil
					}
					return &fault
				})
				got := serve(t, client, ok, jobworker.Options{PollInterval: time.Second}, 1)
				j := s.Job("j1")
				if got[0] != nil || j.State != "Succeeded" || j.Reports != 1 {
					t.Errorf("report %v, job %s after %d reports", got[0], j.State, j.Reports)
				}
				for _, op := range []string{"AcknowledgeJob", "PutJobSuccessResult"} {
					if n := len(s.Calls(op)); n != 3 {
						t.Errorf("%d calls of %s, want 3", n, op)
					}
				}
			})
		})
	}
}

func TestLostJobsAreDropped(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"JobNotFoundException", "InvalidNonceException", "InvalidJobStateException"} {
		t.Run(code, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *fakeaws.Server, client jobworker.Client) {
				s.Add(fakeaws.Job{ID: "j1"})
				s.Fail(func(op string, _ int) *fakeaws.Fault {
					if op == "AcknowledgeJob" {
						return &fakeaws.Fault{Status: 400, Code: code}
					}
					return nil
				})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var ackErr error
				o := jobworker.Options{Hooks: jobworker.Hooks{Acknowledged: func(_ jobworker.Job, err error) { ackErr = err; cancel() }}}
				handler := func(context.Context, *jobworker.Task) (jobworker.Success, error) {
					t.Error("the handler ran")
					return jobworker.Success{}, nil
				}
				if err := jobworker.New(client, handler, o).Run(ctx); err != nil {
					t.Fatal(err)
				}
				if !errors.Is(ackErr, jobworker.ErrLost) {
					t.Errorf("acknowledge: %v, want ErrLost", ackErr)
				}
				if n := len(s.Calls("AcknowledgeJob")); n != 1 {
					t.Errorf("%d acknowledgements, want 1", n)
				}
				if n := len(s.Calls("PutJobFailureResult")) + len(s.Calls("PutJobSuccessResult")); n != 0 {
					t.Errorf("%d reports, want none", n)
				}
			})
		})
	}
}

func TestAcknowledgeOfEndedJobIsLost(t *testing.T) {
	inBubble(t, func(t *testing.T, s *fakeaws.Server, client jobworker.Client) {
		s.Add(fakeaws.Job{ID: "j1"})
		jobs, err := client.Poll(t.Context(), 1, 0)
		if err != nil || len(jobs) != 1 {
			t.Fatalf("%v, %v", jobs, err)
		}
		s.Set("j1", func(j *fakeaws.Job) { j.State = "TimedOut" })
		if err := client.Acknowledge(t.Context(), jobs[0]); !errors.Is(err, jobworker.ErrLost) {
			t.Errorf("got %v, want ErrLost", err)
		}
	})
}

// TestReportThatIsRefused: a result that the server will never take must not
// leave the action hanging.
func TestReportThatIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, s *fakeaws.Server, client jobworker.Client) {
		s.Add(fakeaws.Job{ID: "j1"})
		s.Fail(func(op string, _ int) *fakeaws.Fault {
			if op == "PutJobSuccessResult" {
				return &fakeaws.Fault{Status: 400, Code: "OutputVariablesSizeExceededException"}
			}
			return nil
		})
		got := serve(t, client, ok, jobworker.Options{}, 1)
		if j := s.Job("j1"); got[0] == nil || j.State != "Failed" {
			t.Errorf("report %v, state %s; want an error and Failed", got[0], j.State)
		}
	})
}

func TestReportGivesUpAfterItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T, s *fakeaws.Server, client jobworker.Client) {
		s.Add(fakeaws.Job{ID: "j1"})
		s.Fail(func(op string, _ int) *fakeaws.Fault {
			if op == "PutJobSuccessResult" {
				return &fakeaws.Fault{Status: 503}
			}
			return nil
		})
		began := time.Now()
		got := serve(t, client, ok, jobworker.Options{ReportFor: 2 * time.Minute}, 1)
		if took := time.Since(began); got[0] == nil || took < time.Minute || took > 3*time.Minute {
			t.Errorf("report %v after %v", got[0], took)
		}
		if n := len(s.Calls("PutJobFailureResult")); n != 0 {
			t.Errorf("a success that could not be delivered was turned into %d failures", n)
		}
	})
}

func TestRepeatedReportIsOneReport(t *testing.T) {
	inBubble(t, func(t *testing.T, s *fakeaws.Server, client jobworker.Client) {
		s.Add(fakeaws.Job{ID: "j1"})
		jobs, err := client.Poll(t.Context(), 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Acknowledge(t.Context(), jobs[0]); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := client.Succeed(t.Context(), jobs[0], jobworker.Success{}); err != nil {
				t.Errorf("succeed: %v", err)
			}
		}
		if err := client.Fail(t.Context(), jobs[0], jobworker.Failure{Message: "m"}); !errors.Is(err, jobworker.ErrLost) {
			t.Errorf("another report: %v, want ErrLost", err)
		}
		if n := s.Job("j1").Reports; n != 1 {
			t.Errorf("%d reports took effect, want 1", n)
		}
	})
}

func TestNeverMoreThanFreeSlots(t *testing.T) {
	inBubble(t, func(t *testing.T, s *fakeaws.Server, client jobworker.Client) {
		const jobs, slots = 20, 3
		for i := range jobs {
			s.Add(fakeaws.Job{ID: fmt.Sprint("j", i)})
		}
		var running, most atomic.Int32
		handler := func(ctx context.Context, task *jobworker.Task) (jobworker.Success, error) {
			now := running.Add(1)
			defer running.Add(-1)
			for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			}
			timer := time.NewTimer(time.Minute)
			<-timer.C
			return jobworker.Success{}, nil
		}
		serve(t, client, handler, jobworker.Options{Concurrency: slots, CheckEvery: -1}, jobs)
		if most.Load() != slots {
			t.Errorf("%d jobs at once, want %d", most.Load(), slots)
		}
		for _, c := range s.Calls("PollForJobs") {
			if n := c.In["maxBatchSize"].(float64); n < 1 || n > slots {
				t.Errorf("asked for %v jobs", n)
			}
		}
		if waiting := len(s.Calls("AcknowledgeJob")); waiting != jobs {
			t.Errorf("%d acknowledgements, want %d", waiting, jobs)
		}
	})
}

func TestPollPacing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		o    jobworker.Options
		want time.Duration // between polls
	}{
		{"low jitter", jobworker.Options{PollWait: -1, PollInterval: 10 * time.Second, Rand: func() float64 { return 0 }}, 5 * time.Second},
		{"high jitter", jobworker.Options{PollWait: -1, PollInterval: 10 * time.Second, Rand: func() float64 { return 0.999 }}, 14990 * time.Millisecond},
		{"server waits", jobworker.Options{PollWait: 20 * time.Second}, 20 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *fakeaws.Server, client jobworker.Client) {
				ctx, cancel := context.WithCancel(t.Context())
				polls := 0
				c.o.Hooks.Polled = func(int, error) {
					if polls++; polls == 4 {
						cancel()
					}
				}
				if err := jobworker.New(client, ok, c.o).Run(ctx); err != nil {
					t.Fatal(err)
				}
				calls := s.Calls("PollForJobs")
				for i := range calls[1:] {
					if got := calls[i+1].At.Sub(calls[i].At); got < c.want-time.Millisecond || got > c.want+time.Millisecond {
						t.Errorf("poll %d after %v, want %v", i+1, got, c.want)
					}
				}
				if prefer := calls[0].Header.Get("Prefer"); (prefer == "wait=20") != (c.o.PollWait > 0) {
					t.Errorf("Prefer: %q", prefer)
				}
			})
		})
	}
}

// TestJobWakesWaitingPoll: a job that comes while the server holds the poll is
// in the handler's hands at once.
func TestJobWakesWaitingPoll(t *testing.T) {
	inBubble(t, func(t *testing.T, s *fakeaws.Server, client jobworker.Client) {
		time.AfterFunc(7*time.Second, func() { s.Add(fakeaws.Job{ID: "j1"}) })
		began := time.Now()
		serve(t, client, ok, jobworker.Options{}, 1)
		if took := time.Since(began); took != 7*time.Second {
			t.Errorf("took %v, want 7s", took)
		}
	})
}

func TestFirstPollRefusedEndsRun(t *testing.T) {
	inBubble(t, func(t *testing.T, s *fakeaws.Server, client jobworker.Client) {
		s.Fail(func(string, int) *fakeaws.Fault {
			return &fakeaws.Fault{Status: 400, Code: "ActionTypeNotFoundException"}
		})
		err := jobworker.New(client, ok, jobworker.Options{}).Run(t.Context())
		if e, isError := errors.AsType[*jobworker.Error](err); !isError || e.Code != "ActionTypeNotFoundException" {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestLaterPollRefusedGoesOn(t *testing.T) {
	inBubble(t, func(t *testing.T, s *fakeaws.Server, client jobworker.Client) {
		s.Fail(func(op string, nth int) *fakeaws.Fault {
			if op == "PollForJobs" && nth == 2 {
				return &fakeaws.Fault{Status: 400, Code: "AccessDeniedException"}
			}
			return nil
		})
		time.AfterFunc(time.Minute, func() { s.Add(fakeaws.Job{ID: "late"}) })
		serve(t, client, ok, jobworker.Options{PollWait: -1}, 1)
		if got := s.Job("late").State; got != "Succeeded" {
			t.Errorf("state %s", got)
		}
	})
}

func TestStoppedJobCancelsItsHandler(t *testing.T) {
	inBubble(t, func(t *testing.T, s *fakeaws.Server, client jobworker.Client) {
		s.Add(fakeaws.Job{ID: "j1"})
		var cause error
		handler := func(ctx context.Context, _ *jobworker.Task) (jobworker.Success, error) {
			s.Set("j1", func(j *fakeaws.Job) { j.State = "Failed" }) // as an abandoned execution does
			<-ctx.Done()
			cause = context.Cause(ctx)
			return jobworker.Success{}, cause
		}
		got := serve(t, client, handler, jobworker.Options{}, 1)
		if !errors.Is(cause, jobworker.ErrLost) || !errors.Is(got[0], jobworker.ErrLost) {
			t.Errorf("cause %v, report %v; want ErrLost", cause, got[0])
		}
		if n := len(s.Calls("PutJobFailureResult")); n != 0 {
			t.Errorf("%d failure reports, want none", n)
		}
	})
}

func TestCredentialsAreRenewed(t *testing.T) {
	inBubble(t, func(t *testing.T, s *fakeaws.Server, client jobworker.Client) {
		s.Add(fakeaws.Job{ID: "j1"})
		var got []string
		handler := func(ctx context.Context, task *jobworker.Task) (jobworker.Success, error) {
			for _, pause := range []time.Duration{0, 9 * time.Minute, 2 * time.Minute, time.Minute} {
				timer := time.NewTimer(pause)
				<-timer.C
				c, err := task.Credentials(ctx)
				if err != nil {
					return jobworker.Success{}, err
				}
				got = append(got, c.AccessKeyID)
			}
			return jobworker.Success{}, nil
		}
		serve(t, client, handler, jobworker.Options{CheckEvery: -1}, 1)
		if want := "[ASIA1 ASIA1 ASIA2 ASIA2]"; fmt.Sprint(got) != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
