package declfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"penstock/internal/declfile"
)

// good is a declaration that a server accepts.
const good = `{
"name": "web", "roleArn": "arn:aws:iam::000000000000:role/p",
"artifactStore": {"type": "S3", "location": "artifacts"},
"stages": [
 {"name": "Source", "actions": [
  {"name": "Fetch", "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
   "configuration": {"S3Bucket": "b", "S3ObjectKey": "k"}, "outputArtifacts": [{"name": "App"}]}]},
 {"name": "Deploy", "actions": [
  {"name": "Push", "actionTypeId": {"category": "Deploy", "owner": "AWS", "provider": "S3", "version": "1"},
   "configuration": {"BucketName": "b", "Extract": "true"}, "inputArtifacts": [{"name": "App"}]}]}
]}`

func read(t *testing.T, data string, o declfile.Options) []declfile.Document {
	t.Helper()
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	docs, err := declfile.Read([]byte(data), o)
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

// told lists problems as "line path rule".
func told(d declfile.Document) []string {
	out := []string{}
	for _, p := range d.Problems {
		out = append(out, fmt.Sprintf("%d %s %s", p.Line, p.Path, p.Rule))
	}
	return out
}

func TestForms(t *testing.T) {
	t.Parallel()
	yaml := `
roleArn: arn:aws:iam::000000000000:role/p
name: web
artifactStore: &store {type: S3, location: artifacts}
stages:
- name: Source
  actions:
  - name: Fetch
    actionTypeId: &type {category: Source, owner: AWS, provider: S3, version: "1"}
    configuration: {S3Bucket: b, S3ObjectKey: k}
    outputArtifacts: [{name: App}]
- name: Deploy
  actions:
  - name: Push
    actionTypeId: {<<: *type, category: Deploy}
    configuration: {BucketName: b, Extract: "true"}
    inputArtifacts: [{name: App}]
`
	for _, c := range []struct {
		name, data string
		names      []string
	}{
		{"bare", good, []string{"web"}},
		{"input of create-pipeline", `{"pipeline":` + good + `,"tags":[{"key":"a","value":"b"}]}`, []string{"web"}},
		{"output of get-pipeline", `{"pipeline":` + strings.Replace(good, `"name"`, `"version": 3, "name"`, 1) + `,"metadata":{"pipelineArn":"arn:x"}}`, []string{"web"}},
		{"with a byte order mark", "\ufeff" + good, []string{"web"}},
		{"indented by tabs", strings.ReplaceAll(good, " ", "\t"), []string{"web"}},
		{"YAML", yaml, []string{"web"}},
		{"YAML input", "pipeline:" + strings.ReplaceAll(yaml, "\n", "\n  "), []string{"web"}},
		{"several documents", yaml + "---" + strings.Replace(yaml, "web", "shop", 1), []string{"web", "shop"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var names []string
			for _, d := range read(t, c.data, declfile.Options{}) {
				names = append(names, d.Pipeline.Name)
				if len(d.Problems) > 0 {
					t.Errorf("%s: %+v", d.Pipeline.Name, d.Problems)
				}
				if d.Declaration.Mode != "SUPERSEDED" || len(d.Declaration.Stages) != 2 {
					t.Errorf("read as %+v", d.Declaration)
				}
			}
			if !slices.Equal(names, c.names) {
				t.Errorf("found %q", names)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		old, new string // edit of good
		options  declfile.Options
		want     []string
		hint     string // in that of the first
	}{
		{"none", "", "", declfile.Options{}, []string{}, ""},
		{"unknown member", `"inputArtifacts"`, `"inputArtefacts"`, declfile.Options{}, []string{
			"9 stages[1].actions[0].inputArtifacts V-44", "10 stages[1].actions[0].inputArtefacts unknown member"}, "inputArtifacts"},
		{"twice", `"name": "web"`, `"name": "web", "name": "shop"`, declfile.Options{}, []string{"2 name duplicate member"}, ""},
		{"a configuration value twice", `"S3Bucket": "b"`, `"S3Bucket": "b", "S3Bucket": "c"`, declfile.Options{}, []string{"7 stages[0].actions[0].configuration.S3Bucket duplicate member"}, "last one"},
		{"a number for a string", `"version": "1"}`, `"version": 1}`, declfile.Options{}, []string{
			"6 stages[0].actions[0].actionTypeId.version type"}, "quotes"},
		{"a structure for a string", `"Extract": "true"`, `"Extract": {"a": 1}`, declfile.Options{}, []string{
			"10 stages[1].actions[0].configuration.Extract type"}, "JSON"},
		{"a list for a structure", `{"type": "S3", "location": "artifacts"}`, `[]`, declfile.Options{}, []string{"3 artifactStore type"}, ""},
		{"constraints", `"name": "Fetch"`, `"name": "no/good", "runOrder": 1000, "namespace": ""`, declfile.Options{}, []string{
			"6 stages[0].actions[0].name constraint", "6 stages[0].actions[0].runOrder constraint",
			"6 stages[0].actions[0].namespace constraint", "6 stages[0].actions[0].namespace constraint"}, ""},
		{"constraint and structure", `"type": "S3", "location": "artifacts"`, `"type": "GCS"`, declfile.Options{}, []string{
			"3 artifactStore.type constraint", "3 artifactStore.location constraint"}, "values listed"},
		{"structure", `[{"name": "App"}]}]}
]`, `[{"name": "Ape"}, {"name": "Other"}]}]}
]`, declfile.Options{}, []string{
			"10 stages[1].actions[0].inputArtifacts V-45", "10 stages[1].actions[0].inputArtifacts[0] V-46", "10 stages[1].actions[0].inputArtifacts[1] V-46"}, ""},
		{"another region", `"configuration": {"BucketName"`, `"region": "eu-west-1", "configuration": {"BucketName"`, declfile.Options{}, []string{
			"3 artifactStore V-09"}, "artifactStores"},
		{"the pipeline's own region", `"configuration": {"BucketName"`, `"region": "eu-west-1", "configuration": {"BucketName"`, declfile.Options{Region: "eu-west-1"}, []string{}, ""},
		{"unknown custom type", `"owner": "AWS", "provider": "S3", "version": "1"},
   "configuration": {"BucketName"`, `"owner": "Custom", "provider": "FTP", "version": "1"}, "configuration": {"BucketName"`, declfile.Options{}, []string{
			"9 stages[1].actions[0].actionTypeId V-40"}, "--action-type"},
		{"rules of a condition", `{"name": "Deploy",`, `{"name": "Deploy", "beforeEntry": {"conditions": [{"result": "FAIL", "rules": [
 {"name": "Hours", "ruleTypeId": {"category": "Rule", "provider": "DeploymentWindow"}, "configuration": {"Cron": "* *", "TimeZone": "Mars/Base"}},
 {"name": "Main", "ruleTypeId": {"category": "Rule", "provider": "VariableCheck"}, "configuration": {"Variable": "x", "Operator": "GT"}}]}]},`, declfile.Options{}, []string{
			"9 stages[1].beforeEntry.conditions[0].rules[0].configuration.Cron structure", "9 stages[1].beforeEntry.conditions[0].rules[0].configuration.TimeZone structure",
			"10 stages[1].beforeEntry.conditions[0].rules[1].configuration.Value structure", "10 stages[1].beforeEntry.conditions[0].rules[1].configuration.Operator structure"}, ""},
		{"allowed custom type", `"owner": "AWS", "provider": "S3", "version": "1"},
   "configuration": {"BucketName"`, `"owner": "Custom", "provider": "FTP", "version": "1"}, "configuration": {"BucketName"`, declfile.Options{AllowUnknownTypes: true}, []string{}, ""},
		{"unknown type of AWS", `"provider": "S3", "version": "1"},
   "configuration": {"BucketName"`, `"provider": "FTP", "version": "1"}, "configuration": {"BucketName"`, declfile.Options{AllowUnknownTypes: true}, []string{
			"9 stages[1].actions[0].actionTypeId V-40"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(good, c.old) {
				t.Fatal("nothing to edit")
			}
			d := read(t, strings.Replace(good, c.old, c.new, 1), c.options)[0]
			if got := told(d); !slices.Equal(got, c.want) {
				t.Errorf("got %q\nwant %q", got, c.want)
			}
			if len(d.Problems) > 0 && !strings.Contains(d.Problems[0].Hint, c.hint) {
				t.Errorf("hint %q", d.Problems[0].Hint)
			}
		})
	}
}

func TestNoDeclaration(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 'b'; i < 'k'; i++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", i, i, strings.TrimSuffix(strings.Repeat("*"+string(i-1)+",", 10), ","))
	}
	for _, c := range []struct{ name, data, text string }{
		{"empty", " \n", "empty"},
		{"broken JSON", "{\n \"a\": }", "line 2"},
		{"cut off", "{\"a\": [", "ends too early"},
		{"two documents of JSON", good + good, "behind the end"},
		{"broken YAML", "a: [\n", "line"},
		{"something else", `{"a": 1}`, "holds no pipeline"},
		{"a list", `[1]`, "holds no pipeline"},
		{"a template without pipelines", `{"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}`, "holds no pipeline"},
		{"too deep", strings.Repeat("[", 500) + strings.Repeat("]", 500), "too deep"},
		{"aliases of aliases", bomb, ""},
		{"a member whose name is a list", "? [a]\n: b\n", "line 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			docs, err := declfile.Read([]byte(c.data), declfile.Options{Region: "us-east-1"})
			if err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("read %d, %v; want %q", len(docs), err, c.text)
			}
		})
	}
}

func TestReadTypes(t *testing.T) {
	t.Parallel()
	const lint = `{"category":"Test","provider":"Lint","version":"1","inputArtifactDetails":{"minimumCount":1,"maximumCount":1},"outputArtifactDetails":{"minimumCount":0,"maximumCount":0}}`
	const acme = `{"id":{"category":"Test","owner":"ThirdParty","provider":"Acme","version":"1"},"executor":{"type":"JobWorker","configuration":{"jobWorkerExecutorConfiguration":{}}},
		"inputArtifactDetails":{"minimumCount":1,"maximumCount":1},"outputArtifactDetails":{"minimumCount":0,"maximumCount":0}}`
	for _, c := range []struct {
		name, data string
		count      int
		text       string
	}{
		{"one", lint, 1, ""},
		{"a list", "[" + lint + "," + strings.Replace(lint, "Lint", "Scan", 1) + "]", 2, ""},
		{"with an executor", acme, 1, ""},
		{"the output of get-action-type, and the other form", `[{"actionType":` + acme + `},` + lint + `]`, 2, ""},
		{"with an executor of another kind", strings.Replace(acme, `"JobWorker"`, `"Lambda"`, 1), 0, "lambdaExecutorConfiguration"},
		{"constraint of an executor", strings.Replace(acme, `"ThirdParty"`, `"Custom"`, 1), 0, "id.owner"},
		{"misspelt", strings.Replace(lint, "provider", "providr", 1), 0, "provider"},
		{"constraint", strings.Replace(lint, `"1"`, `"1/2"`, 1), 0, "version"},
		{"rule of the operation", strings.Replace(lint, "Test", "Approval", 1), 0, "Approval"},
		{"broken", "{", 0, "early"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			types, err := declfile.ReadTypes([]byte(c.data))
			if len(types) != c.count || (err == nil) != (c.text == "") || err != nil && !strings.Contains(err.Error(), c.text) {
				t.Errorf("read %+v, %v", types, err)
			}
		})
	}
}

// The examples are what they say.
func TestExamples(t *testing.T) {
	t.Parallel()
	lint, err := os.ReadFile("../../examples/lint.json")
	if err != nil {
		t.Fatal(err)
	}
	types, err := declfile.ReadTypes(lint)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"site.json", "release.yaml"} {
		data, err := os.ReadFile(filepath.Join("../../examples", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range read(t, string(data), declfile.Options{Types: types}) {
			if len(d.Problems) > 0 {
				t.Errorf("%s: %+v", name, d.Problems)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{good, template(""), "pipeline: {name: a, stages: []}", "a: &a [*a]", `{"pipeline": null}`, "Resources: {P: {Type: AWS::CodePipeline::Pipeline, Properties: !Ref X}}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, err := declfile.Read(data, declfile.Options{Region: "us-east-1"})
		if err != nil && strings.Contains(err.Error(), "read wrongly") {
			t.Error(err)
		}
		for _, d := range docs {
			if d.Declaration == nil {
				t.Error("a document without a declaration")
			}
			for _, p := range d.Problems {
				if p.Message == "" || p.Rule == "" {
					t.Errorf("a problem that says nothing: %+v", p)
				}
			}
		}
	})
}
