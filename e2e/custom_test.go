package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// job is what the AWS CLI shows of a polled job or of job details.
type job struct {
	ID, Nonce, AccountID string
	Data                 struct {
		ActionConfiguration struct{ Configuration map[string]string }
		PipelineContext     struct {
			PipelineName, PipelineArn, PipelineExecutionID string
			Stage                                          struct{ Name string }
			Action                                         struct{ Name, ActionExecutionID string }
		}
		InputArtifacts, OutputArtifacts []struct {
			Name     string
			Location struct {
				S3Location struct{ BucketName, ObjectKey string }
			}
		}
		ArtifactCredentials struct{ AccessKeyID, SecretAccessKey, SessionToken string }
		ContinuationToken   string
	}
}

// createType makes a custom action type with the AWS CLI.
func (s *server) createType(category, provider string, artifacts string, properties ...string) {
	s.t.Helper()
	args := []string{"codepipeline", "create-custom-action-type", "--category", category, "--provider", provider, "--action-version", "1",
		"--input-artifact-details", "minimumCount=0,maximumCount=" + artifacts, "--output-artifact-details", "minimumCount=0,maximumCount=" + artifacts}
	if len(properties) > 0 {
		args = append(append(args, "--configuration-properties"), properties...)
	}
	s.aws(args...)
}

// pollCLI polls with the AWS CLI until there is a job.
func (s *server) pollCLI(category, provider string, more ...string) job {
	s.t.Helper()
	args := append([]string{"codepipeline", "poll-for-jobs", "--action-type-id",
		"category=" + category + ",owner=Custom,provider=" + provider + ",version=1"}, more...)
	var out struct{ Jobs []job }
	for deadline := time.Now().Add(patience); len(out.Jobs) == 0; {
		if time.Now().After(deadline) {
			s.t.Fatalf("no job of %s/%s came", category, provider)
		}
		s.awsJSON(&out, args...)
	}
	return out.Jobs[0]
}

