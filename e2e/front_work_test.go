package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"penstock/internal/store/postgres/pgtest"
	"penstock/jobworker"
)

// TestFronts has clients and workers reach three nodes, and the store of their
// artifacts, through HAProxy and nginx as deploy/ configures them. A node that is
// killed costs at most the call that it was answering: work goes on and ends, and
// the node gets calls again when it is back.
func TestFronts(t *testing.T) {
	t.Parallel()
	for _, f := range []front{haproxy, nginx} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			store := startServer(t, "--s3-hosts", storeHost)
			url, _ := f.start(t, store.url, store.url, store.url)
			storage := &server{t: t, url: url, data: store.data}
			storage.carriesObjects()
			nodes := startNodes(t, storage, pgtest.URL(t), 3, "--ack-window", "10s") // of jobs whose answer the dead node had
			url, _ = f.start(t, nodes[0].url, nodes[1].url, nodes[2].url)
			s := &server{t: t, url: url, data: nodes[0].data}
			s.holdsPolls()
			s.outlives(nodes, storage)
		})
	}
}

// holdsPolls polls for jobs that are not there: the call has to be held for as long
// as the server wants to.
func (s *server) holdsPolls() {
	s.t.Helper()
	s.call("CreateCustomActionType", object{"category": "Build", "provider": "Front", "version": "1",
		"inputArtifactDetails": object{"minimumCount": 1, "maximumCount": 1}, "outputArtifactDetails": object{"minimumCount": 1, "maximumCount": 1}}, nil)
	began := time.Now()
	jobs, err := jobworker.NewClient(s.caller(), kitType("Build", "Custom", "Front"), nil).Poll(s.t.Context(), 1, 2*time.Second)
	if took := time.Since(began); err != nil || len(jobs) != 0 || took < time.Second {
		s.t.Errorf("a poll of two seconds ended with %d jobs after %v: %v", len(jobs), took, err)
	}
}

// outlives runs executions through the front while one of the nodes is killed,
// is away and comes back.
func (s *server) outlives(nodes []*server, storage *server) {
	s.t.Helper()
	t := s.t
	const executions = 16
	storage.versioned("front-source")
	storage.bucket("front-site")
	source := zipped(t, map[string]string{"app": string(random(1 << 20))})
	storage.put("front-source", "app.zip", source)
	d := declaration("front",
		stage("Source", manualSource("front-source", "app.zip")),
		stage("Build", action("Make", "Custom", "Build", "Front", nil, inputs("Source"), outputs("App"))),
		stage("Ship", action("Site", "AWS", "Deploy", "S3", object{"BucketName": "front-site", "Extract": "false", "ObjectKey": "#{codepipeline.PipelineExecutionId}.zip"}, inputs("App"))))
	d["pipelineType"], d["executionMode"] = "V2", "PARALLEL"
	s.call("CreatePipeline", object{"pipeline": d}, nil)
	ids := map[string]bool{s.newest("front"): true}

	// Workers with polls of 20 s: jobs come at once all the same.
	ctx, stop := context.WithCancel(t.Context())
	var workers sync.WaitGroup
	var built atomic.Int64
	worked := make(chan struct{}, 10*executions)
	for range 4 {
		w := jobworker.New(jobworker.NewClient(s.caller(), kitType("Build", "Custom", "Front"), nil), func(ctx context.Context, task *jobworker.Task) (jobworker.Success, error) {
			defer func() { built.Add(1); worked <- struct{}{} }()
			in, out := task.Job.Inputs[0], task.Job.Outputs[0]
			content, err := fetch(ctx, storage.s3(), in.Bucket, in.Key)
			if err != nil {
				return jobworker.Success{}, err
			}
			_, err = storage.s3().PutObject(ctx, &awss3.PutObjectInput{Bucket: &out.Bucket, Key: &out.Key, Body: bytes.NewReader(content)})
			return jobworker.Success{}, err
		}, jobworker.Options{Concurrency: 1, PollInterval: 50 * time.Millisecond})
		workers.Go(func() {
			if err := w.Run(ctx); err != nil {
				t.Errorf("a worker ended with %v", err)
			}
		})
	}
	start := func(n int) {
		t.Helper()
		for i := range n {
			token := fmt.Sprintf("front-%d-%d", len(ids), i)
			out, err := s.codepipeline().StartPipelineExecution(t.Context(), &codepipeline.StartPipelineExecutionInput{Name: aws.String("front"), ClientRequestToken: &token})
			if err != nil {
				t.Fatal(err)
			}
			ids[*out.PipelineExecutionId] = true
		}
	}
	start(executions / 2)
	<-worked
	nodes[0].kill()
	calls := 0
	s.answers("after one of three nodes was killed", func() bool { calls++; return calls <= 60 })
	start(executions / 2)
	for id := range ids {
		s.ends("front", id, "Succeeded")
		content := storage.get("front-site", id+".zip")
		if !bytes.Equal(content, source) {
			t.Errorf("%s shipped %d bytes, want %d as they came", id, len(content), len(source))
		}
	}
	stop()
	workers.Wait()
	if n := len(s.executions(t.Context(), "front")); n != len(ids) {
		t.Errorf("%d executions, want %d", n, len(ids))
	}
	if built.Load() < int64(len(ids)) {
		t.Errorf("%d jobs for %d executions", built.Load(), len(ids))
	}

	if err := nodes[0].start(); err != nil {
		t.Fatal(err)
	}
	left := make(chan error, 1)
	go func() { left <- nodes[1].stop() }()
	s.answers("while a node was stopped", func() bool { return len(left) == 0 })
	if err := errors.Join(<-left, nodes[1].start()); err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		until(t, "each node to get calls", func(context.Context) (string, bool) {
			s.call("ListPipelines", object{}, nil)
			saw := n.served(t)
			return fmt.Sprintf("%s served %d", n.url, saw), saw > 0
		})
	}
}

