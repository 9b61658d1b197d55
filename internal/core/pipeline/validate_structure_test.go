package pipeline_test

import (
	"fmt"
	"strings"
	"testing"

	"penstock/internal/core/pipeline"
)

func TestValidateRefusesPipelines(t *testing.T) {
	t.Parallel()
	stages := func(n int) edit {
		return func(d *pipeline.Declaration) {
			d.Stages = d.Stages[:min(n, 2)]
			for len(d.Stages) < n {
				gate := approval()
				d.Stages = append(d.Stages, pipeline.Stage{Name: fmt.Sprint("S", len(d.Stages)), Actions: []pipeline.Action{gate}})
			}
		}
	}
	variables := func(names ...string) edit {
		return func(d *pipeline.Declaration) {
			for _, n := range names {
				d.Variables = append(d.Variables, pipeline.Variable{Name: n})
			}
		}
	}
	config := func(stage int, key, value string) edit {
		return func(d *pipeline.Declaration) { d.Stages[stage].Actions[0].Configuration[key] = value }
	}
	const (
		oneSource    = "Pipeline should start with a stage that only contains source actions"
		manyRegions  = "Your pipeline contains actions in more than one region. Use 'pipeline.artifactStores' instead of 'pipeline.artifactStore' to declare an artifact store, such as an artifact bucket, for each region where you have an action."
		missingStore = "Your pipeline must have an artifact store, such as an artifact bucket, for each region where you have an action. The following region is missing in 'pipeline.artifactStores': "
		undeclared   = "The referenced variables haven't been declared.\nStageName=[Build], ActionName=[Compile], ActionConfigurationKey=[EnvironmentVariables], VariableReferenceText=[#{variables.Y}]"
	)
	testRefusals(t, []refusal{
		{"V-03 one stage", stages(1), ist, "Pipeline has only 1 stage(s). There should be a minimum of 2 stages in a pipeline"},
		{"V-03 no stage", stages(0), ist, "Pipeline has only 0 stage(s). There should be a minimum of 2 stages in a pipeline"},
		{"V-04 51 stages", stages(51), ist, "Pipeline has too many stages. There can only be up to 50 stages in a pipeline"},
		{"V-05 first stage has another action", func(d *pipeline.Declaration) {
			d.Stages[0].Actions = append(d.Stages[0].Actions, approval())
		}, ist, oneSource},
		{"V-05 first stage is empty", func(d *pipeline.Declaration) { d.Stages[0].Actions = nil }, ist, oneSource},
		{"V-06 source later", func(d *pipeline.Declaration) {
			d.Stages[1].Actions = append(d.Stages[1].Actions, connection())
		}, ist, "Source actions can only be included in the first stage of the pipeline"},
		{"V-07 only sources", func(d *pipeline.Declaration) {
			d.Stages = append(d.Stages[:1], pipeline.Stage{Name: "Empty"})
		}, ist, "Pipeline should contain at least 1 action whose category is not Source"},
		{"V-08 both stores", func(d *pipeline.Declaration) {
			d.ArtifactStores = map[string]pipeline.ArtifactStore{region: {Bucket: "b"}}
		}, ist, "Pipeline has both 'pipeline.artifactStore' and 'pipeline.artifactStores'. There should be exactly one of them in a pipeline"},
		{"V-08 no store", func(d *pipeline.Declaration) {
			d.ArtifactStore, d.ArtifactStores = nil, map[string]pipeline.ArtifactStore{}
		}, ist, "Pipeline has neither 'pipeline.artifactStore' nor 'pipeline.artifactStores'. There should be exactly one of them in a pipeline"},
		{"V-09 action elsewhere", func(d *pipeline.Declaration) { d.Stages[3].Actions[0].Region = other }, ist, manyRegions},
		{"V-09 rule with artifacts elsewhere", func(d *pipeline.Declaration) {
			d.Stages[1].OnSuccess = check("FAIL")
			r := &d.Stages[1].OnSuccess[0].Rules[0]
			r.Region, r.InputArtifacts = other, []string{"App"}
		}, ist, manyRegions},
		{"V-10 action's region", func(d *pipeline.Declaration) {
			d.ArtifactStore, d.ArtifactStores = nil, map[string]pipeline.ArtifactStore{region: {Bucket: "b"}}
			d.Stages[3].Actions[0].Region = other
		}, ist, missingStore + "eu-west-1."},
		{"V-10 own region", func(d *pipeline.Declaration) {
			d.ArtifactStore, d.ArtifactStores = nil, map[string]pipeline.ArtifactStore{other: {Bucket: "b"}}
		}, ist, missingStore + "us-east-1."},
		{"V-12 too many actions", func(d *pipeline.Declaration) {
			for i := range 11 {
				s := pipeline.Stage{Name: fmt.Sprint("Wide", i)}
				for j := range 100 {
					a := approval()
					a.Name = fmt.Sprint("A", j)
					s.Actions = append(s.Actions, a)
				}
				d.Stages = append(d.Stages, s)
			}
		}, ist, "Pipeline has too many actions. There can only be up to 1000 actions in a pipeline"},
		{"V-13 blocker", func(d *pipeline.Declaration) {
			d.Stages[1].Blockers = []pipeline.Blocker{{Name: "Night", Type: "Schedule"}}
		}, iblk, "Stage 'Build' declares the blocker 'Night'. Blockers are reserved for future use"},
		{"V-14 duplicate variable", variables("A", "B", "A"), ist, "Variable names must be unique. The following variable name is already in use: A"},
		{"V-15 variable in source", join(variables("X"), config(0, "S3ObjectKey", "a/#{variables.X}.zip")), ist,
			"Variables at the pipeline level cannot be used in source actions.\nStageName=[Source], ActionName=[Fetch], ActionConfigurationKey=[S3ObjectKey], VariableReferenceText=[#{variables.X}]"},
		{"V-16 undeclared variable", join(variables("X"), config(1, "EnvironmentVariables", "#{variables.X}#{variables.Y}")), ist, undeclared},
		{"V-16 no variables at all", config(1, "EnvironmentVariables", "#{variables.Y}"), ist, undeclared},
		{"V-16 all offenders", config(1, "EnvironmentVariables", "#{variables.Y} #{variables.Z}"), ist,
			undeclared + "\nStageName=[Build], ActionName=[Compile], ActionConfigurationKey=[EnvironmentVariables], VariableReferenceText=[#{variables.Z}]"},
		{"V-17 namespace variables", join(variables("X"), func(d *pipeline.Declaration) { d.Stages[1].Actions[0].Namespace = "variables" }), ist,
			"The namespace 'variables' is reserved for the variables of the pipeline and cannot be used for an action.\nStageName=[Build], ActionName=[Compile], Namespace=[variables]"},
		{"V-20 QUEUED in V1", join(v1, func(d *pipeline.Declaration) { d.Mode = pipeline.Queued }), ist, "QUEUED or PARALLEL mode can only be used with V2 pipelines"},
		{"V-20 PARALLEL in V1", join(v1, func(d *pipeline.Declaration) { d.Mode = pipeline.Parallel }), ist, "QUEUED or PARALLEL mode can only be used with V2 pipelines"},
		{"V-21 variables in V1", join(v1, variables("X")), ist, "Pipeline variable can only be used with V2 pipelines"},
		{"V-22 and T-22 triggers in V1", join(v1, withTrigger(pipeline.Trigger{SourceAction: "Git"})), ist, "Triggers on tag can only be used with V2 pipelines"},
		{"V-23 beforeEntry in V1", join(v1, func(d *pipeline.Declaration) { d.Stages[1].BeforeEntry = check("FAIL") }), istg, "Stage level conditions can only be used with V2 pipelines."},
		{"V-23 onSuccess in V1", join(v1, func(d *pipeline.Declaration) { d.Stages[1].OnSuccess = check("FAIL") }), istg, "Stage level conditions can only be used with V2 pipelines."},
		{"V-23 onFailure in V1", join(v1, func(d *pipeline.Declaration) {
			d.Stages[1].OnFailure = &pipeline.OnFailure{Conditions: check("ROLLBACK")}
		}), istg, "Stage level conditions can only be used with V2 pipelines."},
		{"V-24 failure result in V1", join(v1, func(d *pipeline.Declaration) {
			d.Stages[1].OnFailure = &pipeline.OnFailure{Result: "RETRY"}
		}), istg, "Stage level conditions can only be used with V2 pipelines."},
		{"V-25 Commands in V1", join(v1, func(d *pipeline.Declaration) { d.Stages[1].Actions = append(d.Stages[1].Actions, commands()) }), iact, "Commands Action can only be used with V2 pipelines."},
		{"V-25 EKS without a type", func(d *pipeline.Declaration) { d.Stages[3].Actions[0].Type = awsType("Deploy", "EKS") }, iact, "EKS Action can only be used with V2 pipelines."},
	})
}

