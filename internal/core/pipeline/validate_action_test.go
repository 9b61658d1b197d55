package pipeline_test

import (
	"fmt"
	"strings"
	"testing"

	"penstock/internal/core/pipeline"
)

func TestValidateRefusesActions(t *testing.T) {
	t.Parallel()
	action := func(stage int, change func(*pipeline.Action)) edit {
		return func(d *pipeline.Declaration) { change(&d.Stages[stage].Actions[0]) }
	}
	compile := func(change func(*pipeline.Action)) edit { return action(1, change) }
	add := func(stage int, a pipeline.Action) edit {
		return func(d *pipeline.Declaration) { d.Stages[stage].Actions = append(d.Stages[stage].Actions, a) }
	}
	linting := func(change func(*pipeline.Action)) edit {
		a := lint()
		change(&a)
		return add(2, a)
	}
	set := func(key, value string) func(*pipeline.Action) {
		return func(a *pipeline.Action) { a.Configuration[key] = value }
	}
	topic := func(arn string) edit {
		return action(2, func(a *pipeline.Action) { a.Configuration = map[string]string{"NotificationArn": arn} })
	}
	everywhere := func(d *pipeline.Declaration) {
		d.ArtifactStore, d.ArtifactStores = nil, map[string]pipeline.ArtifactStore{region: {Bucket: "a"}, other: {Bucket: "b"}}
	}
	abroad := func(a *pipeline.Action) { a.Region = other }
	const badQueryable = "Action configuration for action 'Lint' contains an invalid value for the queryable configuration 'Project'. The value can have up to 50 characters of [A-Za-z0-9_-]"

	testRefusals(t, []refusal{
		{"V-40 unknown provider", compile(func(a *pipeline.Action) { a.Type.Provider = "Forge" }), iact,
			"ActionType (Category: 'Build', Provider: 'Forge', Owner: 'AWS', Version: '1') in action 'Compile' is not available in region 'US_EAST_1'"},
		{"V-40 unknown custom version", linting(func(a *pipeline.Action) { a.Type.Version = "2" }), iact,
			"ActionType (Category: 'Test', Provider: 'Lint', Owner: 'Custom', Version: '2') in action 'Lint' is not available in region 'US_EAST_1'"},
		{"V-41 duplicate name", add(1, pipeline.Action{Name: "Compile", Type: awsType("Approval", "Manual")}), iact, "Action name 'Compile' is used more than once in stage 'Build'"},
		{"V-42 missing key", compile(func(a *pipeline.Action) { a.Configuration = nil }), iact,
			"Action configuration for action 'Compile' is missing required configuration 'ProjectName'"},
		{"V-42 custom type", linting(func(a *pipeline.Action) { delete(a.Configuration, "URL") }), iact,
			"Action configuration for action 'Lint' is missing required configuration 'URL'"},
		{"V-43 unknown key", compile(set("Projectname", "x")), iact, "Action configuration for action 'Compile' contains unknown configuration 'Projectname'"},
		{"V-43 ClientId of a custom type", linting(set("ClientId", "x")), iact, "Action configuration for action 'Lint' contains unknown configuration 'ClientId'"},
		{"V-44 too few inputs", compile(func(a *pipeline.Action) { a.Inputs = nil }), iact,
			"Action Compile declares 0 input artifacts which is less than the minimum count (1)"},
		{"V-45 too many inputs", action(2, func(a *pipeline.Action) { a.Inputs = []string{"App"} }), iact,
			"Action Gate declares 1 input artifacts which is more than the maximum count (0)"},
		{"V-45 too few outputs", action(0, func(a *pipeline.Action) { a.Outputs = nil }), iact,
			"Action Fetch declares 0 output artifacts which is less than the minimum count (1)"},
		{"V-45 too many outputs", action(3, func(a *pipeline.Action) { a.Outputs = []pipeline.OutputArtifact{{Name: "X"}} }), iact,
			"Action Ship declares 1 output artifacts which is more than the maximum count (0)"},
		{"V-46 nobody's artifact", compile(func(a *pipeline.Action) { a.Inputs = []string{"Lost"} }), iact,
			"Input Artifact Bundle Lost in action Compile is not declared as Output Artifact Bundle in any of the preceding actions"},
		{"V-46 own artifact", compile(func(a *pipeline.Action) { a.Inputs = []string{"Bin"} }), iact,
			"Input Artifact Bundle Bin in action Compile is not declared as Output Artifact Bundle in any of the preceding actions"},
		{"V-46 same run order", add(1, func() pipeline.Action { a := lint(); a.Inputs = []string{"Bin"}; return a }()), iact,
			"Input Artifact Bundle Bin in action Lint is not declared as Output Artifact Bundle in any of the preceding actions"},
		{"V-47 duplicate output", compile(func(a *pipeline.Action) {
			a.Outputs = append(a.Outputs, pipeline.OutputArtifact{Name: "App"})
		}), iact, "Output Artifact Bundle name must be unique within the pipeline. App has been used more than once."},
		{"V-48 namespace twice", action(0, func(a *pipeline.Action) { a.Namespace = "B" }), iact,
			"Namespaces must be unique across the pipeline definition. The following occur more than once in the pipeline." +
				"\nStageName=[Source], ActionName=[Fetch], Namespace=[B]\nStageName=[Build], ActionName=[Compile], Namespace=[B]"},
		{"V-51 codepipeline", action(0, func(a *pipeline.Action) { a.Namespace = "codepipeline" }), iact,
			"The namespace 'codepipeline' is reserved and cannot be used for an action.\nStageName=[Source], ActionName=[Fetch], Namespace=[codepipeline]"},
		{"V-51 an artifact's name", action(0, func(a *pipeline.Action) { a.Namespace = "Bin" }), iact,
			"A namespace cannot have the name of an artifact of the pipeline.\nStageName=[Source], ActionName=[Fetch], Namespace=[Bin]"},
		{"V-52 no commands", join(add(1, func() pipeline.Action { a := commands(); a.Commands = nil; return a }()), v2), iact,
			"Action Run must have a non-empty commands field"},
		{"V-53 commands elsewhere", compile(func(a *pipeline.Action) { a.Commands = []string{"make"} }), iact,
			"The following action cannot contain a commands field: Compile. To use the commands field, use a compute action."},
		{"V-53 files elsewhere", compile(func(a *pipeline.Action) { a.Outputs[0].Files = []string{"**"} }), iact,
			"The following action cannot contain a commands field: Compile. To use the commands field, use a compute action."},
		{"V-55 not an ARN", topic("topic"), iact, "The ARN topic you specified for sending notifications for the approval action Gate contains a format error."},
		{"V-55 no resource", topic("arn:aws:sns:us-east-1:000000000000:"), iact,
			"The ARN arn:aws:sns:us-east-1:000000000000: you specified for sending notifications for the approval action Gate contains a format error."},
		{"V-56 another service", topic("arn:aws:sqs:us-east-1:000000000000:q"), iact,
			"The ARN arn:aws:sqs:us-east-1:000000000000:q has been specified for sending notifications for the approval action Gate, but the AWS service for this ARN cannot be used to send approval requests."},
		{"V-57 another region", topic("arn:aws:sns:eu-west-1:000000000000:t"), iact,
			"The ARN arn:aws:sns:eu-west-1:000000000000:t has been specified for sending notifications for the approval action Gate, but the ARN is not in the same region as the pipeline."},
		{"V-58 timeout of a build", compile(func(a *pipeline.Action) { a.TimeoutInMinutes = 5 }), iact,
			"Action 'Compile' in stage 'Build' cannot have timeoutInMinutes. It can only be used with approval actions"},
		{"V-59 source elsewhere", join(everywhere, action(0, abroad)), iact,
			"Action 'Fetch' in stage 'Source' cannot run in region eu-west-1. Source, custom and third-party actions must run in the region of the pipeline"},
		{"V-59 custom elsewhere", join(everywhere, linting(abroad)), iact,
			"Action 'Lint' in stage 'Approve' cannot run in region eu-west-1. Source, custom and third-party actions must run in the region of the pipeline"},
		{"V-60 51 characters", linting(set("Project", strings.Repeat("a", 51))), iact, badQueryable},
		{"V-60 alphabet", linting(set("Project", "a.b")), iact, badQueryable},
		{"not a number", linting(set("Count", "many")), iact, "Action configuration for action 'Lint' contains an invalid value for configuration 'Count'. The value must be a Number"},
		{"not a decimal number", linting(set("Count", "0x10")), iact, "Action configuration for action 'Lint' contains an invalid value for configuration 'Count'. The value must be a Number"},
		{"no number at all", linting(set("Count", "NaN")), iact, "Action configuration for action 'Lint' contains an invalid value for configuration 'Count'. The value must be a Number"},
		{"an endless number", linting(set("Count", "Inf")), iact, "Action configuration for action 'Lint' contains an invalid value for configuration 'Count'. The value must be a Number"},
		{"not a boolean", linting(set("Strict", "yes")), iact, "Action configuration for action 'Lint' contains an invalid value for configuration 'Strict'. The value must be a Boolean"},
	})
}

