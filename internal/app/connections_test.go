package app

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"penstock/internal/api"
	"penstock/internal/control"
	"penstock/internal/git/gittest"
	"penstock/internal/sigv4"
)

// control calls an operation of Penstock's own.
func (s *server) control(operation string, in, out any) error {
	client := api.Client{Endpoint: s.url, Sign: func(r *http.Request, body []byte) error {
		sigv4.Sign(r, sigv4.PayloadHash(body), sigv4.Credentials{AccessKeyID: rootID, SecretAccessKey: rootToken}, region, "codepipeline", time.Now())
		return nil
	}}
	return client.CallRaw(s.Context(), "Penstock."+operation, in, out)
}

func (s *server) connect(in control.CreateConnectionInput) (out control.CreateConnectionOutput) {
	s.Helper()
	s.ok(s.control("CreateConnection", in, &out))
	// Behind the test's own server, not the one that listens.
	out.WebhookURL = s.url + out.WebhookURL[strings.Index(out.WebhookURL, "/webhooks/"):]
	return out
}

// gitSource is a source action Git that reads main of acme/shop.
func gitSource(arn string, config ...string) types.ActionDeclaration {
	a := types.ActionDeclaration{
		Name: aws.String("Git"), ActionTypeId: typeID(types.ActionCategorySource, types.ActionOwnerAws, "CodeStarSourceConnection"),
		OutputArtifacts: []types.OutputArtifact{{Name: aws.String("Tree")}}, Namespace: aws.String("Git"),
		Configuration: map[string]string{"ConnectionArn": arn, "FullRepositoryId": "acme/shop", "BranchName": "main"},
	}
	for i := 0; i < len(config); i += 2 {
		a.Configuration[config[i]] = config[i+1]
	}
	return a
}

// triggered makes a V2 pipeline with a trigger for its action Git.
func (s *server) triggered(name string, source types.ActionDeclaration, filters types.GitConfiguration) {
	s.Helper()
	filters.SourceActionName = aws.String("Git")
	_, err := s.sdk.CreatePipeline(s.Context(), &codepipeline.CreatePipelineInput{Pipeline: &types.PipelineDeclaration{
		Name: &name, RoleArn: aws.String("arn:aws:iam::000000000000:role/r"), Stages: []types.StageDeclaration{stage("Source", source), gate()},
		ArtifactStore: &types.ArtifactStore{Type: types.ArtifactStoreTypeS3, Location: aws.String("artifacts")},
		PipelineType:  types.PipelineTypeV2, ExecutionMode: types.ExecutionModeParallel,
		Triggers: []types.PipelineTriggerDeclaration{{ProviderType: types.PipelineTriggerProviderTypeCodeStarSourceConnection, GitConfiguration: &filters}},
	}})
	s.ok(err)
}

// started lists the executions that Git events started, oldest first: the type
// of the trigger and the first digits of the commit.
func (s *server) started(name string) (out []string) {
	s.Helper()
	list, err := s.sdk.ListPipelineExecutions(s.Context(), &codepipeline.ListPipelineExecutionsInput{PipelineName: &name})
	s.ok(err)
	for _, e := range slices.Backward(list.PipelineExecutionSummaries) {
		if e.Trigger.TriggerType != types.TriggerTypeCreatePipeline {
			out = append(out, string(e.Trigger.TriggerType)+" "+*e.PipelineExecutionId)
		}
	}
	return out
}

// outputs waits until the source of an execution has ended and returns its
// variables.
func (s *server) outputs(name, execution string) map[string]string {
	s.Helper()
	var vars map[string]string
	s.until("the source of "+execution+" ends", func() bool {
		list, err := s.sdk.ListActionExecutions(s.Context(), &codepipeline.ListActionExecutionsInput{PipelineName: &name,
			Filter: &types.ActionExecutionFilter{PipelineExecutionId: &execution}})
		s.ok(err)
		for _, a := range list.ActionExecutionDetails {
			if *a.ActionName == "Git" && a.Status == types.ActionExecutionStatusFailed {
				s.Fatalf("the source failed: %+v", a.Output.ExecutionResult)
			}
			if *a.ActionName == "Git" && a.Status == types.ActionExecutionStatusSucceeded {
				vars = a.Output.OutputVariables
				return true
			}
		}
		return false
	})
	return vars
}

func sign(secret, body string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(body))
	return hex.EncodeToString(h.Sum(nil))
}

// post delivers a body; headers are names and values in turn.
func (s *server) post(url, body string, headers ...string) int {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodPost, url, strings.NewReader(body))
	s.ok(err)
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	resp, err := http.DefaultClient.Do(r)
	s.ok(err)
	resp.Body.Close()
	return resp.StatusCode
}

