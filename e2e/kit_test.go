package e2e

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"penstock/jobworker"
	"penstock/jobworker/awsjobs"
)

// TestKit runs a pipeline with a custom and a partner's action by workers of the
// public kit, once over its own HTTP client and once over the AWS SDK.
func TestKit(t *testing.T) {
	t.Parallel()
	for _, kit := range []struct {
		name    string
		clients func(s *server, token string) (custom, partner jobworker.Client)
	}{
		{"http", func(s *server, token string) (custom, partner jobworker.Client) {
			return jobworker.NewClient(s.caller(), kitType("Build", "Custom", "Kit"), map[string]string{"Lane": "left"}),
				jobworker.NewPartnerClient(s.caller(), kitType("Test", "ThirdParty", "Acme"), func(string) (string, bool) { return token, true })
		}},
		{"sdk", func(s *server, token string) (custom, partner jobworker.Client) {
			return awsjobs.New(s.codepipeline(), kitType("Build", "Custom", "Kit"), map[string]string{"Lane": "left"}),
				awsjobs.NewPartner(s.codepipeline(), kitType("Test", "ThirdParty", "Acme"), func(string) (string, bool) { return token, true })
		}},
	} {
		t.Run(kit.name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t)
			s.call("CreateCustomActionType", object{"category": "Build", "provider": "Kit", "version": "1",
				"inputArtifactDetails": object{"minimumCount": 1, "maximumCount": 1}, "outputArtifactDetails": object{"minimumCount": 1, "maximumCount": 1},
				"configurationProperties": []object{{"name": "Lane", "required": true, "key": true, "secret": false, "queryable": true}}}, nil)
			acme := s.connect("Test", "Acme", "--inputs", "1", "--outputs", "1")
			s.versioned("kit-source")
			s.bucket("kit-site")
			version := s.put("kit-source", "app.zip", zipped(t, map[string]string{"main.txt": "from the source"}))
			s.call("CreatePipeline", object{"pipeline": declaration("kit",
				stage("Source", manualSource("kit-source", "app.zip")),
				stage("Build", action("Build", "Custom", "Build", "Kit", object{"Lane": "left"}, inputs("Source"), outputs("App"), object{"namespace": "Kit"})),
				stage("Test", action("Test", "ThirdParty", "Test", "Acme", nil, inputs("App"), outputs("Report"))),
				stage("Deploy", action("Site", "AWS", "Deploy", "S3", object{"BucketName": "kit-site", "Extract": "false", "ObjectKey": "#{Kit.name}/report.zip"}, inputs("Report"))))}, nil)

			custom, partner := kit.clients(s, acme.ClientToken)
			options := jobworker.Options{Concurrency: 2, PollWait: time.Second, PollInterval: 50 * time.Millisecond}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 2)
			var rounds atomic.Int32
			go func() {
				ended <- jobworker.New(custom, func(ctx context.Context, task *jobworker.Task) (jobworker.Success, error) {
					rounds.Add(1)
					if task.Job.ContinuationToken == "" {
						if task.Job.Inputs[0].Revision != version {
							return jobworker.Success{}, fmt.Errorf("the input has the revision %q, want %q", task.Job.Inputs[0].Revision, version)
						}
						return jobworker.Success{}, jobworker.ContinueLater("later", jobworker.Details{Summary: "half", PercentComplete: aws.Int(50)})
					}
					return jobworker.Success{OutputVariables: map[string]string{"name": "v1"}, Details: &jobworker.Details{Summary: "built", ExternalID: "kit-1"}},
						s.extend(ctx, task, "built.txt")
				}, options).Run(ctx)
			}()
			go func() {
				ended <- jobworker.New(partner, func(ctx context.Context, task *jobworker.Task) (jobworker.Success, error) {
					return jobworker.Success{Details: &jobworker.Details{Summary: "tested"}}, s.extend(ctx, task, "tested.txt")
				}, options).Run(ctx)
			}()
			s.ends("kit", s.newest("kit"), "Succeeded")
			stop()
			for range 2 {
				if err := <-ended; err != nil {
					t.Errorf("a worker ended with %v", err)
				}
			}
			if n := rounds.Load(); n != 2 {
				t.Errorf("the custom action took %d rounds, want 2", n)
			}
			files := unzipped(t, s.get("kit-site", "v1/report.zip"))
			if len(files) != 3 || files["main.txt"] != "from the source" || files["tested.txt"] != "Test" {
				t.Errorf("the deployed archive holds %v", files)
			}
		})
	}
}

// extend copies a job's input to its output, with one more file, by the job's
// own credentials.
func (s *server) extend(ctx context.Context, task *jobworker.Task, name string) error {
	c, err := task.Credentials(ctx)
	if err != nil {
		return err
	}
	client := awss3.New(awss3.Options{Region: region, BaseEndpoint: aws.String(s.url), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)})
	in, out := task.Job.Inputs[0], task.Job.Outputs[0]
	content, err := fetch(ctx, client, in.Bucket, in.Key)
	if err != nil {
		return err
	}
	files := unzipped(s.t, content)
	files[name] = task.Job.Context.Stage
	_, err = client.PutObject(ctx, &awss3.PutObjectInput{Bucket: &out.Bucket, Key: &out.Key, Body: bytes.NewReader(zipped(s.t, files))})
	return err
}
