package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"penstock/internal/api"
	"penstock/internal/sigv4"
)

// The pipelines of the load: a source, then three stages of six actions, in
// each of which two groups of three run one after the other. The actions of a
// stage take turns at two action types. So of the 19 jobs of an execution one
// is a source's and each of the six other types has three.
const (
	stageActions = 6
	groupSize    = 3
	jobsPerRun   = 1 + 3*stageActions
)

var (
	sourceType = api.ActionTypeId{Category: "Source", Owner: "Custom", Provider: "BenchSource", Version: "1"}
	stageTypes = [3][2]api.ActionTypeId{
		{custom("Build", "BenchCompile"), custom("Build", "BenchPack")},
		{custom("Test", "BenchUnit"), custom("Test", "BenchScan")},
		{custom("Deploy", "BenchCopy"), custom("Deploy", "BenchSwitch")},
	}
	// The hand-over pipeline runs its actions one after the other, so that
	// each report opens exactly one job, of the other type.
	chainTypes = [2]api.ActionTypeId{custom("Invoke", "BenchPing"), custom("Invoke", "BenchPong")}
	chainFirst = api.ActionTypeId{Category: "Source", Owner: "Custom", Provider: "BenchChain", Version: "1"}
	// Each stage of a line has one action.
	lineTypes = [4]api.ActionTypeId{
		{Category: "Source", Owner: "Custom", Provider: "BenchLine", Version: "1"},
		custom("Build", "BenchLine"), custom("Test", "BenchLine"), custom("Deploy", "BenchLine"),
	}
	// The history pipeline runs once; its rows are the pattern of the past.
	pastTypes = [2]api.ActionTypeId{
		{Category: "Source", Owner: "Custom", Provider: "BenchPast", Version: "1"}, custom("Build", "BenchPast"),
	}
)

const chainLength = 10 // jobs behind the source

func custom(category, provider string) api.ActionTypeId {
	return api.ActionTypeId{Category: category, Owner: "Custom", Provider: provider, Version: "1"}
}

// workload is pipelines of one kind that callers keep running.
type workload struct {
	prefix  string // of the pipelines' names; a number follows
	types   []api.ActionTypeId
	jobs    int      // of an execution
	polls   [][]byte // a round of turns: as many of each action type as an execution has jobs of it
	declare func(name string) api.PipelineDeclaration
}

// jobLoad has many jobs at a time in an execution.
var jobLoad = func() *workload {
	w := &workload{prefix: "bench-", types: []api.ActionTypeId{sourceType}, jobs: jobsPerRun, declare: loadPipeline}
	w.polls = [][]byte{pollBody(sourceType)}
	for range stageActions / 2 {
		for _, pair := range stageTypes {
			w.polls = append(w.polls, pollBody(pair[0]), pollBody(pair[1]))
		}
	}
	for _, pair := range stageTypes {
		w.types = append(w.types, pair[:]...)
	}
	return w
}()

// lineLoad is pipelines of four stages with one action each, whose executions
// are counted.
var lineLoad = func() *workload {
	w := &workload{prefix: "bench-line-", types: lineTypes[:], jobs: len(lineTypes), declare: linePipeline}
	for _, t := range lineTypes {
		w.polls = append(w.polls, pollBody(t))
	}
	return w
}()

func (w *workload) pipeline(i int) string { return w.prefix + strconv.Itoa(i) }

const (
	chainName = "bench-chain"
	pastName  = "bench-past"
)

// linePipeline is a pipeline of lineLoad.
func linePipeline(name string) api.PipelineDeclaration {
	stages := []api.StageDeclaration{sourceStage(lineTypes[0])}
	input := "Source"
	for _, t := range lineTypes[1:] {
		a := action(t.Category, t, 1, input)
		input = a.OutputArtifacts[0].Name
		stages = append(stages, api.StageDeclaration{Name: t.Category, Actions: []api.ActionDeclaration{a}})
	}
	return declaration(name, stages)
}

// loadPipeline is a pipeline of jobLoad.
func loadPipeline(pipeline string) api.PipelineDeclaration {
	stages := []api.StageDeclaration{sourceStage(sourceType)}
	input := "Source"
	for s, name := range []string{"Build", "Test", "Deploy"} {
		stage := api.StageDeclaration{Name: name}
		for a := range stageActions {
			stage.Actions = append(stage.Actions, action(name+strconv.Itoa(a), stageTypes[s][a%2], 1+a/groupSize, input))
		}
		input = stage.Actions[0].OutputArtifacts[0].Name
		stages = append(stages, stage)
	}
	return declaration(pipeline, stages)
}

