package connection

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"

	"penstock/internal/core/engine"
	"penstock/internal/core/trigger"
	"penstock/internal/store"
)

// Starter starts executions for events.
type Starter struct {
	Store *store.Store
	Log   *slog.Logger
	Git   *Git
}

// match is an execution to start.
type match struct {
	pipeline engine.Pipeline
	trigger.Start
}

// Handle starts what the events of one delivery ask for, all or nothing, and
// returns how many executions. first is called for each event, by its place, in
// the same transaction; when it reports false, the event was here before and
// starts nothing.
func (s *Starter) Handle(ctx context.Context, c store.Connection, events []trigger.Event, first func(tx store.Tx, i int) (bool, error)) (int, error) {
	any := false
	for i := range events {
		matches, err := s.prepare(ctx, c, &events[i])
		if err != nil {
			return 0, err
		}
		any = any || matches
	}
	if !any {
		return 0, nil
	}
	started := 0
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		started = 0
		for i := range events {
			fresh, err := first(tx, i)
			if err != nil {
				return err
			}
			if !fresh {
				continue
			}
			n, err := s.start(tx, c, &events[i])
			if err != nil {
				return err
			}
			started += n
		}
		return nil
	})
	if err == nil && started > 0 {
		s.Log.Info("a Git event started executions", "connection", c.ARN(), "repository", events[0].Repository, "executions", started)
	}
	return started, err
}

// prepare finds out what it takes to decide about the event, and whether it
// starts anything.
func (s *Starter) prepare(ctx context.Context, c store.Connection, ev *trigger.Event) (bool, error) {
	var found []match
	unsure := false
	look := func(r store.Reader) (err error) {
		found, unsure, err = matches(r, c, ev)
		return err
	}
	if err := s.Store.View(ctx, look); err != nil || len(found) == 0 && !unsure {
		return false, err
	}
	if err := s.Git.complete(ctx, c, ev, unsure); err != nil {
		return false, err
	}
	if !unsure {
		return true, nil
	}
	err := s.Store.View(ctx, look)
	return len(found) > 0, err
}

// matches lists the executions that the event starts now. unsure is true when
// more may follow from the files that changed.
func matches(r store.Reader, c store.Connection, ev *trigger.Event) (out []match, unsure bool, err error) {
	pipelines, err := r.PipelinesOf(store.Repository{Connection: c.ID, Name: ev.Repository})
	if err != nil {
		return nil, false, err
	}
	for _, at := range pipelines {
		if at.Account != c.Account {
			continue // somebody else's connection
		}
		p, err := r.Pipeline(at.Account, at.Region, at.Name)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, false, err
		}
		d, err := r.Declaration(p.ID, p.Version)
		if err != nil {
			return nil, false, err
		}
		starts, maybe := trigger.Starts(d, c.ID, ev)
		unsure = unsure || maybe
		for _, st := range starts {
			out = append(out, match{p.Pipeline, st})
		}
	}
	return out, unsure, nil
}

// start starts the executions that the event asks for.
func (s *Starter) start(tx store.Tx, c store.Connection, ev *trigger.Event) (int, error) {
	found, _, err := matches(tx, c, ev)
	if err != nil {
		return 0, err
	}
	event := eventOf(c, ev)
	for _, m := range found {
		tr := engine.Trigger{Type: "Webhook", Detail: c.ARN()}
		if m.Filtered {
			tr = engine.Trigger{Type: "WebhookV2", Detail: detail(event, ev.Commit)}
		}
		_, err := s.Store.Step(tx, m.pipeline.ID, engine.Start{Trigger: tr, Bound: &engine.Binding{
			Action: m.Action, Revision: engine.Revision{ID: ev.Commit}, Event: event,
		}})
		if err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

// maxText bounds texts that senders choose, in characters: they are stored with
// each execution.
const maxText = 4096

func eventOf(c store.Connection, ev *trigger.Event) *engine.GitEvent {
	e := &engine.GitEvent{
		Provider: c.Provider, Connection: c.ARN(), Repository: ev.Repository, Tag: ev.TagName,
		Message: head(ev.Message, maxText), AuthorName: head(ev.AuthorName, maxText), AuthorEmail: head(ev.AuthorEmail, maxText),
		AuthorID: head(ev.AuthorID, maxText), AuthorDate: ev.AuthorDate,
	}
	if ev.Kind == trigger.Push {
		e.Branch = ev.Branch
	}
	if p := ev.Pull; p != nil {
		e.PullRequest = &engine.PullRequest{ID: p.ID, Title: head(p.Title, maxText), Source: p.Source, Destination: ev.Branch}
	}
	return e
}

// maxDetail is the length of a triggerDetail.
const maxDetail = 1024

// detail is the triggerDetail of an execution that a trigger started: a JSON
// object of the Git fields of state-change events (engine.md, Q-36). The texts
// that people wrote are cut so that all of it fits and stays JSON.
func detail(e *engine.GitEvent, commit string) string {
	room := 512
	for {
		d := map[string]string{}
		set := func(name, value string, most int) {
			if value = head(value, most); value != "" {
				d[name] = value
			}
		}
		set("provider-type", e.Provider, 64)
		set("full-repository-name", e.Repository, 256)
		set("branch-name", e.Branch, 128)
		set("tag-name", e.Tag, 128)
		set("commit-id", commit, 64)
		set("commit-message", e.Message, room)
		set("author-display-name", e.AuthorName, room/4)
		if p := e.PullRequest; p != nil {
			set("pull-request-id", p.ID, 32)
			set("pull-request-title", p.Title, room/4)
			set("source-branch-name", p.Source, 128)
			set("destination-branch-name", p.Destination, 128)
		}
		text, err := json.Marshal(d)
		if err == nil && len(text) <= maxDetail || room == 0 {
			return head(string(text), maxDetail)
		}
		room /= 2
	}
}

// head cuts a text to so many characters, and makes it valid.
func head(s string, most int) string {
	s = strings.ToValidUTF8(s, "�")
	n := 0
	for i := range s {
		if n == most {
			return s[:i]
		}
		n++
	}
	return s
}
