package gitevent_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"penstock/internal/core/trigger"
	"penstock/internal/gitevent"
)

var (
	one, two = strings.Repeat("1", 40), strings.Repeat("2", 40)
	none     = strings.Repeat("0", 40)
)

// show writes what a test wants to see of an event.
func show(ev trigger.Event) string {
	text := fmt.Sprintf("%s %s %s%s %s<-%s", ev.Kind, ev.Repository, ev.Branch, ev.TagName, short(ev.Commit), short(ev.Before))
	if p := ev.Pull; p != nil {
		text += fmt.Sprintf(" %s #%s %q from %s", p.Action, p.ID, p.Title, p.Source)
	}
	if ev.FilesKnown {
		text += fmt.Sprintf(" files %q", ev.Files)
	}
	if ev.Message != "" {
		text += fmt.Sprintf(" %q by %s <%s> (%s) at %s", ev.Message, ev.AuthorName, ev.AuthorEmail, ev.AuthorID, ev.AuthorDate.Format(time.RFC3339))
	}
	return text
}

func short(commit string) string { return commit[:min(1, len(commit))] }

const (
	gitHubCommit = `{"id":"ONE","message":"Fix\n","timestamp":"2026-10-02T14:00:00+02:00","author":{"name":"Ana","email":"a@x","username":"ana"},
		"added":["a"],"removed":["b"],"modified":["c"]}`
	gitLabCommit    = `{"id":"ONE","message":"Fix","timestamp":"2026-10-02T14:00:00+02:00","author":{"name":"Ana","email":"a@x"},"added":["a"],"modified":["a"]}`
	bitbucketTarget = `{"hash":"ONE","message":"Fix\n","date":"2026-10-02T12:00:00+00:00","author":{"raw":"Ana <a@x>","user":{"account_id":"5b"}}}`
)

func TestRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, provider, event, body, want string }{
		{"push", "GitHub", "push", `{"ref":"refs/heads/feature/x","before":"TWO","after":"ONE","repository":{"full_name":"acme/shop"},"commits":[` + gitHubCommit + `,` + gitHubCommit + `],"head_commit":` + gitHubCommit + `}`,
			`push acme/shop feature/x 1<-2 files ["a" "b" "c"] "Fix" by Ana <a@x> (ana) at 2026-10-02T12:00:00Z`},
		{"push to an Enterprise Server", "GitHubEnterpriseServer", "push", `{"ref":"refs/heads/main","after":"ONE","repository":{"full_name":"a/b"},"commits":[]}`, `push a/b main 1<- files []`},
		{"new branch", "GitHub", "push", `{"ref":"refs/heads/new","before":"NONE","after":"ONE","created":true,"repository":{"full_name":"a/b"},"commits":[]}`, `push a/b new 1<- files []`},
		{"deleted branch", "GitHub", "push", `{"ref":"refs/heads/new","before":"ONE","after":"NONE","deleted":true,"repository":{"full_name":"a/b"}}`, ``},
		{"annotated tag", "GitHub", "push", `{"ref":"refs/tags/v1","before":"NONE","after":"TWO","repository":{"full_name":"a/b"},"head_commit":` + gitHubCommit + `}`,
			`tag a/b v1 1<- "Fix" by Ana <a@x> (ana) at 2026-10-02T12:00:00Z`},
		{"tag of unknown commit", "Gitea", "push", `{"ref":"refs/tags/v1","after":"TWO","repository":{"full_name":"a/b"}}`, `tag a/b v1 <-`},
		{"neither branch nor tag", "GitHub", "push", `{"ref":"refs/notes/x","after":"TWO","repository":{"full_name":"a/b"}}`, ``},
		{"no commit", "GitHub", "push", `{"ref":"refs/heads/x","after":"--upload-pack","repository":{"full_name":"a/b"}}`, ``},
		{"date in another form", "GitHub", "push", `{"ref":"refs/heads/x","after":"ONE","repository":{"full_name":"a/b"},"head_commit":{"id":"ONE","timestamp":"yesterday"}}`, `push a/b x 1<- files []`},
		{"opened", "GitHub", "pull_request", `{"action":"opened","number":7,"pull_request":{"title":"Faster","head":{"ref":"feature","sha":"ONE"},"base":{"ref":"main","sha":"TWO"}},"repository":{"full_name":"a/b"}}`,
			`pull request a/b main 1<-2 OPEN #7 "Faster" from feature`},
		{"synchronized", "Gitea", "pull_request_sync", `{"action":"synchronized","number":7,"pull_request":{"head":{"ref":"f","sha":"ONE"},"base":{"ref":"main"}},"repository":{"full_name":"a/b"}}`,
			`pull request a/b main 1<- UPDATED #7 "" from f`},
		{"closed", "GitHub", "pull_request", `{"action":"closed","number":7,"pull_request":{"head":{"ref":"f","sha":"ONE"},"base":{"ref":"main"}},"repository":{"full_name":"a/b"}}`,
			`pull request a/b main 1<- CLOSED #7 "" from f`},
		{"labelled", "GitHub", "pull_request", `{"action":"labeled","number":7,"repository":{"full_name":"a/b"}}`, ``},
		{"ping", "GitHub", "ping", `{"zen":"x"}`, ``},
		{"push with few of its commits", "Gitea", "push", `{"ref":"refs/heads/x","after":"ONE","total_commits":2,"repository":{"full_name":"a/b"},"commits":[` + gitHubCommit + `]}`, `push a/b x 1<-`},
		{"push in the form of GitHub", "Git", "push", `{"ref":"refs/heads/x","after":"ONE","repository":{"full_name":"a"}}`, `push a x 1<- files []`},

		{"GitLab push", "GitLab", "Push Hook", `{"ref":"refs/heads/x","before":"TWO","after":"ONE","checkout_sha":"ONE","user_username":"ana","project":{"path_with_namespace":"g/s/p"},"total_commits_count":1,"commits":[` + gitLabCommit + `]}`,
			`push g/s/p x 1<-2 files ["a"] "Fix" by Ana <a@x> (ana) at 2026-10-02T12:00:00Z`},
		{"GitLab push of many", "GitLabSelfManaged", "Push Hook", `{"ref":"refs/heads/x","before":"TWO","checkout_sha":"ONE","project":{"path_with_namespace":"g/p"},"total_commits_count":21,"commits":[]}`, `push g/p x 1<-2`},
		{"GitLab deleted", "GitLab", "Push Hook", `{"ref":"refs/heads/x","before":"TWO","after":"NONE","checkout_sha":null,"project":{"path_with_namespace":"g/p"}}`, ``},
		{"GitLab tag", "GitLab", "Tag Push Hook", `{"ref":"refs/tags/v1","before":"NONE","after":"TWO","checkout_sha":"ONE","project":{"path_with_namespace":"g/p"}}`, `tag g/p v1 1<- files []`},
		{"GitLab merge request", "GitLab", "Merge Request Hook", `{"project":{"path_with_namespace":"g/p"},"object_attributes":{"iid":3,"title":"T","action":"open","source_branch":"f","target_branch":"main","last_commit":` + gitLabCommit + `}}`,
			`pull request g/p main 1<- OPEN #3 "T" from f "Fix" by Ana <a@x> () at 2026-10-02T12:00:00Z`},
		{"GitLab new commits", "GitLab", "Merge Request Hook", `{"project":{"path_with_namespace":"g/p"},"object_attributes":{"iid":3,"action":"update","oldrev":"TWO","source_branch":"f","target_branch":"main","last_commit":{"id":"ONE"}}}`,
			`pull request g/p main 1<- UPDATED #3 "" from f`},
		{"GitLab new title", "GitLab", "Merge Request Hook", `{"project":{"path_with_namespace":"g/p"},"object_attributes":{"iid":3,"action":"update","source_branch":"f","target_branch":"main","last_commit":{"id":"ONE"}}}`, ``},
		{"GitLab merged", "GitLab", "Merge Request Hook", `{"project":{"path_with_namespace":"g/p"},"object_attributes":{"iid":3,"action":"merge","source_branch":"f","target_branch":"main","last_commit":{"id":"ONE"}}}`,
			`pull request g/p main 1<- CLOSED #3 "" from f`},
		{"GitLab note", "GitLab", "Note Hook", `{}`, ``},

		{"Bitbucket push of three", "Bitbucket", "repo:push", `{"repository":{"full_name":"w/r"},"push":{"changes":[
			{"new":{"type":"branch","name":"main","target":` + bitbucketTarget + `},"old":{"type":"branch","name":"main","target":{"hash":"TWO"}}},
			{"new":{"type":"tag","name":"v1","target":{"hash":"ONE"}},"old":null},{"new":null,"old":{"type":"branch","name":"x","target":{"hash":"TWO"}}}]}}`,
			`push w/r main 1<-2 "Fix" by Ana <a@x> (5b) at 2026-10-02T12:00:00Z | tag w/r v1 1<-`},
		{"Bitbucket created", "Bitbucket", "pullrequest:created", `{"repository":{"full_name":"w/r"},"pullrequest":{"id":2,"title":"T","source":{"branch":{"name":"f"},"commit":{"hash":"111111111111"}},"destination":{"branch":{"name":"main"}}}}`,
			`pull request w/r main 1<- OPEN #2 "T" from f`},
		{"Bitbucket fulfilled", "Bitbucket", "pullrequest:fulfilled", `{"repository":{"full_name":"w/r"},"pullrequest":{"id":2,"source":{"branch":{"name":"f"},"commit":{"hash":"111111111111"}},"destination":{"branch":{"name":"main"}}}}`,
			`pull request w/r main 1<- CLOSED #2 "" from f`},
		{"Bitbucket rejected", "Bitbucket", "pullrequest:rejected", `{}`, ``},
	} {
		body := strings.NewReplacer("ONE", one, "TWO", two, "NONE", none).Replace(c.body)
		h := http.Header{}
		for _, name := range []string{"X-GitHub-Event", "X-Gitea-Event", "X-Gitlab-Event", "X-Event-Key"} {
			h.Set(name, c.event)
		}
		events, err := gitevent.Read(c.provider, h, []byte(body))
		var got []string
		for _, ev := range events {
			got = append(got, show(ev))
		}
		if text := strings.Join(got, " | "); err != nil || text != c.want {
			t.Errorf("%s:\n got %s, %v\nwant %s", c.name, text, err, c.want)
		}
	}
}

func TestNotInForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ provider, event, body string }{
		{"GitHub", "push", "payload=%7B%7D"}, {"GitHub", "pull_request", "["}, {"GitLab", "Push Hook", ""}, {"GitLab", "Merge Request Hook", "1"},
		{"Bitbucket", "repo:push", "x"}, {"Bitbucket", "pullrequest:created", "[]"}, {"Subversion", "push", "{}"},
	} {
		h := http.Header{"X-Github-Event": {c.event}, "X-Gitlab-Event": {c.event}, "X-Event-Key": {c.event}}
		if events, err := gitevent.Read(c.provider, h, []byte(c.body)); !errors.Is(err, gitevent.ErrForm) || events != nil {
			t.Errorf("%s %s: %v, %v", c.provider, c.body, events, err)
		}
	}
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	for header, provider := range map[string]string{
		"X-GitHub-Delivery": "GitHub", "X-Gitea-Delivery": "Gitea", "X-Gitlab-Event-UUID": "GitLab", "Idempotency-Key": "GitLabSelfManaged", "X-Request-UUID": "Bitbucket",
	} {
		h := http.Header{}
		h.Set(header, "id")
		if got := gitevent.Delivery(provider, h); got != "id" {
			t.Errorf("%s: %q", provider, got)
		}
		if got := gitevent.Delivery(provider, http.Header{}); got != "" {
			t.Errorf("%s without: %q", provider, got)
		}
	}
}

// Whatever comes, what is read names a repository and what it is about.
func FuzzRead(f *testing.F) {
	f.Add("GitHub", "push", `{"ref":"refs/heads/x","after":"`+one+`","repository":{"full_name":"a/b"},"commits":[`+gitHubCommit+`]}`)
	f.Add("GitLab", "Merge Request Hook", `{"object_attributes":{"iid":3,"action":"open","last_commit":{"id":"1"}}}`)
	f.Add("Bitbucket", "repo:push", `{"push":{"changes":[{"new":{"type":"tag"}}]}}`)
	f.Fuzz(func(t *testing.T, provider, event, body string) {
		h := http.Header{"X-Github-Event": {event}, "X-Gitea-Event": {event}, "X-Gitlab-Event": {event}, "X-Event-Key": {event}}
		events, _ := gitevent.Read(provider, h, []byte(body))
		for _, ev := range events {
			if ev.Repository == "" || (ev.Branch == "") == (ev.TagName == "") || (ev.Kind == trigger.PullRequest) != (ev.Pull != nil) {
				t.Errorf("read %+v", ev)
			}
		}
	})
}
