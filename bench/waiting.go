package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// waiting measures workers that wait: what many long polls cost a server, and
// how fast one of them gets a job. Half of them wait for each type of the
// hand-over pipeline.
type waiting struct {
	nodes   []*process
	arrived chan arrival
	polls   atomic.Int64 // that were sent
	stop    atomic.Bool
}

// arrival is a job in the hands of one of the waiting workers.
type arrival struct {
	answer []byte
	at     time.Time
}

// waitingResult is what waiting measured.
type waitingResult struct {
	Workers int             `json:"workers"`
	Memory  int64           `json:"server_rss_bytes"`  // of all nodes, as the rest
	Peak    int64           `json:"server_peak_bytes"` // the most it ever was
	CPU     float64         `json:"server_cpu_cores"`  // while nothing happens but that polls end and begin
	Polls   float64         `json:"polls_per_second"`
	Woken   []time.Duration `json:"-"`
	P50     float64         `json:"woken_p50_us"`
	P99     float64         `json:"woken_p99_us"`
}

// runWaiting measures n waiting workers on a server of their own.
func (b *bench) runWaiting(ctx context.Context, n int) (res waitingResult, err error) {
	defer func() { err = errors.Join(err, b.close()) }()
	s, err := b.site(ctx, "waiting")
	if err != nil {
		return res, err
	}
	if err := setUp(ctx, s.first().url, nil, 0, chainPipeline()); err != nil {
		return res, err
	}
	h := &handover{}
	if h.reporter, err = dial(s.first().addr); err != nil {
		return res, err
	}
	defer h.reporter.net.Close()
	h.waiter = h.reporter
	if err := h.take(chainPolls[2]); err != nil { // the source, before all wait
		return res, err
	}
	w := &waiting{nodes: s.nodes, arrived: make(chan arrival, 1)}
	var workers sync.WaitGroup
	failed := make(chan error, n)
	defer workers.Wait()
	defer w.stop.Store(true)
	for i := range n {
		c, err := dial(s.nodes[i/2%len(s.nodes)].addr)
		if err != nil {
			return res, err
		}
		defer c.net.Close() // ends its poll
		workers.Go(func() { failed <- w.worker(c, chainPolls[i%2]) })
	}
	for w.polls.Load() < int64(n) {
		select {
		case err := <-failed:
			return res, fmt.Errorf("%w; is the limit of open files too low?", err)
		case <-time.After(pause):
		}
	}
	b.say("%d workers wait; leaving them alone for %v", n, b.plan.Rest)
	before, err := w.cpu()
	if err != nil {
		return res, err
	}
	began, polls := time.Now(), w.polls.Load()
	time.Sleep(b.plan.Rest)
	after, err := w.cpu()
	if err != nil {
		return res, err
	}
	seconds := time.Since(began).Seconds()
	res = waitingResult{Workers: n, CPU: (after - before) / seconds, Polls: float64(w.polls.Load()-polls) / seconds}
	if res.Memory, err = w.memory("VmRSS"); err != nil {
		return res, err
	}
	b.say("waking one after the other")
	for range 2 * b.plan.Handovers {
		t, err := w.wake(h)
		if err != nil {
			return res, err
		}
		res.Woken = append(res.Woken, t)
	}
	if res.Peak, err = w.memory("VmHWM"); err != nil {
		return res, err
	}
	res.P50, res.P99 = micros(percentile(res.Woken, 0.5)), micros(percentile(res.Woken, 0.99))
	return res, nil
}

// worker waits for jobs and hands them over until all is measured.
func (w *waiting) worker(c *conn, poll []byte) error {
	c.in = make([]byte, 1<<10)
	for !w.stop.Load() {
		w.polls.Add(1)
		answer, err := c.call("PollForJobs", poll, handoverWait)
		if err != nil {
			return err
		}
		if text(answer, `"id":"`) != nil {
			w.arrived <- arrival{bytes.Clone(answer), time.Now()}
		}
	}
	return nil
}

// wake reports a job and takes the time until one of the waiting workers has
// the next.
func (w *waiting) wake(h *handover) (time.Duration, error) {
	if h.step == chainLength {
		if err := h.restart(); err != nil {
			return 0, err
		}
		if err := h.take(chainPolls[2]); err != nil {
			return 0, err
		}
	}
	h.body = success(h.body[:0], h.id)
	sent := time.Now()
	if _, err := h.reporter.call("PutJobSuccessResult", h.body, 0); err != nil {
		return 0, err
	}
	h.step++
	select {
	case a := <-w.arrived:
		return a.at.Sub(sent), h.acknowledge(a.answer)
	case <-time.After(handoverWait * time.Second):
		return 0, errors.New("nobody was woken")
	}
}

func (w *waiting) cpu() (sum float64, err error) {
	for _, p := range w.nodes {
		used, err := p.cpu()
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}

func (w *waiting) memory(which string) (sum int64, err error) {
	for _, p := range w.nodes {
		bytes, err := p.memory(which)
		if err != nil {
			return 0, err
		}
		sum += bytes
	}
	return sum, nil
}

func (r waitingResult) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, `%d workers wait in long polls
  server memory          %8.1f MB, %.1f MB at most
  server CPU             %8.1f %% of a core, at %.0f polls/s
  from the report of a job until one of them has the next:
    p50 %.2f ms, p99 %.2f ms
`, r.Workers, float64(r.Memory)/1e6, float64(r.Peak)/1e6, r.CPU*100, r.Polls, r.P50/1000, r.P99/1000)
	return err
}
