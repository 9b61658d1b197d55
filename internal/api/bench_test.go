package api

import (
	"fmt"
	"testing"
)

func benchJobs(n int) *PollForJobsOutput {
	out := &PollForJobsOutput{Jobs: []Job{}}
	for i := range n {
		artifact := func(name string) Artifact {
			return Artifact{Name: name, Location: &ArtifactLocation{Type: ArtifactLocationTypeS3, S3Location: &S3ArtifactLocation{
				BucketName: "artifacts", ObjectKey: "pipeline/" + name + "/0a1b2c3"}}}
		}
		out.Jobs = append(out.Jobs, Job{
			Id: uuid1, Nonce: fmt.Sprint(i), AccountId: "123456789012",
			Data: &JobData{
				ActionTypeId:        &ActionTypeId{Category: ActionCategoryBuild, Owner: ActionOwnerCustom, Provider: "Jenkins", Version: "1"},
				ActionConfiguration: &ActionConfiguration{Configuration: map[string]string{"ProjectName": "web", "ServerURL": "https://ci.example.com/"}},
				PipelineContext: &PipelineContext{PipelineName: "web", PipelineArn: "arn:aws:codepipeline:eu-west-1:123456789012:web", PipelineExecutionId: uuid1,
					Stage: &StageContext{Name: "Build"}, Action: &ActionContext{Name: "Compile", ActionExecutionId: uuid1}},
				InputArtifacts: []Artifact{artifact("Source")}, OutputArtifacts: []Artifact{artifact("Built")},
				ArtifactCredentials: &AWSSessionCredentials{AccessKeyId: "ASIAEXAMPLE", SecretAccessKey: "secret", SessionToken: "token"},
			}})
	}
	return out
}

func BenchmarkEncodePollForJobs(b *testing.B) {
	out := benchJobs(1)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = out.appendJSON(buf[:0])
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkDecodePollForJobs(b *testing.B) {
	text := Encode(benchJobs(1))
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if err := Decode(text, new(PollForJobsOutput)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodePutJobSuccessResult(b *testing.B) {
	body := `{"jobId":"` + uuid1 + `","currentRevision":{"revision":"0a1b2c3","changeIdentifier":"main","created":1427245911.525,"revisionSummary":"Fix the build"},` +
		`"executionDetails":{"summary":"done","externalExecutionId":"4711","percentComplete":100},"outputVariables":{"image":"web:4711"}}`
	op := operations["PutJobSuccessResult"]
	d := new(decoder)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		d.reset(body, true)
		op.decode(d)
		if d.err != nil || d.violations() != nil {
			b.Fatal(d.err, d.violations())
		}
	}
}

// TestAllocations keeps the hot path lean.
func TestAllocations(t *testing.T) {
	out := benchJobs(10)
	buf := Encode(out)
	if n := testing.AllocsPerRun(100, func() { buf = out.appendJSON(buf[:0]) }); n > 0 {
		t.Errorf("encoding a poll's answer allocates %v times", n)
	}
	body := `{"jobId":"` + uuid1 + `","executionDetails":{"summary":"done"}}`
	op := operations["PutJobSuccessResult"]
	d := new(decoder)
	if n := testing.AllocsPerRun(100, func() { d.reset(body, true); op.decode(d) }); n > 3 {
		t.Errorf("decoding a small result allocates %v times", n)
	}
}
