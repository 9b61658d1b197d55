// Package fakeaws is an in-memory CodePipeline for tests of job workers: the job
// operations, custom and partner, over HTTP, with faults on demand. It can be
// reached through pipes in memory, so that tests run in virtual time.
package fakeaws

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Token is the client token of every partner job.
const Token = "token-of-the-client"

// Job is one job of the server.
type Job struct {
	ID, State string
	Nonce     int
	Client    string // partner jobs: the client id
	Data      map[string]any
	Result    map[string]any // the last report
	Reports   int            // reports that changed the state
	Renewals  int            // credentials handed out
}

// Fault is what happens to a call instead of its answer.
type Fault struct {
	Status int    // HTTP status, with Code in the body
	Code   string // error code
	// Lost lets the call do its work, then cuts the connection.
	Lost bool
}

// Call is one call as it came in.
type Call struct {
	Operation string
	In        map[string]any
	Header    http.Header
	At        time.Time
}

// Server is the fake; all methods may be called while it serves.
type Server struct {
	mu    sync.Mutex
	jobs  map[string]*Job
	order []string
	calls []Call
	fault func(operation string, nth int) *Fault
	wake  chan struct{}
}

// New returns an empty server.
func New() *Server { return &Server{jobs: map[string]*Job{}, wake: make(chan struct{})} }

// Add queues a job; its Data gets credentials and what workers count on.
func (s *Server) Add(jobs ...Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range jobs {
		j.State = "Queued"
		s.jobs[j.ID] = &j
		s.order = append(s.order, j.ID)
	}
	close(s.wake)
	s.wake = make(chan struct{})
}

// Set changes a job under the server's lock.
func (s *Server) Set(id string, change func(*Job)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s.jobs[id])
}

// Job returns a copy of a job.
func (s *Server) Job(id string) Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.jobs[id]
}

// Fail makes f decide what happens to the nth (from 1) call of an operation.
func (s *Server) Fail(f func(operation string, nth int) *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Calls returns the calls of an operation so far.
func (s *Server) Calls(operation string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Call
	for _, c := range s.calls {
		if c.Operation == operation {
			out = append(out, c)
		}
	}
	return out
}

// Client serves over pipes in memory until the test ends and returns a client
// that reaches the server whatever the URL's host. close must run before a
// synctest bubble ends.
func (s *Server) Client(t testing.TB) (client *http.Client, close func()) {
	l := &listener{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: s}
	done := make(chan struct{})
	go func() {
		defer func() { done <- struct{}{} }()
		if err := server.Serve(l); err != http.ErrServerClosed {
			t.Errorf("fakeaws: %v", err)
		}
	}()
	transport := &http.Transport{DialContext: l.dial}
	return &http.Client{Transport: transport}, func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-done
	}
}

type listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *listener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *listener) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "CodePipeline_20150709.")
	body, err := io.ReadAll(r.Body)
	in := map[string]any{}
	if err != nil || json.Unmarshal(body, &in) != nil {
		answer(w, http.StatusBadRequest, map[string]any{"__type": "SerializationException"})
		return
	}
	s.mu.Lock()
	s.calls = append(s.calls, Call{operation, in, r.Header.Clone(), time.Now()})
	nth := 0
	for _, c := range s.calls {
		if c.Operation == operation {
			nth++
		}
	}
	var fault *Fault
	if s.fault != nil {
		fault = s.fault(operation, nth)
	}
	s.mu.Unlock()
	if fault != nil && !fault.Lost {
		answer(w, fault.Status, map[string]any{"__type": fault.Code, "message": "a fault of the test"})
		return
	}
	if strings.HasPrefix(operation, "PollFor") {
		s.wait(r)
	}
	s.mu.Lock()
	status, out := s.do(operation, in)
	s.mu.Unlock()
	if fault != nil {
		panic(http.ErrAbortHandler)
	}
	answer(w, status, out)
}

func answer(w http.ResponseWriter, status int, out any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	if out != nil {
		_ = json.NewEncoder(w).Encode(out)
	}
}

