package gitevent

import (
	"net/mail"
	"strconv"
	"strings"

	"penstock/internal/core/trigger"
)

type bitbucketRepository struct {
	FullName string `json:"full_name"`
}

type bitbucketTarget struct {
	Hash, Message string
	Date          when
	Author        struct {
		Raw  string
		User struct {
			AccountID string `json:"account_id"`
		}
	}
}

type bitbucketRef struct {
	Type, Name string
	Target     bitbucketTarget
}

type bitbucketPush struct {
	Push struct {
		Changes []struct{ New, Old *bitbucketRef }
	}
	Repository bitbucketRepository
}

type bitbucketSide struct {
	Branch struct{ Name string }
	Commit struct{ Hash string } // the first 12 digits
}

type bitbucketPull struct {
	PullRequest struct {
		ID                  int64
		Title               string
		Source, Destination bitbucketSide
	}
	Repository bitbucketRepository
}

// bitbucketPulls are the events that AWS knows. A pull request that is declined
// is none.
var bitbucketPulls = map[string]string{
	"pullrequest:created": trigger.Open, "pullrequest:updated": trigger.Updated, "pullrequest:fulfilled": trigger.Closed,
}

func readBitbucket(event string, body []byte) ([]trigger.Event, error) {
	if event == "repo:push" {
		p, err := decode[bitbucketPush](body)
		if err != nil {
			return nil, err
		}
		return p.events(), nil
	}
	action, ok := bitbucketPulls[event]
	if !ok {
		return nil, nil
	}
	p, err := decode[bitbucketPull](body)
	if err != nil {
		return nil, err
	}
	pr := &p.PullRequest
	return []trigger.Event{{
		Kind: trigger.PullRequest, Repository: p.Repository.FullName, Branch: pr.Destination.Branch.Name, Commit: pr.Source.Commit.Hash,
		Pull: &trigger.Pull{Action: action, ID: strconv.FormatInt(pr.ID, 10), Title: pr.Title, Source: pr.Source.Branch.Name},
	}}, nil
}

// maxChanges bounds the references of one push; Bitbucket shows no more.
const maxChanges = 100

func (p *bitbucketPush) events() []trigger.Event {
	var out []trigger.Event
	for _, c := range p.Push.Changes[:min(maxChanges, len(p.Push.Changes))] {
		if c.New == nil {
			continue // deleted
		}
		ev := trigger.Event{Kind: trigger.Push, Repository: p.Repository.FullName, Branch: c.New.Name, Commit: c.New.Target.Hash}
		if c.New.Type == "tag" {
			ev.Kind, ev.Branch, ev.TagName = trigger.Tag, "", c.New.Name
		}
		if c.Old != nil {
			ev.Before = c.Old.Target.Hash
		}
		t := &c.New.Target
		ev.Description = trigger.Description{
			Message: strings.TrimRight(t.Message, "\n"), AuthorName: t.Author.Raw, AuthorID: t.Author.User.AccountID, AuthorDate: t.Date.UTC(),
		}
		if a, err := mail.ParseAddress(t.Author.Raw); err == nil {
			ev.AuthorName, ev.AuthorEmail = a.Name, a.Address
		}
		out = append(out, ev)
	}
	return out
}