func v2(d *pipeline.Declaration) { d.Type = pipeline.V2 }

func TestValidateRefusesReferences(t *testing.T) {
	t.Parallel()
	const (
		unknown = "Valid format for a pipeline execution variable reference is a namespace and a key separated by a period (.). " +
			"The following pipeline execution variables are referencing a namespace that does not exist."
		late = "A pipeline execution variable can only be referenced after the action that produces it has run. " +
			"The following pipeline execution variables are referencing an action that runs at the same time or later."
	)
	in := func(stage int, value string) edit {
		return func(d *pipeline.Declaration) {
			a := &d.Stages[stage].Actions[0]
			switch a.Type.Provider {
			case "Manual":
				a.Configuration = map[string]string{"CustomData": value}
			case "CodeBuild":
				a.Configuration["EnvironmentVariables"] = value
			}
		}
	}
	gate := func(text string) string {
		return "\nStageName=[Approve], ActionName=[Gate], ActionConfigurationKey=[CustomData], VariableReferenceText=[" + text + "]"
	}
	testRefusals(t, []refusal{
		{"V-49 unknown namespace", in(2, "go #{Nobody.Key}?"), iact, unknown + gate("#{Nobody.Key}")},
		{"V-49 case counts", in(2, "#{b.Key}"), iact, unknown + gate("#{b.Key}")},
		{"V-49 no period", in(2, "#{B}"), iact, unknown + gate("#{B}")},
		{"V-49 empty", in(2, "#{}"), iact, unknown + gate("#{}")},
		{"V-49 lone opening", in(2, "#{"), iact, unknown + gate("#{")},
		{"V-49 all offenders", in(2, "#{A.x} #{B.ok} #{C.y}"), iact, unknown + gate("#{A.x}") + gate("#{C.y}")},
		{"V-49 at most 100 offenders", in(2, strings.Repeat("#{A.x}", 200)), iact, unknown + strings.Repeat(gate("#{A.x}"), 100)},
		{"V-49 in commands", func(d *pipeline.Declaration) {
			a := commands()
			a.Commands = []string{"echo #{Nobody.Key}"}
			d.Stages[1].Actions = append(d.Stages[1].Actions, a)
		}, iact, unknown + "\nStageName=[Build], ActionName=[Run], ActionConfigurationKey=[commands], VariableReferenceText=[#{Nobody.Key}]"},
		{"V-49 in environment variables", func(d *pipeline.Declaration) {
			a := commands()
			a.Environment = []pipeline.EnvironmentVariable{{Name: "K", Value: "#{Nobody.Key}"}}
			d.Stages[1].Actions = append(d.Stages[1].Actions, a)
		}, iact, unknown + "\nStageName=[Build], ActionName=[Run], ActionConfigurationKey=[environmentVariables], VariableReferenceText=[#{Nobody.Key}]"},
		{"V-49 in a rule", func(d *pipeline.Declaration) {
			d.Stages[1].OnSuccess = check("FAIL")
			d.Stages[1].OnSuccess[0].Rules[0].Configuration["Variable"] = "#{Nobody.Key}"
		}, iact, unknown + "\nStageName=[Build], RuleName=[Same], RuleConfigurationKey=[Variable], VariableReferenceText=[#{Nobody.Key}]"},
		{"V-49 a secret value is not shown", func(d *pipeline.Declaration) {
			a := lint()
			a.Configuration["Token"] = "s3cr3t#{x}"
			d.Stages[2].Actions = append(d.Stages[2].Actions, a)
		}, iact, unknown + "\nStageName=[Approve], ActionName=[Lint], ActionConfigurationKey=[Token], VariableReferenceText=[****]"},
		{"V-50 itself", in(1, "#{B.Key}"), iact, late + "\nStageName=[Build], ActionName=[Compile], ActionConfigurationKey=[EnvironmentVariables], VariableReferenceText=[#{B.Key}]"},
		{"V-50 later stage", func(d *pipeline.Declaration) {
			d.Stages[3].Actions[0].Namespace = "D"
			in(2, "#{D.Key}")(d)
		}, iact, late + gate("#{D.Key}")},
		{"V-50 same run order", func(d *pipeline.Declaration) {
			d.Stages[1].Actions = append(d.Stages[1].Actions, pipeline.Action{
				Name: "Ask", Type: awsType("Approval", "Manual"), Configuration: map[string]string{"CustomData": "#{B.Key}"},
			})
		}, iact, late + "\nStageName=[Build], ActionName=[Ask], ActionConfigurationKey=[CustomData], VariableReferenceText=[#{B.Key}]"},
		{"V-50 rule before the stage", func(d *pipeline.Declaration) {
			d.Stages[1].BeforeEntry = check("FAIL")
			d.Stages[1].BeforeEntry[0].Rules[0].Configuration["Variable"] = "#{B.Key}"
		}, iact, late + "\nStageName=[Build], RuleName=[Same], RuleConfigurationKey=[Variable], VariableReferenceText=[#{B.Key}]"},
		{"V-50 rule after the stage failed", func(d *pipeline.Declaration) {
			d.Stages[1].OnFailure = &pipeline.OnFailure{Conditions: check("ROLLBACK")}
			d.Stages[1].OnFailure.Conditions[0].Rules[0].Configuration["Variable"] = "#{B.Key}"
		}, iact, late + "\nStageName=[Build], RuleName=[Same], RuleConfigurationKey=[Variable], VariableReferenceText=[#{B.Key}]"},
	})
}

