package e2e

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

const triggered = `{
  "name": "shop", "pipelineType": "V2", "executionMode": "QUEUED", "roleArn": "arn:aws:iam::000000000000:role/r",
  "artifactStore": {"type": "S3", "location": "shop-artifacts"},
  "stages": [
    {"name": "Source", "actions": [{"name": "Fetch", "namespace": "Git",
      "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "CodeStarSourceConnection", "version": "1"},
      "configuration": {"ConnectionArn": "ARN", "FullRepositoryId": "acme/shop", "BranchName": "main"}, "outputArtifacts": [{"name": "Tree"}]}]},
    {"name": "Build", "actions": [{"name": "Run", "commands": ["cat greeting", "echo from #{Git.BranchName}"],
      "actionTypeId": {"category": "Compute", "owner": "AWS", "provider": "Commands", "version": "1"}, "inputArtifacts": [{"name": "Tree"}]}]}],
  "triggers": [{"providerType": "CodeStarSourceConnection", "gitConfiguration": {"sourceActionName": "Fetch",
    "push": [{"branches": {"includes": ["main", "release/*"], "excludes": ["release/old"]}, "filePaths": {"includes": ["gree*"]}}]}}]
}`

// clone is a repository behind a connection.
type clone struct {
	t    *testing.T
	dir  string
	root string // of repositories
}

