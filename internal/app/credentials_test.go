package app

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// building is a server whose source has put its artifact and whose build was
// taken, and the job of the build.
func building(t *testing.T) (*server, types.Job) {
	s := open(t, settings(t))
	s.custom(types.ActionCategorySource, "Src")
	s.custom(types.ActionCategoryBuild, "Make")
	s.create("P",
		stage("Source", types.ActionDeclaration{
			Name: aws.String("Fetch"), ActionTypeId: typeID(types.ActionCategorySource, types.ActionOwnerCustom, "Src"),
			OutputArtifacts: []types.OutputArtifact{{Name: aws.String("Code")}},
		}),
		stage("Build", types.ActionDeclaration{
			Name: aws.String("Compile"), ActionTypeId: typeID(types.ActionCategoryBuild, types.ActionOwnerCustom, "Make"),
			InputArtifacts:  []types.InputArtifact{{Name: aws.String("Code")}},
			OutputArtifacts: []types.OutputArtifact{{Name: aws.String("Bin")}, {Name: aws.String("Doc")}},
		}))
	source := s.take(types.ActionCategorySource, "Src")
	s.ok(s.put(s.worker(source.Data.ArtifactCredentials), at(source.Data.OutputArtifacts[0]), "the code"))
	s.succeed(source)
	return s, s.take(types.ActionCategoryBuild, "Make")
}

func at(a types.Artifact) types.S3ArtifactLocation { return *a.Location.S3Location }

func (s *server) put(c *s3.Client, to types.S3ArtifactLocation, body string) error {
	_, err := c.PutObject(s.Context(), &s3.PutObjectInput{Bucket: to.BucketName, Key: to.ObjectKey, Body: strings.NewReader(body), ServerSideEncryption: s3types.ServerSideEncryptionAwsKms})
	return err
}

func (s *server) get(c *s3.Client, from types.S3ArtifactLocation) (string, error) {
	out, err := c.GetObject(s.Context(), &s3.GetObjectInput{Bucket: from.BucketName, Key: from.ObjectKey})
	if err != nil {
		return "", err
	}
	defer out.Body.Close()
	b, err := io.ReadAll(out.Body)
	return string(b), err
}

// What a worker does with its job: read the inputs, write the outputs, large
// ones in parts (scenario 1).
func TestJobCredentialsWork(t *testing.T) {
	t.Parallel()
	s, job := building(t)
	c := s.worker(job.Data.ArtifactCredentials)
	in, bin, doc := at(job.Data.InputArtifacts[0]), at(job.Data.OutputArtifacts[0]), at(job.Data.OutputArtifacts[1])
	if got, err := s.get(c, in); err != nil || got != "the code" {
		t.Errorf("the input: %q, %v", got, err)
	}
	if _, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: in.BucketName, Key: in.ObjectKey}); err != nil {
		t.Errorf("the input's head: %v", err)
	}
	if _, err := c.GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: in.BucketName}); err != nil {
		t.Errorf("where the bucket is: %v", err)
	}
	s.ok(s.put(c, bin, "first try"))
	s.ok(s.put(c, bin, "the program"))

	up, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
		Bucket: doc.BucketName, Key: doc.ObjectKey, ServerSideEncryption: s3types.ServerSideEncryptionAwsKms, SSEKMSKeyId: aws.String("alias/aws/s3"),
	})
	s.ok(err)
	parts := []string{strings.Repeat("x", 5<<20), "the end"}
	done := &s3types.CompletedMultipartUpload{}
	for i, p := range parts {
		n := aws.Int32(int32(i + 1))
		out, err := c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: doc.BucketName, Key: doc.ObjectKey, UploadId: up.UploadId, PartNumber: n, Body: strings.NewReader(p)})
		s.ok(err)
		done.Parts = append(done.Parts, s3types.CompletedPart{ETag: out.ETag, PartNumber: n})
	}
	_, err = c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: doc.BucketName, Key: doc.ObjectKey, UploadId: up.UploadId, MultipartUpload: done})
	s.ok(err)
	dropped, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: doc.BucketName, Key: doc.ObjectKey})
	s.ok(err)
	_, err = c.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: doc.BucketName, Key: doc.ObjectKey, UploadId: dropped.UploadId})
	s.ok(err)

	for key, want := range map[types.S3ArtifactLocation]string{bin: "the program", doc: parts[0] + parts[1]} {
		if got, err := s.get(s.s3, key); err != nil || got != want {
			t.Errorf("%s holds %d bytes, %v", *key.ObjectKey, len(got), err)
		}
	}
}

