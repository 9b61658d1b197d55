package declfile_test

import (
	"slices"
	"strings"
	"testing"

	"penstock/internal/declfile"
)

// template is a template of one pipeline; extra stands among its properties.
func template(extra string) string {
	return `Parameters:
  Branch: {Type: String, Default: main}
  Target: {Type: String}
Resources:
  Bucket: {Type: AWS::S3::Bucket}
  Web:
    Type: AWS::CodePipeline::Pipeline
    Properties:
      RoleArn: !GetAtt Role.Arn
      RestartExecutionOnUpdate: true
      Tags: [{Key: a, Value: b}]
      ArtifactStore: {Type: S3, Location: !Ref Bucket}
      Stages:
        - Name: Source
          Actions:
            - Name: Fetch
              ActionTypeId: {Category: Source, Owner: AWS, Provider: S3, Version: 1}
              Configuration: {S3Bucket: !ImportValue drops, S3ObjectKey: !Sub "${Branch}/${AWS::Region}.zip", PollForSourceChanges: false}
              OutputArtifacts: [{Name: App}]
        - Name: !Sub "${Target}-stage"
          Actions:
            - Name: Push
              RunOrder: 1
              ActionTypeId: {Category: Deploy, Owner: AWS, Provider: S3, Version: 1}
              Configuration: {BucketName: !If [Big, !Ref "AWS::NoValue", small], Extract: true, ObjectKey: !Ref "AWS::NoValue"}
              InputArtifacts: [{Name: App}]
` + extra
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	docs := read(t, template(""), declfile.Options{Region: "eu-west-1"})
	if len(docs) != 1 || docs[0].Resource != "Web" || len(docs[0].Problems) > 0 {
		t.Fatalf("got %+v", docs)
	}
	d := docs[0].Declaration
	fetch, push := d.Stages[0].Actions[0].Configuration, d.Stages[1].Actions[0].Configuration
	if d.Name != "Web" || fetch["S3ObjectKey"] != "main/eu-west-1.zip" || fetch["PollForSourceChanges"] != "false" {
		t.Errorf("%s, %v", d.Name, fetch)
	}
	if _, set := push["ObjectKey"]; set || push["BucketName"] != "small" {
		t.Errorf("%v", push)
	}
	if want := []string{"roleArn", "artifactStore.location", "stages[0].actions[0].configuration.S3Bucket", "stages[1].name"}; !slices.Equal(docs[0].Opaque, want) {
		t.Errorf("unknown: %q, want %q", docs[0].Opaque, want)
	}
}

func TestTemplateProblems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		old, new string
		want     []string
	}{
		{"misspelt", "InputArtifacts:", "InputArtefacts:", []string{"22 stages[1].actions[0].inputArtifacts V-44", "26 stages[1].actions[0].InputArtefacts unknown member"}},
		{"a member of the API's spelling", "RunOrder", "runOrder", []string{"23 stages[1].actions[0].runOrder unknown member"}},
		{"an unknown type", "Provider: S3, Version: 1}\n              Configuration: {Bucket", "Provider: !Ref Target, Version: 1}\n              Configuration: {Bucket", []string{}},
		{"unknown stages", "Stages:\n", "Stages: !FindInMap [a, b, c]\n      Blah:\n", []string{"14 Blah unknown member"}},
		{"an unknown store", "{Type: S3, Location: !Ref Bucket}", "!Ref Store", []string{}},
		{"an unknown configuration", "{BucketName: !If [Big, !Ref \"AWS::NoValue\", small], Extract: true, ObjectKey: !Ref \"AWS::NoValue\"}", "!Ref Config", []string{}},
		{"an unknown number", "RunOrder: 1", "RunOrder: !Ref Order", []string{}},
		{"no number", "RunOrder: 1", "RunOrder: first", []string{"23 stages[1].actions[0].runOrder type"}},
		{"a number in a string", "RunOrder: 1", `RunOrder: "2"`, []string{}},
		{"stores by region", "ArtifactStore: {Type: S3, Location: !Ref Bucket}",
			"ArtifactStores: [{Region: us-east-1, ArtifactStore: {Type: S3, Location: artifacts}}, {Region: eu-west-1}]",
			[]string{"12 artifactStores[1] type"}},
		{"of all stages one", "OutputArtifacts: [{Name: App}]", "OutputArtifacts: [{Name: Ape}]", []string{"26 stages[1].actions[0].inputArtifacts[0] V-46"}},
		{"joined", "Name: Fetch", "Name: !Join ['-', [!Ref Branch, fetch, 'no/good']]", []string{"16 stages[0].actions[0].name constraint"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := template("")
			if !strings.Contains(text, c.old) {
				t.Fatal("nothing to edit")
			}
			if got := told(read(t, strings.Replace(text, c.old, c.new, 1), declfile.Options{})[0]); !slices.Equal(got, c.want) {
				t.Errorf("got %q\nwant %q", got, c.want)
			}
		})
	}
}

// The long form of functions in JSON is read as the short form in YAML.
func TestTemplateInJSON(t *testing.T) {
	t.Parallel()
	text := `{"Resources": {"P": {"Type": "AWS::CodePipeline::Pipeline", "Properties": {
		"Name": {"Fn::Sub": ["${A}-${B}", {"A": "x", "B": {"Ref": "AWS::Region"}}]},
		"RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, "Stages": []}}}}`
	d := read(t, text, declfile.Options{})[0]
	if d.Pipeline.Name != "x-us-east-1" || !slices.Equal(d.Opaque, []string{"roleArn"}) {
		t.Errorf("%+v, unknown %q", d.Pipeline, d.Opaque)
	}
	if got := told(d); !slices.Contains(got, "3 stages V-03") {
		t.Errorf("got %q", got)
	}
}
