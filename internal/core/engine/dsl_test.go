package engine

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"penstock/internal/core/fault"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
)

// kinds are the action types that a declaration in a few words may name.
var kinds = map[string]pipeline.ActionType{
	"source":   {Category: "Source", Owner: "AWS", Provider: "S3", Version: "1"},
	"custom":   {Category: "Build", Owner: "Custom", Provider: "Acme", Version: "1"},
	"partner":  {Category: "Test", Owner: "ThirdParty", Provider: "Probe", Version: "1"},
	"commands": {Category: "Compute", Owner: "AWS", Provider: "Commands", Version: "1"},
	"approval": {Category: "Approval", Owner: "AWS", Provider: "Manual", Version: "1"},
	"push":     {Category: "Invoke", Owner: "AWS", Provider: "Lambda", Version: "1"},
	"query":    {Category: "Test", Owner: "Custom", Provider: "Queryable", Version: "1"},
	"lambda":   {Category: "Rule", Owner: "AWS", Provider: "LambdaInvoke", Version: "1"},
	"run":      {Category: "Rule", Owner: "AWS", Provider: "Commands", Version: "1"},
	"check":    {Category: "Rule", Owner: "AWS", Provider: "VariableCheck", Version: "1"},
	"window":   {Category: "Rule", Owner: "AWS", Provider: "DeploymentWindow", Version: "1"},
	"norule":   {Category: "Rule", Owner: "AWS", Provider: "CodeBuild", Version: "1"},
	"foreign":  {Category: "Deploy", Owner: "AWS", Provider: "ECS", Version: "1"},
	"unknown":  {Category: "Deploy", Owner: "Custom", Provider: "Gone", Version: "1"},
}

func knownTypes() map[pipeline.ActionType]TypeInfo {
	return map[pipeline.ActionType]TypeInfo{
		kinds["source"]:   {Available: true, Kind: job.Native, Timeout: time.Hour},
		kinds["custom"]:   {Available: true, Kind: job.Custom, Timeout: 24 * time.Hour},
		kinds["partner"]:  {Available: true, Kind: job.Partner, Timeout: time.Hour, JobTimeout: 10 * time.Minute, Clients: []string{"c1"}},
		kinds["commands"]: {Available: true, Kind: job.Native, Timeout: 55 * time.Minute},
		kinds["approval"]: {Available: true, Timeout: 7 * 24 * time.Hour},
		kinds["push"]:     {Available: true, Kind: job.Pushed, Timeout: 24 * time.Hour, JobTimeout: 20 * time.Minute},
		kinds["query"]:    {Available: true, Kind: job.Custom, Timeout: 24 * time.Hour, Queryable: "Project"},
		kinds["lambda"]:   {Available: true, Kind: job.Native, Timeout: time.Hour},
		kinds["run"]:      {Available: true, Kind: job.Native, Timeout: 55 * time.Minute},
		kinds["check"]:    {Available: true, Kind: job.Native, Unrunnable: "not a job"},
		kinds["window"]:   {Available: true, Kind: job.Native, Unrunnable: "not a job"},
		kinds["norule"]:   {Available: true, Kind: job.Native, Unrunnable: "Penstock does not run rules of type CodeBuild"},
		kinds["foreign"]:  {Available: true, Kind: job.Native, Unrunnable: "Penstock does not run actions of type ECS"},
	}
}

// parse reads a declaration in a few words:
//
//	QUEUED
//	Source: app=source>App
//	Build: unit=custom<App lint=custom<App pack=custom/2<App>Bin@pack
//	Deploy: gate=approval ship=custom/2<Bin?Ref=#{pack.version}
//
// The first line is the mode, each other a stage with its actions: name, kind,
// and optionally /run order, <input, >output, @namespace and ?key=value.
//
// Behind the name of a stage may stand its conditions, entry=RESULT(rules),
// success=RESULT(rules), failure=RESULT(rules), failure=ROLLBACK and
// failure=RETRY_FAILED or RETRY_ALL. Rules are yes and no (VariableCheck),
// hours (DeploymentWindow, 9 to 17), lambda, run and norule, separated by
// commas.
func parse(text string) *pipeline.Declaration {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	d := &pipeline.Declaration{
		Mode: strings.TrimSpace(lines[0]), Type: pipeline.V2,
		ArtifactStore: &pipeline.ArtifactStore{Bucket: "artifacts"},
	}
	for _, line := range lines[1:] {
		name, actions, _ := strings.Cut(strings.TrimSpace(line), ":")
		head := strings.Fields(name)
		st := pipeline.Stage{Name: head[0]}
		for _, word := range head[1:] {
			parseCondition(&st, word)
		}
		for word := range strings.FieldsSeq(actions) {
			st.Actions = append(st.Actions, parseAction(word))
		}
		d.Stages = append(d.Stages, st)
	}
	return d
}

