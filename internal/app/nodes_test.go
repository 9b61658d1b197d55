package app

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/jackc/pgx/v5"

	"penstock/internal/store/postgres/pgtest"
	"penstock/jobworker"
)

// TestLateReport has the lease of a node vanish while a job of a built-in action
// runs in it, as if the node had been paused: the job is handed out again, and
// only the worker that has it now may go on with it.
func TestLateReport(t *testing.T) {
	t.Parallel()
	database, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(database.Stop)
	s := open(t, settings(t, "--database", database.URL()))
	s.create("P", stage("Source", types.ActionDeclaration{
		Name: aws.String("Fetch"), ActionTypeId: typeID(types.ActionCategorySource, types.ActionOwnerAws, "S3"),
		Configuration:   map[string]string{"S3Bucket": "b", "S3ObjectKey": "k", "PollForSourceChanges": "false"},
		OutputArtifacts: []types.OutputArtifact{{Name: aws.String("Code")}},
	}), gate())
	jobs := s.svc.LocalJobs(jobworker.ActionType{Category: "Source", Owner: "AWS", Provider: "S3", Version: "1"})
	take := func() jobworker.Job {
		t.Helper()
		list, err := jobs.Poll(t.Context(), 1, 30*time.Second)
		s.ok(err)
		if len(list) != 1 {
			t.Fatal("no job to be polled")
		}
		s.ok(jobs.Acknowledge(t.Context(), list[0]))
		return list[0]
	}
	late := take()
	conn, err := pgx.Connect(t.Context(), database.URL())
	s.ok(err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `DELETE FROM node`)
	s.ok(err)
	now := take()
	if now.ID != late.ID || now.Nonce == late.Nonce {
		t.Fatalf("job %s with nonce %s after %s with %s", now.ID, now.Nonce, late.ID, late.Nonce)
	}
	refused := func(what string, err error) {
		t.Helper()
		if e, ok := errors.AsType[*jobworker.Error](err); !ok || e.Code != "InvalidNonceException" {
			t.Errorf("%s of the late worker: %v", what, err)
		}
	}
	_, err = jobs.Details(t.Context(), late)
	refused("details", err)
	refused("acknowledgement", jobs.Acknowledge(t.Context(), late))
	refused("success", jobs.Succeed(t.Context(), late, jobworker.Success{}))
	refused("failure", jobs.Fail(t.Context(), late, jobworker.Failure{Message: "late"}))
	_, err = jobs.Details(t.Context(), now)
	s.ok(err)
	s.ok(jobs.Fail(t.Context(), now, jobworker.Failure{Message: "in time"}))
}
