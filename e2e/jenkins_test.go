package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"maps"
	"strings"
	"testing"

	awsv1 "github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	codepipelinev1 "github.com/aws/aws-sdk-go/service/codepipeline"
	s3v1 "github.com/aws/aws-sdk-go/service/s3"
)

// partSize is the least that S3 takes as a part before the last.
const partSize = 5 << 20

// jenkins does what the CodePipeline plugin for Jenkins does for one project: it
// polls for one job, acknowledges it when an executor is free, renews the
// credentials while it builds, and gives up without a word when the job is taken.
type jenkins struct {
	v1
	cp      *codepipelinev1.CodePipeline
	project string
}

func (s *server) jenkins(t testing.TB, project string) *jenkins {
	v := s.v1(t)
	return &jenkins{v, v.codepipeline(), project}
}

// poll asks once; nil means that there is nothing to do.
func (j *jenkins) poll() *codepipelinev1.Job {
	j.t.Helper()
	out, err := j.cp.PollForJobs(&codepipelinev1.PollForJobsInput{
		ActionTypeId: &codepipelinev1.ActionTypeId{Category: awsv1.String("Build"), Owner: awsv1.String("Custom"),
			Provider: awsv1.String("Jenkins"), Version: awsv1.String("1")},
		MaxBatchSize: awsv1.Int64(1), QueryParam: map[string]*string{"ProjectName": &j.project},
	})
	if err != nil {
		j.t.Fatalf("poll: %v", err)
	}
	switch {
	case out.Jobs == nil:
		j.t.Fatal("the answer has no list of jobs")
	case len(out.Jobs) == 0:
		return nil
	}
	return out.Jobs[0]
}

// waitForJob polls until there is a job.
func (j *jenkins) waitForJob() *codepipelinev1.Job {
	j.t.Helper()
	var job *codepipelinev1.Job
	until(j.t, "a job for the project "+j.project, func(context.Context) (string, bool) {
		job = j.poll()
		return "none", job != nil
	})
	return job
}

// checkout acknowledges the job; false says that the build ends here.
func (j *jenkins) checkout(job *codepipelinev1.Job) bool {
	j.t.Helper()
	out, err := j.cp.AcknowledgeJob(&codepipelinev1.AcknowledgeJobInput{JobId: job.Id, Nonce: job.Nonce})
	if refusal, ok := errors.AsType[awserr.Error](err); ok && refusal.Code() == codepipelinev1.ErrCodeInvalidNonceException {
		return false // "already acknowledged": no report
	}
	if err != nil {
		j.t.Fatalf("acknowledge: %v", err)
	}
	return awsv1.StringValue(out.Status) == codepipelinev1.JobStatusInProgress
}

// renew asks for the job again, for the sake of new credentials.
func (j *jenkins) renew(id *string) *codepipelinev1.JobData {
	j.t.Helper()
	out, err := j.cp.GetJobDetails(&codepipelinev1.GetJobDetailsInput{JobId: id})
	if err != nil {
		j.t.Fatalf("details: %v", err)
	}
	if out.JobDetails.Data.ArtifactCredentials == nil {
		j.t.Fatal("the details have no credentials")
	}
	return out.JobDetails.Data
}

// download reads an input, told what it is by the suffix of its key and, where
// it has none, by its content type.
func (j *jenkins) download(data *codepipelinev1.JobData, a *codepipelinev1.Artifact) map[string]string {
	j.t.Helper()
	at := a.Location.S3Location
	out, err := j.s3(data.ArtifactCredentials).GetObject(&s3v1.GetObjectInput{Bucket: at.BucketName, Key: at.ObjectKey})
	if err != nil {
		j.t.Fatalf("download %s: %v", *at.ObjectKey, err)
	}
	defer out.Body.Close()
	content, err := io.ReadAll(out.Body)
	if err != nil {
		j.t.Fatal(err)
	}
	is := func(suffix, contentType string) bool {
		return strings.HasSuffix(*at.ObjectKey, suffix) || awsv1.StringValue(out.ContentType) == contentType
	}
	switch {
	case is(".tar.gz", "application/gzip"):
		r, err := gzip.NewReader(bytes.NewReader(content))
		if err != nil {
			j.t.Fatal(err)
		}
		return untarred(j.t, r)
	case is(".tar", "application/x-tar"):
		return untarred(j.t, bytes.NewReader(content))
	case is(".zip", "application/zip"):
		return unzipped(j.t, content)
	}
	j.t.Fatalf("%s of type %q is of no known kind", *at.ObjectKey, awsv1.StringValue(out.ContentType))
	return nil
}

