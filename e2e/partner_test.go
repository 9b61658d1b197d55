package e2e

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// client is what `penstock partner connect` prints.
type client struct{ ClientID, ClientToken string }

// connect makes a partner's action type and a client of it, as an operator does.
func (s *server) connect(category, provider string, more ...string) client {
	s.t.Helper()
	s.penstock(append([]string{"partner", "register", "--category", category, "--provider", provider, "--version", "1"}, more...)...)
	var c client
	if err := json.Unmarshal([]byte(s.penstock("partner", "connect", "--provider", provider)), &c); err != nil || c.ClientID == "" || c.ClientToken == "" {
		s.t.Fatalf("connect: %+v, %v", c, err)
	}
	s.secret(c.ClientToken)
	return c
}

// thirdPartyJob is what poll-for-third-party-jobs shows.
type thirdPartyJob struct{ ClientID, JobID string }

// pollPartner polls with the AWS CLI until there is a job.
func (s *server) pollPartner(category, provider string) thirdPartyJob {
	s.t.Helper()
	var out struct{ Jobs []thirdPartyJob }
	for deadline := time.Now().Add(patience); len(out.Jobs) == 0; {
		if time.Now().After(deadline) {
			s.t.Fatalf("no job of %s/%s came", category, provider)
		}
		s.awsJSON(&out, "codepipeline", "poll-for-third-party-jobs", "--action-type-id",
			"category="+category+",owner=ThirdParty,provider="+provider+",version=1")
	}
	return out.Jobs[0]
}

// TestPartnerFlow is the life of a partner's action with the AWS CLI as its job
// worker, from the operator who registers the partner to the one who revokes it.
func TestPartnerFlow(t *testing.T) {
	t.Parallel()
	awsCLI(t)
	s := startServer(t)
	acme := s.connect("Test", "Acme", "--inputs", "1", "--outputs", "0-1", "--property", "Suite:required:key", "--property", "ApiKey:secret",
		"--execution-url", "https://acme.example/runs/{ExternalExecutionId}")
	other := s.connect("Deploy", "Other")
	if out := s.penstock("partner", "list"); !strings.Contains(out, acme.ClientID) || strings.Contains(out, acme.ClientToken) {
		t.Errorf("partner list prints:\n%s", out)
	}
	s.aws("s3", "mb", "s3://partner-source")
	s.aws("s3api", "put-bucket-versioning", "--bucket", "partner-source", "--versioning-configuration", "Status=Enabled")
	s.aws("s3", "cp", zipOf(t, map[string]string{"main.txt": "for the partner"}), "s3://partner-source/app.zip")
	s.secret("the-api-key-of-acme")
	s.create(declaration("partner",
		stage("Source", manualSource("partner-source", "app.zip")),
		stage("Test", action("Acme", "ThirdParty", "Test", "Acme", object{"Suite": "all", "ApiKey": "the-api-key-of-acme"}, inputs("Source"), outputs("Report"))),
		stage("Look", action("Again", "ThirdParty", "Test", "Acme", object{"Suite": "report"}, inputs("Report")))))

	// First round: every call but the poll proves who is asking.
	first := s.pollPartner("Test", "Acme")
	if first.ClientID != acme.ClientID {
		t.Errorf("the job is for client %s, want %s", first.ClientID, acme.ClientID)
	}
	id := []string{"--job-id", first.JobID, "--client-token"}
	for _, call := range [][]string{
		{"get-third-party-job-details"}, {"acknowledge-third-party-job", "--nonce", "1"},
		{"put-third-party-job-success-result"}, {"put-third-party-job-failure-result", "--failure-details", "type=JobFailed,message=m"},
	} {
		args := append(append([]string{"codepipeline"}, call...), id...)
		s.awsRefused("InvalidClientTokenException", append(args, "not-"+acme.ClientToken[:8])...)
	}
	s.awsRefused("InvalidClientTokenException", append(append([]string{"codepipeline", "get-third-party-job-details"}, id...), other.ClientToken)...)
	var details struct{ JobDetails job }
	s.awsJSON(&details, append(append([]string{"codepipeline", "get-third-party-job-details"}, id...), acme.ClientToken)...)
	j := details.JobDetails
	if c := j.Data.ActionConfiguration.Configuration; c["Suite"] != "all" || c["ApiKey"] != "the-api-key-of-acme" {
		t.Errorf("configuration %v", c)
	}
	if c := j.Data.PipelineContext; c.PipelineArn != "" || c.PipelineExecutionID != "" || c.PipelineName != "partner" || c.Action.Name != "Acme" {
		t.Errorf("a partner's context is %+v", c)
	}
	ack := append([]string{"codepipeline", "acknowledge-third-party-job", "--nonce", j.Nonce, "--output", "text"}, id...)
	if out := s.aws(append(ack, acme.ClientToken)...); out != "InProgress" {
		t.Fatalf("the acknowledgement answers %q", out)
	}
	in, out := j.Data.InputArtifacts[0].Location.S3Location, j.Data.OutputArtifacts[0].Location.S3Location
	s.secret(j.Data.ArtifactCredentials.SecretAccessKey)
	got := filepath.Join(t.TempDir(), "in.zip")
	s.asJob(j, 0, "s3", "cp", "s3://"+in.BucketName+"/"+in.ObjectKey, got)
	if text := unzip(t, got)["main.txt"]; text != "for the partner" {
		t.Errorf("the input artifact holds %q", text)
	}
	s.asJob(j, 0, "s3", "cp", zipOf(t, map[string]string{"report.txt": "all green"}), "s3://"+out.BucketName+"/"+out.ObjectKey)
	s.aws(append(append([]string{"codepipeline", "put-third-party-job-success-result", "--continuation-token", "more",
		"--execution-details", "summary=running,externalExecutionId=42,percentComplete=10"}, id...), acme.ClientToken)...)
	if st := s.state("partner", "Acme", "InProgress"); *st.ExternalExecutionUrl != "https://acme.example/runs/42" {
		t.Errorf("the link to the partner is %q", *st.ExternalExecutionUrl)
	}

	// Second round, to the end.
	second := s.pollPartner("Test", "Acme")
	s.finishPartner(second, acme.ClientToken, "put-third-party-job-success-result")

	// The next action fails; then the client is revoked.
	third := s.pollPartner("Test", "Acme")
	s.finishPartner(third, acme.ClientToken, "put-third-party-job-failure-result", "--failure-details", "type=JobFailed,message=red")
	s.ends("partner", s.newest("partner"), "Failed")
	if st := s.state("partner", "Again", "Failed"); *st.ErrorDetails.Message != "red" {
		t.Errorf("the failure is %+v", st.ErrorDetails)
	}
	s.penstock("partner", "revoke", acme.ClientID)
	s.awsRefused("InvalidClientTokenException", append(append([]string{"codepipeline", "get-third-party-job-details"}, id...), acme.ClientToken)...)
	if out := s.penstock("partner", "list"); !strings.Contains(out, "revoked") {
		t.Errorf("partner list after the revocation prints:\n%s", out)
	}
}

// finishPartner takes a partner's job from its details to a report.
func (s *server) finishPartner(j thirdPartyJob, token, report string, more ...string) {
	s.t.Helper()
	id := []string{"--job-id", j.JobID, "--client-token", token}
	nonce := s.aws(append([]string{"codepipeline", "get-third-party-job-details", "--query", "jobDetails.nonce", "--output", "text"}, id...)...)
	s.aws(append([]string{"codepipeline", "acknowledge-third-party-job", "--nonce", nonce}, id...)...)
	s.aws(append(append([]string{"codepipeline", report}, id...), more...)...)
}