// chainPipeline is the pipeline of the hand-over measurement: two stages, so
// that one hand-over in five goes to the next stage.
func chainPipeline() api.PipelineDeclaration {
	stages := []api.StageDeclaration{sourceStage(chainFirst)}
	for s := range 2 {
		stage := api.StageDeclaration{Name: "Chain" + strconv.Itoa(s)}
		for a := range chainLength / 2 {
			i := s*chainLength/2 + a
			stage.Actions = append(stage.Actions, action("Link"+strconv.Itoa(i), chainTypes[i%2], 1+a, "Source"))
		}
		stages = append(stages, stage)
	}
	return declaration(chainName, stages)
}

func pastPipeline() api.PipelineDeclaration {
	return declaration(pastName, []api.StageDeclaration{
		sourceStage(pastTypes[0]), {Name: "Build", Actions: []api.ActionDeclaration{action("Build", pastTypes[1], 1, "Source")}},
	})
}

func declaration(name string, stages []api.StageDeclaration) api.PipelineDeclaration {
	return api.PipelineDeclaration{
		Name: name, RoleArn: "arn:aws:iam::" + account + ":role/bench",
		ArtifactStore: &api.ArtifactStore{Type: "S3", Location: "bench-artifacts"}, Stages: stages,
	}
}

func sourceStage(t api.ActionTypeId) api.StageDeclaration {
	return api.StageDeclaration{Name: "Source", Actions: []api.ActionDeclaration{{
		Name: "Source", ActionTypeId: t, OutputArtifacts: []api.OutputArtifact{{Name: "Source"}},
		Configuration: map[string]string{"Target": "main"},
	}}}
}

func action(name string, t api.ActionTypeId, order int, input string) api.ActionDeclaration {
	return api.ActionDeclaration{
		Name: name, ActionTypeId: t, RunOrder: new(order),
		InputArtifacts: []api.InputArtifact{{Name: input}}, OutputArtifacts: []api.OutputArtifact{{Name: name + "Out"}},
		Configuration: map[string]string{"Target": name},
	}
}

func actionType(id api.ActionTypeId) *api.CreateCustomActionTypeInput {
	inputs := 5
	if id.Category == "Source" {
		inputs = 0
	}
	return &api.CreateCustomActionTypeInput{
		Category: id.Category, Provider: id.Provider, Version: id.Version,
		InputArtifactDetails:    api.ArtifactDetails{MinimumCount: 0, MaximumCount: inputs},
		OutputArtifactDetails:   api.ArtifactDetails{MinimumCount: 0, MaximumCount: 5},
		ConfigurationProperties: []api.ActionConfigurationProperty{{Name: "Target", Required: true, Key: true}},
	}
}

// newClient returns a client for what is not measured.
func newClient(url string) *api.Client {
	creds := sigv4.Credentials{AccessKeyID: accessKeyID, SecretAccessKey: secretAccessKey}
	return &api.Client{
		Endpoint: url, HTTP: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		Sign: func(r *http.Request, body []byte) error {
			sigv4.Sign(r, sigv4.PayloadHash(body), creds, region, scopeService, time.Now())
			return nil
		},
	}
}

// setUp makes all action types, n pipelines of each workload, whose executions
// have started when it returns, and the pipelines named besides.
func setUp(ctx context.Context, url string, loads []*workload, n int, more ...api.PipelineDeclaration) error {
	c := newClient(url)
	types := []api.ActionTypeId{chainFirst, chainTypes[0], chainTypes[1], pastTypes[0], pastTypes[1]}
	for _, t := range slices.Concat(types, jobLoad.types, lineLoad.types) {
		if _, err := c.CreateCustomActionType(ctx, actionType(t)); err != nil {
			return fmt.Errorf("set-up: action type %s: %w", t.Provider, err)
		}
	}
	create := func(ctx context.Context, d api.PipelineDeclaration) error {
		_, err := c.CreatePipeline(ctx, &api.CreatePipelineInput{Pipeline: d})
		if err != nil {
			return fmt.Errorf("set-up: pipeline %s: %w", d.Name, err)
		}
		return nil
	}
	for _, d := range more {
		if err := create(ctx, d); err != nil {
			return err
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(64)
	for _, w := range loads {
		for i := range n {
			g.Go(func() error { return create(ctx, w.declare(w.pipeline(i))) })
		}
	}
	return g.Wait()
}