// withTrigger adds the connection as a source action and a trigger.
func withTrigger(triggers ...pipeline.Trigger) edit {
	return func(d *pipeline.Declaration) {
		d.Stages[0].Actions = append(d.Stages[0].Actions, connection())
		d.Triggers = triggers
	}
}

func TestValidateRefusesTriggers(t *testing.T) {
	t.Parallel()
	main := &pipeline.Patterns{Includes: []string{"main"}}
	push := func(filters ...pipeline.GitFilter) edit {
		return withTrigger(pipeline.Trigger{SourceAction: "Git", Push: filters})
	}
	pull := func(filters ...pipeline.GitFilter) edit {
		return withTrigger(pipeline.Trigger{SourceAction: "Git", PullRequest: filters})
	}
	const (
		notConnection = "Triggers for connections must reference a CodeStarSourceConnection action."
		badPush       = "The trigger for source action 'Git' contains a push filter with an invalid combination of members. A filter can have tags, branches, or branches and filePaths."
		badPull       = "The trigger for source action 'Git' contains a pullRequest filter with an invalid combination of members. A filter can have branches, or branches and filePaths, and optionally events."
	)
	testRefusals(t, []refusal{
		{"V-18 another provider", withTrigger(pipeline.Trigger{SourceAction: "Fetch"}), ist, notConnection},
		{"V-18 unknown action", withTrigger(pipeline.Trigger{SourceAction: "Nobody"}), ist, notConnection},
		{"two triggers for an action", withTrigger(pipeline.Trigger{SourceAction: "Git"}, pipeline.Trigger{SourceAction: "Git"}), ist,
			"There can only be one trigger for each source action. The following source action is used more than once: Git"},
		{"push with tags and branches", push(pipeline.GitFilter{Tags: main, Branches: main}), ist, badPush},
		{"push with tags and filePaths", push(pipeline.GitFilter{Tags: main, FilePaths: main}), ist, badPush},
		{"push with filePaths alone", push(pipeline.GitFilter{FilePaths: main}), ist, badPush},
		{"push with events", push(pipeline.GitFilter{Branches: main, Events: []string{"OPEN"}}), ist, badPush},
		{"push with nothing", push(pipeline.GitFilter{}), ist, badPush},
		{"pull request with tags", pull(pipeline.GitFilter{Branches: main, Tags: main}), ist, badPull},
		{"pull request with events alone", pull(pipeline.GitFilter{Events: []string{"OPEN"}}), ist, badPull},
		{"identical push filters", push(pipeline.GitFilter{Branches: main}, pipeline.GitFilter{Branches: &pipeline.Patterns{Includes: []string{"main"}}}), ist,
			"The trigger for source action 'Git' contains identical push filters. Filters must be unique"},
		{"pattern that is none", push(pipeline.GitFilter{Branches: &pipeline.Patterns{Includes: []string{"main"}, Excludes: []string{"{a,{b}}"}}}), ist,
			"The trigger for source action 'Git' contains the pattern '{a,{b}}', which is not valid: groups cannot nest"},
		{"too large", push(pipeline.GitFilter{Branches: &pipeline.Patterns{Includes: []string{strings.Repeat("x", 200<<10+1)}}}), ist,
			"The triggers of the pipeline take 204801 bytes, which is more than the maximum size (204800)"},
	})
}

func TestValidateAcceptsTriggers(t *testing.T) {
	t.Parallel()
	main, docs := &pipeline.Patterns{Includes: []string{"main"}}, &pipeline.Patterns{Excludes: []string{"docs/**"}}
	d := declared(withTrigger(pipeline.Trigger{
		ProviderType: "CodeStarSourceConnection",
		SourceAction: "Git",
		Push:         []pipeline.GitFilter{{Tags: main}, {Branches: main}, {Branches: main, FilePaths: docs}},
		PullRequest:  []pipeline.GitFilter{{Branches: main}, {Branches: main, Events: []string{"OPEN"}}, {Branches: main, FilePaths: docs, Events: []string{"OPEN"}}},
	}))
	if err := pipeline.Validate(d, env()); err != nil {
		t.Errorf("refused: %v", err)
	}
}
