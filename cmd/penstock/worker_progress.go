package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"penstock/jobworker"
)

// progress tells how jobs go, a line an event.
type progress struct {
	json bool
	now  func() time.Time

	mu sync.Mutex
	w  io.Writer
}

// jobEvent is a line of progress for machines.
type jobEvent struct {
	Time     time.Time `json:"time"`
	Event    string    `json:"event"` // started, succeeded, continues, failed, lost, unreported
	JobID    string    `json:"jobId"`
	Pipeline string    `json:"pipeline"`
	Stage    string    `json:"stage"`
	Action   string    `json:"action"`
	Seconds  float64   `json:"seconds,omitempty"`
	Message  string    `json:"message,omitempty"`
}

func (p *progress) tell(j jobworker.Job, event string, took time.Duration, message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.json {
		// A reader that has gone is no reason to stop work.
		_ = printJSONLine(p.w, jobEvent{p.now().UTC(), event, j.ID, j.Context.Pipeline, j.Context.Stage, j.Context.Action, took.Seconds(), message})
		return
	}
	line := place(j) + " " + event
	if took > 0 {
		line += fmt.Sprintf(" after %.1fs", took.Seconds())
	}
	if message != "" {
		line += ": " + clean(message)
	}
	fmt.Fprintln(p.w, line)
}

// around tells of the start and the end of each job.
func (p *progress) around(h jobworker.Handler) jobworker.Handler {
	return func(ctx context.Context, t *jobworker.Task) (jobworker.Success, error) {
		began := p.now()
		p.tell(t.Job, "started", 0, "job "+t.Job.ID)
		s, err := h(ctx, t)
		event, message := "succeeded", ""
		if s.Details != nil {
			message = s.Details.Summary
		}
		switch {
		case errors.Is(context.Cause(ctx), jobworker.ErrLost):
			event, message = "lost", "the job has ended on the server"
		case err != nil:
			event, message = "failed", err.Error()
		case s.ContinuationToken != "":
			event = "continues"
		}
		p.tell(t.Job, event, p.now().Sub(began), message)
		return s, err
	}
}

// reported is a hook: it tells of results that did not reach the server.
func (p *progress) reported(j jobworker.Job, err error) {
	switch {
	case err == nil:
	case errors.Is(err, jobworker.ErrLost):
		p.tell(j, "lost", 0, "the job was no longer this worker's; its result is dropped")
	default:
		p.tell(j, "unreported", 0, err.Error())
	}
}
