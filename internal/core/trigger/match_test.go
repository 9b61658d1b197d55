package trigger_test

import (
	"fmt"
	"strings"
	"testing"

	"penstock/internal/core/pipeline"
	"penstock/internal/core/trigger"
)

const (
	id  = "01234567-89ab-cdef-0123-456789abcdef"
	arn = "arn:aws:codestar-connections:eu-west-1:000000000000:connection/" + id
)

// one is a pipeline with the source action Git on main of acme/shop.
func one(triggers ...pipeline.Trigger) *pipeline.Declaration {
	return &pipeline.Declaration{
		Stages: []pipeline.Stage{{Actions: []pipeline.Action{{
			Name: "Git", Type: pipeline.ActionType{Category: "Source", Owner: "AWS", Provider: "CodeStarSourceConnection", Version: "1"},
			Configuration: map[string]string{"ConnectionArn": arn, "FullRepositoryId": "acme/shop", "BranchName": "main"},
		}}}},
		Triggers: triggers,
	}
}

func set(d *pipeline.Declaration, key, value string) *pipeline.Declaration {
	d.Stages[0].Actions[0].Configuration[key] = value
	return d
}

// names reads "a b !c" as includes a and b, exclude c.
func names(text string) *pipeline.Patterns {
	p := &pipeline.Patterns{}
	for f := range strings.FieldsSeq(text) {
		if x, ok := strings.CutPrefix(f, "!"); ok {
			p.Excludes = append(p.Excludes, x)
		} else {
			p.Includes = append(p.Includes, f)
		}
	}
	return p
}

func pushes(f ...pipeline.GitFilter) *pipeline.Declaration {
	return one(pipeline.Trigger{SourceAction: "Git", Push: f})
}

func pulls(f ...pipeline.GitFilter) *pipeline.Declaration {
	return one(pipeline.Trigger{SourceAction: "Git", PullRequest: f})
}

func branches(text string) pipeline.GitFilter { return pipeline.GitFilter{Branches: names(text)} }
func tags(text string) pipeline.GitFilter     { return pipeline.GitFilter{Tags: names(text)} }
func files(branches, paths string) pipeline.GitFilter {
	return pipeline.GitFilter{Branches: names(branches), FilePaths: names(paths)}
}
func events(list ...string) pipeline.GitFilter {
	return pipeline.GitFilter{Branches: names("main"), Events: list}
}

func push(branch string, paths ...string) trigger.Event {
	return trigger.Event{Kind: trigger.Push, Repository: "acme/shop", Branch: branch, Commit: "c", Files: paths, FilesKnown: true}
}

func tag(name string) trigger.Event {
	return trigger.Event{Kind: trigger.Tag, Repository: "acme/shop", TagName: name, Commit: "c"}
}

func pull(action, source, destination string, paths ...string) trigger.Event {
	return trigger.Event{
		Kind: trigger.PullRequest, Repository: "acme/shop", Branch: destination, Commit: "c", Files: paths, FilesKnown: true,
		Pull: &trigger.Pull{Action: action, ID: "1", Source: source},
	}
}

// many are n paths that match nothing, then last.
func many(n int, last string) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprint("x", i))
	}
	return append(list, last)
}

