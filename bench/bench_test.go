package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"penstock/internal/api"
	"penstock/internal/sigv4"
)

// TestMain makes the test binary its own baseline server, as the bench is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == baselineCommand {
		if err := runBaseline(os.Args[2:]); err != nil {
			_, _ = os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if built.path != "" {
		_ = os.RemoveAll(filepath.Dir(built.path))
	}
	os.Exit(code)
}

// TestSignature holds the lean signer to the verifier, over HTTP.
func TestSignature(t *testing.T) {
	t.Parallel()
	verifier := sigv4.Verifier{Keys: benchKey{}, Now: time.Now, Services: []string{scopeService}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := new(bytes.Buffer)
		_, err := body.ReadFrom(r.Body)
		if err == nil {
			_, err = verifier.Verify(r, body.Bytes())
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		answer := r.Header.Get("X-Amz-Target") + "|" + r.Header.Get("Prefer") + "|" + body.String()
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		_, _ = w.Write([]byte(answer))
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	c, err := dial(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.net.Close()
	large := strings.Repeat("x", 100<<10) // more than one read
	for _, test := range []struct {
		name, body string
		wait       int
		want       string
	}{
		{"plain", `{"a":1}`, 0, "CodePipeline_20150709.Op||{\"a\":1}"},
		{"waiting", `{}`, 20, "CodePipeline_20150709.Op|wait=20|{}"},
		{"empty", "", 0, "CodePipeline_20150709.Op||"},
		{"large", large, 0, "CodePipeline_20150709.Op||" + large},
	} {
		got, err := c.call("Op", []byte(test.body), test.wait)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if string(got) != test.want {
			t.Errorf("%s: got %.200q", test.name, got)
		}
	}
	c.sign.mac = hmac.New(sha256.New, []byte("another key"))
	if _, err := c.call("Op", []byte("{}"), 0); err == nil {
		t.Error("a wrong signature was taken: the verifier above proves nothing")
	}
}

// TestMessages holds the hand-made messages to the codec.
func TestMessages(t *testing.T) {
	t.Parallel()
	const id = "0198c0de-0000-7000-8000-00000000abcd"
	var ack api.AcknowledgeJobInput
	if err := api.Decode(acknowledgement(nil, []byte(id), []byte("7")), &ack); err != nil || ack.JobId != id || ack.Nonce != "7" {
		t.Errorf("acknowledgement: %+v, %v", ack, err)
	}
	var ok api.PutJobSuccessResultInput
	if err := api.Decode(success(nil, []byte(id)), &ok); err != nil || ok.JobId != id || ok.ExecutionDetails == nil || ok.ExecutionDetails.ExternalExecutionId != "bench-00000000abcd" {
		t.Errorf("success: %+v, %v", ok, err)
	}
	answer := api.Encode(&api.PollForJobsOutput{Jobs: []api.Job{{
		Id: id, Nonce: "42", AccountId: account,
		Data: &api.JobData{PipelineContext: &api.PipelineContext{PipelineName: "bench-17", PipelineExecutionId: "0198c0de-0000-7000-8000-000000000001"}},
	}}})
	if got := string(text(answer, `"id":"`)) + "/" + string(text(answer, `"nonce":"`)); got != id+"/42" {
		t.Errorf("read %s from %s", got, answer)
	}
	j := newJobs(jobLoad)
	k, err := j.handedOut(answer)
	if err != nil || k.pipeline != 17 || k.execution[15] != 1 {
		t.Fatalf("handed out: %+v, %v", k, err)
	}
	if _, err := j.handedOut(answer); err == nil {
		t.Error("the second hand-out of a job was not noticed")
	}
	for i := range jobsPerRun {
		if last := j.succeeded(k); last != (i == jobsPerRun-1) {
			t.Errorf("success %d of %d: last is %v", i+1, jobsPerRun, last)
		}
	}
}

func TestPolls(t *testing.T) {
	t.Parallel()
	for _, w := range []*workload{jobLoad, lineLoad} {
		if len(w.polls) != w.jobs {
			t.Errorf("%s: %d polls for %d jobs", w.prefix, len(w.polls), w.jobs)
		}
		polls := map[api.ActionTypeId]int{}
		for _, body := range w.polls {
			var in api.PollForJobsInput
			if err := api.Decode(body, &in); err != nil {
				t.Fatal(err)
			}
			polls[in.ActionTypeId]++
		}
		jobs := map[api.ActionTypeId]int{}
		for _, stage := range w.declare(w.pipeline(7)).Stages {
			for _, a := range stage.Actions {
				jobs[a.ActionTypeId]++
			}
		}
		if !maps.Equal(polls, jobs) {
			t.Errorf("%s: polls %v, jobs %v", w.prefix, polls, jobs)
		}
	}
}

func TestGroupLog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	l, err := openGroupLog(path)
	if err != nil {
		t.Fatal(err)
	}
	const writers, each = 16, 50
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				record := strconv.Itoa(w) + "-" + strconv.Itoa(i)
				if err := l.append("Op", []byte(record)); err != nil {
					t.Error(err)
					return
				}
				raw, err := os.ReadFile(path)
				if err != nil || !bytes.Contains(raw, []byte("Op "+record+"\n")) {
					t.Errorf("%s is not in the file (%v)", record, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	slices.Sort(lines)
	if lines = slices.Compact(lines); len(lines) != writers*each {
		t.Errorf("%d different records, want %d", len(lines), writers*each)
	}
	if err := l.append("Op", nil); err == nil {
		t.Error("a closed log takes records")
	}
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		values []float64
		median float64
		p99    float64
	}{
		{"none", nil, 0, 0},
		{"one", []float64{3}, 3, 3},
		{"even", []float64{4, 1, 3, 2}, 2.5, 4},
		{"odd", []float64{9, 1, 5}, 5, 9},
	} {
		if got := median(test.values); got != test.median {
			t.Errorf("%s: median %v, want %v", test.name, got, test.median)
		}
		if got := percentile(test.values, 0.99); got != test.p99 {
			t.Errorf("%s: p99 %v, want %v", test.name, got, test.p99)
		}
	}
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = 100 - i
	}
	if p50, p99 := percentile(hundred, 0.5), percentile(hundred, 0.99); p50 != 50 || p99 != 99 {
		t.Errorf("p50 %d, p99 %d of 1 to 100", p50, p99)
	}
	half, double := round{Calls: 100, Seconds: 1}, round{Calls: 200, Seconds: 1}
	if got := ratio([]round{half, half, double}, []round{double, double, half}); got != 0.5 {
		t.Errorf("ratio %v, want 0.5", got)
	}
}

func TestParseStat(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, line string
		want       float64
		ok         bool
	}{
		{"plain", "7 (penstock) S 1 7 7 0 -1 4194560 1 0 0 0 250 150 0 0 20 0 9 0", 4, true},
		{"odd name", "7 (a ) b) S 1 7 7 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 9 0", 0.03, true},
		{"cut off", "7 (penstock) S 1 7", 0, false},
	} {
		got, err := parseStat([]byte(test.line))
		if got != test.want || (err == nil) != test.ok {
			t.Errorf("%s: %v, %v", test.name, got, err)
		}
	}
}

// TestIDs keeps seeded ids in order and in the form the API promises.
func TestIDs(t *testing.T) {
	t.Parallel()
	m := idMaker{ms: 1_700_000_000_000}
	first, second := m.next(), m.next()
	if first >= second {
		t.Errorf("%s is not before %s", first, second)
	}
	if _, err := parseUUID([]byte(first)); err != nil || first[14] != '7' {
		t.Errorf("%s: %v", first, err)
	}
	if _, err := parseUUID([]byte("0198c0de")); err == nil {
		t.Error("a short id was taken")
	}
}
