package connection

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"penstock/internal/core/trigger"
	"penstock/internal/git"
	"penstock/internal/store"
)

// Poller asks the repositories of connections that poll for their branches and
// tags, and tells of what changed as a push.
type Poller struct {
	Starter  *Starter
	Interval time.Duration
	// Polled is told what became of asking a repository.
	Polled func(error)

	hints chan struct{}
}

// NewPoller returns a Poller that takes hints before it runs.
func NewPoller(s *Starter, interval time.Duration) *Poller {
	return &Poller{Starter: s, Interval: interval, Polled: func(error) {}, hints: make(chan struct{}, 1)}
}

// Changed hints that pipelines may read repositories that they did not read
// before. What those show now is where changes are counted from.
func (p *Poller) Changed() {
	select {
	case p.hints <- struct{}{}:
	default:
	}
}

// Run asks until ctx ends.
func (p *Poller) Run(ctx context.Context) {
	tick := time.NewTicker(p.Interval)
	defer tick.Stop()
	p.Look(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.hints:
			p.look(ctx, true)
		case <-tick.C:
			p.Look(ctx)
		}
	}
}

// polled is a repository to ask, and what it showed last; nil = never asked.
type polled struct {
	connection store.Connection
	repository string
	refs       map[string]string
}

// Look asks all repositories once.
func (p *Poller) Look(ctx context.Context) { p.look(ctx, false) }

// look asks all repositories, or the new ones only.
func (p *Poller) look(ctx context.Context, fresh bool) {
	list, err := p.list(ctx, fresh)
	if err != nil {
		if ctx.Err() == nil {
			p.Starter.Log.Error("the repositories to poll could not be read", "error", err)
		}
		return
	}
	var work sync.WaitGroup
	queue := make(chan polled)
	for range min(atOnce, len(list)) {
		work.Go(func() {
			for one := range queue {
				err := p.one(ctx, one)
				if ctx.Err() != nil {
					continue
				}
				if p.Polled(err); err != nil {
					p.Starter.Log.Warn("a repository could not be polled", "connection", one.connection.ARN(), "repository", one.repository, "error", err)
				}
			}
		})
	}
	for _, one := range list {
		queue <- one
	}
	close(queue)
	work.Wait()
}

func (p *Poller) list(ctx context.Context, fresh bool) (list []polled, err error) {
	err = p.Starter.Store.View(ctx, func(r store.Reader) error {
		list = nil
		repositories, err := r.Repositories()
		if err != nil {
			return err
		}
		var c store.Connection
		for _, repo := range repositories { // those of a connection follow each other
			if c.ID != repo.Connection {
				c, err = r.Connection(repo.Connection)
				if errors.Is(err, store.ErrNotFound) {
					c = store.Connection{ID: repo.Connection}
				} else if err != nil {
					return err
				}
			}
			if !c.Poll {
				continue
			}
			refs, err := r.References(repo)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if !fresh || refs == nil {
				list = append(list, polled{c, repo.Name, refs})
			}
		}
		return nil
	})
	return list, err
}

// one asks a repository.
func (p *Poller) one(ctx context.Context, at polled) error {
	var now map[string]string
	err := p.Starter.Git.ask(ctx, at.connection, at.repository, func(ctx context.Context, r *git.Repo) (err error) {
		now, err = r.Refs(ctx, git.Branch+"*", git.TagRef+"*")
		return err
	})
	if err != nil {
		return err
	}
	next, changed := compare(at.refs, now)
	if at.refs != nil && len(changed) == 0 && len(next) == len(at.refs) {
		return nil
	}
	repo := store.Repository{Connection: at.connection.ID, Name: at.repository}
	var failed []error
	for _, name := range changed {
		_, err := p.Starter.Handle(ctx, at.connection, []trigger.Event{event(at, name, now[name])}, func(tx store.Tx, _ int) (bool, error) {
			return saw(tx, repo, name, at.refs[name], next[name])
		})
		if err != nil { // the next round sees it again
			failed = append(failed, err)
			if next[name] = at.refs[name]; next[name] == "" {
				delete(next, name)
			}
		}
	}
	err = p.Starter.Store.Update(ctx, func(tx store.Tx) error { return tx.SetReferences(repo, next) })
	return errors.Join(append(failed, err)...)
}

// told follows a commit whose push was told of, by polling or by the host; the
// others are what the repository showed first.
const told = "!"

func commitOf(reference string) string { return strings.TrimSuffix(reference, told) }

// compare returns what to remember of the references that the repository shows
// now, and which of them to tell of.
func compare(old, now map[string]string) (next map[string]string, changed []string) {
	next = make(map[string]string, len(now))
	for _, name := range slices.Sorted(maps.Keys(now)) {
		switch {
		case old == nil:
			next[name] = now[name]
		case commitOf(old[name]) == now[name]:
			next[name] = old[name]
		default:
			next[name] = now[name] + told
			changed = append(changed, name)
		}
	}
	return next, changed
}

// saw notes where a reference points now, unless it did not point to before any
// more: then somebody else has told of it.
func saw(tx store.Tx, repo store.Repository, name, before, now string) (bool, error) {
	refs, err := tx.References(repo)
	if errors.Is(err, store.ErrNotFound) || err == nil && refs[name] != before {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	refs[name] = now
	return true, tx.SetReferences(repo, refs)
}

// Told notes a push that a host told of, so that polling does not tell of it
// again. It is false when polling was first.
func Told(tx store.Tx, c store.Connection, ev *trigger.Event) (bool, error) {
	if !c.Poll || ev.Kind == trigger.PullRequest {
		return true, nil
	}
	repo, name := store.Repository{Connection: c.ID, Name: ev.Repository}, git.Branch+ev.Branch
	if ev.Kind == trigger.Tag {
		name = git.TagRef + ev.TagName
	}
	refs, err := tx.References(repo)
	if errors.Is(err, store.ErrNotFound) {
		return true, nil // never asked: the next time is where changes are counted from
	}
	if err != nil || refs[name] == ev.Commit+told {
		return false, err
	}
	if at := commitOf(refs[name]); at != ev.Before && at != ev.Commit {
		return true, nil // polling is ahead, or comes later
	}
	refs[name] = ev.Commit + told
	return true, tx.SetReferences(repo, refs)
}

// event is the push that moved a reference.
func event(at polled, name, commit string) trigger.Event {
	ev := trigger.Event{Kind: trigger.Push, Repository: at.repository, Commit: commit, Before: commitOf(at.refs[name])}
	if tag, ok := strings.CutPrefix(name, git.TagRef); ok {
		ev.Kind, ev.TagName = trigger.Tag, tag
		return ev
	}
	ev.Branch = strings.TrimPrefix(name, git.Branch)
	if ev.Before == "" {
		for _, known := range at.refs {
			ev.FilesKnown = ev.FilesKnown || commitOf(known) == commit // a new branch without new commits
		}
	}
	return ev
}
