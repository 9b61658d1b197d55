package service_test

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"penstock/internal/api"
	"penstock/internal/sigv4"
	"penstock/internal/store/storetest"
)

// guarded is a run whose job shows a secret, which is recorded after the job was
// claimed and before the answer is sent.
func (s *server) guarded() (poll string) {
	s.Helper()
	s.customType("Source", "Src", properties(property("Token", "secret")))
	s.create(declare("P", "", stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}],"configuration":{"Token":"t"}`)),
		stage("Gate", approval("Ask", ""))))
	return `{"actionTypeId":` + typeID("Source", "Custom", "Src") + `}`
}

// ask polls as an SDK does that calls the poll by its name, and returns the job.
func (s *server) ask(ctx context.Context, invocation, body string) (job string, err error) {
	client := api.Client{Endpoint: s.url, Sign: func(r *http.Request, body []byte) error {
		r.Header.Set("Amz-Sdk-Invocation-Id", invocation)
		sigv4.Sign(r, sigv4.PayloadHash(body), sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: secretKey}, region, "codepipeline", time.Now())
		return nil
	}}
	var out struct{ Jobs []struct{ ID string } }
	err = client.CallRaw(ctx, "CodePipeline_20150709.PollForJobs", json.RawMessage(body), &out)
	if len(out.Jobs) > 0 {
		job = out.Jobs[0].ID
	}
	return job, err
}

// TestPollThatFails: a job that was claimed for a poll which then fails, or
// whose caller has gone, is another worker's at once. What a poll was answered
// with stays hidden, also when the repeat of that poll fails.
func TestPollThatFails(t *testing.T) {
	t.Parallel()
	for _, postgres := range []bool{false, true} {
		o := usual
		o.postgres = postgres
		name := map[bool]string{false: "SQLite", true: "PostgreSQL"}[postgres]
		t.Run(name+", on the way", func(t *testing.T) {
			t.Parallel()
			s := newServer(t, o)
			poll := s.guarded()
			for _, when := range []storetest.When{storetest.Before, storetest.After} {
				s.faults.Arm("Update", 0, when)
				if _, err := s.ask(t.Context(), "one", poll); err == nil || s.faults.Disarm() != "Update" {
					t.Fatalf("the poll was to fail %s: %v", when, err)
				}
			}
			if job, err := s.ask(t.Context(), "two", poll); job == "" {
				t.Errorf("no job for the next poll: %v", err)
			}
		})
		t.Run(name+", a repeat", func(t *testing.T) {
			t.Parallel()
			s := newServer(t, o)
			poll := s.guarded()
			job, err := s.ask(t.Context(), "one", poll)
			if job == "" {
				t.Fatalf("no job: %v", err)
			}
			s.faults.Arm("Update", 0, storetest.Before)
			if _, err := s.ask(t.Context(), "one", poll); err == nil {
				t.Error("the repeat was to fail")
			}
			if job, err := s.ask(t.Context(), "two", poll); job != "" || err != nil {
				t.Errorf("a job that an answer holds is another worker's: %s, %v", job, err)
			}
			if again, err := s.ask(t.Context(), "one", poll); again != job {
				t.Errorf("the next repeat is answered with %q, %v", again, err)
			}
		})
		t.Run(name+", nobody there", func(t *testing.T) {
			t.Parallel()
			s := newServer(t, o)
			poll := s.guarded()
			ctx, leave := context.WithCancel(t.Context())
			var first sync.Once
			s.granted.hold = func(ctx context.Context) {
				first.Do(func() {
					leave()
					<-ctx.Done()
				})
			}
			if _, err := s.ask(ctx, "one", poll); err == nil {
				t.Error("a poll whose caller has gone is answered")
			}
			for job := ""; job == ""; { // the server may still be at it
				var err error
				if job, err = s.ask(t.Context(), "two", poll); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
