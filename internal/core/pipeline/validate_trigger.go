package pipeline

import "slices"

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
				if slices.ContainsFunc(list.filters[:i], func(o GitFilter) bool { return sameFilter(o, f) }) {
					c.report("", path, structureFault("The trigger for source action '%s' contains identical %s filters. Filters must be unique", t.SourceAction, list.name))
				}
			}
		}
	}
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
