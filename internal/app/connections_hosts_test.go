package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"penstock/internal/control"
	"penstock/internal/git/gittest"
)

// Every kind of host proves itself by its own header, and a push to the branch of
// a V1 pipeline without triggers starts it.
func TestDetection(t *testing.T) {
	t.Parallel()
	repo := gittest.New(t)
	first := repo.Commit("main", "first", "a")
	s := open(t, settings(t))
	s.run()
	base := repo.Serve()
	gitHub := fmt.Sprintf(`{"ref":"refs/heads/main","after":"%s","repository":{"full_name":"acme/shop"},"commits":[],"head_commit":{"message":"m"}}`, first)
	gitLab := fmt.Sprintf(`{"ref":"refs/heads/main","checkout_sha":"%s","project":{"path_with_namespace":"acme/shop"}}`, first)
	bitbucket := fmt.Sprintf(`{"push":{"changes":[{"new":{"type":"branch","name":"main","target":{"hash":"%s"}}},{"new":{"type":"branch","name":"x","target":{"hash":"%[1]s"}}}]},"repository":{"full_name":"acme/shop"}}`, first)
	for _, c := range []struct {
		provider, body string
		header         string // with the proof
		proof          func(secret, body string) string
		more           []string
	}{
		{"GitHub", gitHub, "X-Hub-Signature-256", func(s, b string) string { return "sha256=" + sign(s, b) }, []string{"X-GitHub-Event", "push"}},
		{"GitHubEnterpriseServer", gitHub, "X-Hub-Signature-256", func(s, b string) string { return "sha256=" + sign(s, b) }, []string{"X-GitHub-Event", "push"}},
		{"Git", gitHub, "X-Hub-Signature-256", func(s, b string) string { return "sha256=" + sign(s, b) }, []string{"X-GitHub-Event", "push"}},
		{"Gitea", gitHub, "X-Gitea-Signature", sign, []string{"X-Gitea-Event", "push"}},
		{"GitLab", gitLab, "X-Gitlab-Token", func(s, _ string) string { return s }, []string{"X-Gitlab-Event", "Push Hook"}},
		{"GitLabSelfManaged", gitLab, "X-Gitlab-Token", func(s, _ string) string { return s }, []string{"X-Gitlab-Event", "Push Hook"}},
		{"Bitbucket", bitbucket, "X-Hub-Signature", func(s, b string) string { return "sha256=" + sign(s, b) }, []string{"X-Event-Key", "repo:push"}},
	} {
		t.Run(c.provider, func(t *testing.T) {
			conn := s.connect(control.CreateConnectionInput{Name: c.provider, Provider: c.provider, BaseURL: base, Token: gittest.Token})
			s.create(c.provider, stage("Source", gitSource(strings.Replace(conn.ARN, "codestar-connections", "codeconnections", 1))), gate())
			s.create("Off"+c.provider, stage("Source", gitSource(conn.ARN, "DetectChanges", "False")), gate())
			for _, wrong := range []string{"", c.proof("guess", c.body), c.proof("", c.body)} {
				if status := s.post(conn.WebhookURL, c.body, append(c.more, c.header, wrong)...); status != 403 {
					t.Errorf("proved by %q: %d", wrong, status)
				}
			}
			if status := s.post(conn.WebhookURL, c.body, append(c.more, c.header, c.proof(conn.WebhookSecret, c.body))...); status != 200 {
				t.Fatalf("answered %d; the log:\n%s", status, s.text)
			}
			list := s.triggers(c.provider)
			if len(list) != 2 || list[1] != "Webhook "+conn.ARN {
				t.Errorf("executions by %q", list)
			}
			if list := s.triggers("Off" + c.provider); len(list) != 1 {
				t.Errorf("without detection: %q", list)
			}
			run := strings.TrimPrefix(s.started(c.provider)[0], "Webhook ")
			if c.provider != "Git" { // whose URLs have no suffix
				if v := s.outputs(c.provider, run); v["ProviderType"] != c.provider || v["CommitId"] != first {
					t.Errorf("variables %v", v)
				}
			}
		})
	}
}

// A folder of repositories is asked for changes: branches and tags that move
// after the pipeline was made.
func TestPolling(t *testing.T) {
	t.Parallel()
	repo := gittest.New(t)
	repo.Commit("main", "first", "a")
	repo.Git("push", "-q", "origin", "HEAD:refs/heads/old")
	s := open(t, settings(t, "--poll-interval", "1h"))
	c := s.connect(control.CreateConnectionInput{Name: "local", Provider: "Git", BaseURL: repo.FileURL()})
	look := func() { s.poller.Look(s.Context()) } // as if an hour had passed
	filters := types.GitConfiguration{Push: []types.GitPushFilter{
		{Branches: globs("main"), FilePaths: &types.GitFilePathFilterCriteria{Includes: []string{"docs/**"}}},
		{Branches: globs("new*"), FilePaths: &types.GitFilePathFilterCriteria{Includes: []string{"**"}}},
		{Tags: &types.GitTagFilterCriteria{Includes: []string{"v*"}}},
	}}
	s.triggered("P", gitSource(c.ARN, "FullRepositoryId", "acme/shop.git"), filters)
	look()
	expect := func(what string, n int) {
		t.Helper()
		look()
		look() // nothing is told twice
		if got := s.started("P"); len(got) != n {
			t.Fatalf("%s: started %q, want %d; the log:\n%s", what, got, n, s.text)
		}
	}
	expect("nothing new", 0)
	repo.Commit("main", "second", "a")
	expect("other files", 0)
	repo.Commit("main", "third", "docs/a")
	expect("its files", 1)
	repo.Git("push", "-q", "origin", "HEAD:refs/heads/new1")
	expect("a new branch without new commits", 1)
	repo.Commit("new2", "fourth", "b")
	expect("a new branch with a new commit", 2)
	repo.Git("push", "-q", "--delete", "origin", "old", "new1")
	expect("deleted branches", 2)
	repo.Git("tag", "v1")
	repo.Git("push", "-q", "origin", "v1")
	expect("a tag", 3)
	if kind, _, _ := strings.Cut(s.started("P")[2], " "); kind != "WebhookV2" {
		t.Errorf("trigger %s", kind)
	}
	_, err := s.sdk.DeletePipeline(t.Context(), &codepipeline.DeletePipelineInput{Name: aws.String("P")})
	s.ok(err)
	repo.Commit("main", "fifth", "docs/a")
	look()
	s.triggered("P", gitSource(c.ARN, "FullRepositoryId", "acme/shop.git"), filters)
	expect("changes from before the pipeline", 0)
}

