package connection

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"penstock/internal/core/trigger"
	"penstock/internal/git"
	"penstock/internal/store"
)

// Git asks repositories what events do not tell.
type Git struct {
	dir   string // for working folders
	check func(base string) error
	log   *slog.Logger
	busy  chan struct{}
}

const (
	// atOnce is how many repositories are asked at a time.
	atOnce = 4
	// askTime is how long one may take.
	askTime = 2 * time.Minute
)

// NewGit returns a Git that works below dir and calls no connection whose base
// URL check refuses.
func NewGit(dir string, check func(base string) error, log *slog.Logger) *Git {
	return &Git{dir: dir, check: check, log: log, busy: make(chan struct{}, atOnce)}
}

// ask calls fn with a fresh Repo.
func (g *Git) ask(ctx context.Context, c store.Connection, repository string, fn func(context.Context, *git.Repo) error) error {
	if err := g.check(c.BaseURL); err != nil {
		return err
	}
	remote, err := Remote(c, repository)
	if err != nil {
		return err
	}
	select {
	case g.busy <- struct{}{}:
		defer func() { <-g.busy }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	r, err := git.Open(ctx, g.dir, remote)
	if err != nil {
		return err
	}
	return errors.Join(fn(ctx, r), r.Close())
}

// complete fills in what the event does not tell: the commit, when it is
// abbreviated or a tag's, what it is about, and with files, the files that
// changed. Only what is needed to decide is an error.
func (g *Git) complete(ctx context.Context, c store.Connection, ev *trigger.Event, files bool) error {
	whole := git.IsCommit(ev.Commit)
	if whole && !files && ev.Message != "" {
		return nil
	}
	err := g.ask(ctx, c, ev.Repository, func(ctx context.Context, r *git.Repo) error {
		if !whole {
			if err := resolve(ctx, r, ev); err != nil {
				return err
			}
		}
		if files {
			if err := changed(ctx, r, ev); err != nil {
				return err
			}
		} else if err := r.Fetch(ctx, 1, git.Nothing, ev.Commit); err != nil {
			return err
		}
		return describe(ctx, r, ev)
	})
	if err != nil && git.IsCommit(ev.Commit) && (!files || ev.FilesKnown) && ctx.Err() == nil {
		g.log.Warn("a repository did not tell about a commit", "connection", c.ARN(), "repository", ev.Repository, "commit", ev.Commit, "error", err)
		return nil
	}
	return err
}

// resolve finds the whole commit of the event.
func resolve(ctx context.Context, r *git.Repo, ev *trigger.Event) error {
	name := git.Branch + ev.Branch
	switch ev.Kind {
	case trigger.Tag:
		name = git.TagRef + ev.TagName
	case trigger.PullRequest:
		name = git.Branch + ev.Pull.Source
	}
	refs, err := r.Refs(ctx, name, name+"^{}")
	if err != nil {
		return err
	}
	commit := refs[name]
	if commit == "" || !strings.HasPrefix(commit, ev.Commit) {
		return &git.Error{Kind: git.NoRevision, Text: name + " does not point to the commit of the event any more"}
	}
	ev.Commit = commit
	return nil
}

// changed finds the files of an event.
func changed(ctx context.Context, r *git.Repo, ev *trigger.Event) error {
	if ev.Kind == trigger.PullRequest && !git.IsCommit(ev.Before) {
		refs, err := r.Refs(ctx, git.Branch+ev.Branch)
		if err != nil {
			return err
		}
		ev.Before = refs[git.Branch+ev.Branch]
	}
	depth := 1
	if ev.Kind == trigger.PullRequest {
		depth = git.All
	}
	from := ev.Before
	err := error(nil)
	if git.IsCommit(from) {
		err = r.Fetch(ctx, depth, git.Paths, from, ev.Commit)
	}
	if gone, ok := errors.AsType[*git.Error](err); !git.IsCommit(from) || ok && gone.Kind == git.NoRevision {
		// A new branch, or one that was pushed by force: its last commit.
		if err := r.Fetch(ctx, 2, git.Paths, ev.Commit); err != nil {
			return err
		}
		if from, err = r.Parent(ctx, ev.Commit); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	if from == "" {
		from = emptyTree
	}
	ev.Files, err = r.Changed(ctx, from, ev.Commit, ev.Kind == trigger.PullRequest && git.IsCommit(ev.Before))
	ev.FilesKnown = err == nil
	return err
}

// emptyTree is the id of a tree without files.
const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

// describe fills in what is not known of the commit, which was fetched.
func describe(ctx context.Context, r *git.Repo, ev *trigger.Event) error {
	c, err := r.Describe(ctx, ev.Commit)
	if err != nil {
		return err
	}
	ev.Message, ev.AuthorName, ev.AuthorEmail, ev.AuthorDate = c.Message, c.Author, c.Email, c.Date
	return nil
}