// upload stores an output in parts of 5 MiB, and asks for encryption by KMS
// whether the pipeline has a key or not.
func (j *jenkins) upload(data *codepipelinev1.JobData, a *codepipelinev1.Artifact, contentType string, content []byte) {
	j.t.Helper()
	at := a.Location.S3Location
	client := j.s3(data.ArtifactCredentials)
	start := &s3v1.CreateMultipartUploadInput{Bucket: at.BucketName, Key: at.ObjectKey, ContentType: &contentType,
		ServerSideEncryption: awsv1.String(s3v1.ServerSideEncryptionAwsKms)}
	if data.EncryptionKey != nil {
		start.SSEKMSKeyId = data.EncryptionKey.Id
	}
	upload, err := client.CreateMultipartUpload(start)
	if err != nil {
		j.t.Fatalf("begin the upload of %s: %v", *a.Name, err)
	}
	var parts []*s3v1.CompletedPart
	for len(content) > 0 || len(parts) == 0 {
		part := content[:min(len(content), partSize)]
		content = content[len(part):]
		number := awsv1.Int64(int64(len(parts) + 1))
		out, err := client.UploadPart(&s3v1.UploadPartInput{Bucket: at.BucketName, Key: at.ObjectKey, UploadId: upload.UploadId,
			PartNumber: number, Body: bytes.NewReader(part)})
		if err != nil {
			j.t.Fatalf("part %d of %s: %v", *number, *a.Name, err)
		}
		parts = append(parts, &s3v1.CompletedPart{ETag: out.ETag, PartNumber: number})
	}
	done, err := client.CompleteMultipartUpload(&s3v1.CompleteMultipartUploadInput{Bucket: at.BucketName, Key: at.ObjectKey,
		UploadId: upload.UploadId, MultipartUpload: &s3v1.CompletedMultipartUpload{Parts: parts}})
	if err != nil {
		j.t.Fatalf("complete the upload of %s: %v", *a.Name, err)
	}
	if awsv1.StringValue(done.ServerSideEncryption) != s3v1.ServerSideEncryptionAwsKms || awsv1.StringValue(done.SSEKMSKeyId) != awsv1.StringValue(start.SSEKMSKeyId) {
		j.t.Errorf("the upload of %s was not answered as encrypted: %v", *a.Name, done)
	}
}

// succeed reports as the plugin does after a build.
func (j *jenkins) succeed(id *string, build string) {
	j.t.Helper()
	if _, err := j.cp.PutJobSuccessResult(&codepipelinev1.PutJobSuccessResultInput{JobId: id,
		ExecutionDetails: &codepipelinev1.ExecutionDetails{ExternalExecutionId: &build, Summary: awsv1.String("Finished")}}); err != nil {
		j.t.Errorf("report: %v", err)
	}
}

// registerJenkins makes the action type as the plugin's page tells to.
func (s *server) registerJenkins() {
	s.t.Helper()
	s.call("CreateCustomActionType", object{"category": "Build", "provider": "Jenkins", "version": "1",
		"settings": object{"entityUrlTemplate": "https://ci.example/job/{Config:ProjectName}/",
			"executionUrlTemplate": "https://ci.example/job/{Config:ProjectName}/{ExternalExecutionId}/"},
		"configurationProperties": []object{{"name": "ProjectName", "required": true, "key": true, "secret": false, "queryable": true}},
		"inputArtifactDetails":    object{"minimumCount": 0, "maximumCount": 5},
		"outputArtifactDetails":   object{"minimumCount": 0, "maximumCount": 5}}, nil)
}

// jenkinsOutputs are five artifacts: the names, with what Jenkins packs them as
// and whether they take several parts.
var jenkinsOutputs = []struct {
	name, contentType string
	large             bool
}{
	{"Zipped", "application/zip", false}, {"Tarred", "application/x-tar", false}, {"Compressed", "application/gzip", false},
	{"Large", "application/x-tar", true}, {"Last", "application/zip", false},
}

