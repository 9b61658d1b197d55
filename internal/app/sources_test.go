package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// fetch is an S3 source action; poll is its PollForSourceChanges, "" = absent.
func fetch(name, key, poll string) types.ActionDeclaration {
	a := types.ActionDeclaration{
		Name: &name, ActionTypeId: typeID(types.ActionCategorySource, types.ActionOwnerAws, "S3"),
		OutputArtifacts: []types.OutputArtifact{{Name: aws.String("Out" + name)}},
		Configuration:   map[string]string{"S3Bucket": "inputs", "S3ObjectKey": key},
	}
	if poll != "" {
		a.Configuration["PollForSourceChanges"] = poll
	}
	return a
}

// polling is a running server that looks at sources once an hour, with a
// versioned bucket for them.
func polling(t *testing.T) *server {
	s := open(t, settings(t, "--poll-interval", "1h"))
	s.run()
	_, err := s.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("inputs")})
	s.ok(err)
	_, err = s.s3.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: aws.String("inputs"),
		VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled}})
	s.ok(err)
	return s
}

func (s *server) upload(key, body string) (version string) {
	s.Helper()
	out, err := s.s3.PutObject(s.Context(), &s3.PutObjectInput{Bucket: aws.String("inputs"), Key: &key, Body: strings.NewReader(body)})
	s.ok(err)
	return aws.ToString(out.VersionId)
}

// triggers are the triggers of a pipeline's executions, oldest first.
func (s *server) triggers(name string) (all []string) {
	s.Helper()
	out, err := s.sdk.ListPipelineExecutions(s.Context(), &codepipeline.ListPipelineExecutionsInput{PipelineName: &name})
	s.ok(err)
	for _, e := range slices.Backward(out.PipelineExecutionSummaries) {
		all = append(all, fmt.Sprintf("%s %s", e.Trigger.TriggerType, aws.ToString(e.Trigger.TriggerDetail)))
	}
	return all
}

// settle waits until the loops have looked at everything that was announced
// before: a source that is announced last starts its pipeline last.
func (s *server) settle() {
	s.Helper()
	before := len(s.triggers("Last"))
	s.upload("last", "x")
	s.until("the last source is seen", func() bool { return len(s.triggers("Last")) > before })
}

const polled = "PollForSourceChanges "

// A new version in the embedded store starts an execution at once, each
// version one; without polling none does.
func TestSourceDetection(t *testing.T) {
	t.Parallel()
	s := polling(t)
	s.upload("a", "one")
	s.upload("last", "x")
	s.create("Last", stage("Source", fetch("A", "last", "")), gate())
	s.create("Both", stage("Source", fetch("A", "a", ""), fetch("B", "b", "True")), gate())
	s.create("None", stage("Source", fetch("A", "a", "yes")), gate()) // T-16
	expect := func(when string, both ...string) {
		t.Helper()
		s.settle()
		if got := s.triggers("Both"); !slices.Equal(got, both) {
			t.Errorf("%s: executions %q, want %q", when, got, both)
		}
		if got := s.triggers("None"); !slices.Equal(got, []string{"CreatePipeline arn:aws:iam::000000000000:root"}) {
			t.Errorf("%s: the pipeline that does not poll has %q", when, got)
		}
	}
	expect("one object is there", polled+"A")
	s.upload("b", "one")
	expect("the other came", polled+"A", polled+"B")
	s.upload("a", "one") // same bytes, another version
	expect("a new version", polled+"A", polled+"B", polled+"A")
	s.upload("elsewhere", "one")
	expect("another key", polled+"A", polled+"B", polled+"A")

	pipeline, err := s.sdk.GetPipeline(t.Context(), &codepipeline.GetPipelineInput{Name: aws.String("Both")})
	s.ok(err)
	d := pipeline.Pipeline
	update := func() {
		t.Helper()
		_, err := s.sdk.UpdatePipeline(t.Context(), &codepipeline.UpdatePipelineInput{Pipeline: d})
		s.ok(err)
	}
	update()
	expect("an update that changes nothing", polled+"A", polled+"B", polled+"A")
	d.Stages[0].Actions[1].Configuration["S3ObjectKey"] = "elsewhere"
	update()
	expect("another key by update", polled+"A", polled+"B", polled+"A", polled+"B")
	d.Stages[0].Actions[0].Configuration["PollForSourceChanges"] = "false"
	update()
	s.upload("a", "two")
	expect("polling off", polled+"A", polled+"B", polled+"A", polled+"B")
	d.Stages[0].Actions[0].Configuration["PollForSourceChanges"] = "true"
	update()
	expect("polling on", polled+"A", polled+"B", polled+"A", polled+"B", polled+"A")

	_, err = s.sdk.DeletePipeline(t.Context(), &codepipeline.DeletePipelineInput{Name: aws.String("Both")})
	s.ok(err)
	s.upload("a", "three")
	s.settle()
	if text := s.text.String(); strings.Contains(text, "level=ERROR") {
		t.Errorf("the log has errors:\n%s", text)
	}
}

