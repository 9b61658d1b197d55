package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"

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