// gitHub delivers an event as GitHub does.
func (s *server) gitHub(c control.CreateConnectionOutput, event, id, body string) int {
	s.Helper()
	return s.post(c.WebhookURL, body, "X-GitHub-Event", event, "X-GitHub-Delivery", id, "X-Hub-Signature-256", "sha256="+sign(c.WebhookSecret, body))
}

func globs(includes ...string) *types.GitBranchFilterCriteria {
	return &types.GitBranchFilterCriteria{Includes: includes}
}

// Deliveries of GitHub start what the filters ask for, bound to their commits,
// with a token that the repository asks for.
func TestTriggers(t *testing.T) {
	t.Parallel()
	repo := gittest.New(t)
	first := repo.Commit("main", "first", "a", "docs/a")
	s := open(t, settings(t))
	s.run()
	c := s.connect(control.CreateConnectionInput{Name: "github", Provider: "GitHub", BaseURL: repo.Serve(), Token: gittest.Token})
	filters := types.GitConfiguration{
		Push: []types.GitPushFilter{
			{Branches: globs("main", "feature/**"), FilePaths: &types.GitFilePathFilterCriteria{Includes: []string{"docs/**"}}},
			{Tags: &types.GitTagFilterCriteria{Includes: []string{"v*"}, Excludes: []string{"*-rc"}}},
		},
		PullRequest: []types.GitPullRequestFilter{{Events: []types.GitPullRequestEventType{"OPEN"}, Branches: globs("main"),
			FilePaths: &types.GitFilePathFilterCriteria{Excludes: []string{"docs/**"}}}},
	}
	s.triggered("P", gitSource(c.ARN), filters)
	s.triggered("Q", gitSource(c.ARN, "FullRepositoryId", "acme/other"), filters)
	got, err := s.sdk.GetPipeline(t.Context(), &codepipeline.GetPipelineInput{Name: aws.String("P")})
	s.ok(err)
	if g := got.Pipeline.Triggers; len(g) != 1 || len(g[0].GitConfiguration.Push) != 2 || g[0].GitConfiguration.Push[1].Tags.Excludes[0] != "*-rc" || g[0].GitConfiguration.PullRequest[0].Events[0] != "OPEN" {
		t.Errorf("GetPipeline shows the triggers %+v", g)
	}

	second := repo.Commit("main", "second", "docs/a")
	third := repo.Commit("main", "third", "a")
	push := func(branch, before, after, files string) string {
		return fmt.Sprintf(`{"ref":"refs/heads/%s","before":"%s","after":"%s","repository":{"full_name":"acme/shop"},"commits":[{"modified":[%s]}],
			"head_commit":{"id":"%[3]s","message":"a message","author":{"name":"Ana","username":"ana"}}}`, branch, before, after, files)
	}
	count := 0
	deliver := func(what, event, id, body string, status, starts int) string {
		t.Helper()
		if got := s.gitHub(c, event, id, body); got != status {
			t.Errorf("%s: answered %d; the log:\n%s", what, got, s.text)
		}
		list := s.started("P")
		if len(list) != count+starts {
			t.Errorf("%s: %d executions started, want %d", what, len(list)-count, starts)
		}
		count = len(list)
		if starts == 0 {
			return ""
		}
		kind, id, _ := strings.Cut(list[count-1], " ")
		if kind != "WebhookV2" {
			t.Errorf("%s: trigger %s", what, kind)
		}
		return id
	}
	run := deliver("push", "push", "1", push("main", first, second, `"docs/a"`), 200, 1)
	if v := s.outputs("P", run); v["CommitId"] != second || v["BranchName"] != "main" || v["AuthorId"] != "ana" || v["CommitMessage"] != "second" {
		t.Errorf("a push: variables %v", v)
	}
	out, err := s.sdk.GetPipelineExecution(t.Context(), &codepipeline.GetPipelineExecutionInput{PipelineName: aws.String("P"), PipelineExecutionId: &run})
	s.ok(err)
	var detail map[string]string
	s.ok(json.Unmarshal([]byte(*out.PipelineExecution.Trigger.TriggerDetail), &detail))
	if detail["commit-id"] != second || detail["branch-name"] != "main" || detail["full-repository-name"] != "acme/shop" || detail["commit-message"] != "a message" {
		t.Errorf("the trigger's detail is %v", detail)
	}
	if r := out.PipelineExecution.ArtifactRevisions[0]; *r.RevisionId != second || *r.RevisionSummary != `{"ProviderType":"GitHub","CommitMessage":"second"}` ||
		!strings.Contains(*r.RevisionUrl, second) {
		t.Errorf("artifact revision %+v", r)
	}

	deliver("the same again", "push", "1", push("main", first, second, `"docs/a"`), 200, 0)
	deliver("other files", "push", "2", push("main", second, third, `"a"`), 200, 0)
	deliver("other branch", "push", "3", push("release", second, third, `"docs/a"`), 200, 0)
	deliver("other repository", "push", "4", strings.Replace(push("main", first, second, `"docs/a"`), "acme/shop", "acme/site", 1), 200, 0)
	deliver("branch deleted", "push", "5", `{"ref":"refs/heads/main","deleted":true,"after":"`+strings.Repeat("0", 40)+`","repository":{"full_name":"acme/shop"}}`, 200, 0)
	deliver("ping", "ping", "6", `{}`, 200, 0)
	deliver("no JSON", "push", "7", `payload=x`, 400, 0)
	forged := push("main", first, second, `"docs/a"`)
	if status := s.post(c.WebhookURL, forged, "X-GitHub-Event", "push", "X-GitHub-Delivery", "8", "X-Hub-Signature-256", "sha256="+sign("guess", forged)); status != 403 || len(s.started("P")) != count {
		t.Errorf("a forged delivery answers %d", status)
	}

	// What the payload does not tell, the repository does.
	many := fmt.Sprintf(`{"ref":"refs/heads/feature/x","before":"%s","after":"%s","repository":{"full_name":"acme/shop"},"total_commits":9}`, first, second)
	run = deliver("files by git", "push", "9", many, 200, 1)
	if v := s.outputs("P", run); v["CommitId"] != second || v["BranchName"] != "feature/x" {
		t.Errorf("a push to a feature: variables %v", v)
	}
	deliver("other files by git", "push", "10", fmt.Sprintf(`{"ref":"refs/heads/feature/x","before":"%s","after":"%s","repository":{"full_name":"acme/shop"},"total_commits":9}`, second, third), 200, 0)
	deliver("files of a commit that is gone", "push", "11", fmt.Sprintf(`{"ref":"refs/heads/feature/x","before":"%s","after":"%s","repository":{"full_name":"acme/shop"},"total_commits":9}`, strings.Repeat("1", 40), second), 200, 1)
	deliver("commit that nobody has", "push", "12", fmt.Sprintf(`{"ref":"refs/heads/feature/x","before":"%s","after":"%s","repository":{"full_name":"acme/shop"},"total_commits":9}`, first, strings.Repeat("1", 40)), 502, 0)

	repo.Git("tag", "-a", "v1", "-m", "tagged", first)
	repo.Git("push", "-q", "origin", "v1")
	tag := func(name string) string {
		return fmt.Sprintf(`{"ref":"refs/tags/%s","after":"%s","repository":{"full_name":"acme/shop"}}`, name, strings.Repeat("2", 40))
	}
	run = deliver("annotated tag", "push", "13", tag("v1"), 200, 1)
	if v := s.outputs("P", run); v["CommitId"] != first || v["TagName"] != "v1" || v["BranchName"] != "main" {
		t.Errorf("a tag: variables %v", v)
	}
	deliver("excluded tag", "push", "14", tag("v1-rc"), 200, 0)

	repo.Git("checkout", "-q", "-b", "topic", first)
	topic := repo.Commit("topic", "topic", "b")
	pull := func(action, base, head string) string {
		return fmt.Sprintf(`{"action":"%s","number":7,"pull_request":{"title":"Faster","head":{"ref":"topic","sha":"%s"},"base":{"ref":"%s","sha":"%s"}},"repository":{"full_name":"acme/shop"}}`, action, head, base, third)
	}
	run = deliver("pull request", "pull_request", "15", pull("opened", "main", topic), 200, 1)
	if v := s.outputs("P", run); v["CommitId"] != topic || v["PullRequestId"] != "7" || v["PullRequestTitle"] != "Faster" || v["SourceBranchName"] != "topic" || v["DestinationBranchName"] != "main" || v["BranchName"] != "" {
		t.Errorf("a pull request: variables %v", v)
	}
	deliver("pull request closed", "pull_request", "16", pull("closed", "main", topic), 200, 0)
	deliver("pull request to another branch", "pull_request", "17", pull("opened", "release", topic), 200, 0)
	docs := repo.Commit("docs", "docs", "docs/z")
	deliver("pull request that changes b and docs", "pull_request", "18", pull("opened", "main", docs), 200, 1)
	repo.Git("checkout", "-q", "-b", "docs-only", first)
	docs = repo.Commit("docs-only", "docs", "docs/z")
	deliver("pull request that changes docs alone", "pull_request", "19", pull("opened", "main", docs), 200, 0)

	if len(s.started("Q")) != 0 {
		t.Errorf("the pipeline of another repository: %v", s.started("Q"))
	}
	for _, hidden := range []string{gittest.Token, c.WebhookSecret} {
		if strings.Contains(s.text.String(), hidden) {
			t.Errorf("%s lies in the log", hidden)
		}
	}
}