// What a worker must not do with them.
func TestJobCredentialsReachNothingElse(t *testing.T) {
	t.Parallel()
	s, job := building(t)
	_, err := s.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("other")})
	s.ok(err)
	in, out := at(job.Data.InputArtifacts[0]), at(job.Data.OutputArtifacts[0])
	neighbour := types.S3ArtifactLocation{BucketName: in.BucketName, ObjectKey: aws.String("P/Code/neighbour")}
	elsewhere := types.S3ArtifactLocation{BucketName: aws.String("other"), ObjectKey: in.ObjectKey}
	for _, l := range []types.S3ArtifactLocation{neighbour, elsewhere, out} {
		s.ok(s.put(s.s3, l, "private"))
	}
	c := s.worker(job.Data.ArtifactCredentials)
	source := aws.String(*neighbour.BucketName + "/" + *neighbour.ObjectKey)
	tests := map[string]func() error{
		"read another key":       func() error { _, err := s.get(c, neighbour); return err },
		"read in another bucket": func() error { _, err := s.get(c, elsewhere); return err },
		"read an output":         func() error { _, err := s.get(c, out); return err },
		"read a key that is not there": func() error {
			_, err := s.get(c, types.S3ArtifactLocation{BucketName: in.BucketName, ObjectKey: aws.String("none")})
			return err
		},
		"write an input":    func() error { return s.put(c, in, "x") },
		"write another key": func() error { return s.put(c, neighbour, "x") },
		"write in another bucket": func() error {
			return s.put(c, types.S3ArtifactLocation{BucketName: aws.String("other"), ObjectKey: out.ObjectKey}, "x")
		},
		"write below an output": func() error {
			return s.put(c, types.S3ArtifactLocation{BucketName: out.BucketName, ObjectKey: aws.String(*out.ObjectKey + "/x")}, "x")
		},
		"list": func() error {
			_, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: in.BucketName})
			return err
		},
		"list with the input's prefix": func() error {
			_, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: in.BucketName, Prefix: in.ObjectKey})
			return err
		},
		"list versions": func() error {
			_, err := c.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: in.BucketName})
			return err
		},
		"list buckets": func() error { _, err := c.ListBuckets(t.Context(), &s3.ListBucketsInput{}); return err },
		"make a bucket": func() error {
			_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("mine")})
			return err
		},
		"delete the output": func() error {
			_, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: out.BucketName, Key: out.ObjectKey})
			return err
		},
		"delete the input": func() error {
			_, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: in.BucketName, Key: in.ObjectKey})
			return err
		},
		"delete several": func() error {
			_, err := c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: in.BucketName, Delete: &s3types.Delete{Objects: []s3types.ObjectIdentifier{{Key: in.ObjectKey}}}})
			return err
		},
		"copy another key to the output": func() error {
			_, err := c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: out.BucketName, Key: out.ObjectKey, CopySource: source})
			return err
		},
		"begin an upload of another key": func() error {
			_, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: neighbour.BucketName, Key: neighbour.ObjectKey})
			return err
		},
		"copy another key into a part": func() error {
			up, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: out.BucketName, Key: out.ObjectKey})
			s.ok(err)
			_, err = c.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{Bucket: out.BucketName, Key: out.ObjectKey, UploadId: up.UploadId, PartNumber: aws.Int32(1), CopySource: source})
			return err
		},
	}
	for name, do := range tests {
		t.Run(name, func(t *testing.T) {
			if got := codeOf(do()); got != "AccessDenied" {
				t.Errorf("answers %q, want AccessDenied", got)
			}
		})
	}
	for l, want := range map[types.S3ArtifactLocation]string{neighbour: "private", elsewhere: "private", out: "private", in: "the code"} {
		if got, err := s.get(s.s3, l); err != nil || got != want {
			t.Errorf("%s/%s is now %q, %v", *l.BucketName, *l.ObjectKey, got, err)
		}
	}
	theirs := codepipeline.New(codepipeline.Options{BaseEndpoint: &s.url, Region: region, Retryer: aws.NopRetryer{}, Credentials: jobCredentials(job.Data.ArtifactCredentials)})
	if _, err := theirs.ListPipelines(t.Context(), &codepipeline.ListPipelinesInput{}); codeOf(err) != "AccessDeniedException" {
		t.Errorf("CodePipeline answers %v", err)
	}
}

