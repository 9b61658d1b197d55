package gitevent

import (
	"strconv"

	"penstock/internal/core/trigger"
)

// most is how many commits GitHub puts into a push; with as many, some may be
// missing.
const most = 2048

type gitHubPush struct {
	Ref, Before, After string
	Deleted            bool
	Commits            []commit
	TotalCommits       int     `json:"total_commits"` // Gitea, which shows fewer
	HeadCommit         *commit `json:"head_commit"`
	Repository         struct {
		FullName string `json:"full_name"`
	}
}

type gitHubPull struct {
	Action      string
	Number      int64
	PullRequest struct {
		Title      string
		Head, Base struct{ Ref, SHA string }
	} `json:"pull_request"`
	Repository struct {
		FullName string `json:"full_name"`
	}
}

// readGitHub reads deliveries of GitHub, and of Gitea and Forgejo, which are
// alike.
func readGitHub(event string, body []byte) ([]trigger.Event, error) {
	switch event {
	case "push":
		p, err := decode[gitHubPush](body)
		if err != nil || p.Deleted {
			return nil, err
		}
		return p.events(), nil
	case "pull_request", "pull_request_sync":
		p, err := decode[gitHubPull](body)
		if err != nil {
			return nil, err
		}
		return p.events(), nil
	}
	return nil, nil
}

func (p *gitHubPush) events() []trigger.Event {
	kind, branch, tag := reference(p.Ref)
	if kind == "" {
		return nil
	}
	ev := trigger.Event{Kind: kind, Repository: p.Repository.FullName, Branch: branch, TagName: tag, Commit: p.After, Before: p.Before}
	if p.HeadCommit != nil {
		ev.Description = p.HeadCommit.description()
	}
	if kind == trigger.Tag {
		// What an annotated tag points to is a tag.
		ev.Commit = ""
		if p.HeadCommit != nil {
			ev.Commit = p.HeadCommit.ID
		}
		return []trigger.Event{ev}
	}
	if len(p.Commits) < most && len(p.Commits) >= p.TotalCommits {
		ev.Files, ev.FilesKnown = files(p.Commits), true
	}
	return []trigger.Event{ev}
}

// pullActions are the actions that AWS knows, of GitHub and of Gitea.
var pullActions = map[string]string{
	"opened": trigger.Open, "reopened": trigger.Open,
	"synchronize": trigger.Updated, "synchronized": trigger.Updated,
	"closed": trigger.Closed,
}

func (p *gitHubPull) events() []trigger.Event {
	action, ok := pullActions[p.Action]
	if !ok {
		return nil
	}
	return []trigger.Event{{
		Kind: trigger.PullRequest, Repository: p.Repository.FullName,
		Branch: p.PullRequest.Base.Ref, Commit: p.PullRequest.Head.SHA, Before: p.PullRequest.Base.SHA,
		Pull: &trigger.Pull{Action: action, ID: strconv.FormatInt(p.Number, 10), Title: p.PullRequest.Title, Source: p.PullRequest.Head.Ref},
	}}
}
