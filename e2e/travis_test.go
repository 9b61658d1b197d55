package e2e

import (
	"context"
	"testing"

	awsv1 "github.com/aws/aws-sdk-go/aws"
	codepipelinev1 "github.com/aws/aws-sdk-go/service/codepipeline"
)

// testTravis does what a worker in Go for Travis does: one job at a time, whose
// continuation token is the id of the build elsewhere. It only looks whether a
// call fails, never at what the acknowledgement answers, and ends with a report
// of nothing but the job.
func testTravis(t *testing.T, s *server) {
	s.call("CreateCustomActionType", object{"category": "Test", "provider": "Travis", "version": "1",
		"inputArtifactDetails":  object{"minimumCount": 0, "maximumCount": 1},
		"outputArtifactDetails": object{"minimumCount": 0, "maximumCount": 1},
		"configurationProperties": []object{
			{"name": "Project", "required": true, "key": true, "secret": false},
			{"name": "ApiToken", "required": true, "key": false, "secret": true},
		}}, nil)
	s.call("CreatePipeline", object{"pipeline": declaration("travis",
		stage("Source", manualSource("workers-source", "app.zip")),
		stage("Test", action("Check", "Custom", "Test", "Travis", object{"Project": "web", "ApiToken": "a-token-for-travis"}, inputs("Source"))))}, nil)
	client := s.v1(t).codepipeline()
	take := func() *codepipelinev1.Job {
		t.Helper()
		var job *codepipelinev1.Job
		until(t, "a job for Travis", func(context.Context) (string, bool) {
			out, err := client.PollForJobs(&codepipelinev1.PollForJobsInput{MaxBatchSize: awsv1.Int64(1), ActionTypeId: &codepipelinev1.ActionTypeId{
				Category: awsv1.String("Test"), Owner: awsv1.String("Custom"), Provider: awsv1.String("Travis"), Version: awsv1.String("1")}})
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Jobs) == 0 {
				return "none", false
			}
			job = out.Jobs[0]
			return "", true
		})
		if _, err := client.AcknowledgeJob(&codepipelinev1.AcknowledgeJobInput{JobId: job.Id, Nonce: job.Nonce}); err != nil {
			t.Fatal(err)
		}
		return job
	}
	var build *string
	for range 3 { // the request, the build, the build again
		job := take()
		if got := awsv1.StringValue(job.Data.ActionConfiguration.Configuration["ApiToken"]); got != "a-token-for-travis" {
			t.Errorf("the worker gets the token %q", got)
		}
		if awsv1.StringValue(job.Data.ContinuationToken) != awsv1.StringValue(build) || (job.Data.ContinuationToken == nil) != (build == nil) {
			t.Errorf("the job continues %v, want %v", job.Data.ContinuationToken, build)
		}
		build = awsv1.String("request-4711") // the same in each round
		if _, err := client.PutJobSuccessResult(&codepipelinev1.PutJobSuccessResultInput{JobId: job.Id, ContinuationToken: build}); err != nil {
			t.Fatal(err)
		}
		s.state("travis", "Check", "InProgress")
	}
	if _, err := client.PutJobSuccessResult(&codepipelinev1.PutJobSuccessResultInput{JobId: take().Id}); err != nil {
		t.Fatal(err)
	}
	s.ends("travis", s.newest("travis"), "Succeeded")
}
