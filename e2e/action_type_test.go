package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// holder is a client with an access key of its own.
type holder struct {
	*server
	id  string // of the key
	env []string
}

// holder makes a key for an account, as the operator does.
func (s *server) holder(account string, more ...string) holder {
	s.t.Helper()
	var key struct{ AccessKeyID, SecretAccessKey string }
	out := s.penstock(append([]string{"access-key", "create", "--account", account, "--output", "json"}, more...)...)
	if err := json.Unmarshal([]byte(out), &key); err != nil || key.SecretAccessKey == "" {
		s.t.Fatalf("access-key create: %v", err)
	}
	s.secret(key.SecretAccessKey)
	return holder{s, key.AccessKeyID, []string{"AWS_ACCESS_KEY_ID=" + key.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + key.SecretAccessKey}}
}

// run runs a program that must succeed, and returns what it printed.
func (h holder) run(program string, args ...string) string {
	h.t.Helper()
	r := h.execAs(h.env, program, args...)
	if r.code != 0 {
		h.t.Fatalf("%s %s: exit %d\n%s%s", program, strings.Join(args, " "), r.code, r.out, r.problems)
	}
	return r.out
}

// refusedBy runs the AWS CLI, which must fail with an error code of the API.
func (h holder) refusedBy(code string, args ...string) {
	h.t.Helper()
	if r := h.execAs(h.env, awsCLI(h.t), args...); r.code == 0 || !strings.Contains(r.problems, "("+code+")") {
		h.t.Errorf("aws %s: exit %d, want a refusal by %s\n%s%s", strings.Join(args, " "), r.code, code, r.out, r.problems)
	}
}

// TestActionTypeOfAnotherAccount is the life of an action type with an executor:
// one account registers it, a second one uses it, a third one works for it.
func TestActionTypeOfAnotherAccount(t *testing.T) {
	t.Parallel()
	cli := awsCLI(t)
	s := startServer(t)
	provider, worker := s.holder("222222222222", "--user", "owner"), s.holder("333333333333")
	if out := provider.run(cli, "sts", "get-caller-identity", "--query", "Arn", "--output", "text"); out != "arn:aws:iam::222222222222:user/owner" {
		t.Errorf("the provider is %s", out)
	}
	if r := s.execAs(provider.env, binary, "access-key", "list"); r.code != 4 || !strings.Contains(r.problems, "AccessDeniedException") {
		t.Errorf("access-key list by another account: exit %d, %s", r.code, r.problems)
	}
	id := []string{"--category", "Test", "--owner", "AWS", "--provider", "Scan", "--action-version", "1"}
	named := "category=Test,owner=AWS,provider=Scan,version=1"
	poll := []string{"codepipeline", "poll-for-jobs", "--action-type-id", named, "--query-param", "Level=high"}

	const declared = `id: {category: Test, owner: AWS, provider: Scan, version: "1"}
executor:
  type: JobWorker
  configuration:
    jobWorkerExecutorConfiguration: {pollingAccounts: ["333333333333"]}
inputArtifactDetails: {minimumCount: 1, maximumCount: 1}
outputArtifactDetails: {minimumCount: 0, maximumCount: 0}
properties:
  - {name: Level, optional: false, key: true, noEcho: false, queryable: true}
  - {name: Licence, optional: false, key: false, noEcho: true}
`
	if out := provider.run(binary, "action-type", "register", file(t, declared)); out != "registered Test/AWS/Scan/1" {
		t.Errorf("register prints %q", out)
	}
	s.awsRefused("ActionTypeNotFoundException", append([]string{"codepipeline", "get-action-type"}, id...)...)
	s.awsRefused("ActionTypeNotFoundException", poll...)
	var shown struct{ ActionType object }
	if err := json.Unmarshal([]byte(provider.run(cli, append([]string{"codepipeline", "get-action-type", "--output", "json"}, id...)...)), &shown); err != nil {
		t.Fatal(err)
	}
	shown.ActionType["permissions"] = object{"allowedAccounts": []string{account}}
	shown.ActionType["description"] = "Looks for holes"
	provider.run(cli, "codepipeline", "update-action-type", "--action-type", "file://"+file(t, shown.ActionType))
	if out := s.aws(append([]string{"codepipeline", "get-action-type", "--query", "actionType.description", "--output", "text"}, id...)...); out != "Looks for holes" {
		t.Errorf("the customer sees %q", out)
	}
	s.awsRefused("AccessDeniedException", "codepipeline", "update-action-type", "--action-type", "file://"+file(t, shown.ActionType))
	if out := s.penstock("action-type", "list"); !strings.Contains(out, "Test/AWS/Scan/1") || !strings.Contains(out, "222222222222") {
		t.Errorf("the customer's list is\n%s", out)
	}

	s.versioned("scan-source")
	s.put("scan-source", "app.zip", zipped(t, map[string]string{"main.txt": "no holes"}))
	s.secret("the-licence-of-scan")
	s.create(declaration("scan",
		stage("Source", manualSource("scan-source", "app.zip")),
		stage("Test", action("Scan", "AWS", "Test", "Scan", object{"Level": "high", "Licence": "the-licence-of-scan"}, inputs("Source")))))
	if out := s.aws("codepipeline", "get-pipeline", "--name", "scan"); strings.Contains(out, "the-licence") || !strings.Contains(out, "****") {
		t.Errorf("the pipeline shows %s", out)
	}

	var out struct{ Jobs []job }
	for deadline := time.Now().Add(patience); len(out.Jobs) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("no job came")
		}
		if err := json.Unmarshal([]byte(worker.run(cli, append(poll, "--output", "json")...)), &out); err != nil {
			t.Fatal(err)
		}
	}
	j := out.Jobs[0]
	s.secret(j.Data.ArtifactCredentials.SecretAccessKey)
	if j.AccountID != account || j.Data.ActionConfiguration.Configuration["Licence"] != "the-licence-of-scan" {
		t.Errorf("the job is of account %s with %v", j.AccountID, j.Data.ActionConfiguration.Configuration)
	}
	ack := []string{"codepipeline", "acknowledge-job", "--job-id", j.ID, "--nonce", j.Nonce}
	provider.refusedBy("JobNotFoundException", ack...)
	s.awsRefused("JobNotFoundException", ack...)
	worker.run(cli, ack...)
	in := j.Data.InputArtifacts[0].Location.S3Location
	copied := file(t, "")
	s.asJob(j, 0, "s3api", "get-object", "--bucket", in.BucketName, "--key", in.ObjectKey, copied)
	if got := unzip(t, copied)["main.txt"]; got != "no holes" {
		t.Errorf("the worker reads %q", got)
	}
	if r := s.execAs(worker.env, cli, "s3api", "get-object", "--bucket", in.BucketName, "--key", in.ObjectKey, copied); r.code == 0 {
		t.Error("the worker's own key reads the customer's artifact")
	}
	worker.run(cli, "codepipeline", "put-job-success-result", "--job-id", j.ID, "--execution-details", "summary=clean,externalExecutionId=7")
	s.ends("scan", s.newest("scan"), "Succeeded")

	s.penstock("access-key", "delete", worker.id)
	worker.refusedBy("UnrecognizedClientException", poll...)
	if out := provider.run(binary, "action-type", "delete", "Test/AWS/Scan/1"); out != "deleted Test/AWS/Scan/1" {
		t.Errorf("delete prints %q", out)
	}
	s.awsRefused("ActionTypeNotFoundException", append([]string{"codepipeline", "get-action-type"}, id...)...)
}
