package gitevent

import (
	"strconv"

	"penstock/internal/core/trigger"
)

type gitLabProject struct {
	Path string `json:"path_with_namespace"`
}

type gitLabPush struct {
	Ref, Before, After string
	CheckoutSHA        string `json:"checkout_sha"` // of an annotated tag the commit; "" = deleted
	UserName           string `json:"user_username"`
	Project            gitLabProject
	Commits            []commit
	TotalCommits       int `json:"total_commits_count"`
}

type gitLabMerge struct {
	Project gitLabProject
	Object  struct {
		IID    int64
		Title  string
		Action string
		OldRev string // of an update with new commits
		Source string `json:"source_branch"`
		Target string `json:"target_branch"`
		Last   commit `json:"last_commit"`
	} `json:"object_attributes"`
}

func readGitLab(event string, body []byte) ([]trigger.Event, error) {
	switch event {
	case "Push Hook", "Tag Push Hook":
		p, err := decode[gitLabPush](body)
		if err != nil {
			return nil, err
		}
		return p.events(), nil
	case "Merge Request Hook":
		m, err := decode[gitLabMerge](body)
		if err != nil {
			return nil, err
		}
		return m.events(), nil
	}
	return nil, nil
}

func (p *gitLabPush) events() []trigger.Event {
	kind, branch, tag := reference(p.Ref)
	if kind == "" || p.CheckoutSHA == "" {
		return nil
	}
	ev := trigger.Event{Kind: kind, Repository: p.Project.Path, Branch: branch, TagName: tag, Commit: p.CheckoutSHA, Before: p.Before}
	for i := range p.Commits {
		if p.Commits[i].ID == p.CheckoutSHA {
			ev.Description = p.Commits[i].description()
		}
	}
	ev.AuthorID = p.UserName
	if len(p.Commits) >= p.TotalCommits {
		ev.Files, ev.FilesKnown = files(p.Commits), true
	}
	return []trigger.Event{ev}
}

func (m *gitLabMerge) events() []trigger.Event {
	o := &m.Object
	action := map[string]string{
		"open": trigger.Open, "reopen": trigger.Open, "update": trigger.Updated, "merge": trigger.Closed, "close": trigger.Closed,
	}[o.Action]
	if action == "" || o.Action == "update" && o.OldRev == "" {
		return nil // a title or a label changed
	}
	return []trigger.Event{{
		Kind: trigger.PullRequest, Repository: m.Project.Path, Branch: o.Target, Commit: o.Last.ID, Description: o.Last.description(),
		Pull: &trigger.Pull{Action: action, ID: strconv.FormatInt(o.IID, 10), Title: o.Title, Source: o.Source},
	}}
}