func (c clone) git(args ...string) string {
	c.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", c.dir}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=Ana", "GIT_AUTHOR_EMAIL=ana@example.com",
		"GIT_COMMITTER_NAME=Ana", "GIT_COMMITTER_EMAIL=ana@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// push commits a file, pushes it and returns the commits before and after.
func (c clone) push(branch, file, content string) (before, after string) {
	c.t.Helper()
	before = strings.Repeat("0", 40)
	if heads := c.git("branch", "-r", "--list", "origin/"+branch); heads != "" {
		before = c.git("rev-parse", "origin/"+branch)
	}
	if err := os.WriteFile(filepath.Join(c.dir, file), []byte(content), 0o644); err != nil {
		c.t.Fatal(err)
	}
	c.git("add", "-A")
	c.git("commit", "-q", "-m", "Write "+file)
	c.git("push", "-q", "origin", "HEAD:refs/heads/"+branch)
	return before, c.git("rev-parse", "HEAD")
}

func newClone(t *testing.T) clone {
	t.Helper()
	c := clone{t: t, dir: t.TempDir(), root: t.TempDir()}
	bare := filepath.Join(c.root, "acme", "shop")
	c.git("init", "-q", "--bare", bare)
	c.git("init", "-q")
	c.git("remote", "add", "origin", bare)
	return c
}

// A push that a host tells of starts the pipeline at its commit, once, also when
// the server is killed and the repository is polled too; one that the filter does
// not ask for starts nothing.
func TestTrigger(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--poll-interval", "1h")
	repo := newClone(t)
	repo.push("main", "greeting", "hello")
	var made struct{ ConnectionARN, WebhookURL, WebhookSecret string }
	if err := json.Unmarshal([]byte(s.penstock("connection", "create", "--name", "local", "--type", "Git", "--base-url", "file://"+repo.root, "--output", "json")), &made); err != nil {
		t.Fatal(err)
	}
	s.secret(made.WebhookSecret)
	var declared object
	if err := json.Unmarshal([]byte(strings.Replace(triggered, "ARN", made.ConnectionARN, 1)), &declared); err != nil {
		t.Fatal(err)
	}
	s.create(declared)
	s.ends("shop", s.newest("shop"), types.PipelineExecutionStatusSucceeded)

	deliver := func(branch, before, after, file string) {
		t.Helper()
		body := fmt.Sprintf(`{"ref":"refs/heads/%s","before":"%s","after":"%s","repository":{"full_name":"acme/shop"},"commits":[{"modified":["%s"]}]}`, branch, before, after, file)
		mac := hmac.New(sha256.New, []byte(made.WebhookSecret))
		mac.Write([]byte(body))
		url := s.url + made.WebhookURL[strings.Index(made.WebhookURL, "/webhooks/"):]
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-GitHub-Event", "push")
		r.Header.Set("X-GitHub-Delivery", after)
		r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("the delivery of %s is answered %s", branch, resp.Status)
		}
	}
	count := func() int { return len(s.executions(t.Context(), "shop")) }

	before, other := repo.push("main", "notes", "x")
	deliver("main", before, other, "notes")
	before, old := repo.push("release/old", "greeting", "old")
	deliver("release/old", before, old, "greeting")
	if n := count(); n != 1 {
		t.Fatalf("%d executions after pushes that no filter asks for", n)
	}
	before, wanted := repo.push("release/2", "greeting", "good day")
	deliver("release/2", before, wanted, "greeting")
	_, late := repo.push("release/2", "greeting", "untold")
	deliver("release/2", before, wanted, "greeting")
	if n := count(); n != 2 {
		t.Fatalf("%d executions after a push and its repeat", n)
	}
	s.kill()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	// The repository is asked at the start: it has one push that nobody told of.
	until(t, "the push that nobody told of", func(context.Context) (string, bool) { return "", count() > 2 })
	s.ends("shop", s.newest("shop"), types.PipelineExecutionStatusSucceeded)
	all := s.executions(t.Context(), "shop")
	if len(all) != 3 || aws.ToString(all[0].SourceRevisions[0].RevisionId) != late {
		t.Errorf("%d executions, the newest of %+v", len(all), all[0].SourceRevisions)
	}
	got := all[1]
	run := aws.ToString(got.PipelineExecutionId)
	if got.Trigger.TriggerType != types.TriggerTypeWebhookV2 || !strings.Contains(aws.ToString(got.Trigger.TriggerDetail), wanted) || aws.ToString(got.SourceRevisions[0].RevisionId) != wanted {
		t.Errorf("the execution is %+v, %+v", got.Trigger, got.SourceRevisions)
	}
	var source struct {
		Output struct {
			OutputArtifacts []struct{ S3Location struct{ Bucket, Key string } }
			OutputVariables map[string]string
		}
	}
	s.awsJSON(&source, "codepipeline", "list-action-executions", "--pipeline-name", "shop", "--filter", "pipelineExecutionId="+run, "--query", "actionExecutionDetails[?actionName=='Fetch']|[0]")
	at := source.Output.OutputArtifacts[0].S3Location
	if files := unzipped(t, s.get(at.Bucket, at.Key)); !maps.Equal(files, map[string]string{"greeting": "good day", "notes": "x"}) {
		t.Errorf("the artifact holds %v", files)
	}
	if v := source.Output.OutputVariables; v["BranchName"] != "release/2" || v["CommitId"] != wanted || v["AuthorEmail"] != "ana@example.com" {
		t.Errorf("variables %v", v)
	}
	build := s.aws("codepipeline", "list-action-executions", "--pipeline-name", "shop", "--filter", "pipelineExecutionId="+run,
		"--query", "actionExecutionDetails[?actionName=='Run']|[0].actionExecutionId", "--output", "text")
	if log := s.penstock("logs", "shop", "--execution-id", build); !strings.Contains(log, "good day") || !strings.Contains(log, "from release/2") {
		t.Errorf("the build printed %s", log)
	}
	until(t, "the events of the execution", func(context.Context) (string, bool) {
		seen := s.penstock("events", "--pipeline", "shop", "--output", "json")
		told := 0
		for line := range strings.Lines(seen) {
			var e struct {
				Detail struct {
					State     string
					Execution string            `json:"execution-id"`
					Trigger   map[string]string `json:"execution-trigger"`
				}
			}
			if err := json.Unmarshal([]byte(line), &e); err == nil && e.Detail.Execution == run && e.Detail.Trigger["commit-id"] == wanted &&
				e.Detail.Trigger["branch-name"] == "release/2" && e.Detail.Trigger["author-display-name"] == "Ana" && e.Detail.Trigger["connection-arn"] == made.ConnectionARN {
				told++
			}
		}
		return seen, told == 2 // STARTED and SUCCEEDED
	})
}