// answers makes calls that nobody repeats, one after the other. One may fail: that
// which a node was answering when it ended.
func (s *server) answers(when string, more func() bool) {
	s.t.Helper()
	failed, calls := 0, 0
	for ; more(); calls++ {
		if err := s.caller().Call(s.t.Context(), "ListPipelines", object{}, nil); err != nil {
			s.t.Logf("a call failed: %v", err)
			failed++
		}
	}
	if s.t.Logf("%d calls %s, %d failed", calls, when, failed); failed > 1 || calls == 0 {
		s.t.Errorf("%d of %d calls failed %s", failed, calls, when)
	}
}

var servedCalls = regexp.MustCompile(`(?m)^penstock_api_requests_total\{code="OK",operation="ListPipelines"\} (\d+)$`)

// served is how many lists of pipelines the process has served.
func (s *server) served(t testing.TB) int {
	t.Helper()
	resp, err := http.Get(s.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	m := servedCalls.FindSubmatch(text)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// HAProxy gives no calls to a node whose /readyz is not 200, until it is.
func TestHAProxyAsksWhoIsReady(t *testing.T) {
	t.Parallel()
	var ready atomic.Bool
	var calls [3]atomic.Int64
	var urls []string
	for i := range calls {
		node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path != "/readyz":
				calls[i].Add(1)
			case i == 2 && !ready.Load():
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}))
		t.Cleanup(node.Close)
		urls = append(urls, node.URL)
	}
	url, log := haproxy.start(t, urls...)
	says := func(what string) {
		t.Helper()
		until(t, what, func(context.Context) (string, bool) { return log.String(), strings.Contains(log.String(), what) })
	}
	call := func() {
		t.Helper()
		resp, err := http.Post(url, "application/x-amz-json-1.1", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status)
		}
	}
	says("Server nodes/node-c is DOWN")
	calls[2].Store(0) // it counted as ready before it was asked
	for range 30 {
		call()
	}
	if a, b, c := calls[0].Load(), calls[1].Load(), calls[2].Load(); a == 0 || b == 0 || c > 0 {
		t.Errorf("with the last one not ready the nodes got %d, %d and %d calls", a, b, c)
	}
	ready.Store(true)
	says("Server nodes/node-c is UP")
	until(t, "a call to the node that became ready", func(context.Context) (string, bool) {
		call()
		return "none", calls[2].Load() > 0
	})
}
