package pipeline

import (
	"maps"
	"slices"
)

// Clone returns a deep copy. Nil stays nil and empty stays empty.
func (d *Declaration) Clone() *Declaration {
	if d == nil {
		return nil
	}
	c := *d
	c.ArtifactStore = clonePtr(d.ArtifactStore, cloneStore)
	c.ArtifactStores = maps.Clone(d.ArtifactStores)
	for region, store := range c.ArtifactStores {
		c.ArtifactStores[region] = cloneStore(store)
	}
	c.Stages = cloneEach(d.Stages, cloneStage)
	c.Variables = cloneEach(d.Variables, cloneVariable)
	c.Triggers = cloneEach(d.Triggers, cloneTrigger)
	return &c
}

func cloneStore(s ArtifactStore) ArtifactStore {
	s.Key = clonePtr(s.Key, same)
	return s
}

func cloneStage(s Stage) Stage {
	s.Blockers = slices.Clone(s.Blockers)
	s.Actions = cloneEach(s.Actions, cloneAction)
	s.BeforeEntry = cloneEach(s.BeforeEntry, cloneCondition)
	s.OnSuccess = cloneEach(s.OnSuccess, cloneCondition)
	s.OnFailure = clonePtr(s.OnFailure, func(f OnFailure) OnFailure {
		f.Conditions = cloneEach(f.Conditions, cloneCondition)
		return f
	})
	return s
}

func cloneAction(a Action) Action {
	a.Configuration = maps.Clone(a.Configuration)
	a.Secrets = slices.Clone(a.Secrets)
	a.Inputs = slices.Clone(a.Inputs)
	a.Outputs = cloneEach(a.Outputs, func(o OutputArtifact) OutputArtifact {
		o.Files = slices.Clone(o.Files)
		return o
	})
	a.OutputVariables = slices.Clone(a.OutputVariables)
	a.Commands = slices.Clone(a.Commands)
	a.Environment = slices.Clone(a.Environment)
	return a
}

func cloneCondition(c Condition) Condition {
	c.Rules = cloneEach(c.Rules, func(r Rule) Rule {
		r.Configuration = maps.Clone(r.Configuration)
		r.Commands = slices.Clone(r.Commands)
		r.InputArtifacts = slices.Clone(r.InputArtifacts)
		return r
	})
	return c
}

func cloneVariable(v Variable) Variable {
	v.Default = clonePtr(v.Default, same)
	return v
}

func cloneTrigger(t Trigger) Trigger {
	t.Push = cloneEach(t.Push, cloneFilter)
	t.PullRequest = cloneEach(t.PullRequest, cloneFilter)
	return t
}

func cloneFilter(f GitFilter) GitFilter {
	f.Events = slices.Clone(f.Events)
	f.Tags = clonePtr(f.Tags, clonePatterns)
	f.Branches = clonePtr(f.Branches, clonePatterns)
	f.FilePaths = clonePtr(f.FilePaths, clonePatterns)
	return f
}

func clonePatterns(p Patterns) Patterns {
	return Patterns{Includes: slices.Clone(p.Includes), Excludes: slices.Clone(p.Excludes)}
}

func cloneEach[T any](list []T, clone func(T) T) []T {
	list = slices.Clone(list)
	for i := range list {
		list[i] = clone(list[i])
	}
	return list
}

func clonePtr[T any](p *T, clone func(T) T) *T {
	if p == nil {
		return nil
	}
	v := clone(*p)
	return &v
}

func same[T any](v T) T { return v }