func parseCondition(st *pipeline.Stage, word string) {
	place, rest, _ := strings.Cut(word, "=")
	result, rules, whole := strings.Cut(strings.TrimSuffix(rest, ")"), "(")
	c := pipeline.Condition{Result: result}
	for name := range strings.SplitSeq(rules, ",") {
		c.Rules = append(c.Rules, parseRule(name))
	}
	switch {
	case place == "entry":
		st.BeforeEntry = []pipeline.Condition{c}
	case place == "success":
		st.OnSuccess = []pipeline.Condition{c}
	case whole:
		st.OnFailure = &pipeline.OnFailure{Conditions: []pipeline.Condition{c}}
	default:
		result, mode, _ := strings.Cut(result, "_")
		st.OnFailure = &pipeline.OnFailure{Result: result}
		if mode != "" {
			st.OnFailure.RetryMode = mode + "_ACTIONS"
		}
	}
}

func parseRule(name string) pipeline.Rule {
	r := pipeline.Rule{Name: name, Type: kinds[name], Configuration: map[string]string{}}
	switch name {
	case "yes", "no":
		r.Type = kinds["check"]
		r.Configuration = map[string]string{"Variable": "yes", "Operator": "EQ", "Value": name}
	case "hours":
		r.Type = kinds["window"]
		r.Configuration = map[string]string{"Cron": "* * 9-16 ? * *", "TimeZone": "UTC"}
	case "run":
		r.Commands = []string{"make check"}
	}
	return r
}

func parseAction(word string) pipeline.Action {
	name, rest, _ := strings.Cut(word, "=")
	a := pipeline.Action{Name: name, RunOrder: 1, Configuration: map[string]string{}}
	var setting string
	rest, setting, _ = strings.Cut(rest, "?")
	if key, value, ok := strings.Cut(setting, "="); ok {
		a.Configuration[key] = value
	}
	end := strings.IndexAny(rest+"/", "/<>@")
	kind, rest := rest[:end], rest[end:]
	a.Type = kinds[kind]
	if a.Type.Category == "" {
		panic("no such kind of action: " + kind)
	}
	for rest != "" {
		mark := rest[0]
		end := 1 + strings.IndexAny(rest[1:]+"/", "/<>@")
		value := rest[1:end]
		rest = rest[end:]
		switch mark {
		case '/':
			n, err := strconv.Atoi(value)
			if err != nil {
				panic(err)
			}
			a.RunOrder = n
		case '<':
			a.Inputs = append(a.Inputs, value)
		case '>':
			a.Outputs = append(a.Outputs, pipeline.OutputArtifact{Name: value})
		case '@':
			a.Namespace = value
		}
	}
	return a
}

// play is a world that tells a story: executions are called E1, E2 … in the
// order of their start.
type play struct {
	*testing.T
	*world
}

func stage(t *testing.T, declaration string) *play {
	t.Helper()
	t.Parallel()
	return newPlay(t, declaration)
}

// newPlay is stage for a test that waits for the end of its stories.
func newPlay(t *testing.T, declaration string) *play {
	t.Helper()
	p := &play{t, newWorld()}
	t.Cleanup(func() {
		if err := p.problem(); err != nil {
			t.Error(err)
		}
	})
	p.ok(p.declare(parse(declaration)))
	return p
}

func (p *play) ok(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// refused checks the code and the exact text of a refusal, in which E1 stands
// for the first execution's id.
func (p *play) refused(err error, code, text string) {
	p.Helper()
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		p.Fatalf("got %v, want %s", err, code)
	}
	for _, e := range p.executions() {
		text = strings.ReplaceAll(text, "E"+strconv.FormatInt(e.Number, 10), e.ID)
	}
	if f.Code != code || text != "" && f.Message != text {
		p.Errorf("refusal\n got %s: %s\nwant %s: %s", f.Code, f.Message, code, text)
	}
}

func (p *play) exec(name string) *Execution {
	for _, e := range p.executions() {
		if "E"+strconv.FormatInt(e.Number, 10) == name {
			return e
		}
	}
	return &Execution{ID: name}
}

// starts starts n executions.
func (p *play) starts(n int) {
	p.Helper()
	for range n {
		_, err := p.start()
		p.ok(err)
	}
}

