//go:build unix

package runlocal_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"penstock/internal/api"
	"penstock/internal/declfile"
	"penstock/internal/runlocal"
)

const (
	fetch = `{"name":"Fetch","actionTypeId":{"category":"Source","owner":"AWS","provider":"S3","version":"1"},
		"configuration":{"S3Bucket":"elsewhere","S3ObjectKey":"k"},"outputArtifacts":[{"name":"Tree"}]}`
	gitAction = `{"name":"Git","namespace":"git","actionTypeId":{"category":"Source","owner":"AWS","provider":"CodeStarSourceConnection","version":"1"},
		"configuration":{"ConnectionArn":"arn:aws:codeconnections:us-east-1:000000000000:connection/1","FullRepositoryId":"acme/shop","BranchName":"main"},"outputArtifacts":[{"name":"Tree"}]}`
	approve = `{"name":"Look","actionTypeId":{"category":"Approval","owner":"AWS","provider":"Manual","version":"1"},"configuration":{"CustomData":"look well"}}`
	deploy  = `{"name":"Push","actionTypeId":{"category":"Deploy","owner":"AWS","provider":"S3","version":"1"},
		"configuration":{"BucketName":"www-example","Extract":"true"},"inputArtifacts":[{"name":"Tree"}]}`
	codeBuild = `{"name":"Image","actionTypeId":{"category":"Test","owner":"AWS","provider":"DeviceFarm","version":"1"},
		"configuration":{"ProjectId":"p","DevicePoolArn":"d","AppType":"Web","TestType":"T"},"inputArtifacts":[{"name":"Tree"}]}`
	custom = `{"name":"Lint","actionTypeId":{"category":"Test","owner":"Custom","provider":"Lint","version":"1"},
		"configuration":{"Level":"high"},"inputArtifacts":[{"name":"Tree"}]}`
	partner = `{"name":"Scan","actionTypeId":{"category":"Test","owner":"ThirdParty","provider":"Acme","version":"1"},
		"configuration":{"Depth":"2"},"inputArtifacts":[{"name":"Tree"}]}`
)

func commands(name string, run ...string) string {
	list, err := json.Marshal(run)
	if err != nil {
		panic(err)
	}
	return `{"name":"` + name + `","actionTypeId":{"category":"Compute","owner":"AWS","provider":"Commands","version":"1"},
		"commands":` + string(list) + `,"inputArtifacts":[{"name":"Tree"}]}`
}

