package engine

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
)

// All that a declaration says about an action reaches its job, resolved.
func TestJobData(t *testing.T) {
	p := stage(t, `SUPERSEDED
		S: app=source@src>App
		B: build=commands<App>Bin?Name=#{src.branch}`)
	d := p.decls[1]
	d.ArtifactStore = nil
	d.ArtifactStores = map[string]pipeline.ArtifactStore{
		"eu-west-1": {Bucket: "here"}, "us-east-1": {Bucket: "there", Key: &pipeline.EncryptionKey{ID: "k", Type: "KMS"}},
	}
	build := &d.Stages[1].Actions[0]
	build.Region = "us-east-1"
	build.TimeoutInMinutes = 10
	build.Commands = []string{"make #{src.branch}"}
	build.Environment = []pipeline.EnvironmentVariable{{Name: "B", Value: "#{src.branch}"}}
	build.OutputVariables = []string{"V"}
	build.Outputs[0].Files = []string{"**/*"}
	p.saved["1"] = dump(d)

	_, err := p.do(Start{
		Trigger:   Trigger{Type: "StartPipelineExecution"},
		Overrides: []Override{{"app", "S3_OBJECT_VERSION_ID", "v1"}},
	})
	p.ok(err)
	src := p.job("E1", "app")
	if src.Data.Overrides["S3_OBJECT_VERSION_ID"] != "v1" || src.Data.Outputs[0].Bucket != "here" || !strings.HasSuffix(src.Data.Outputs[0].Key, ".zip") {
		t.Errorf("the source's job has %+v", src.Data)
	}
	p.ok(p.take(src))
	p.ok(p.succeed(src, map[string]string{"branch": "main"}, &Revision{ID: "v1"}))

	j := p.job("E1", "build")
	in := src.Data.Outputs[0]
	in.Revision = "v1"
	want := job.Data{
		Configuration: map[string]string{"Name": "main"}, Commands: []string{"make main"},
		Environment: []pipeline.EnvironmentVariable{{Name: "B", Value: "main"}},
		Inputs:      []job.Artifact{in}, Outputs: []job.Artifact{{Name: "Bin", Bucket: "there", Key: j.Data.Outputs[0].Key}},
		OutputFiles: map[string][]string{"Bin": {"**/*"}}, OutputVariables: []string{"V"},
		EncryptionKey: &pipeline.EncryptionKey{ID: "k", Type: "KMS"}, Deadline: p.now.Add(10 * time.Minute),
	}
	if !reflect.DeepEqual(j.Data, want) {
		t.Errorf("got  %+v\nwant %+v", j.Data, want)
	}
	if j.Kind != job.Native || j.Stage != "B" || j.Pipeline != "orders" || !j.QueuedAt.Equal(p.now) || j.State != job.Queued {
		t.Errorf("the job is %+v", j)
	}
	if arn := p.pipeline.ARN(); arn != "arn:aws:codepipeline:eu-west-1:000000000000:orders" {
		t.Errorf("the pipeline is %s", arn)
	}
}

func TestUnresolvedReferencesEverywhere(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*pipeline.Action){
		"commands": func(a *pipeline.Action) { a.Commands = []string{"#{ns.x}"} },
		"environment": func(a *pipeline.Action) {
			a.Environment = []pipeline.EnvironmentVariable{{Name: "N", Value: "#{ns.x}"}}
		},
		"two keys":  func(a *pipeline.Action) { a.Configuration = map[string]string{"a": "#{ns.x}", "b": "#{ns.y}"} },
		"size":      func(a *pipeline.Action) { a.Configuration = map[string]string{"a": strings.Repeat("x", 102_401)} },
		"no query":  func(a *pipeline.Action) { a.Type = kinds["query"] },
		"variables": func(a *pipeline.Action) { a.Configuration = map[string]string{"a": "#{codepipeline.Other}"} },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			p := stage(t, "SUPERSEDED\nS: X=commands")
			change(&p.decls[1].Stages[0].Actions[0])
			p.saved["1"] = dump(p.decls[1])
			p.starts(1)
			if r := p.records[p.exec("E1").Run("S").Action("X").ID].Result; r.ErrorCode != "InvalidActionConfiguration" {
				t.Errorf("got %+v", r)
			}
		})
	}
	t.Run("region without a store", func(t *testing.T) {
		p := stage(t, "SUPERSEDED\nS: X=commands")
		d := p.decls[1]
		d.ArtifactStore, d.ArtifactStores = nil, map[string]pipeline.ArtifactStore{"us-east-1": {Bucket: "b"}}
		p.saved["1"] = dump(d)
		p.starts(1)
		r := p.records[p.exec("E1").Run("S").Action("X").ID].Result
		if r.ErrorCode != "ConfigurationError" || r.ErrorMessage != "The pipeline has no artifact store for region eu-west-1" {
			t.Errorf("got %+v", r)
		}
	})
}