// GetJobDetails renews the credentials; all of them end 5 minutes after the
// job, however it ended.
func TestJobCredentialsEndWithTheJob(t *testing.T) {
	t.Parallel()
	ends := map[string]func(s *server, job types.Job){
		"success": func(s *server, job types.Job) { s.succeed(job) },
		"failure": func(s *server, job types.Job) {
			_, err := s.sdk.PutJobFailureResult(s.Context(), &codepipeline.PutJobFailureResultInput{JobId: job.Id,
				FailureDetails: &types.FailureDetails{Type: types.FailureTypeJobFailed, Message: aws.String("m")}})
			s.ok(err)
		},
		"abandoned": func(s *server, job types.Job) {
			_, err := s.sdk.StopPipelineExecution(s.Context(), &codepipeline.StopPipelineExecutionInput{
				PipelineName: aws.String("P"), PipelineExecutionId: job.Data.PipelineContext.PipelineExecutionId, Abandon: true})
			s.ok(err)
		},
		"timed out": func(s *server, _ types.Job) { s.pass(24 * time.Hour) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, job := building(t)
			details, err := s.sdk.GetJobDetails(t.Context(), &codepipeline.GetJobDetailsInput{JobId: job.Id})
			s.ok(err)
			first, second := job.Data.ArtifactCredentials, details.JobDetails.Data.ArtifactCredentials
			if *first.AccessKeyId == *second.AccessKeyId || *first.SessionToken == *second.SessionToken {
				t.Error("GetJobDetails hands out the same credentials")
			}
			in, bin := at(job.Data.InputArtifacts[0]), at(job.Data.OutputArtifacts[0])
			both := []*s3.Client{s.worker(first), s.worker(second)}
			use := func(want string) {
				t.Helper()
				for i, c := range both {
					_, err := s.get(c, in)
					if r, w := codeOf(err), codeOf(s.put(c, bin, "x")); r != want || w != want {
						t.Errorf("credentials %d: reading %q, writing %q, want %q", i+1, r, w, want)
					}
				}
			}
			use("")
			end(s, job)
			s.clock.add(5*time.Minute - 10*time.Second) // requests take time too
			use("")
			s.clock.add(11 * time.Second)
			use("ExpiredToken")
		})
	}
	t.Run("deleted", func(t *testing.T) {
		t.Parallel()
		s, job := building(t)
		_, err := s.sdk.DeletePipeline(t.Context(), &codepipeline.DeletePipelineInput{Name: aws.String("P")})
		s.ok(err)
		if _, err := s.get(s.worker(job.Data.ArtifactCredentials), at(job.Data.InputArtifacts[0])); codeOf(err) != "ExpiredToken" {
			t.Errorf("after the pipeline was deleted: %v", err)
		}
	})
}

// A server that runs again honours what an earlier run handed out.
func TestRestart(t *testing.T) {
	t.Parallel()
	cfg := settings(t)
	s, job := func() (*server, types.Job) {
		s := open(t, cfg)
		s.custom(types.ActionCategorySource, "Src")
		s.create("P", stage("Source", types.ActionDeclaration{
			Name: aws.String("Fetch"), ActionTypeId: typeID(types.ActionCategorySource, types.ActionOwnerCustom, "Src"),
			OutputArtifacts: []types.OutputArtifact{{Name: aws.String("Code")}},
		}), gate())
		return s, s.take(types.ActionCategorySource, "Src")
	}()
	if _, err := openAt(t.Context(), cfg, "test", s.log, io.Discard, time.Now); err == nil {
		t.Error("two servers opened one data folder")
	}
	s.shut()
	s = open(t, cfg)
	out := at(job.Data.OutputArtifacts[0])
	s.ok(s.put(s.worker(job.Data.ArtifactCredentials), out, "made across a restart"))
	s.succeed(job)
	s.shut()
	s = open(t, cfg)
	if got, err := s.get(s.s3, out); err != nil || got != "made across a restart" {
		t.Errorf("the artifact is %q, %v", got, err)
	}
	state, err := s.sdk.GetPipelineState(t.Context(), &codepipeline.GetPipelineStateInput{Name: aws.String("P")})
	s.ok(err)
	if latest := state.StageStates[1].ActionStates[0].LatestExecution; latest == nil || latest.Token == nil {
		t.Error("the approval is not open")
	}
	if bytes.Contains([]byte(s.text.String()), []byte(rootToken)) {
		t.Error("the root secret was logged")
	}
}