// The operations of connections, and what they refuse.
func TestConnectionOperations(t *testing.T) {
	t.Parallel()
	cfg := settings(t, "--git-base", "https://git.example.com/team", "--max-connections", "2")
	s := open(t, cfg)
	for _, c := range []struct {
		in   control.CreateConnectionInput
		text string
	}{
		{control.CreateConnectionInput{Provider: "GitHub"}, "connectionName must have"},
		{control.CreateConnectionInput{Name: "x", Provider: "Subversion"}, "the provider type must be one of Bitbucket, Git, GitHub,"},
		{control.CreateConnectionInput{Name: "x", Provider: "Gitea"}, "needs a base URL"},
		{control.CreateConnectionInput{Name: "x", Provider: "Gitea", BaseURL: "https://u:p@git.example.com/team"}, "must not hold credentials"},
		{control.CreateConnectionInput{Name: "x", Provider: "Gitea", BaseURL: "ext::sh -c x"}, "must be a URL"},
		{control.CreateConnectionInput{Name: "x", Provider: "Gitea", BaseURL: "file:///srv"}, "must begin with https"},
		{control.CreateConnectionInput{Name: "x", Provider: "Git", BaseURL: "file:///srv"}, "does not connect to file:///srv; the operator allows it by --git-base"},
		{control.CreateConnectionInput{Name: "x", Provider: "Gitea", BaseURL: "https://git.example.com/teams"}, "does not connect"},
		{control.CreateConnectionInput{Name: "x", Provider: "Gitea", BaseURL: "https://git.example.com/team/../x"}, "does not connect"},
		{control.CreateConnectionInput{Name: "x", Provider: "Gitea", BaseURL: "https://git.example.com.evil.example/team"}, "does not connect"},
		{control.CreateConnectionInput{Name: "x", Provider: "GitHub", Token: "a\nb"}, "holds a line feed"},
		{control.CreateConnectionInput{Name: "x", Provider: "GitHub", Replace: true}, "there is no connection 'x'"},
	} {
		err := s.control("CreateConnection", c.in, nil)
		if err == nil || !strings.Contains(err.Error(), "ValidationException") || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%+v: %v, want %s", c.in, err, c.text)
		}
	}
	one := s.connect(control.CreateConnectionInput{Name: "one", Provider: "GitHub", Token: gittest.Token})
	if one.BaseURL != "https://github.com" || !one.HasToken || one.Poll || one.WebhookSecret == "" || !strings.HasPrefix(one.ARN, "arn:aws:codestar-connections:eu-west-1:000000000000:connection/") {
		t.Errorf("made %+v", one)
	}
	changed := s.connect(control.CreateConnectionInput{Name: "one", Provider: "Gitea", BaseURL: "https://git.example.com/team/", Replace: true})
	if changed.ARN != one.ARN || changed.BaseURL != "https://git.example.com/team" || changed.HasToken || changed.WebhookSecret != "" {
		t.Errorf("changed to %+v", changed)
	}
	s.connect(control.CreateConnectionInput{Name: "two", Provider: "Bitbucket"})
	for name, text := range map[string]string{"one": "already", "three": "limit of 2 connections"} {
		if err := s.control("CreateConnection", control.CreateConnectionInput{Name: name, Provider: "GitHub"}, nil); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var list control.ListConnectionsOutput
	s.ok(s.control("ListConnections", nil, &list))
	if names := []string{list.Connections[0].Name, list.Connections[1].Name}; !slices.Equal(names, []string{"one", "two"}) {
		t.Errorf("listed %v", names)
	}
	for _, name := range []string{"one", one.ARN} {
		var got control.Connection
		s.ok(s.control("GetConnection", control.ConnectionName{Name: name}, &got))
		if got.Name != "one" || got.Provider != "Gitea" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	s.ok(s.control("DeleteConnection", control.ConnectionName{Name: "one"}, nil))
	for _, name := range []string{"one", one.ARN, "arn:x"} {
		for _, op := range []string{"GetConnection", "DeleteConnection"} {
			if err := s.control(op, control.ConnectionName{Name: name}, nil); err == nil || !strings.Contains(err.Error(), "there is no connection") {
				t.Errorf("%s of %s: %v", op, name, err)
			}
		}
	}
	for method, want := range map[string]int{one.WebhookURL: 404, s.url + "/webhooks/connections/": 404} {
		if status := s.post(method, "{}"); status != want {
			t.Errorf("%s: %d", method, status)
		}
	}
}