// pipeline reads a declaration with a source action and one action a stage.
func pipeline(t *testing.T, extra, source string, actions ...string) api.PipelineDeclaration {
	t.Helper()
	stages := []string{`{"name":"Source","actions":[` + source + `]}`}
	for i, a := range actions {
		stages = append(stages, `{"name":"S`+string(rune('1'+i))+`","actions":[`+a+`]}`)
	}
	text := `{"name":"web","roleArn":"arn:aws:iam::111122223333:role/p","pipelineType":"V2",` + extra + `"artifactStore":{"type":"S3","location":"not-here"},
		"stages":[` + strings.Join(stages, ",") + `]}`
	docs, err := declfile.Read([]byte(text), declfile.Options{Region: "us-east-1", AllowUnknownTypes: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(docs[0].Problems) > 0 {
		t.Fatalf("%+v", docs[0].Problems)
	}
	return docs[0].Pipeline
}

func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("content of "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// events collects what a run tells.
type events struct {
	mu   sync.Mutex
	all  []string
	tell func(runlocal.Progress)
}

func (e *events) Tell(p runlocal.Progress) {
	e.mu.Lock()
	e.all = append(e.all, strings.TrimPrefix(p.Stage+"/"+p.Action+" "+p.Event, "/"))
	e.mu.Unlock()
	if e.tell != nil {
		e.tell(p)
	}
}

func yes(context.Context, runlocal.Approval) (runlocal.Decision, error) {
	return runlocal.Decision{Approved: true, Summary: "fine"}, nil
}

func TestSucceeds(t *testing.T) {
	t.Parallel()
	var e events
	out := t.TempDir()
	asked := runlocal.Approval{}
	result, err := runlocal.Run(t.Context(), runlocal.Options{
		Region: "eu-west-1", Pipeline: pipeline(t, "", fetch, commands("Test", "grep content a/b.txt"), approve, custom, partner, deploy),
		Sources: map[string]string{"Fetch": folder(t, "a/b.txt", ".git/config")}, Out: out, Env: os.Environ(), Tell: e.Tell,
		Workers: map[string]string{"Test/Lint": `test "$PENSTOCK_CONFIG_Level" = high && test -f a/b.txt`, "Test/Acme": `test "$PENSTOCK_CONFIG_Depth" = 2`},
		Ask: func(_ context.Context, a runlocal.Approval) (runlocal.Decision, error) {
			asked = a
			return yes(t.Context(), a)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if result.Status != "Succeeded" || result.Pipeline != "web" || result.ExecutionID == "" || len(result.Actions) != 6 || result.Files != 1 {
		t.Errorf("result %+v", result)
	}
	want := []string{" note", "Source/Fetch started", "Source/Fetch Succeeded", "S1/Test started", "S1/Test Succeeded", "S2/Look started", "S2/Look Succeeded",
		"S3/Lint started", "S3/Lint Succeeded", "S4/Scan started", "S4/Scan Succeeded", "S5/Push started", "S5/Push Succeeded"}
	if !slices.Equal(e.all, want) {
		t.Errorf("told %q\nwant %q", e.all, want)
	}
	if asked != (runlocal.Approval{Stage: "S2", Action: "Look", CustomData: "look well"}) {
		t.Errorf("asked for %+v", asked)
	}
	if text, err := os.ReadFile(filepath.Join(out, "www-example/a/b.txt")); err != nil || string(text) != "content of a/b.txt" {
		t.Errorf("deployed %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(out, "www-example/.git")); err == nil {
		t.Error(".git was deployed")
	}
}

func TestFails(t *testing.T) {
	t.Parallel()
	no := func(context.Context, runlocal.Approval) (runlocal.Decision, error) {
		return runlocal.Decision{Summary: "not now"}, nil
	}
	for _, c := range []struct {
		name    string
		action  string
		log     string
		message string
	}{
		{"commands", commands("A", "echo before", "echo oops; false"), "oops\n", "Error while executing command"},
		{"worker", custom, "too long\n", "exit status 3"},
		{"approval", approve, "", "not now"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			result, err := runlocal.Run(t.Context(), runlocal.Options{
				Region: "us-east-1", Pipeline: pipeline(t, "", fetch, c.action, deploy), Sources: map[string]string{"Fetch": folder(t, "f")},
				Workers: workers(c.action, "Test/Lint", "echo too long; exit 3"), Env: os.Environ(), Tell: new(events).Tell, Ask: no,
			})
			if err != nil {
				t.Fatal(err)
			}
			if result.Status != "Failed" || len(result.Actions) != 2 {
				t.Fatalf("result %+v", result)
			}
			if a := result.Actions[1]; a.Status != "Failed" || !strings.Contains(a.Log, c.log) || !strings.Contains(a.Message, c.message) {
				t.Errorf("action %+v", a)
			}
		})
	}
}

func workers(action, key, command string) map[string]string {
	if action != custom {
		return nil
	}
	return map[string]string{key: command}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	second := strings.NewReplacer("Fetch", "Other", "Tree", "Wood").Replace(fetch)
	required := `"variables":[{"name":"Channel"}],`
	for _, c := range []struct {
		name     string
		pipeline api.PipelineDeclaration
		edit     func(*runlocal.Options)
		want     []string // a part of each reason
	}{
		{"worker and approval at once", pipeline(t, "", fetch, custom, approve), nil, []string{"--worker 'Test/Lint=COMMAND'", "--approve"}},
		{"partner without a worker", pipeline(t, "", fetch, partner), nil, []string{"of owner ThirdParty, and has no worker"}},
		{"a type that does not run here", pipeline(t, "", fetch, codeBuild), nil, []string{"Test/DeviceFarm, which does not run here; leave it out with --skip Image"}},
		{"two sources", pipeline(t, "", fetch+","+second, deploy), nil, []string{"--source Other=DIR"}},
		{"an unknown source", pipeline(t, "", fetch, deploy), func(o *runlocal.Options) { o.Sources["Nobody"] = "." }, []string{"--source Nobody"}},
		{"no folder", pipeline(t, "", fetch, deploy), func(o *runlocal.Options) { o.Sources["Fetch"] = "/nowhere/at/all" }, []string{"no such file"}},
		{"an unknown worker", pipeline(t, "", fetch, deploy), func(o *runlocal.Options) { o.Workers = map[string]string{"Test/None": "true"} }, []string{"--worker Test/None"}},
		{"an unknown action to skip", pipeline(t, "", fetch, deploy), func(o *runlocal.Options) { o.Skip = []string{"None"} }, []string{"--skip None"}},
		{"a variable without a value", pipeline(t, required, fetch, deploy), nil, []string{"--var Channel=VALUE"}},
		{"an unknown variable", pipeline(t, "", fetch, deploy), func(o *runlocal.Options) { o.Variables = map[string]string{"X": "1"} }, []string{"--var X"}},
		{"nothing left", pipeline(t, "", fetch, deploy), func(o *runlocal.Options) { o.Skip = []string{"S1/Push"} }, []string{"minimum of 2 stages"}},
		{"a bucket that cannot be", pipeline(t, "", fetch, strings.Replace(deploy, "www-example", "No_Bucket", 1)), nil, []string{"the bucket No_Bucket cannot be made"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := runlocal.Options{Region: "us-east-1", Pipeline: c.pipeline, Sources: map[string]string{"Fetch": folder(t, "f")}, Tell: new(events).Tell}
			if c.edit != nil {
				c.edit(&o)
			}
			result, err := runlocal.Run(t.Context(), o)
			refused, ok := errors.AsType[*runlocal.Refusal](err)
			if !ok || result.ExecutionID != "" {
				t.Fatalf("got %v, %+v", err, result)
			}
			if len(refused.Reasons) != len(c.want) {
				t.Errorf("reasons: %v", refused)
			}
			for i, want := range c.want {
				if !strings.Contains(err.Error(), want) || refused.Reasons[i].Todo == "" {
					t.Errorf("%v\nwant %s", err, want)
				}
			}
		})
	}
}

func TestSkip(t *testing.T) {
	t.Parallel()
	var e events
	result, err := runlocal.Run(t.Context(), runlocal.Options{
		Region: "us-east-1", Pipeline: pipeline(t, "", fetch, approve, codeBuild, deploy), Skip: []string{"Look", "S2/Image"},
		Sources: map[string]string{"Fetch": folder(t, "f")}, Tell: e.Tell,
	})
	if err != nil || result.Status != "Succeeded" || len(result.Actions) != 2 {
		t.Errorf("%+v, %v, %q", result, err, e.all)
	}
}

// What an action of a git host would tell, the folder and the configuration do.
func TestSourceVariables(t *testing.T) {
	t.Parallel()
	dir := folder(t, "kept.txt", "ignored.log", "new.txt", ".gitignore")
	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("*.log\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	head := ""
	for _, args := range [][]string{{"init", "-q", "-b", "work"}, {"add", "kept.txt"},
		{"-c", "user.name=A B", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false", "commit", "-qm", "first"}, {"rev-parse", "HEAD"}} {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Skipf("git %v: %v: %s", args, err, out)
		}
		head = strings.TrimSpace(string(out))
	}
	out := t.TempDir()
	result, err := runlocal.Run(t.Context(), runlocal.Options{
		Region: "us-east-1", Tell: new(events).Tell, Out: out, Sources: map[string]string{"Git": dir},
		Pipeline: pipeline(t, `"variables":[{"name":"To","defaultValue":"x"}],`, gitAction,
			commands("Show", `test "#{git.CommitId} #{git.BranchName} #{git.FullRepositoryName} #{git.CommitMessage} #{variables.To}" = "`+head+` main acme/shop first example"`),
			strings.Replace(deploy, "www-example", "www-#{variables.To}", 1)),
		Variables: map[string]string{"To": "example"},
	})
	if err != nil || result.Status != "Succeeded" {
		t.Fatalf("%+v, %v", result, err)
	}
	entries, err := os.ReadDir(filepath.Join(out, "www-example"))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{".gitignore", "kept.txt", "new.txt"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("the source held %q, %v; want %q", names, err, want)
	}
}

// An interrupt ends the commands that run, and nothing is left.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	dir := folder(t, "f")
	mark := filepath.Join(t.TempDir(), "ended")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e := events{tell: func(p runlocal.Progress) {
		if p.Action == "Long" {
			cancel()
		}
	}}
	result, err := runlocal.Run(ctx, runlocal.Options{
		Region: "us-east-1", Pipeline: pipeline(t, "", fetch, commands("Long", "sleep 600", "touch "+mark)), Sources: map[string]string{"Fetch": dir}, Tell: e.Tell,
	})
	if !errors.Is(err, context.Canceled) || result.ExecutionID == "" {
		t.Errorf("%+v, %v", result, err)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("the commands went on")
	}
}

// A condition calls the function that the run is given.
func TestFunction(t *testing.T) {
	t.Parallel()
	called := make(chan struct{}, 10)
	function := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called <- struct{}{} }))
	defer function.Close()
	d := pipeline(t, "", fetch, deploy)
	d.Stages[1].BeforeEntry = &api.BeforeEntryConditions{Conditions: []api.Condition{{Result: "FAIL", Rules: []api.RuleDeclaration{{
		Name: "Ask", RuleTypeId: api.RuleTypeId{Category: "Rule", Owner: "AWS", Provider: "LambdaInvoke", Version: "1"}, Configuration: map[string]string{"FunctionName": "ask"},
	}}}}}
	result, err := runlocal.Run(t.Context(), runlocal.Options{
		Region: "us-east-1", Pipeline: d, Sources: map[string]string{"Fetch": folder(t, "f")}, Tell: new(events).Tell, Functions: map[string]string{"ask": function.URL},
	})
	if err != nil || result.Status != "Succeeded" || len(called) != 1 {
		t.Errorf("%+v, %v, called %d times", result, err, len(called))
	}
	if rule := result.Actions[1]; !rule.Rule || rule.Action != "Ask" || rule.Stage != "S1" || rule.Status != "Succeeded" {
		t.Errorf("the rule is shown as %+v", rule)
	}
}

// A rule that fails is told of like an action, with what it has printed.
func TestRuleFails(t *testing.T) {
	t.Parallel()
	d := pipeline(t, "", fetch, deploy)
	d.Stages[1].OnSuccess = &api.SuccessConditions{Conditions: []api.Condition{{Result: "FAIL", Rules: []api.RuleDeclaration{{
		Name: "Probe", RuleTypeId: api.RuleTypeId{Category: "Rule", Owner: "AWS", Provider: "Commands", Version: "1"}, Commands: []string{"echo nobody answers; exit 7"},
		InputArtifacts: []api.InputArtifact{{Name: "Tree"}},
	}}}}}
	var e events
	result, err := runlocal.Run(t.Context(), runlocal.Options{
		Region: "us-east-1", Pipeline: d, Sources: map[string]string{"Fetch": folder(t, "f")}, Tell: e.Tell,
	})
	if err != nil || result.Status != "Failed" || len(result.Actions) != 3 {
		t.Fatalf("%+v, %v", result, err)
	}
	rule := result.Actions[2]
	if !rule.Rule || rule.Status != "Failed" || !strings.Contains(rule.Message, "exit status 7") || !strings.Contains(rule.Log, "nobody answers\n") {
		t.Errorf("the rule is shown as %+v", rule)
	}
}
