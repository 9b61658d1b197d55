package app

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"text/tabwriter"
	"time"

	"penstock/internal/api"
	"penstock/internal/sigv4"
	"penstock/internal/store/postgres/pgtest"
)

var updateCosts = flag.Bool("update", false, "write testdata/cost.txt anew")

// cost is what one call takes: counts, which no load of the machine changes.
type cost struct{ statements, allocations int64 }

// costs are by store and operation.
type costs map[[2]string]cost

// costRounds is how often each call is counted; the least counts, as others
// may have been at work beside it.
const costRounds = 25

// TestCost compares what the hot operations cost with testdata/cost.txt: it
// fails when one needs more statements or more allocations. After a change
// that is worth it, or that saves some: go test ./internal/app -run TestCost -update.
// It is not parallel, as the allocations of the whole process are counted.
func TestCost(t *testing.T) {
	database, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer database.Stop()
	got := costs{}
	order := measureCosts(t, "sqlite", nil, got)
	measureCosts(t, "postgres", []string{"--database", database.URL()}, got)
	const file = "testdata/cost.txt"
	if *updateCosts {
		if raceEnabled {
			t.Fatal("the race detector allocates: update without it")
		}
		if err := os.WriteFile(file, got.table(order), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := readCosts(text)
	if err != nil {
		t.Fatal(err)
	}
	for key := range want {
		if _, ok := got[key]; !ok {
			t.Errorf("%s of %s was not measured", key[1], key[0])
		}
	}
	for key, g := range got {
		w, ok := want[key]
		switch {
		case !ok:
			t.Errorf("%s lacks %s of %s", file, key[1], key[0])
		case g.statements > w.statements:
			t.Errorf("%s: %s runs %d statements, %d before", key[0], key[1], g.statements, w.statements)
		case g.statements < w.statements:
			t.Logf("%s: %s runs only %d statements, %d before: keep that by -update", key[0], key[1], g.statements, w.statements)
		case !raceEnabled && g.allocations > tolerated(w.allocations):
			t.Errorf("%s: %s allocates %d times, %d before", key[0], key[1], g.allocations, w.allocations)
		}
	}
}

// tolerated allows for what differs between machines: pools and maps.
func tolerated(allocations int64) int64 { return allocations + allocations/25 + 3 }

// measureCosts counts on a store, by the handler that serves the network, and
// returns the operations in the order of a pipeline's life.
func measureCosts(t *testing.T, store string, flags []string, into costs) (order []string) {
	t.Helper()
	s := open(t, settings(t, flags...))
	defer s.shut()
	s.alone()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it would empty the pools
	source := api.ActionTypeId{Category: "Source", Owner: "Custom", Provider: "Cost", Version: "1"}
	build := api.ActionTypeId{Category: "Build", Owner: "Custom", Provider: "Cost", Version: "1"}
	s.custom("Source", "Cost")
	s.custom("Build", "Cost")
	call := func(what, operation string, in api.Shape) []byte {
		t.Helper()
		answer, c := s.counted(t, operation, api.Encode(in))
		if what == "" {
			return answer
		}
		key := [2]string{store, what}
		least, seen := into[key]
		if !seen {
			order, least = append(order, what), cost{math.MaxInt64, math.MaxInt64}
		}
		into[key] = cost{min(least.statements, c.statements), min(least.allocations, c.allocations)}
		return answer
	}
	work := func(t api.ActionTypeId, what string) {
		var jobs api.PollForJobsOutput
		s.ok(api.Decode(call("PollForJobs/job", "PollForJobs", &api.PollForJobsInput{ActionTypeId: t}), &jobs))
		if len(jobs.Jobs) != 1 {
			s.Fatalf("%d jobs", len(jobs.Jobs))
		}
		call("AcknowledgeJob", "AcknowledgeJob", &api.AcknowledgeJobInput{JobId: jobs.Jobs[0].Id, Nonce: jobs.Jobs[0].Nonce})
		call(what, "PutJobSuccessResult", &api.PutJobSuccessResultInput{JobId: jobs.Jobs[0].Id})
	}
	call("", "CreatePipeline", &api.CreatePipelineInput{Pipeline: api.PipelineDeclaration{
		Name: "P", RoleArn: "arn:aws:iam::000000000000:role/r", ArtifactStore: &api.ArtifactStore{Type: "S3", Location: "artifacts"},
		Stages: []api.StageDeclaration{
			{Name: "Source", Actions: []api.ActionDeclaration{{Name: "Fetch", ActionTypeId: source, OutputArtifacts: []api.OutputArtifact{{Name: "Code"}}}}},
			{Name: "Build", Actions: []api.ActionDeclaration{{Name: "Make", ActionTypeId: build, InputArtifacts: []api.InputArtifact{{Name: "Code"}}}}},
		},
	}})
	for i := range costRounds {
		if i > 0 { // the first execution starts with the pipeline
			call("StartPipelineExecution", "StartPipelineExecution", &api.StartPipelineExecutionInput{Name: "P"})
		}
		work(source, "PutJobSuccessResult/next")
		work(build, "PutJobSuccessResult/end")
		call("PollForJobs/none", "PollForJobs", &api.PollForJobsInput{ActionTypeId: source})
	}
	for range costRounds {
		call("GetPipelineState", "GetPipelineState", &api.GetPipelineStateInput{Name: "P"})
		call("ListPipelineExecutions/10", "ListPipelineExecutions", &api.ListPipelineExecutionsInput{PipelineName: "P", MaxResults: new(10)})
		call("ListActionExecutions/10", "ListActionExecutions", &api.ListActionExecutionsInput{PipelineName: "P", MaxResults: new(10)})
	}
	return order
}

// alone waits until the server knows whether it is alone on its database, and
// so has nobody to tell: it learns that by its first heartbeat.
func (s *server) alone() {
	if s.cfg.Database == "" {
		return
	}
	silent := time.Duration(-1)
	s.until("the first heartbeat", func() bool {
		nodes, err := s.store.Nodes(s.Context())
		s.ok(err)
		if len(nodes) != 1 {
			s.Fatalf("%d nodes", len(nodes))
		}
		before := silent
		silent = nodes[0].Silent
		return silent < before
	})
}

// counted makes a signed call and counts what it takes.
func (s *server) counted(t *testing.T, operation string, body []byte) ([]byte, cost) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://penstock.example/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "CodePipeline_20150709."+operation)
	key := sigv4.Credentials{AccessKeyID: rootID, SecretAccessKey: rootToken}
	sigv4.Sign(r, sigv4.PayloadHash(body), key, region, "codepipeline", time.Now())
	w := httptest.NewRecorder()
	w.Body.Grow(64 << 10)
	var before, after runtime.MemStats
	statements := s.driver.Work().Statements
	runtime.ReadMemStats(&before)
	s.Handler().ServeHTTP(w, r)
	runtime.ReadMemStats(&after)
	c := cost{s.driver.Work().Statements - statements, int64(after.Mallocs - before.Mallocs)}
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", operation, w.Code, w.Body)
	}
	return w.Body.Bytes(), c
}

// table is the form of testdata/cost.txt.
func (c costs) table(order []string) []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "operation\tstore\tstatements\tallocations")
	for _, what := range order {
		for _, store := range []string{"sqlite", "postgres"} {
			g := c[[2]string{store, what}]
			fmt.Fprintf(w, "%s\t%s\t%d\t%d\n", what, store, g.statements, g.allocations)
		}
	}
	_ = w.Flush() // to memory
	return b.Bytes()
}

func readCosts(text []byte) (costs, error) {
	all := costs{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Scan() // the head
	for lines.Scan() {
		var what, store string
		var c cost
		if _, err := fmt.Sscan(lines.Text(), &what, &store, &c.statements, &c.allocations); err != nil {
			return nil, fmt.Errorf("%q: %w", lines.Text(), err)
		}
		all[[2]string{store, what}] = c
	}
	if len(all) == 0 {
		return nil, errors.New("the table is empty")
	}
	return all, lines.Err()
}
