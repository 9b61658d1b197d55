package event

import (
	"bytes"
	"encoding/json"
	"net/url"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// Notice is what belongs to a notification beside its body, and what it is
// about.
type Notice struct {
	Topic   string // ARN
	Subject string // up to 100 characters, as SNS allows

	PipelineID              int64
	Execution, Stage, Token string
}

// Approvals renders the requests of manual approvals as notifications, as a
// topic of Amazon SNS gets them (NotificationArn; engine.md section 8.6).
type Approvals struct {
	Wants func(topic string) bool // which topics to render for
	Base  func() string           // URL of this server, for links
}

// notification is the body of the message.
type notification struct {
	Region   string       `json:"region"`
	Console  string       `json:"consoleLink"`
	Approval approvalPart `json:"approval"`
}

type approvalPart struct {
	Pipeline   string  `json:"pipelineName"`
	Stage      string  `json:"stageName"`
	Action     string  `json:"actionName"`
	Token      string  `json:"token"`
	Expires    string  `json:"expires"`
	Link       *string `json:"externalEntityLink"`
	Review     string  `json:"approvalReviewLink"`
	CustomData *string `json:"customData"`
}

const (
	toMinutes  = "2006-01-02T15:04Z"
	maxSubject = 100
)

// Render makes the notifications of an outbox entry.
func (a *Approvals) Render(_ store.Reader, e *store.OutboxEntry) ([]Event, error) {
	if e.Pipeline.Name == "" || !e.Requests() {
		return nil, nil
	}
	changes, err := e.Changes()
	if err != nil {
		return nil, err
	}
	var out []Event
	for i := range changes {
		c := &changes[i]
		if c.Action == nil || c.Action.Request == nil || !a.Wants(c.Action.Request.Topic) {
			continue
		}
		ev, err := a.notify(&e.Pipeline, c)
		if err != nil {
			return nil, err
		}
		ev.ID = id(e.Number, i, c.Execution)
		out = append(out, ev)
	}
	return out, nil
}

func (a *Approvals) notify(p *engine.Pipeline, c *engine.StateChange) (Event, error) {
	req := c.Action.Request
	view := a.Base() + "/-/console?region=" + url.QueryEscape(p.Region) + "#/view/" + url.PathEscape(p.Name)
	body := notification{Region: p.Region, Console: view, Approval: approvalPart{
		Pipeline: p.Name, Stage: c.Stage, Action: c.Action.Name, Token: c.Action.ID,
		Expires: req.Expires.UTC().Truncate(time.Minute).Format(toMinutes),
		Link:    orNull(req.Link), CustomData: orNull(req.CustomData),
		Review: view + "/" + url.PathEscape(c.Stage) + "/" + url.PathEscape(c.Action.Name) + "/approve/" + c.Action.ID,
	}}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return Event{}, err
	}
	subject := "APPROVAL NEEDED: AWS CodePipeline " + p.Name + " action " + c.Action.Name
	return Event{JSON: bytes.TrimSuffix(b.Bytes(), []byte("\n")), Notice: &Notice{
		Topic: req.Topic, Subject: subject[:min(len(subject), maxSubject)], // names are ASCII
		PipelineID: p.ID, Execution: c.Execution, Stage: c.Stage, Token: c.Action.ID,
	}}, nil
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
