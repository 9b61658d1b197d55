package main

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"penstock/internal/api"
	"penstock/internal/sigv4"
)

// baseline is a server that does the least that any server must: read a
// request with net/http and check its signature. With a log it also reads and
// writes the messages of job calls and makes each call durable, in the
// cheapest way there is; but it knows nothing: its jobs are copies of one.
type baseline struct {
	verifier sigv4.Verifier
	log      *groupLog // nil: answer {} to everything
	job      api.Job
	jobs     atomic.Uint64
}

// serveBaseline runs a baseline until a signal ends it. It is what the bench
// starts itself as, to measure a process of its own. A job file holds the
// answer of a poll.
func serveBaseline(dir, jobFile string) error {
	b := &baseline{verifier: sigv4.Verifier{Keys: benchKey{}, Now: time.Now, Services: []string{scopeService}}}
	if jobFile != "" {
		raw, err := os.ReadFile(jobFile)
		if err != nil {
			return err
		}
		var sample api.PollForJobsOutput
		if err := api.Decode(raw, &sample); err != nil {
			return err
		}
		if len(sample.Jobs) != 1 {
			return fmt.Errorf("%s holds %d jobs, not one", jobFile, len(sample.Jobs))
		}
		b.job = sample.Jobs[0]
		if b.log, err = openGroupLog(filepath.Join(dir, "calls.log")); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	// The settings are those of Penstock's server.
	server := &http.Server{Handler: b, ReadHeaderTimeout: 20 * time.Second, IdleTimeout: 3 * time.Minute, MaxHeaderBytes: 64 << 10}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	fmt.Printf("baseline listening on http://%s\n", listener.Addr())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	err = server.Close()
	if b.log != nil {
		err = errors.Join(err, b.log.close())
	}
	return err
}

// benchKey knows the one key of the bench.
type benchKey struct{}

// Lookup implements sigv4.Keys.
func (benchKey) Lookup(id, token string) (sigv4.Key, error) {
	if id != accessKeyID || token != "" {
		return sigv4.Key{}, sigv4.ErrUnknownKey
	}
	return sigv4.Key{Secret: secretAccessKey}, nil
}

var bodies = sync.Pool{New: func() any { return new(make([]byte, 0, 4096)) }}

// ServeHTTP answers one call.
func (b *baseline) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/readyz" {
		return
	}
	buf := bodies.Get().(*[]byte)
	defer bodies.Put(buf)
	body := (*buf)[:0]
	for { // bodies of job calls fit at once
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err != nil || len(body) == cap(body) {
			break
		}
	}
	if int64(len(body)) != r.ContentLength {
		http.Error(w, "the body is not what its length says", http.StatusBadRequest)
		return
	}
	if _, err := b.verifier.Verify(r, body); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	answer := []byte("{}")
	if b.log != nil {
		var err error
		if answer, err = b.durable(strings.TrimPrefix(r.Header.Get("X-Amz-Target"), targetPrefix), body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	header := w.Header()
	header["Content-Type"] = []string{contentType}
	header["Content-Length"] = []string{strconv.Itoa(len(answer))}
	_, _ = w.Write(answer) // a caller that is gone needs no answer
}

// durable reads a call, logs it and makes its answer.
func (b *baseline) durable(operation string, body []byte) ([]byte, error) {
	var in, out api.Shape
	switch operation {
	case "PollForJobs":
		j := b.job
		n := b.jobs.Add(1)
		j.Id, j.Nonce = madeUpID(n), strconv.FormatUint(1<<32+n, 10)
		in, out = &api.PollForJobsInput{}, &api.PollForJobsOutput{Jobs: []api.Job{j}}
	case "AcknowledgeJob":
		in, out = &api.AcknowledgeJobInput{}, &api.AcknowledgeJobOutput{Status: "InProgress"}
	case "PutJobSuccessResult":
		in = &api.PutJobSuccessResultInput{}
	default:
		return nil, fmt.Errorf("the baseline does not know %q", operation)
	}
	if err := api.Decode(body, in); err != nil {
		return nil, err
	}
	if err := b.log.append(operation, body); err != nil {
		return nil, err
	}
	if out == nil {
		return nil, nil
	}
	return api.Encode(out), nil
}

func madeUpID(n uint64) string {
	id := []byte(cannedID)
	var raw [6]byte
	binary.BigEndian.PutUint32(raw[:4], uint32(n>>16))
	binary.BigEndian.PutUint16(raw[4:], uint16(n))
	hex.Encode(id[len(id)-12:], raw[:])
	return string(id)
}
