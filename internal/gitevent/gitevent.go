// Package gitevent reads what Git hosts deliver to webhooks: pushes of branches
// and tags, and pull requests, of GitHub, Gitea, Forgejo, GitLab and Bitbucket.
// It trusts nothing in them and verifies nothing: that is the receiver's.
package gitevent

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"penstock/internal/core/trigger"
)

// Provider types of connections. The first five are AWS's.
const (
	GitHub           = "GitHub"
	GitHubEnterprise = "GitHubEnterpriseServer"
	GitLab           = "GitLab"
	GitLabOwn        = "GitLabSelfManaged"
	Bitbucket        = "Bitbucket"
	Gitea            = "Gitea" // and Forgejo
	Git              = "Git"   // any; deliveries in the form of GitHub
)

// ErrForm says that a delivery is not in the form of its host.
var ErrForm = errors.New("the body is not JSON in the form of the connection's provider; let the sender use the content type application/json")

// host is how a kind of host delivers.
type host struct {
	event    string   // header with the kind of event
	delivery []string // headers with the id of the delivery, the surest first
	read     func(event string, body []byte) ([]trigger.Event, error)
}

var hosts = map[string]host{
	GitHub:           {"X-GitHub-Event", []string{"X-GitHub-Delivery"}, readGitHub},
	GitHubEnterprise: {"X-GitHub-Event", []string{"X-GitHub-Delivery"}, readGitHub},
	Git:              {"X-GitHub-Event", []string{"X-GitHub-Delivery"}, readGitHub},
	Gitea:            {"X-Gitea-Event", []string{"X-Gitea-Delivery"}, readGitHub},
	GitLab:           {"X-Gitlab-Event", []string{"Idempotency-Key", "X-Gitlab-Event-UUID"}, readGitLab},
	GitLabOwn:        {"X-Gitlab-Event", []string{"Idempotency-Key", "X-Gitlab-Event-UUID"}, readGitLab},
	Bitbucket:        {"X-Event-Key", []string{"X-Request-UUID"}, readBitbucket},
}

// Delivery returns the id by which the host tells deliveries apart, "" when it
// gave none.
func Delivery(provider string, h http.Header) string {
	for _, name := range hosts[provider].delivery {
		if v := h.Get(name); v != "" {
			return v
		}
	}
	return ""
}

// Read returns the events of a delivery: none for kinds that start nothing, such
// as pings, comments and deletions. The error is ErrForm.
func Read(provider string, h http.Header, body []byte) ([]trigger.Event, error) {
	w, ok := hosts[provider]
	if !ok {
		return nil, ErrForm
	}
	events, err := w.read(h.Get(w.event), body)
	if err != nil {
		return nil, ErrForm
	}
	out := events[:0]
	for _, ev := range events {
		if usable(&ev) {
			out = append(out, ev)
		}
	}
	return out, nil
}

var commitPattern = regexp.MustCompile(`^(?:[0-9a-f]{7,40}|[0-9a-f]{64})$`)

// usable refuses what names no branch or tag, or holds no commit where one has
// to be, such as deletions.
func usable(ev *trigger.Event) bool {
	if ev.Commit != "" && (!commitPattern.MatchString(ev.Commit) || strings.Trim(ev.Commit, "0") == "") {
		return false
	}
	if !commitPattern.MatchString(ev.Before) || strings.Trim(ev.Before, "0") == "" {
		ev.Before = ""
	}
	if ev.Kind == trigger.Tag {
		return ev.Repository != "" && ev.TagName != ""
	}
	return ev.Repository != "" && ev.Branch != "" && ev.Commit != ""
}

// reference tells branches and tags apart by the name of the reference.
func reference(ref string) (kind trigger.Kind, branch, tag string) {
	if name, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
		return trigger.Push, name, ""
	}
	name, _ := strings.CutPrefix(ref, "refs/tags/")
	if name == ref {
		return "", "", ""
	}
	return trigger.Tag, "", name
}

// when is a time that may be written in any form: what is no RFC 3339 is not
// known.
type when struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (w *when) UnmarshalJSON(b []byte) error {
	if w.Time.UnmarshalJSON(b) != nil {
		w.Time = time.Time{}
	}
	return nil
}

// commit is one of a push, as GitHub, Gitea and GitLab show it.
type commit struct {
	ID, Message              string
	Timestamp                when
	Added, Removed, Modified []string
	Author                   struct{ Name, Email, Username string }
}

// description is what a commit says of itself.
func (c *commit) description() trigger.Description {
	return trigger.Description{
		Message: strings.TrimRight(c.Message, "\n"), AuthorName: c.Author.Name, AuthorEmail: c.Author.Email, AuthorID: c.Author.Username,
		AuthorDate: c.Timestamp.UTC(),
	}
}

// files lists the paths of all commits, each once.
func files(commits []commit) []string {
	seen := map[string]bool{}
	var out []string
	for _, c := range commits {
		for _, list := range [][]string{c.Added, c.Removed, c.Modified} {
			for _, f := range list {
				if !seen[f] {
					seen[f] = true
					out = append(out, f)
				}
			}
		}
	}
	return out
}

func decode[T any](body []byte) (*T, error) {
	v := new(T)
	return v, json.Unmarshal(body, v)
}