// wait holds a poll open as its Prefer header allows.
func (s *Server) wait(r *http.Request) {
	seconds, err := strconv.Atoi(strings.TrimPrefix(r.Header.Get("Prefer"), "wait="))
	if err != nil {
		return
	}
	end := time.NewTimer(time.Duration(seconds) * time.Second)
	defer end.Stop()
	for {
		s.mu.Lock()
		wake, queued := s.wake, false
		for _, j := range s.jobs {
			queued = queued || j.State == "Queued"
		}
		s.mu.Unlock()
		if queued {
			return
		}
		select {
		case <-wake:
		case <-end.C:
			return
		case <-r.Context().Done():
			return
		}
	}
}

func refuse(code string) (int, any) {
	return http.StatusBadRequest, map[string]any{"__type": code, "message": "refused"}
}

func (s *Server) do(operation string, in map[string]any) (int, any) {
	partner := strings.Contains(operation, "ThirdParty")
	plain := strings.Replace(operation, "ThirdParty", "", 1)
	if plain == "PollForJobs" {
		return http.StatusOK, map[string]any{"jobs": s.poll(in, partner)}
	}
	id, _ := in["jobId"].(string)
	j := s.jobs[id]
	switch {
	case j == nil || (j.Client != "") != partner:
		return refuse("JobNotFoundException")
	case partner && in["clientToken"] != Token:
		return refuse("InvalidClientTokenException")
	}
	switch plain {
	case "AcknowledgeJob":
		if in["nonce"] != strconv.Itoa(j.Nonce) {
			return refuse("InvalidNonceException")
		}
		if j.State == "Dispatched" {
			j.State = "InProgress"
		}
		return http.StatusOK, map[string]any{"status": j.State}
	case "GetJobDetails":
		details := map[string]any{"id": j.ID, "data": s.data(j)}
		if partner {
			if j.State == "Dispatched" {
				j.Nonce++
			}
			details["nonce"] = strconv.Itoa(j.Nonce)
		} else {
			details["accountId"] = "111122223333"
		}
		return http.StatusOK, map[string]any{"jobDetails": details}
	case "PutJobSuccessResult", "PutJobFailureResult":
		state := map[string]string{"PutJobSuccessResult": "Succeeded", "PutJobFailureResult": "Failed"}[plain]
		if j.State == state && reflect.DeepEqual(j.Result, in) {
			return http.StatusOK, nil
		}
		if j.State != "InProgress" {
			return refuse("InvalidJobStateException")
		}
		j.State, j.Result = state, in
		j.Reports++
		return http.StatusOK, nil
	}
	return refuse("UnknownOperationException")
}

func (s *Server) poll(in map[string]any, partner bool) []any {
	jobs := []any{}
	limit, _ := in["maxBatchSize"].(float64)
	for _, id := range s.order {
		j := s.jobs[id]
		if len(jobs) >= int(limit) || j.State != "Queued" || (j.Client != "") != partner {
			continue
		}
		j.State = "Dispatched"
		j.Nonce++
		if partner {
			jobs = append(jobs, map[string]any{"clientId": j.Client, "jobId": j.ID})
			continue
		}
		jobs = append(jobs, map[string]any{"id": j.ID, "nonce": strconv.Itoa(j.Nonce), "accountId": "111122223333", "data": s.data(j)})
	}
	return jobs
}

// data is the job's data, with credentials of which each hand-out differs, and
// none when the job has ended.
func (s *Server) data(j *Job) map[string]any {
	data := map[string]any{
		"actionConfiguration": map[string]any{"configuration": map[string]any{}},
		"inputArtifacts":      []any{}, "outputArtifacts": []any{},
	}
	for k, v := range j.Data {
		data[k] = v
	}
	if j.State == "Queued" || j.State == "Dispatched" || j.State == "InProgress" {
		j.Renewals++
		data["artifactCredentials"] = map[string]any{
			"accessKeyId": fmt.Sprintf("ASIA%d", j.Renewals), "secretAccessKey": "s", "sessionToken": "t"}
	}
	return data
}