// TestCustomFlow is the life of a custom action, in the hands of someone who has
// nothing but the AWS CLI: from its type to artifacts, a continuation, output
// variables that a later action uses, and a failure.
func TestCustomFlow(t *testing.T) {
	t.Parallel()
	awsCLI(t)
	s := startServer(t)
	s.createType("Build", "Forge", "5",
		"name=Target,required=true,key=true,secret=false,queryable=true", "name=ApiKey,required=true,key=false,secret=true,queryable=false")
	s.createType("Test", "Probe", "5", "name=Version,required=true,key=true,secret=false")
	s.aws("s3", "mb", "s3://custom-source")
	s.aws("s3api", "put-bucket-versioning", "--bucket", "custom-source", "--versioning-configuration", "Status=Enabled")
	source := zipOf(t, map[string]string{"main.txt": "the source"})
	s.aws("s3", "cp", source, "s3://custom-source/app.zip")
	s.secret("the-api-key-of-the-forge")
	s.create(declaration("custom",
		stage("Source", manualSource("custom-source", "app.zip")),
		stage("Build", action("Forge", "Custom", "Build", "Forge", object{"Target": "linux", "ApiKey": "the-api-key-of-the-forge"},
			inputs("Source"), outputs("Binary"), object{"namespace": "Forge"})),
		stage("Test", action("Probe", "Custom", "Test", "Probe", object{"Version": "#{Forge.version}"}, inputs("Binary")))))

	// Nobody gets the job of another target, and its secret is shown to workers only.
	if out := s.aws("codepipeline", "poll-for-jobs", "--action-type-id", "category=Build,owner=Custom,provider=Forge,version=1",
		"--query-param", "Target=windows", "--query", "length(jobs)"); out != "0" {
		t.Errorf("%s jobs for another target, want none", out)
	}
	if out := s.aws("codepipeline", "get-pipeline", "--name", "custom"); strings.Contains(out, "the-api-key") || !strings.Contains(out, "****") {
		t.Errorf("the pipeline shows %s", out)
	}

	// First round: take the job, read the input, go on later.
	first := s.pollCLI("Build", "Forge", "--query-param", "Target=linux")
	s.awsRefused("InvalidNonceException", "codepipeline", "acknowledge-job", "--job-id", first.ID, "--nonce", "999999")
	if out := s.aws("codepipeline", "acknowledge-job", "--job-id", first.ID, "--nonce", first.Nonce, "--output", "text"); out != "InProgress" {
		t.Fatalf("the acknowledgement answers %q", out)
	}
	var details struct{ JobDetails job }
	s.awsJSON(&details, "codepipeline", "get-job-details", "--job-id", first.ID)
	d := details.JobDetails.Data
	if d.ActionConfiguration.Configuration["ApiKey"] != "the-api-key-of-the-forge" || d.ActionConfiguration.Configuration["Target"] != "linux" {
		t.Errorf("configuration %v", d.ActionConfiguration.Configuration)
	}
	id := s.newest("custom")
	if c := d.PipelineContext; c.PipelineName != "custom" || c.Stage.Name != "Build" || c.Action.Name != "Forge" || c.PipelineExecutionID != id ||
		c.PipelineArn != "arn:aws:codepipeline:"+region+":"+account+":custom" || details.JobDetails.AccountID != account {
		t.Errorf("context %+v of account %s", c, details.JobDetails.AccountID)
	}
	in, out := d.InputArtifacts[0], d.OutputArtifacts[0]
	if in.Name != "Source" || out.Name != "Binary" || strings.Count(out.Location.S3Location.ObjectKey, "/") != 2 {
		t.Errorf("artifacts %+v and %+v", in, out)
	}
	s.secret(first.Data.ArtifactCredentials.SecretAccessKey)
	s.secret(d.ArtifactCredentials.SecretAccessKey)
	s.secret(d.ArtifactCredentials.SessionToken)
	got := filepath.Join(t.TempDir(), "in.zip")
	s.asJob(details.JobDetails, 0, "s3", "cp", "s3://"+in.Location.S3Location.BucketName+"/"+in.Location.S3Location.ObjectKey, got)
	if text := unzip(t, got)["main.txt"]; text != "the source" {
		t.Errorf("the input artifact holds %q", text)
	}
	s.asJob(details.JobDetails, 1, "s3", "cp", "s3://custom-source/app.zip", got)
	s.aws("codepipeline", "put-job-success-result", "--job-id", first.ID, "--continuation-token", "round-2",
		"--execution-details", "summary=half way,externalExecutionId=forge-7,percentComplete=50")
	if st := s.state("custom", "Forge", "InProgress"); *st.PercentComplete != 50 || *st.ExternalExecutionId != "forge-7" {
		t.Errorf("after the first round: %+v", st)
	}

	// Second round: another job of the same action, with the token.
	second := s.pollCLI("Build", "Forge", "--query-param", "Target=linux")
	if second.ID == first.ID || second.Data.ContinuationToken != "round-2" ||
		second.Data.PipelineContext.Action.ActionExecutionID != first.Data.PipelineContext.Action.ActionExecutionID {
		t.Errorf("the continuation is %+v", second)
	}
	s.aws("codepipeline", "acknowledge-job", "--job-id", second.ID, "--nonce", second.Nonce)
	built := zipOf(t, map[string]string{"app": "the binary"})
	s.asJob(second, 0, "s3", "cp", built, "s3://"+out.Location.S3Location.BucketName+"/"+out.Location.S3Location.ObjectKey)
	success := []string{"codepipeline", "put-job-success-result", "--job-id", second.ID, "--output-variables", "version=1.2.3",
		"--execution-details", "summary=built,externalExecutionId=forge-7"}
	s.aws(success...)
	s.aws(success...) // an identical repeat is safe
	s.awsRefused("InvalidJobStateException", "codepipeline", "put-job-failure-result", "--job-id", second.ID, "--failure-details", "type=JobFailed,message=no")

	// The next action gets what this one left, and fails.
	probe := s.pollCLI("Test", "Probe")
	if v := probe.Data.ActionConfiguration.Configuration["Version"]; v != "1.2.3" {
		t.Errorf("the output variable arrived as %q", v)
	}
	in = probe.Data.InputArtifacts[0]
	s.aws("codepipeline", "acknowledge-job", "--job-id", probe.ID, "--nonce", probe.Nonce)
	s.asJob(probe, 0, "s3", "cp", "s3://"+in.Location.S3Location.BucketName+"/"+in.Location.S3Location.ObjectKey, got)
	if text := unzip(t, got)["app"]; text != "the binary" {
		t.Errorf("the artifact passed on holds %q", text)
	}
	s.aws("codepipeline", "put-job-failure-result", "--job-id", probe.ID, "--failure-details", "type=ConfigurationError,message=it leaks,externalExecutionId=probe-1")
	s.ends("custom", id, "Failed")
	if st := s.state("custom", "Probe", "Failed"); *st.ErrorDetails.Code != "ConfigurationError" || *st.ErrorDetails.Message != "it leaks" {
		t.Errorf("the failure is %+v", st.ErrorDetails)
	}

	s.aws("codepipeline", "delete-custom-action-type", "--category", "Test", "--provider", "Probe", "--action-version", "1")
	s.awsRefused("ActionTypeNotFoundException", "codepipeline", "poll-for-jobs", "--action-type-id", "category=Test,owner=Custom,provider=Probe,version=1")
}

// asJob runs the AWS CLI with the artifact credentials of a job and checks how
// it ends.
func (s *server) asJob(j job, code int, args ...string) {
	s.t.Helper()
	c := j.Data.ArtifactCredentials
	r := s.execAs([]string{"AWS_ACCESS_KEY_ID=" + c.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + c.SecretAccessKey, "AWS_SESSION_TOKEN=" + c.SessionToken},
		awsCLI(s.t), args...)
	if (r.code == 0) != (code == 0) {
		s.t.Fatalf("aws %s with the job's credentials: exit %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.problems)
	}
	if code != 0 && !strings.Contains(r.problems, "403") && !strings.Contains(r.problems, "AccessDenied") {
		s.t.Errorf("aws %s with the job's credentials is refused by: %s", strings.Join(args, " "), r.problems)
	}
}

// zipOf writes an archive and returns its path.
func zipOf(t testing.TB, files map[string]string) string {
	t.Helper()
	return file(t, string(zipped(t, files)))
}

// unzip reads an archive.
func unzip(t testing.TB, path string) map[string]string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return unzipped(t, content)
}
