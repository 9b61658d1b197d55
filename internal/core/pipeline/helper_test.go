package pipeline_test

import (
	"strings"
	"testing"
	"time"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
)

const (
	region = "us-east-1"
	other  = "eu-west-1"
)

// ownTypes are the custom and partner types of the tests.
var ownTypes = map[pipeline.ActionType]actiontype.Type{}

func init() {
	for _, t := range []actiontype.Type{
		{
			ID: pipeline.ActionType{Category: "Test", Owner: "Custom", Provider: "Lint", Version: "1"},
			Properties: []actiontype.Property{
				{Name: "Project", Required: true, Key: true, Queryable: true},
				{Name: "URL", Required: true},
				{Name: "Token", Secret: true},
				{Name: "Second", Secret: true},
				{Name: "Count", Type: "Number"},
				{Name: "Strict", Type: "Boolean"},
			},
			MaxInputs: 5, MaxOutputs: 5,
		},
		{
			ID:         pipeline.ActionType{Category: "Deploy", Owner: "ThirdParty", Provider: "Acme", Version: "1"},
			Properties: []actiontype.Property{{Name: "Target", Required: true}},
			MaxInputs:  5, MaxOutputs: 5,
		},
	} {
		ownTypes[t.ID] = t
	}
}

func env() pipeline.Env {
	return actiontype.Env(region, time.LoadLocation, func(id pipeline.ActionType) (actiontype.Type, bool) {
		t, ok := ownTypes[id]
		return t, ok
	})
}

func awsType(category, provider string) pipeline.ActionType {
	return pipeline.ActionType{Category: category, Owner: "AWS", Provider: provider, Version: "1"}
}

// source is an action that produces the artifact App.
func source() pipeline.Action {
	return pipeline.Action{
		Name:          "Fetch",
		Type:          awsType("Source", "S3"),
		Configuration: map[string]string{"S3Bucket": "drops", "S3ObjectKey": "app.zip"},
		Outputs:       []pipeline.OutputArtifact{{Name: "App"}},
	}
}

// connection is a source action that triggers may name.
func connection() pipeline.Action {
	return pipeline.Action{
		Name: "Git",
		Type: awsType("Source", "CodeStarSourceConnection"),
		Configuration: map[string]string{
			"ConnectionArn":    "arn:aws:codeconnections:us-east-1:000000000000:connection/1",
			"FullRepositoryId": "acme/shop",
			"BranchName":       "main",
		},
		Outputs: []pipeline.OutputArtifact{{Name: "Tree"}},
	}
}

// build is an action that reads App and produces Bin.
func build() pipeline.Action {
	return pipeline.Action{
		Name:          "Compile",
		Type:          awsType("Build", "CodeBuild"),
		Configuration: map[string]string{"ProjectName": "shop"},
		Inputs:        []string{"App"},
		Outputs:       []pipeline.OutputArtifact{{Name: "Bin"}},
		Namespace:     "B",
	}
}

func approval() pipeline.Action {
	return pipeline.Action{Name: "Gate", Type: awsType("Approval", "Manual")}
}

func deploy() pipeline.Action {
	return pipeline.Action{
		Name:          "Ship",
		Type:          awsType("Deploy", "S3"),
		Configuration: map[string]string{"BucketName": "www", "Extract": "true"},
		Inputs:        []string{"Bin"},
	}
}

func lint() pipeline.Action {
	return pipeline.Action{
		Name:          "Lint",
		Type:          pipeline.ActionType{Category: "Test", Owner: "Custom", Provider: "Lint", Version: "1"},
		Configuration: map[string]string{"Project": "shop", "URL": "https://lint.test"},
		Inputs:        []string{"App"},
	}
}

func commands() pipeline.Action {
	return pipeline.Action{
		Name:     "Run",
		Type:     awsType("Compute", "Commands"),
		Commands: []string{"make"},
		Inputs:   []string{"App"},
		Outputs:  []pipeline.OutputArtifact{{Name: "Out", Files: []string{"dist/**"}}},
	}
}

// check is a condition of one VariableCheck rule.
func check(result string) []pipeline.Condition {
	return []pipeline.Condition{{Result: result, Rules: []pipeline.Rule{variableCheck()}}}
}

func variableCheck() pipeline.Rule {
	return pipeline.Rule{
		Name:          "Same",
		Type:          pipeline.ActionType{Category: "Rule", Provider: "VariableCheck"},
		Configuration: map[string]string{"Variable": "#{codepipeline.PipelineExecutionId}", "Operator": "NE", "Value": "x"},
	}
}

// valid is a declaration of four stages without a type: Source, Build, Approve
// and Deploy.
func valid() *pipeline.Declaration {
	return &pipeline.Declaration{
		Name:          "orders",
		RoleARN:       "arn:aws:iam::000000000000:role/pipeline",
		ArtifactStore: &pipeline.ArtifactStore{Bucket: "artifacts"},
		Stages: []pipeline.Stage{
			{Name: "Source", Actions: []pipeline.Action{source()}},
			{Name: "Build", Actions: []pipeline.Action{build()}},
			{Name: "Approve", Actions: []pipeline.Action{approval()}},
			{Name: "Deploy", Actions: []pipeline.Action{deploy()}},
		},
	}
}

// edit changes a declaration in a test case.
type edit func(*pipeline.Declaration)

func declared(edits ...edit) *pipeline.Declaration {
	d := valid()
	for _, e := range edits {
		e(d)
	}
	pipeline.Normalize(d)
	return d
}

// refusal is a case of a declaration that must be refused.
type refusal struct {
	name string
	edit edit
	code string
	text string
}

func testRefusals(t *testing.T, cases []refusal) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantFault(t, pipeline.Validate(declared(c.edit), env()), c.code, c.text)
			all := pipeline.Problems(declared(c.edit), env())
			if len(all) == 0 || all[0].Code != c.code || all[0].Message != c.text {
				t.Fatalf("problems %+v", all)
			}
			if number, _, _ := strings.Cut(c.name, " "); strings.HasPrefix(number, "V-") && !sameRule(number, all[0].Rule) {
				t.Errorf("rule %s, want %s", all[0].Rule, number)
			}
		})
	}
}

// sameRule reports whether two numbers are those of one rule; V-24 is the part of
// V-23 that is not about conditions.
func sameRule(a, b string) bool { return a == b || a == "V-24" && b == "V-23" }

func wantFault(t *testing.T, err error, code, text string) {
	t.Helper()
	got, ok := err.(*fault.Error)
	if !ok {
		t.Fatalf("error = %v, want %s", err, code)
	}
	if got.Code != code || got.Message != text {
		t.Errorf("refused with\n%s: %s\nwant\n%s: %s", got.Code, got.Message, code, text)
	}
}

const (
	ist  = "InvalidStructureException"
	istg = "InvalidStageDeclarationException"
	iact = "InvalidActionDeclarationException"
	iblk = "InvalidBlockerDeclarationException"
)

// v1 declares the type V1.
func v1(d *pipeline.Declaration) { d.Type = pipeline.V1 }

// join applies several edits.
func join(edits ...edit) edit {
	return func(d *pipeline.Declaration) {
		for _, e := range edits {
			e(d)
		}
	}
}
