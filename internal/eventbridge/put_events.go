package eventbridge

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"penstock/internal/auth"
)

// PutEventsInput are events of the caller's own.
type PutEventsInput struct {
	Entries    []Entry
	EndpointId string
}

// Entry is one event.
type Entry struct {
	Time                                     *float64 // seconds since 1970
	Source, DetailType, Detail, EventBusName string
	Resources                                []string
}

// PutEventsOutput has an element for each event, in their order.
type PutEventsOutput struct {
	FailedEntryCount int
	Entries          []EntryResult
}

// EntryResult is the id of an event, or why it was refused.
type EntryResult struct {
	EventId      string `json:",omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

func (in *PutEventsInput) check(c *checker) { c.size("entries", len(in.Entries), 1, 10) }

// putEvents has the rules take events. It answers when what they start has
// started; some may be refused while others are taken.
func (s *Service) putEvents(ctx context.Context, who auth.Principal, in *PutEventsInput) (*PutEventsOutput, error) {
	if in.EndpointId != "" {
		return nil, invalid("EndpointId: Penstock has no global endpoints")
	}
	size := 0
	for _, e := range in.Entries {
		size += len(e.Source) + len(e.DetailType) + len(e.Detail) + len(strings.Join(e.Resources, ""))
	}
	if size > maxInput {
		return nil, invalid("Total size of the entries in the request is over the limit.")
	}
	out := &PutEventsOutput{}
	var events []*Event
	for i := range in.Entries {
		id, ev, refused, err := s.event(who, &in.Entries[i])
		if err != nil {
			return nil, err
		}
		if refused != nil {
			out.FailedEntryCount++
			out.Entries = append(out.Entries, *refused)
			continue
		}
		events = append(events, ev)
		out.Entries = append(out.Entries, EntryResult{EventId: id})
	}
	if err := s.Bus.publish(ctx, events...); err != nil {
		return nil, err
	}
	return out, nil
}

// event makes an event of an entry, or says why it is refused.
func (s *Service) event(who auth.Principal, e *Entry) (id string, ev *Event, refused *EntryResult, err error) {
	required := func(name string) (string, *Event, *EntryResult, error) {
		return "", nil, &EntryResult{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter " + name + " is not valid. Reason: " + name + " is a required argument."}, nil
	}
	switch {
	case e.Source == "":
		return required("Source")
	case e.DetailType == "":
		return required("DetailType")
	case e.Detail == "":
		return required("Detail")
	case strings.HasPrefix(e.Source, "aws."):
		return "", nil, &EntryResult{ErrorCode: "NotAuthorizedForSource", ErrorMessage: "Not authorized for the source."}, nil
	}
	if err := defaultBus(who, e.EventBusName); err != nil {
		refusal, _ := asRefusal(err)
		return "", nil, &EntryResult{ErrorCode: "ResourceNotFoundException", ErrorMessage: refusal.Error()}, nil
	}
	if detail, err := decode([]byte(e.Detail)); err != nil || !isObject(detail) {
		return "", nil, &EntryResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}, nil
	}
	now := s.Bus.store.Now()
	at := now
	if e.Time != nil && *e.Time > 0 && *e.Time < 1<<35 {
		at = time.UnixMilli(int64(*e.Time * 1000))
	}
	id = s.Bus.store.NewID()
	ev, err = newEvent(envelope{
		ID: id, DetailType: e.DetailType, Source: e.Source, Account: who.Account, Time: at.UTC().Format(toSeconds),
		Region: who.Region, Resources: e.Resources, Detail: json.RawMessage(e.Detail),
	}, now)
	return id, ev, nil, err
}

func isObject(v any) bool {
	_, ok := v.(map[string]any)
	return ok
}
