package jobworker_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"penstock/jobworker"
	"penstock/jobworker/internal/fakeaws"
)

func TestDrain(t *testing.T) {
	t.Parallel()
	blocked := func(ctx context.Context, _ *jobworker.Task) (jobworker.Success, error) {
		<-ctx.Done()
		return jobworker.Success{}, context.Cause(ctx)
	}
	after := func(d time.Duration) jobworker.Handler {
		return func(ctx context.Context, _ *jobworker.Task) (jobworker.Success, error) {
			timer := time.NewTimer(d)
			defer timer.Stop()
			select {
			case <-ctx.Done():
				return jobworker.Success{}, context.Cause(ctx)
			case <-timer.C:
				return jobworker.Success{}, nil
			}
		}
	}
	for _, c := range []struct {
		name    string
		handler jobworker.Handler
		keep    bool
		state   string
		failure any
	}{
		{"finishes in time", after(29 * time.Second), false, "Succeeded", nil},
		{"is cut off", blocked, false, "Failed", "SystemUnavailable"},
		{"is cut off and kept", blocked, true, "InProgress", nil},
		{"goes on elsewhere", func(ctx context.Context, _ *jobworker.Task) (jobworker.Success, error) {
			<-ctx.Done()
			return jobworker.Success{}, jobworker.ContinueLater("tok", jobworker.Details{})
		}, true, "Succeeded", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *fakeaws.Server, client jobworker.Client) {
				s.Add(fakeaws.Job{ID: "j1"})
				ctx, cancel := context.WithCancel(t.Context())
				o := jobworker.Options{Grace: 30 * time.Second, KeepOnDrain: c.keep, CheckEvery: -1}
				o.Hooks.Acknowledged = func(jobworker.Job, error) { cancel() }
				if err := jobworker.New(client, c.handler, o).Run(ctx); err != nil {
					t.Fatal(err)
				}
				j := s.Job("j1")
				if j.State != c.state || member("failureDetails", "type")(j.Result) != c.failure {
					t.Errorf("state %s, result %v; want %s, %v", j.State, j.Result, c.state, c.failure)
				}
				polls := len(s.Calls("PollForJobs"))
				if polls > 2 {
					t.Errorf("%d polls: it polled on while draining", polls)
				}
			})
		})
	}
}

func TestHandlerThatIgnoresCancellation(t *testing.T) {
	inBubble(t, func(t *testing.T, s *fakeaws.Server, client jobworker.Client) {
		s.Add(fakeaws.Job{ID: "j1"})
		ctx, cancel := context.WithCancel(t.Context())
		release := make(chan struct{})
		o := jobworker.Options{CheckEvery: -1, Hooks: jobworker.Hooks{Acknowledged: func(jobworker.Job, error) { cancel() }}}
		err := jobworker.New(client, func(context.Context, *jobworker.Task) (jobworker.Success, error) {
			<-release
			return jobworker.Success{}, nil
		}, o).Run(ctx)
		close(release)
		synctest.Wait()
		if err == nil || !strings.Contains(err.Error(), "1 handlers") {
			t.Errorf("Run: %v", err)
		}
	})
}
