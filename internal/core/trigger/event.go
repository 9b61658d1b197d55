// Package trigger decides which executions an event in a Git repository starts:
// the filters of a pipeline's triggers, and the default detection of changes on
// the branch of a source action that has no trigger (engine.md section 7). It is
// pure: no clock, no I/O.
package trigger

import (
	"regexp"
	"time"
)

// Kind is what happened.
type Kind string

// The kinds of events. Deletions of branches and tags start nothing and have
// none.
const (
	Push        Kind = "push"         // of a branch
	Tag         Kind = "tag"          // push of a tag
	PullRequest Kind = "pull request" // or merge request
)

// What happened to a pull request (GitPullRequestEventType).
const (
	Open    = "OPEN"
	Updated = "UPDATED" // its source branch has a new commit
	Closed  = "CLOSED"  // merged, or closed without where the host tells
)

// Event is something that happened in a repository.
type Event struct {
	Kind       Kind
	Repository string // as the source action names it: owner/name
	Branch     string // pushed to, or the destination of the pull request
	TagName    string
	Commit     string // after the push, of the tag, or the head of the pull request
	Before     string // commit of the branch before the push, or of the destination; "" = none known
	// Files are the paths that changed, when FilesKnown.
	Files      []string
	FilesKnown bool
	Pull       *Pull // of a pull request
	Description
}

// Pull is a pull request.
type Pull struct {
	Action    string // Open, Updated or Closed
	ID, Title string
	Source    string // branch
}

// Description is what is known of the commit; zero values are not known.
type Description struct {
	Message     string
	AuthorName  string
	AuthorEmail string
	AuthorID    string // the author's name at the host
	AuthorDate  time.Time
}

// MaxFiles is how many changed files are looked at; more are overlooked.
const MaxFiles = 100

var arnPattern = regexp.MustCompile(`^arn:[a-z-]+:(?:codestar-connections|codeconnections):[a-z0-9-]+:[0-9]{12}:connection/([0-9a-f-]{36})$`)

// ConnectionID returns the last part of a connection's ARN, which names it
// alone: the ARN may have the older prefix codestar-connections or
// codeconnections. It is false for what is no such ARN.
func ConnectionID(arn string) (string, bool) {
	m := arnPattern.FindStringSubmatch(arn)
	if m == nil {
		return "", false
	}
	return m[1], true
}
