package control

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/core/fault"
	"penstock/internal/event"
	"penstock/internal/store"
)

// GetEventsInput asks for state-change events of the caller's account and
// region.
type GetEventsInput struct {
	// PipelineName leaves out the events of all other pipelines.
	PipelineName string `json:"pipelineName,omitempty"`
	// Cursor goes on where an earlier answer ended.
	Cursor string `json:"cursor,omitempty"`
	// SinceSeconds is how far back to begin when there is no cursor.
	SinceSeconds int64 `json:"sinceSeconds,omitempty"`
}

// GetEventsOutput is a piece of the stream of events. With the header "Prefer:
// wait=SECONDS" the answer waits for some to come.
type GetEventsOutput struct {
	Events []json.RawMessage `json:"events"` // as EventBridge carries them, oldest first
	Cursor string            `json:"cursor"` // for the next call
	More   bool              `json:"more"`   // there may be more now
	Missed bool              `json:"missed"` // events behind the given cursor are not kept any more
}

const (
	// eventEntries bounds what a call reads at a time, eventScans how often it
	// does when nothing of it is for the caller, and eventBytes what it
	// answers, give or take an entry.
	eventEntries = 256
	eventScans   = 16
	eventBytes   = 1 << 20
)

func (s *Service) getEvents(ctx context.Context, who auth.Principal, in *GetEventsInput) (*GetEventsOutput, error) {
	if in.SinceSeconds < 0 {
		return nil, invalid("sinceSeconds must not be negative")
	}
	after, err := s.eventStart(ctx, who, in)
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, api.PreferWait(ctx))
	defer cancel()
	out := &GetEventsOutput{Events: []json.RawMessage{}}
	for scans := 1; ; scans++ {
		if after, err = s.readEvents(ctx, who, in.PipelineName, after, out); err != nil {
			return nil, err
		}
		out.Cursor = encodeCursor(after)
		if len(out.Events) > 0 || scans >= eventScans {
			return out, nil
		}
		if out.More {
			continue
		}
		if s.Store.AwaitOutbox(waiting, after) != nil {
			return out, ctx.Err() // nil when only the wait is over
		}
	}
}

// eventStart finds the outbox entry that the answer begins behind. Only a first
// call is told that there is no such pipeline: it may be deleted later, and its
// last events are still to be had.
func (s *Service) eventStart(ctx context.Context, who auth.Principal, in *GetEventsInput) (after int64, err error) {
	err = s.Store.View(ctx, func(r store.Reader) error {
		if in.Cursor != "" {
			_, newest, err := r.OutboxSpan()
			if err != nil {
				return err
			}
			ok := false
			if after, ok = decodeCursor(in.Cursor); !ok || after > newest {
				return invalid("cursor is not one that this server has answered")
			}
			return nil
		}
		if in.PipelineName != "" {
			_, err := r.Pipeline(who.Account, who.Region, in.PipelineName)
			if errors.Is(err, store.ErrNotFound) {
				return fault.New("PipelineNotFoundException", "The account with AWS account ID '%s' does not include a pipeline named '%s'", who.Account, in.PipelineName)
			}
			if err != nil {
				return err
			}
		}
		if in.SinceSeconds == 0 { // what is there is of before now, also of this very millisecond
			_, after, err = r.OutboxSpan()
			return err
		}
		back := time.Duration(min(in.SinceSeconds, maxSince)) * time.Second
		after, err = r.OutboxBefore(s.Store.Now().Add(-back))
		return err
	})
	return after, err
}

// maxSince keeps a time in the range of its type; nothing is kept that long.
const maxSince = 365 * 24 * 60 * 60

// readEvents adds what is for the caller to out and returns the entry up to
// which it has read.
func (s *Service) readEvents(ctx context.Context, who auth.Principal, pipeline string, after int64, out *GetEventsOutput) (int64, error) {
	err := s.Store.View(ctx, func(r store.Reader) error {
		entries, err := r.Outbox(after, eventEntries)
		if err != nil {
			return err
		}
		out.More = len(entries) == eventEntries
		if len(entries) > 0 && entries[0].Number > after+1 {
			out.Missed = true
		}
		size := 0
		for i := range entries {
			e := &entries[i]
			if size >= eventBytes {
				out.More = true
				return nil
			}
			after = e.Number
			if p := &e.Pipeline; p.Account != who.Account || p.Region != who.Region || pipeline != "" && p.Name != pipeline {
				continue
			}
			events, err := event.Render(r, e)
			if err != nil {
				return err
			}
			for _, ev := range events {
				out.Events = append(out.Events, ev.JSON)
				size += len(ev.JSON)
			}
		}
		return nil
	})
	return after, err
}

// Cursors are opaque to clients, but no secret: whatever a cursor says, a
// caller sees only what is theirs.
const cursorPrefix = "e1-"

func encodeCursor(after int64) string { return cursorPrefix + strconv.FormatInt(after, 36) }

func decodeCursor(cursor string) (int64, bool) {
	digits, ok := strings.CutPrefix(cursor, cursorPrefix)
	after, err := strconv.ParseInt(digits, 36, 64)
	return after, ok && err == nil && after >= 0
}