// who started earlier and arrives later does not replace the newer one.
// No command leads there yet, so the snapshot is made by hand.
func TestOlderArrivesLater(t *testing.T) {
	p := stage(t, "SUPERSEDED\nS: X=custom\nT: Y=custom")
	p.ok(p.gate("T", false, true))
	p.starts(1)
	j := p.job("E1", "X")
	p.ok(p.take(j))
	newer := &Execution{ID: "newer", Number: 9, Version: 1, Mode: pipeline.Superseded, Status: InProgress, Stage: "T"}
	snap := p.snapshot(Start{})
	snap.Executions["newer"] = newer
	snap.State = snap.State.clone()
	snap.State.Live = append(snap.State.Live, "newer")
	snap.State.Stage("T").Waiting = []string{"newer"}
	plan, err := Decide(snap, JobSucceeded{Job: j, Digest: "d"}, p.env())
	p.ok(err)
	if len(plan.Executions) != 1 || plan.Executions[0].Status != Superseded {
		t.Errorf("changed: %+v", plan.Executions)
	}
	if got := plan.State.Stage("T").Waiting; !reflect.DeepEqual(got, []string{"newer"}) {
		t.Errorf("waiting: %v", got)
	}
}

// A source that is bound to a revision is told of it, by the means of its
// type, and is known to have read it when its worker does not say.
func TestBoundSource(t *testing.T) {
	p := stage(t, "SUPERSEDED\nS: app=source>App git=custom>Git\nB: X=custom<Git")
	git := &p.decls[1].Stages[0].Actions[1]
	git.Type = pipeline.ActionType{Category: "Source", Owner: "Custom", Provider: "S3", Version: "1"}
	p.types[git.Type] = knownTypes()[kinds["custom"]]
	p.saved["1"] = dump(p.decls[1])
	_, err := p.do(Start{Overrides: []Override{{"git", "S3_OBJECT_VERSION_ID", "v1"}}})
	p.refused(err, "ValidationException", "The revision type S3_OBJECT_VERSION_ID cannot be used for action 'git' with provider S3")
	bind := func(action string) {
		_, err := p.do(Start{Trigger: Trigger{Type: "PutActionRevision"}, Bound: &Binding{Action: action, Revision: Revision{ID: "r7", ChangeID: "c7"}}})
		p.ok(err)
	}
	bind("git")
	if app, git := p.job("E1", "app").Data, p.job("E1", "git").Data; app.Overrides != nil || app.Outputs[0].Revision != "" || git.Overrides != nil || git.Outputs[0].Revision != "r7" {
		t.Errorf("bound: %+v, %+v", app, git)
	}
	p.done("E1", "app")
	p.done("E1", "git")
	if in := p.job("E1", "X").Data.Inputs[0]; in.Revision != "r7" || p.exec("E1").Revisions[1].ID != "r7" || p.exec("E1").Revisions[0].ID != "" {
		t.Errorf("read: %+v, %+v", in, p.exec("E1").Revisions)
	}
	bind("app")
	if app := p.job("E2", "app").Data; app.Overrides["S3_OBJECT_VERSION_ID"] != "r7" {
		t.Errorf("bound: %+v", app)
	}
}

// References cannot make texts of any size: neither a configuration value nor
// the commands together.
func TestResolvedSize(t *testing.T) {
	for name, edit := range map[string]func(a *pipeline.Action, s string){
		"configuration": func(a *pipeline.Action, s string) { a.Configuration["k"] = s },
		"commands":      func(a *pipeline.Action, s string) { a.Commands = []string{s[:len(s)/2], s[len(s)/2:]} },
		"environment": func(a *pipeline.Action, s string) {
			a.Environment = []pipeline.EnvironmentVariable{{Name: "A", Value: s[:len(s)/2]}, {Name: "B", Value: s[len(s)/2:]}}
		},
	} {
		for n, want := range map[int]string{2: "InProgress", 4: "Failed"} {
			t.Run(fmt.Sprintf("%s %d times", name, n), func(t *testing.T) {
				p := stage(t, "SUPERSEDED\nS: X=custom@ns\nT: Y=commands")
				edit(&p.decls[1].Stages[1].Actions[0], strings.Repeat("#{ns.k}", n))
				p.saved["1"] = dump(p.decls[1])
				p.starts(1)
				j := p.job("E1", "X")
				p.ok(p.take(j))
				p.ok(p.succeed(j, map[string]string{"k": strings.Repeat("x", 40_000)}, nil))
				y := p.exec("E1").Run("T").Action("Y")
				if string(y.Status) != want {
					t.Errorf("the action is %s", y.Status)
				}
				if got := p.records[y.ID].Result.ErrorCode; want == "Failed" && got != "InvalidActionConfiguration" {
					t.Errorf("it failed with %s", got)
				}
			})
		}
	}
}