// Two polling sources that are there from the start begin two executions
// (T-15), each of which reads what was seen.
func TestTwoSources(t *testing.T) {
	t.Parallel()
	s := polling(t)
	version := s.upload("a", "one")
	s.upload("b", "one")
	s.upload("last", "x")
	s.create("Last", stage("Source", fetch("A", "last", "")), gate())
	s.create("P", stage("Source", fetch("A", "a", ""), fetch("B", "b", "")), gate())
	s.until("both sources have started one", func() bool { return len(s.triggers("P")) >= 2 })
	s.settle()
	got := s.triggers("P")
	slices.Sort(got)
	if !slices.Equal(got, []string{polled + "A", polled + "B"}) {
		t.Fatalf("executions %q", got)
	}
	s.until("the source is read", func() bool {
		out, err := s.sdk.GetPipelineState(t.Context(), &codepipeline.GetPipelineStateInput{Name: aws.String("P")})
		s.ok(err)
		r := out.StageStates[0].ActionStates[0].CurrentRevision
		return r != nil && aws.ToString(r.RevisionId) == version
	})
}

// What a pipeline saw is not news to the server after a restart; what came
// meanwhile is.
func TestSourcesAfterRestart(t *testing.T) {
	t.Parallel()
	cfg := settings(t, "--poll-interval", "1h")
	s := open(t, cfg)
	_, err := s.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("inputs")})
	s.ok(err)
	for _, key := range []string{"a", "last"} {
		s.upload(key, "one")
	}
	s.create("P", stage("Source", fetch("A", "a", "")), gate())
	if got := s.triggers("P"); len(got) != 0 {
		t.Fatalf("before the loops run: %q", got)
	}
	s.shut()
	for _, want := range []int{1, 1} {
		s = open(t, cfg)
		stop := s.run()
		s.until("what is there is seen", func() bool { return len(s.triggers("P")) >= want })
		stop()
		if got := s.triggers("P"); len(got) != want {
			t.Errorf("%d executions, want %d", len(got), want)
		}
		s.shut()
	}
	s = open(t, cfg)
	s.run()
	s.upload("a", "two")
	s.until("the change is seen", func() bool { return len(s.triggers("P")) == 2 })
}

// source is the state of the first action of a pipeline.
func (s *server) source(name string) types.ActionState {
	s.Helper()
	out, err := s.sdk.GetPipelineState(s.Context(), &codepipeline.GetPipelineStateInput{Name: &name})
	s.ok(err)
	return out.StageStates[0].ActionStates[0]
}

// An object that is not there, or may not be read, shows as a failed source
// action without an execution, until it can be read.
func TestUnreadableSources(t *testing.T) {
	t.Parallel()
	s := polling(t)
	denied := fetch("A", "a", "")
	denied.Configuration["S3Bucket"] = reservedBucket
	s.create("Denied", stage("Source", denied), gate())
	s.create("Absent", stage("Source", fetch("A", "a", "")), gate())
	for name, code := range map[string]string{"Denied": "PermissionError", "Absent": "ConfigurationError"} {
		s.until(name+" fails", func() bool { return s.source(name).LatestExecution != nil })
		a := s.source(name)
		if e := a.LatestExecution; e.Status != "Failed" || aws.ToString(e.ErrorDetails.Code) != code || aws.ToString(e.ErrorDetails.Message) == "" ||
			e.ActionExecutionId != nil || e.LastStatusChange == nil || a.CurrentRevision != nil {
			t.Errorf("%s: %+v of %+v", name, e, a)
		}
		if got := s.triggers(name); len(got) != 0 {
			t.Errorf("%s: executions %q", name, got)
		}
	}
	version := s.upload("a", "one")
	s.until("the object is read", func() bool {
		r := s.source("Absent").CurrentRevision
		return r != nil && aws.ToString(r.RevisionId) == version
	})
	if a := s.source("Absent"); a.LatestExecution.Status != "Succeeded" || a.LatestExecution.ActionExecutionId == nil {
		t.Errorf("the source that recovered: %+v", a.LatestExecution)
	}
	if got := s.triggers("Absent"); !slices.Equal(got, []string{polled + "A"}) {
		t.Errorf("the source that recovered: executions %q", got)
	}

	_, err := s.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("inputs"), Key: aws.String("a")})
	s.ok(err)
	s.sources.Round(t.Context())
	if a := s.source("Absent"); a.LatestExecution.Status != "Failed" || a.LatestExecution.ActionExecutionId != nil || a.CurrentRevision != nil {
		t.Errorf("the object is gone: %+v", a)
	}
	_, err = s.sdk.StartPipelineExecution(t.Context(), &codepipeline.StartPipelineExecutionInput{Name: aws.String("Absent")})
	s.ok(err)
	s.until("the start without an object has failed", func() bool { return s.source("Absent").LatestExecution.ActionExecutionId != nil })
	s.sources.Round(t.Context())
	if a := s.source("Absent"); a.LatestExecution.ActionExecutionId == nil {
		t.Errorf("the later execution is hidden by %+v", a.LatestExecution)
	}
}

