package pipeline_test

import (
	"reflect"
	"testing"

	"penstock/internal/core/pipeline"
)

// One declaration, wrong in many ways: all of it is told at once, each at its
// place.
func TestProblems(t *testing.T) {
	t.Parallel()
	d := declared(func(d *pipeline.Declaration) {
		d.ArtifactStore = nil
		d.Mode, d.Type = pipeline.Queued, pipeline.V1
		d.Stages[1].Name = d.Stages[0].Name
		d.Stages[1].Actions[0].Inputs = []string{"Nothing", "Neither"}
		d.Stages[1].Actions[0].Configuration = map[string]string{"Wrong": "#{nowhere.X}", "ProjectName": "#{later.Y}"}
		d.Stages[2].Actions[0].Type.Provider = "Magic"
		d.Stages[2].Actions = append(d.Stages[2].Actions, d.Stages[2].Actions[0])
		d.Stages[3].Actions[0].Namespace = "codepipeline"
		d.Stages[3].BeforeEntry = []pipeline.Condition{{Result: "ROLLBACK", Rules: []pipeline.Rule{{Name: "R", Type: awsType("Rule", "VariableCheck")}}}}
	})
	got := map[string][]string{}
	for _, p := range pipeline.Problems(d, env()) {
		got[p.Rule] = append(got[p.Rule], p.Path)
		if p.Code == "" || p.Message == "" {
			t.Errorf("%+v says nothing", p)
		}
	}
	want := map[string][]string{
		"V-08": {""},
		"V-20": {"executionMode"},
		"V-23": {"stages[3]"},
		"V-30": {"stages[1]"},
		"V-35": {"stages[3].beforeEntry.conditions[0]"},
		"V-40": {"stages[2].actions[0].actionTypeId", "stages[2].actions[1].actionTypeId"},
		"V-41": {"stages[2].actions[1]"},
		"V-43": {"stages[1].actions[0].configuration.Wrong"},
		"V-46": {"stages[1].actions[0].inputArtifacts[0]", "stages[1].actions[0].inputArtifacts[1]"},
		"V-49": {"stages[1].actions[0].configuration.ProjectName"},
		"V-51": {"stages[3].actions[0].namespace"},
		"": {"stages[3].beforeEntry.conditions[0].rules[0].configuration.Variable",
			"stages[3].beforeEntry.conditions[0].rules[0].configuration.Operator",
			"stages[3].beforeEntry.conditions[0].rules[0].configuration.Value"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
	first := pipeline.Problems(d, env())[0]
	wantFault(t, pipeline.Validate(d, env()), first.Code, first.Message)
}

// Even a declaration with nothing in it can be asked for its problems.
func TestProblemsOfNothing(t *testing.T) {
	t.Parallel()
	d := &pipeline.Declaration{Triggers: []pipeline.Trigger{{SourceAction: "Git"}}}
	pipeline.Normalize(d)
	if all := pipeline.Problems(d, env()); len(all) < 3 || all[0].Rule != "V-03" {
		t.Errorf("got %+v", all)
	}
	if all := pipeline.Problems(declared(func(*pipeline.Declaration) {}), env()); len(all) > 0 {
		t.Errorf("a good declaration has problems: %+v", all)
	}
}