func testJenkins(t *testing.T, s *server, name string, key object) {
	pipeline := declaration(name,
		stage("Source", manualSource("workers-source", "app.zip")),
		stage("Build", action("Compile", "Custom", "Build", "Jenkins", object{"ProjectName": name + "-compile"}, inputs("Source"),
			outputs("Zipped", "Tarred", "Compressed", "Large", "Last"))),
		stage("Test", action("Check", "Custom", "Build", "Jenkins", object{"ProjectName": name + "-check"},
			inputs("Zipped", "Tarred", "Compressed", "Large", "Last"))))
	if key != nil {
		pipeline["artifactStore"].(object)["encryptionKey"] = key
	}
	s.call("CreatePipeline", object{"pipeline": pipeline}, nil)

	compile, check := s.jenkins(t, name+"-compile"), s.jenkins(t, name+"-check")
	job := compile.waitForJob()
	if compile.poll() != nil {
		t.Error("the job was handed out again within its window")
	}
	if !compile.checkout(job) || !compile.checkout(job) { // the SDK repeats calls
		t.Fatal("the job cannot be acknowledged")
	}
	if (job.Data.EncryptionKey != nil) != (key != nil) {
		t.Errorf("the job has the encryption key %v", job.Data.EncryptionKey)
	}
	source := compile.download(job.Data, job.Data.InputArtifacts[0])
	if source["main.txt"] != "the source" {
		t.Errorf("the source holds %v", source)
	}
	data := compile.renew(job.Id) // after 14 minutes
	if *data.ArtifactCredentials.SessionToken == *job.Data.ArtifactCredentials.SessionToken {
		t.Error("the details have the credentials of the poll")
	}
	built := map[string]map[string]string{}
	for i, o := range jenkinsOutputs {
		files := maps.Clone(source)
		files["name"] = o.name
		if o.large {
			files["large"] = strings.Repeat("a large artifact", 6<<20/16)
		}
		built[o.name] = files
		if i == 3 {
			data = job.Data // the older credentials live on
		}
		compile.upload(data, data.OutputArtifacts[i], o.contentType, packed(t, o.contentType, files))
	}
	compile.succeed(job.Id, "17")
	state := s.state(name, "Compile", "Succeeded")
	if *state.Summary != "Finished" || *state.ExternalExecutionUrl != "https://ci.example/job/"+name+"-compile/17/" {
		t.Errorf("the build is shown as %s", asJSON(state))
	}

	job = check.waitForJob()
	if !check.checkout(job) {
		t.Fatal("the second job cannot be acknowledged")
	}
	if job.Data.OutputArtifacts == nil || len(job.Data.OutputArtifacts) > 0 || len(job.Data.InputArtifacts) != len(jenkinsOutputs) {
		t.Errorf("the second job has %d inputs and the outputs %#v", len(job.Data.InputArtifacts), job.Data.OutputArtifacts)
	}
	for i, o := range jenkinsOutputs {
		if got := check.download(job.Data, job.Data.InputArtifacts[i]); !maps.Equal(got, built[o.name]) {
			t.Errorf("%s came as %d files: %.80q", o.name, len(got), got)
		}
	}
	if _, err := check.cp.PutJobSuccessResult(&codepipelinev1.PutJobSuccessResultInput{JobId: job.Id}); err != nil {
		t.Errorf("a report of nothing but the job: %v", err)
	}
	s.ends(name, s.newest(name), "Succeeded")

	// A build that fails.
	s.call("StartPipelineExecution", object{"name": name}, nil)
	job = compile.waitForJob()
	compile.checkout(job)
	if _, err := compile.cp.PutJobFailureResult(&codepipelinev1.PutJobFailureResultInput{JobId: job.Id, FailureDetails: &codepipelinev1.FailureDetails{
		Type: awsv1.String(codepipelinev1.FailureTypeJobFailed), Message: awsv1.String("Build failed"), ExternalExecutionId: awsv1.String("18")}}); err != nil {
		t.Errorf("report of a failure: %v", err)
	}
	if e := s.state(name, "Compile", "Failed").ErrorDetails; *e.Code != "JobFailed" || *e.Message != "Build failed" {
		t.Errorf("the failure is shown as %s", asJSON(e))
	}
}

// packed makes an archive of the kind.
func packed(t testing.TB, contentType string, files map[string]string) []byte {
	t.Helper()
	if contentType == "application/zip" {
		return zipped(t, files)
	}
	var b bytes.Buffer
	out := io.WriteCloser(nopCloser{&b})
	if contentType == "application/gzip" {
		out = gzip.NewWriter(&b)
	}
	w := tar.NewWriter(out)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type nopCloser struct{ io.Writer }

// Close implements io.Closer.
func (nopCloser) Close() error { return nil }

func untarred(t testing.TB, from io.Reader) map[string]string {
	t.Helper()
	files := map[string]string{}
	for r := tar.NewReader(from); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name] = string(text)
	}
}
