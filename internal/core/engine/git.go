package engine

import "time"

// GitEvent is what happened in the repository of a source action, as far as it
// is known; the commit is the revision of the Binding that holds it.
type GitEvent struct {
	Provider    string // of the connection: GitHub, GitLab, …
	Connection  string // ARN
	Repository  string
	Branch      string       `json:",omitempty"` // of a push
	Tag         string       `json:",omitempty"` // of a push of a tag
	PullRequest *PullRequest `json:",omitempty"`
	Message     string       `json:",omitempty"`
	AuthorName  string       `json:",omitempty"`
	AuthorEmail string       `json:",omitempty"`
	AuthorID    string       `json:",omitempty"`
	AuthorDate  time.Time    `json:",omitzero"`
}

// PullRequest is the pull request that an event is about.
type PullRequest struct{ ID, Title, Source, Destination string }

// variables are the output variables of the source action that only the event
// can tell.
func (g *GitEvent) variables() map[string]string {
	v := map[string]string{}
	set := func(name, value string) {
		if value != "" {
			v[name] = value
		}
	}
	set("AuthorId", g.AuthorID)
	set("BranchName", g.Branch)
	set("TagName", g.Tag)
	if p := g.PullRequest; p != nil {
		set("PullRequestId", p.ID)
		set("PullRequestTitle", p.Title)
		set("SourceBranchName", p.Source)
		set("DestinationBranchName", p.Destination)
	}
	return v
}

// gitTriggered returns what bound the execution to a commit, nil if no Git event
// did.
func (e *Execution) gitTriggered() *Binding {
	if e.Bound == nil || e.Bound.Event == nil {
		return nil
	}
	return e.Bound
}
