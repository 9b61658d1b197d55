package pipeline

import (
	"slices"

	"penstock/internal/core/glob"
)

// connection is the provider whose events triggers read.
const connection = "CodeStarSourceConnection"

func triggerSources(c *check) {
	for i, t := range c.d.Triggers {
		var a *Action
		if len(c.d.Stages) > 0 {
			a = c.d.Stages[0].Action(t.SourceAction)
		}
		if a == nil || a.Type.Owner != ownerAWS || a.Type.Provider != connection {
			c.report("V-18", element("triggers", i), structureFault("Triggers for connections must reference a CodeStarSourceConnection action."))
		}
		if slices.ContainsFunc(c.d.Triggers[:i], func(o Trigger) bool { return o.SourceAction == t.SourceAction }) {
			c.report("V-18", element("triggers", i), structureFault("There can only be one trigger for each source action. The following source action is used more than once: %s", t.SourceAction))
		}
	}
}

func triggerFilters(c *check) {
	for n, t := range c.d.Triggers {
		for _, list := range []struct {
			name    string
			filters []GitFilter
			legal   func(GitFilter) bool
			members string
		}{
			{"push", t.Push, legalPush, "tags, branches, or branches and filePaths"},
			{"pullRequest", t.PullRequest, legalPullRequest, "branches, or branches and filePaths, and optionally events"},
		} {
			for i, f := range list.filters {
				path := element("triggers", n) + ".gitConfiguration." + element(list.name, i)
				if !list.legal(f) {
					c.report("", path, structureFault("The trigger for source action '%s' contains a %s filter with an invalid combination of members. "+
						"A filter can have %s.", t.SourceAction, list.name, list.members))
				}
				badPatterns(c, path, t.SourceAction, f)
				if slices.ContainsFunc(list.filters[:i], func(o GitFilter) bool { return sameFilter(o, f) }) {
					c.report("", path, structureFault("The trigger for source action '%s' contains identical %s filters. Filters must be unique", t.SourceAction, list.name))
				}
			}
		}
	}
}

// badPatterns reports patterns that AWS's language of filters does not have.
func badPatterns(c *check, path, source string, f GitFilter) {
	for _, field := range f.patterns() {
		for _, list := range field.lists() {
			for i, text := range list.patterns {
				if _, err := glob.Compile(text); err != nil {
					c.report("", path+"."+field.name+"."+element(list.name, i),
						structureFault("The trigger for source action '%s' contains the pattern '%s', which is not valid: %v", source, text, err))
				}
			}
		}
	}
}

// maxTriggerBytes bounds the patterns of all triggers together (quota page:
// the array of triggers, 200 KB).
const maxTriggerBytes = 200 << 10

func triggerSize(c *check) {
	n := 0
	for _, t := range c.d.Triggers {
		for _, f := range slices.Concat(t.Push, t.PullRequest) {
			for _, field := range f.patterns() {
				for _, list := range field.lists() {
					for _, text := range list.patterns {
						n += len(text)
					}
				}
			}
		}
	}
	if n > maxTriggerBytes {
		c.report("", "triggers", structureFault("The triggers of the pipeline take %d bytes, which is more than the maximum size (%d)", n, maxTriggerBytes))
	}
}

// field is a member of a filter that holds patterns.
type field struct {
	name string
	*Patterns
}

// patterns returns the members of a filter that are there.
func (f GitFilter) patterns() []field {
	return slices.DeleteFunc([]field{{"tags", f.Tags}, {"branches", f.Branches}, {"filePaths", f.FilePaths}},
		func(m field) bool { return m.Patterns == nil })
}

// patternList is one of the lists of a field.
type patternList struct {
	name     string
	patterns []string
}

func (f field) lists() []patternList {
	return []patternList{{"includes", f.Includes}, {"excludes", f.Excludes}}
}

func legalPush(f GitFilter) bool {
	if len(f.Events) > 0 {
		return false
	}
	if f.Tags != nil {
		return f.Branches == nil && f.FilePaths == nil
	}
	return f.Branches != nil
}

func legalPullRequest(f GitFilter) bool {
	return f.Tags == nil && f.Branches != nil
}

func sameFilter(a, b GitFilter) bool {
	return slices.Equal(a.Events, b.Events) && samePatterns(a.Tags, b.Tags) &&
		samePatterns(a.Branches, b.Branches) && samePatterns(a.FilePaths, b.FilePaths)
}

func samePatterns(a, b *Patterns) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.Equal(a.Includes, b.Includes) && slices.Equal(a.Excludes, b.Excludes)
}