// The rows of engine.md section 7.2, and the default detection of 7.1.
func TestStarts(t *testing.T) {
	t.Parallel()
	unknown := push("main")
	unknown.FilesKnown = false
	elsewhere := push("main")
	elsewhere.Repository = "acme/Shop"
	for _, c := range []struct {
		name string
		d    *pipeline.Declaration
		ev   trigger.Event
		want string // of the starts
	}{
		{"detection: its branch", one(), push("main"), "detected"},
		{"detection: another branch", one(), push("feature"), ""},
		{"detection: tag", one(), tag("main"), ""},
		{"detection: pull request", one(), pull("OPEN", "feature", "main"), ""},
		{"detection off", set(one(), "DetectChanges", "False"), push("main"), ""},
		{"detection on", set(one(), "DetectChanges", "true"), push("main"), "detected"},
		{"newer ARN", set(one(), "ConnectionArn", strings.Replace(arn, "codestar-connections", "codeconnections", 1)), push("main"), "detected"},
		{"another connection", set(one(), "ConnectionArn", strings.Replace(arn, "0123", "4567", 1)), push("main"), ""},
		{"no ARN", set(one(), "ConnectionArn", id), push("main"), ""},
		{"case of the repository", one(), elsewhere, ""},

		{"trigger instead of detection", pushes(branches("release")), push("main"), ""},
		{"trigger though detection is off", set(pushes(branches("release")), "DetectChanges", "false"), push("release"), "filtered"},
		{"trigger without filters: its branch", pushes(), push("main"), "filtered"},
		{"trigger without filters: another", pushes(), push("feature"), ""},
		{"trigger of another action", one(pipeline.Trigger{SourceAction: "Other", Push: []pipeline.GitFilter{branches("x")}}), push("main"), "detected"},

		{"or between filters", pushes(tags("v*"), branches("main")), push("main"), "filtered"},
		{"or between push and pull request", one(pipeline.Trigger{SourceAction: "Git",
			Push: []pipeline.GitFilter{tags("v*")}, PullRequest: []pipeline.GitFilter{branches("main")}}), pull("OPEN", "f", "main"), "filtered"},
		{"and within a filter: both", pushes(files("main", "docs/*")), push("main", "docs/a"), "filtered"},
		{"and within a filter: branch only", pushes(files("main", "docs/*")), push("main", "src/a"), ""},
		{"and within a filter: files only", pushes(files("main", "docs/*")), push("feature", "docs/a"), ""},
		{"or within includes", pushes(branches("main feature/*")), push("feature/x"), "filtered"},
		{"excludes win", pushes(branches("feature/* !feature/x")), push("feature/x"), ""},
		{"the same in both excludes", pushes(branches("main !main")), push("main"), ""},
		{"excludes alone", pushes(branches("!main")), push("feature"), "filtered"},
		{"excludes alone, excluded", pushes(branches("!main")), push("main"), ""},

		{"one of the files", pushes(files("main", "docs/* !docs/x")), push("main", "src/a", "docs/x", "docs/y"), "filtered"},
		{"each file on its own", pushes(files("main", "docs/* !docs/x")), push("main", "src/a", "docs/x"), ""},
		{"files: excludes alone", pushes(files("main", "!docs/**")), push("main", "docs/a", "src/a"), "filtered"},
		{"files: all excluded", pushes(files("main", "!docs/**")), push("main", "docs/a"), ""},
		{"the hundredth file", pushes(files("main", "hit")), push("main", many(99, "hit")...), "filtered"},
		{"the hundred and first file", pushes(files("main", "hit")), push("main", many(100, "hit")...), ""},
		{"new branch without commits, files", pushes(files("**", "**")), push("new"), ""},
		{"new branch without commits, no files", pushes(branches("**")), push("new"), "filtered"},
		{"files not known", pushes(files("main", "docs/*")), unknown, "unsure"},
		{"files not known, but another filter", pushes(files("main", "docs/*"), branches("main")), unknown, "filtered"},
		{"files not known, another branch", pushes(files("release", "docs/*")), unknown, ""},
		{"**/ in the root (Q-17)", pushes(files("main", "**/README.md")), push("main", "README.md"), ""},

		{"tag", pushes(tags("v*")), tag("v1"), "filtered"},
		{"another tag", pushes(tags("v* !v2")), tag("v2"), ""},
		{"tag with a slash", pushes(tags("v*")), tag("v/1"), ""},
		{"branch of a tag's name", pushes(tags("v*")), push("v1"), ""},
		{"tag of a branch's name", pushes(branches("v*")), tag("v1"), ""},

		{"destination of a pull request", pulls(branches("main")), pull("OPEN", "feature", "main"), "filtered"},
		{"source of a pull request", pulls(branches("feature")), pull("OPEN", "feature", "main"), ""},
		{"no events: opened", pulls(branches("main")), pull("OPEN", "f", "main"), "filtered"},
		{"no events: updated", pulls(branches("main")), pull("UPDATED", "f", "main"), "filtered"},
		{"no events: closed", pulls(branches("main")), pull("CLOSED", "f", "main"), "filtered"},
		{"its event", pulls(events("UPDATED", "CLOSED")), pull("CLOSED", "f", "main"), "filtered"},
		{"another event", pulls(events("UPDATED", "CLOSED")), pull("OPEN", "f", "main"), ""},
		{"files of a pull request", pulls(files("main", "docs/*")), pull("OPEN", "f", "main", "docs/a"), "filtered"},
		{"other files of a pull request", pulls(files("main", "docs/*")), pull("OPEN", "f", "main", "a"), ""},
		{"push is no pull request", pulls(branches("main")), push("main"), ""},
		{"pull request is no push", pushes(branches("main")), pull("OPEN", "f", "main"), ""},
	} {
		starts, unsure := trigger.Starts(c.d, id, &c.ev)
		got := ""
		switch {
		case unsure:
			got = "unsure"
		case len(starts) == 1 && starts[0] == trigger.Start{Action: "Git", Filtered: true}:
			got = "filtered"
		case len(starts) == 1 && starts[0] == trigger.Start{Action: "Git"}:
			got = "detected"
		case len(starts) > 0:
			got = fmt.Sprint(starts)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// One event, several filters of a trigger: one execution. Several triggers:
// one each.
func TestOneStartForEachTrigger(t *testing.T) {
	t.Parallel()
	d := pushes(branches("main"), branches("m*"))
	second := d.Stages[0].Actions[0]
	second.Name = "Again"
	d.Stages[0].Actions = append(d.Stages[0].Actions, second)
	ev := push("main")
	if starts, _ := trigger.Starts(d, id, &ev); fmt.Sprint(starts) != "[{Git true} {Again false}]" {
		t.Errorf("starts %v", starts)
	}
}

func TestConnectionID(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", id, "arn:aws:codestar-connections:eu-west-1:1:connection/" + id, arn + "/x", strings.ToUpper(arn),
		strings.Replace(arn, "connections", "notifications", 1)} {
		if got, ok := trigger.ConnectionID(bad); ok {
			t.Errorf("%q: %s", bad, got)
		}
	}
}
