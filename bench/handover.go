package main

import (
	"errors"
	"fmt"
	"time"

	"penstock/internal/api"
)

// handover measures, on an otherwise idle server, how long it takes from the
// report of a job until the next action's job is in the hands of a worker that
// waits for it. Reporter and waiter have a connection each.
type handover struct {
	from, to         string // addresses: the report goes to the one, who waits does so at the other
	reporter, waiter *conn
	id               []byte // the job to report next; nil before the first
	step             int    // how many jobs of the execution were reported
	body             []byte
}

// handoverTime is one hand-over.
type handoverTime struct {
	// Answered is from the answer to the report until the job was there, 0
	// when it was there first; Sent is from the sending of the report and so
	// has the commit in it.
	Answered, Sent time.Duration
}

var chainPolls = [3][]byte{pollBody(chainTypes[0]), pollBody(chainTypes[1]), pollBody(chainFirst)}

// handoverWait is how long the waiting worker asks to wait, in seconds.
const handoverWait = 20

// settle is how long the waiting poll gets to arrive before the report is sent.
const settle = 2 * time.Millisecond

// run measures n hand-overs, over connections of its own: between two runs the
// server would close them as idle.
func (h *handover) run(n int) ([]handoverTime, error) {
	deadline := time.Now().Add(2 * time.Minute)
	for _, end := range []struct {
		conn **conn
		addr string
	}{{&h.reporter, h.from}, {&h.waiter, h.to}} {
		c, err := dial(end.addr)
		if err != nil {
			return nil, err
		}
		defer c.net.Close()
		if err := c.net.SetDeadline(deadline); err != nil {
			return nil, err
		}
		*end.conn = c
	}
	times := make([]handoverTime, 0, n)
	for len(times) < n {
		if h.id == nil {
			if err := h.take(chainPolls[2]); err != nil {
				return nil, err
			}
		}
		if h.step == chainLength {
			if err := h.restart(); err != nil {
				return nil, err
			}
			continue
		}
		t, err := h.pass(chainPolls[h.step%2])
		if err != nil {
			return nil, err
		}
		h.step++
		times = append(times, t)
	}
	return times, nil
}

// take polls for a job and acknowledges it.
func (h *handover) take(poll []byte) error {
	answer, err := h.waiter.call("PollForJobs", poll, handoverWait)
	if err != nil {
		return err
	}
	return h.acknowledge(answer)
}

func (h *handover) acknowledge(answer []byte) error {
	id := text(answer, `"id":"`)
	if id == nil {
		return fmt.Errorf("no job within %d s", handoverWait)
	}
	h.id = append(h.id[:0], id...)
	h.body = acknowledgement(h.body[:0], h.id, text(answer, `"nonce":"`))
	_, err := h.reporter.call("AcknowledgeJob", h.body, 0)
	return err
}

// pass reports the job while the other connection waits for the next.
func (h *handover) pass(poll []byte) (handoverTime, error) {
	type arrival struct {
		answer []byte
		at     time.Time
		err    error
	}
	arrived := make(chan arrival, 1)
	go func() {
		answer, err := h.waiter.call("PollForJobs", poll, handoverWait)
		arrived <- arrival{answer, time.Now(), err}
	}()
	time.Sleep(settle)
	h.body = success(h.body[:0], h.id)
	sent := time.Now()
	_, err := h.reporter.call("PutJobSuccessResult", h.body, 0)
	answered := time.Now()
	a := <-arrived
	if err := errors.Join(err, a.err); err != nil {
		return handoverTime{}, err
	}
	if a.at.Before(sent) {
		return handoverTime{}, errors.New("the job came before the report")
	}
	return handoverTime{Answered: max(a.at.Sub(answered), 0), Sent: a.at.Sub(sent)}, h.acknowledge(a.answer)
}

// restart ends the execution and starts the next.
func (h *handover) restart() error {
	h.body = success(h.body[:0], h.id)
	h.id, h.step = nil, 0
	if _, err := h.reporter.call("PutJobSuccessResult", h.body, 0); err != nil {
		return err
	}
	_, err := h.reporter.call("StartPipelineExecution", api.Encode(&api.StartPipelineExecutionInput{Name: chainName}), 0)
	return err
}