// see compares the executions with a picture, a line each:
//
//	E1 InProgress in A InProgress: gate InProgress
//	E2 Superseded before A
//	E3 Failed at Source Failed: app Failed
func (p *play) see(picture string) {
	p.Helper()
	var got, want []string
	for _, e := range p.executions() {
		got = append(got, draw(e))
	}
	for line := range strings.Lines(picture) {
		if line = strings.TrimSpace(line); line != "" {
			want = append(want, line)
		}
	}
	if !slices.Equal(got, want) {
		p.Errorf("got:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func draw(e *Execution) string {
	s := fmt.Sprintf("E%d %s", e.Number, e.Status)
	run := e.Run(e.Stage)
	switch {
	case run == nil:
		return s + " before " + e.Stage
	case e.Inside:
		s += " in "
	default:
		s += " at "
	}
	s += e.Stage + " " + string(run.Status) + ":"
	for _, a := range run.Actions {
		s += " " + a.Name + " " + string(a.Status)
	}
	for _, c := range run.Conditions {
		s += " " + map[Place]string{BeforeEntry: "entry", OnSuccess: "success", OnFailure: "failure"}[c.Place] + " " + string(c.Status)
	}
	return s
}

// job is the open job of the execution's action.
func (p *play) job(execution, action string) *job.Job {
	p.Helper()
	id := p.exec(execution).ID
	for _, j := range p.openJobs() {
		if j.ExecutionID == id && j.Action == action {
			return j
		}
	}
	p.Fatalf("%s has no open job of action %s", execution, action)
	return nil
}

// done lets a worker take the action's job and report success.
func (p *play) done(execution, action string) {
	p.Helper()
	j := p.job(execution, action)
	p.ok(p.take(j))
	p.ok(p.succeed(j, nil, nil))
}

// fails lets a worker take the action's job and report failure.
func (p *play) fails(execution, action string) {
	p.Helper()
	j := p.job(execution, action)
	p.ok(p.take(j))
	p.ok(p.fail(j, "JobFailed", "it broke"))
}

// request is the execution's request of the approval, open or not.
func (p *play) request(execution, stage, action string) request {
	p.Helper()
	e := p.exec(execution)
	run := e.Run(stage)
	if run == nil || run.Action(action) == nil {
		p.Fatalf("%s has not come to %s in %s", execution, action, stage)
	}
	return request{e.ID, stage, action, run.Action(action).ID}
}

func (p *play) approves(execution, stage, action string) error {
	p.Helper()
	return p.answer(p.request(execution, stage, action), true, "fine")
}

func (p *play) rejects(execution, stage, action string) error {
	p.Helper()
	return p.answer(p.request(execution, stage, action), false, "no")
}

func (p *play) stops(execution string, abandon bool, reason string) error {
	_, err := p.do(StopExecution{p.exec(execution).ID, abandon, reason})
	return err
}

func (p *play) retries(execution, stage string, all bool) error {
	id, err := p.do(RetryStage{stage, p.exec(execution).ID, all})
	if err == nil && id != p.exec(execution).ID {
		p.Errorf("a retry of %s answered %s", execution, id)
	}
	return err
}

func (p *play) overrides(execution, stage string, place Place) error {
	_, err := p.do(OverrideCondition{stage, p.exec(execution).ID, place, "ana"})
	return err
}

// rollsBack rolls the stage back to where the target left it.
func (p *play) rollsBack(stage, target string) error {
	_, err := p.do(RollbackStage{stage, p.exec(target).ID, Trigger{"ManualRollback", `{"AwsUserArn":"ana"}`}})
	return err
}

func (p *play) gate(stage string, outbound, disable bool) error {
	_, err := p.do(SetTransition{Stage: stage, Outbound: outbound, Disable: disable, Reason: "closed", By: "ana"})
	return err
}

// eventsOf lists the events of an execution in a few words each, from the
// position on.
func (p *play) eventsOf(execution string, from int) []string {
	var out []string
	for _, c := range p.events[from:] {
		if c.Execution != p.exec(execution).ID {
			continue
		}
		s := "pipeline "
		if c.Stage != "" {
			s = c.Stage + " "
		}
		if c.Action != nil {
			s = c.Action.Name + " "
		}
		out = append(out, s+c.State)
	}
	return out
}

func (p *play) heard(execution string, from int, want ...string) {
	p.Helper()
	if got := p.eventsOf(execution, from); !slices.Equal(got, want) {
		p.Errorf("events of %s\n got %q\nwant %q", execution, got, want)
	}
}
