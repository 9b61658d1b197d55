package app

import (
	"bytes"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"penstock/internal/api"
	"penstock/internal/sigv4"
)

// What a worker in a long poll costs, over HTTP: a stack of 8 KB that waits and
// one of 2 KB that watches the connection, 10 KB of net/http's buffers, and the
// request with its contexts and this test's end of the connection. A deeper call
// on the way to the wait doubles the stack. It is not parallel, as the memory of
// the whole process is counted.
func TestMemoryOfWaitingPolls(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes stacks larger")
	}
	const polls, most = 256, 30 << 10
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	s := open(t, settings(t))
	defer s.shut()
	s.custom("Source", "Cost")
	body := api.Encode(&api.PollForJobsInput{ActionTypeId: api.ActionTypeId{Category: "Source", Owner: "Custom", Provider: "Cost", Version: "1"}})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, bytes.NewReader(body))
	s.ok(err)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "CodePipeline_20150709.PollForJobs")
	r.Header.Set("Prefer", "wait=20")
	sigv4.Sign(r, sigv4.PayloadHash(body), sigv4.Credentials{AccessKeyID: rootID, SecretAccessKey: rootToken}, region, "codepipeline", time.Now())
	var request bytes.Buffer
	s.ok(r.Write(&request))
	conns := make([]net.Conn, 0, polls+1)
	defer func() {
		for _, c := range conns {
			s.ok(c.Close())
		}
	}()
	wait := func(n int) (memory int64) {
		for len(conns) < n {
			c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			s.ok(err)
			conns = append(conns, c)
			_, err = c.Write(request.Bytes())
			s.ok(err)
		}
		s.until("all polls wait", func() bool { return waiters(t) == n })
		var grown, kept runtime.MemStats
		runtime.ReadMemStats(&grown)
		runtime.GC() // which makes stacks smaller, if little of them is in use
		runtime.GC() // what pools held
		runtime.ReadMemStats(&kept)
		return int64(grown.StackInuse + kept.HeapAlloc)
	}
	one := wait(1)
	each := (wait(polls+1) - one) / polls
	t.Logf("%d bytes a poll", each)
	if each > most {
		t.Errorf("a poll that waits costs %d bytes, more than %d", each, most)
	}
}

// waiters counts goroutines that wait for a job.
func waiters(t *testing.T) (n int) {
	t.Helper()
	var all bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		t.Fatal(err)
	}
	for group := range strings.SplitSeq(all.String(), "\n\n") {
		count, stack, _ := strings.Cut(group, " @ ")
		if strings.Contains(stack, "(*board).await") {
			k, err := strconv.Atoi(count[strings.LastIndexByte(count, '\n')+1:])
			if err != nil {
				t.Fatalf("%q: %v", group, err)
			}
			n += k
		}
	}
	return n
}
