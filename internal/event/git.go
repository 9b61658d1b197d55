package event

import "penstock/internal/core/engine"

// git are the members of execution-trigger that Git events add, as the user
// guide has them; of pull requests the names are those of the source action's
// output variables.
type git struct {
	Provider    string `json:"provider-type,omitempty"`
	Repository  string `json:"full-repository-name,omitempty"`
	Branch      string `json:"branch-name,omitempty"`
	Tag         string `json:"tag-name,omitempty"`
	PullID      string `json:"pull-request-id,omitempty"`
	PullTitle   string `json:"pull-request-title,omitempty"`
	Source      string `json:"source-branch-name,omitempty"`
	Destination string `json:"destination-branch-name,omitempty"`
	Commit      string `json:"commit-id,omitempty"`
	Message     string `json:"commit-message,omitempty"`
	AuthorName  string `json:"author-display-name,omitempty"`
	AuthorEmail string `json:"author-email,omitempty"`
	AuthorID    string `json:"author-id,omitempty"`
	AuthorDate  string `json:"author-date,omitempty"`
	Connection  string `json:"connection-arn,omitempty"`
}

func gitOf(b *engine.Binding) *git {
	if b == nil || b.Event == nil {
		return nil
	}
	e := b.Event
	g := &git{
		Provider: e.Provider, Repository: e.Repository, Branch: e.Branch, Tag: e.Tag, Commit: b.Revision.ID, Message: e.Message,
		AuthorName: e.AuthorName, AuthorEmail: e.AuthorEmail, AuthorID: e.AuthorID, Connection: e.Connection,
	}
	if p := e.PullRequest; p != nil {
		g.PullID, g.PullTitle, g.Source, g.Destination = p.ID, p.Title, p.Source, p.Destination
	}
	if !e.AuthorDate.IsZero() {
		g.AuthorDate = e.AuthorDate.UTC().Format(toSeconds)
	}
	return g
}