// The first rule in the order of the reference wins, whatever stands first in
// the declaration.
func TestValidateReportsInOrder(t *testing.T) {
	t.Parallel()
	d := declared(v1, func(d *pipeline.Declaration) {
		d.Stages[0].Actions[0].Configuration = nil       // V-42
		d.Stages[1].Actions[0].Type.Provider = "Forge"   // V-40
		d.Stages[3].Name = "Build"                       // V-30
		d.Mode = pipeline.Queued                         // V-20
		d.Variables = []pipeline.Variable{{Name: "Any"}} // V-21
	})
	steps := []struct {
		code, text string
		mend       edit
	}{
		{ist, "QUEUED or PARALLEL mode can only be used with V2 pipelines", func(d *pipeline.Declaration) { d.Mode = pipeline.Superseded }},
		{ist, "Pipeline variable can only be used with V2 pipelines", func(d *pipeline.Declaration) { d.Variables = nil }},
		{istg, "Stage name 'Build' is used more than once", func(d *pipeline.Declaration) { d.Stages[3].Name = "Deploy" }},
		{iact, "ActionType (Category: 'Build', Provider: 'Forge', Owner: 'AWS', Version: '1') in action 'Compile' is not available in region 'US_EAST_1'",
			func(d *pipeline.Declaration) { d.Stages[1].Actions[0].Type.Provider = "CodeBuild" }},
		{iact, "Action configuration for action 'Fetch' is missing required configuration 'S3Bucket'",
			func(d *pipeline.Declaration) { d.Stages[0].Actions[0].Configuration = source().Configuration }},
	}
	for _, s := range steps {
		wantFault(t, pipeline.Validate(d, env()), s.code, s.text)
		s.mend(d)
	}
	if err := pipeline.Validate(d, env()); err != nil {
		t.Errorf("mended, but refused: %v", err)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	warned := func(project string) []string {
		a := lint()
		a.Configuration["Project"] = project
		return pipeline.Warnings(declared(func(d *pipeline.Declaration) { d.Stages[2].Actions = append(d.Stages[2].Actions, a) }), env())
	}
	if got := warned(strings.Repeat("a", 20)); got != nil {
		t.Errorf("20 characters: %q", got)
	}
	want := `action "Lint": the value of the queryable configuration "Project" has 21 characters, the service documents at most 20`
	if got := fmt.Sprint(warned(strings.Repeat("a", 21))); got != "["+want+"]" {
		t.Errorf("21 characters: %s", got)
	}
}