// Polling ends after 30 days without an execution, until the next update.
func TestPollingIsDisabled(t *testing.T) {
	t.Parallel()
	s := polling(t)
	s.upload("a", "one")
	s.create("P", stage("Source", fetch("A", "a", "")), gate())
	s.until("the object is seen", func() bool { return len(s.triggers("P")) == 1 })
	get := func() *codepipeline.GetPipelineOutput {
		t.Helper()
		out, err := s.sdk.GetPipeline(t.Context(), &codepipeline.GetPipelineInput{Name: aws.String("P")})
		s.ok(err)
		return out
	}
	s.clock.add(29 * 24 * time.Hour)
	s.sources.Round(t.Context())
	if at := get().Metadata.PollingDisabledAt; at != nil {
		t.Errorf("after 29 days: disabled at %s", at)
	}
	s.clock.add(24 * time.Hour)
	s.sources.Round(t.Context())
	out := get()
	if at := out.Metadata.PollingDisabledAt; at == nil || s.clock.now().Sub(*at) > time.Hour {
		t.Fatalf("after 30 days: disabled at %v", at)
	}
	s.upload("a", "two")
	s.sources.Round(t.Context())
	if got := s.triggers("P"); len(got) != 1 {
		t.Errorf("after 30 days: executions %q", got)
	}
	_, err := s.sdk.UpdatePipeline(t.Context(), &codepipeline.UpdatePipelineInput{Pipeline: out.Pipeline})
	s.ok(err)
	s.until("the update begins it again", func() bool { return len(s.triggers("P")) == 2 })
	if at := get().Metadata.PollingDisabledAt; at != nil {
		t.Errorf("after the update: disabled at %s", at)
	}
}

// The quota counts pipelines, not sources, and only those that poll.
func TestPollingQuota(t *testing.T) {
	t.Parallel()
	s := open(t, settings(t, "--max-polling-pipelines", "2"))
	s.create("P", stage("Source", fetch("A", "a", ""), fetch("B", "b", "")), gate())
	s.create("Q", stage("Source", fetch("A", "a", "true")), gate())
	s.create("R", stage("Source", fetch("A", "a", "false")), gate())
	declaration := func(name, poll string) *types.PipelineDeclaration {
		return &types.PipelineDeclaration{
			Name: &name, RoleArn: aws.String("arn:aws:iam::000000000000:role/r"), Stages: []types.StageDeclaration{stage("Source", fetch("A", "a", poll)), gate()},
			ArtifactStore: &types.ArtifactStore{Type: types.ArtifactStoreTypeS3, Location: aws.String("artifacts")},
		}
	}
	update := func(name, poll, code string) {
		t.Helper()
		if _, err := s.sdk.UpdatePipeline(t.Context(), &codepipeline.UpdatePipelineInput{Pipeline: declaration(name, poll)}); codeOf(err) != code {
			t.Errorf("update of %s to polling %q: %v, want %q", name, poll, err, code)
		}
	}
	_, err := s.sdk.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: declaration("T", "")})
	if codeOf(err) != "LimitExceededException" {
		t.Errorf("a third polling pipeline: %v", err)
	}
	update("R", "true", "LimitExceededException")
	update("Q", "true", "")
	update("Q", "false", "")
	update("R", "true", "")
	update("Q", "", "LimitExceededException")
}
