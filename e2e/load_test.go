package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"penstock/e2e/joblife"
	"penstock/jobworker"
)

const (
	loadTypes   = 8 // of each kind
	loadWorkers = 4 // of each type
	loadWindow  = 10 * time.Second
)

// TestLoad lets 64 workers of both kinds loose on 16 action types. They are
// slow, die before and after their acknowledgement, report late, twice and
// differently, while executions are stopped and the site is harmed. What they
// saw must be what the life of a job allows, every report that was answered
// must be in the history, and everything must end. PENSTOCK_E2E_KILLS and
// PENSTOCK_E2E_EXECUTIONS make it longer.
func TestLoad(t *testing.T) {
	for _, tc := range []struct {
		name              string
		start             siteOf
		kills, executions int
	}{
		{"SQLite", onSQLite, 10, 120},
		{"three nodes", onThreeNodes, 22, 120},
	} {
		t.Run(tc.name, func(t *testing.T) {
			kills, executions := tc.kills, tc.executions
			if testing.Short() {
				kills, executions = 1, 30
			}
			loaded(t, tc.start, number(t, "PENSTOCK_E2E_KILLS", kills), number(t, "PENSTOCK_E2E_EXECUTIONS", executions))
		})
	}
}

func loaded(t *testing.T, start siteOf, kills, executions int) {
	st := start(t, "--ack-window", loadWindow.String())
	f := &fleet{site: st, history: joblife.New(), calls: st.caller(), orphans: make(chan hand, 10_000), results: map[string]ending{}, started: map[string]string{}, actions: map[string]string{}, progress: make(chan struct{}, 1)}
	if st.database != nil {
		// The database may still do what the node that asked for it was killed
		// for, and transactions run side by side.
		f.late, f.history.Ages = true, loadWindow
		// Nodes know the database's time to half of a round trip to it.
		f.history.Apart = 50 * time.Millisecond
	}
	tokens := f.prepare()

	ctx, stop := context.WithTimeout(t.Context(), 20*time.Minute)
	defer stop()
	var workers, input sync.WaitGroup
	for i := range loadTypes {
		for w := range loadWorkers {
			workers.Go(func() { f.custom(ctx, i, 2*(i*loadWorkers+w)) })
			workers.Go(func() { f.partner(ctx, i, 2*(i*loadWorkers+w)+1, tokens[i]) })
		}
	}
	workers.Go(func() { f.undertaker(ctx) })
	input.Go(func() { f.start(ctx, executions) })
	tally, faults := newTally(), st.faults()
	for i := range kills {
		f.until(ctx, (i+1)*executions*16/(kills+1)) // of some twenty calls for each execution
		hit := faults[i%len(faults)]
		strike := func() error { return tally.strike(hit) }
		if hit.forgets {
			strike = func() error { return f.history.Forgets(func() error { return tally.strike(hit) }) }
		}
		if err := strike(); err != nil {
			t.Fatal(err)
		}
	}
	st.mend()
	input.Wait()
	f.tired.Store(true)
	for left := f.open(); len(left) > 0; left = f.open() { // the rest of a long run takes its time; standing still is another matter
		until(t, "one more execution to end", func(context.Context) (string, bool) {
			now := f.open()
			return strings.Join(now, ", "), len(now) < len(left)
		})
	}
	stop()
	workers.Wait()

	f.bury()
	calls, jobs := f.history.Calls()
	t.Logf("%d calls about %d jobs of %d executions; %s", calls, jobs, len(f.started), tally)
	began := time.Now()
	for i, problem := range f.history.Problems(loadWindow) {
		if i < 10 {
			t.Error(problem)
		}
	}
	t.Logf("judged in %v", time.Since(began))
	f.check()
}

func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// prepare makes the types and eight pipelines that use them all, and returns
// the client tokens.
func (f *fleet) prepare() (tokens []string) {
	f.t.Helper()
	for i := range loadTypes {
		category := "Build"
		if i < loadTypes/2 {
			category = "Source"
		}
		f.call("CreateCustomActionType", object{"category": category, "provider": "Load" + strconv.Itoa(i), "version": "1",
			"inputArtifactDetails": object{"minimumCount": 0, "maximumCount": 0}, "outputArtifactDetails": object{"minimumCount": 0, "maximumCount": 1}}, nil)
		tokens = append(tokens, f.connect("Test", "Partner"+strconv.Itoa(i)).ClientToken)
	}
	for i := range loadTypes {
		build := func(name string, k int) object {
			return action(name, "Custom", "Build", "Load"+strconv.Itoa(loadTypes/2+k%(loadTypes/2)), nil)
		}
		test := func(name string, k int) object {
			return action(name, "ThirdParty", "Test", "Partner"+strconv.Itoa(k%loadTypes), nil)
		}
		d := declaration("load-"+strconv.Itoa(i),
			stage("Source", action("Fetch", "Custom", "Source", "Load"+strconv.Itoa(i%(loadTypes/2)), nil, outputs("Source"))),
			stage("Work", build("One", i), build("Two", i+1), test("Three", i), test("Four", i+1)))
		d["pipelineType"], d["executionMode"] = "V2", "PARALLEL"
		f.call("CreatePipeline", object{"pipeline": d}, nil)
	}
	return tokens
}

