package trigger

import (
	"slices"
	"strings"

	"penstock/internal/core/glob"
	"penstock/internal/core/pipeline"
)

// Source reports whether an action reads a repository through a connection.
func Source(a *pipeline.Action) bool {
	return a.Type == pipeline.ActionType{Category: "Source", Owner: "AWS", Provider: "CodeStarSourceConnection", Version: "1"}
}

// Detects reports whether pushes to the branch of a source action start its
// pipeline when no trigger stands for the action (DetectChanges).
func Detects(a *pipeline.Action) bool {
	return !strings.EqualFold(a.Configuration["DetectChanges"], "false")
}

// Start is an execution that an event starts, bound to the event's commit.
type Start struct {
	Action   string // the source action
	Filtered bool   // by a trigger; else by the default detection
}

// Starts lists the executions that an event in a repository of the connection
// starts in a pipeline: at most one for each source action. unsure is true when
// it depends on files that changed and Files are not known; such a start is not
// in the list.
func Starts(d *pipeline.Declaration, connection string, ev *Event) (starts []Start, unsure bool) {
	for i := range d.Stages[0].Actions {
		a := &d.Stages[0].Actions[i]
		id, ok := ConnectionID(a.Configuration["ConnectionArn"])
		if !ok || id != connection || !Source(a) || a.Configuration["FullRepositoryId"] != ev.Repository {
			continue
		}
		n := slices.IndexFunc(d.Triggers, func(t pipeline.Trigger) bool { return t.SourceAction == a.Name })
		v := no
		switch {
		case n >= 0:
			v = matchTrigger(&d.Triggers[n], a, ev)
		case Detects(a):
			v = branchPush(a, ev)
		}
		unsure = unsure || v == maybe
		if v == yes {
			starts = append(starts, Start{Action: a.Name, Filtered: n >= 0})
		}
	}
	return starts, unsure
}

// verdict is what a filter says about an event; maybe waits for its files.
type verdict int

const (
	no verdict = iota
	maybe
	yes
)

func whether(ok bool) verdict {
	if ok {
		return yes
	}
	return no
}

// branchPush is a push to the branch that the action reads.
func branchPush(a *pipeline.Action, ev *Event) verdict {
	return whether(ev.Kind == Push && ev.Branch == a.Configuration["BranchName"])
}

// matchTrigger is whether any filter matches. A trigger without filters takes
// pushes to the action's branch.
func matchTrigger(t *pipeline.Trigger, a *pipeline.Action, ev *Event) verdict {
	if len(t.Push)+len(t.PullRequest) == 0 {
		return branchPush(a, ev)
	}
	filters := t.Push
	if ev.Kind == PullRequest {
		filters = t.PullRequest
	}
	v := no
	for i := range filters {
		v = max(v, matchFilter(&filters[i], ev))
	}
	return v
}

// matchFilter is whether all members of a filter match.
func matchFilter(f *pipeline.GitFilter, ev *Event) verdict {
	switch {
	case ev.Kind == Tag:
		return whether(f.Tags != nil && compile(f.Tags).match(ev.TagName))
	case f.Branches == nil || !compile(f.Branches).match(ev.Branch):
		return no
	case ev.Kind == PullRequest && len(f.Events) > 0 && !slices.Contains(f.Events, ev.Pull.Action):
		return no
	case f.FilePaths == nil:
		return yes
	case !ev.FilesKnown:
		return maybe
	}
	paths := compile(f.FilePaths)
	return whether(slices.ContainsFunc(ev.Files[:min(MaxFiles, len(ev.Files))], paths.match))
}

// patterns are compiled pipeline.Patterns.
type patterns struct{ includes, excludes []*glob.Glob }

func compile(p *pipeline.Patterns) patterns {
	return patterns{each(p.Includes), each(p.Excludes)}
}

// each compiles patterns. One that does not compile matches nothing; Create-
// and UpdatePipeline let none through.
func each(list []string) []*glob.Glob {
	var out []*glob.Glob
	for _, text := range list {
		if g, err := glob.Compile(text); err == nil {
			out = append(out, g)
		}
	}
	if len(list) > 0 && out == nil {
		out = []*glob.Glob{}
	}
	return out
}

// match is whether a name passes: it matches an include, where there are any,
// and no exclude.
func (p patterns) match(name string) bool {
	hit := func(g *glob.Glob) bool { return g.Match(name) }
	return (p.includes == nil || slices.ContainsFunc(p.includes, hit)) && !slices.ContainsFunc(p.excludes, hit)
}