// start starts executions and stops one in ten of them.
func (f *fleet) start(ctx context.Context, executions int) {
	for i := range executions {
		name, token := "load-"+strconv.Itoa(i%loadTypes), fmt.Sprintf("load-%d", i)
		var out struct{ PipelineExecutionID string }
		if !f.surely(ctx, "StartPipelineExecution", object{"name": name, "clientRequestToken": token}, &out) {
			return
		}
		f.mu.Lock()
		f.started[out.PipelineExecutionID] = name
		f.mu.Unlock()
		if i%10 == 9 {
			f.rest(ctx, 50*time.Millisecond)
			f.abandon(ctx, name, out.PipelineExecutionID)
		}
		f.rest(ctx, 10*time.Millisecond)
	}
}

// abandon stops an execution and enters that into the lives of its jobs.
func (f *fleet) abandon(ctx context.Context, name, id string) {
	from := f.history.Now()
	err := f.calls.Call(ctx, "StopPipelineExecution", object{"pipelineName": name, "pipelineExecutionId": id, "abandon": true}, nil)
	f.mu.Lock()
	defer f.mu.Unlock()
	e, ok := errors.AsType[*jobworker.Error](err)
	refused := ok && e.Code != "" && e.Status < 500 && !f.mistimed(err)
	if !refused {
		f.stops = append(f.stops, stopped{name, id, joblife.Call{Kind: joblife.Stop, From: from, To: f.history.Now(), Answer: joblife.Answer{Lost: err != nil, Late: err != nil && f.late}}})
	} else if e.Code != "PipelineExecutionNotStoppableException" {
		f.t.Errorf("StopPipelineExecution: %v", err)
	}
}

// bury enters the stops of executions into the lives of their jobs.
func (f *fleet) bury() {
	for _, stop := range f.stops {
		out, err := f.codepipeline().ListActionExecutions(f.t.Context(), &codepipeline.ListActionExecutionsInput{PipelineName: &stop.pipeline,
			Filter: &types.ActionExecutionFilter{PipelineExecutionId: &stop.execution}})
		if err != nil {
			f.t.Fatal(err)
		}
		for _, d := range out.ActionExecutionDetails {
			for job, action := range f.actions {
				if action == *d.ActionExecutionId {
					c := stop.call
					c.Job = job
					f.history.Insert(c)
				}
			}
		}
	}
}

// open names the executions that have not ended.
func (f *fleet) open() (left []string) {
	f.t.Helper()
	for i := range loadTypes {
		name := "load-" + strconv.Itoa(i)
		pages := codepipeline.NewListPipelineExecutionsPaginator(f.codepipeline(), &codepipeline.ListPipelineExecutionsInput{PipelineName: &name})
		for pages.HasMorePages() {
			page, err := pages.NextPage(f.t.Context())
			if err != nil {
				f.t.Fatal(err)
			}
			for _, e := range page.PipelineExecutionSummaries {
				if e.Status == types.PipelineExecutionStatusInProgress || e.Status == types.PipelineExecutionStatusStopping {
					left = append(left, fmt.Sprintf("%s %s is %s", name, *e.PipelineExecutionId, e.Status))
				}
			}
		}
	}
	return left
}

// check holds what was reported against the history of the actions.
func (f *fleet) check() {
	f.t.Helper()
	seen := 0
	for i := range loadTypes {
		name := "load-" + strconv.Itoa(i)
		pages := codepipeline.NewListActionExecutionsPaginator(f.codepipeline(), &codepipeline.ListActionExecutionsInput{PipelineName: &name})
		for pages.HasMorePages() {
			page, err := pages.NextPage(f.t.Context())
			if err != nil {
				f.t.Fatal(err)
			}
			for _, d := range page.ActionExecutionDetails {
				want, reported := f.results[*d.ActionExecutionId]
				if reported {
					seen++
				}
				external := ""
				if d.Output != nil && d.Output.ExecutionResult != nil {
					external = aws.ToString(d.Output.ExecutionResult.ExternalExecutionId)
				}
				ended := d.Status == types.ActionExecutionStatusSucceeded || d.Status == types.ActionExecutionStatusFailed
				if reported && (string(d.Status) != want.status || external != want.externalID) || !reported && ended {
					f.t.Errorf("%s/%s was reported as %+v and is %s", name, *d.ActionName, want, asJSON(d))
				}
			}
		}
	}
	if seen != len(f.results) {
		f.t.Errorf("%d actions were reported, %d are in the history", len(f.results), seen)
	}
}
