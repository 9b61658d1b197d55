package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// Event is one state change, as it goes to sinks.
type Event struct {
	// ID is the event's id. It is the same each time the event is rendered,
	// so that a consumer can tell a repeated delivery.
	ID string
	// JSON is the event on one line, without a line feed.
	JSON []byte
	// Notice is set when the event is a notification.
	Notice *Notice

	entry int64 // number of the outbox entry
	last  bool  // of its entry
}

// Render returns the events of an outbox entry; none when its pipeline is not
// known any more. r reads what links need: the action's record and type.
func Render(r store.Reader, e *store.OutboxEntry) ([]Event, error) {
	if e.Pipeline.Name == "" {
		return nil, nil
	}
	changes, err := e.Changes()
	if err != nil {
		return nil, err
	}
	events := make([]Event, len(changes))
	for i := range changes {
		env := envelopeOf(&e.Pipeline, &changes[i])
		env.ID = id(e.Number, i, changes[i].Execution)
		if res := env.Detail.Result; res != nil {
			if res.URL, err = link(r, &e.Pipeline, changes[i].Action); err != nil {
				return nil, err
			}
		}
		line, err := encode(env)
		if err != nil {
			return nil, err
		}
		events[i] = Event{ID: env.ID, JSON: line}
	}
	return events, nil
}

// namespace makes the ids of events differ from other UUIDs made of names.
var namespace = uuid.MustParse("b4a3b8a2-6f0e-4d6c-9a55-0c8d7e1f2a90")

// id derives the id of an event from its place in the outbox. The execution
// keeps apart the events of servers that count alike.
func id(entry int64, index int, execution string) string {
	return uuid.NewSHA1(namespace, fmt.Appendf(nil, "%s/%d/%d", execution, entry, index)).String()
}

// envelope is the form of all events of EventBridge.
type envelope struct {
	Version    string   `json:"version"`
	ID         string   `json:"id"`
	DetailType string   `json:"detail-type"`
	Source     string   `json:"source"`
	Account    string   `json:"account"`
	Time       string   `json:"time"`
	Region     string   `json:"region"`
	Resources  []string `json:"resources"`
	Detail     detail   `json:"detail"`
}

// detail holds the members of all three levels (engine.md section 8.3).
type detail struct {
	Pipeline          string      `json:"pipeline"`
	ExecutionID       string      `json:"execution-id"`
	StartTime         string      `json:"start-time"`
	Trigger           *trigger    `json:"execution-trigger,omitempty"`
	StopComments      string      `json:"stop-execution-comments,omitempty"`
	Stage             string      `json:"stage,omitempty"`
	LastRetry         string      `json:"stage-last-retry-attempt-time,omitempty"`
	ActionExecutionID string      `json:"action-execution-id,omitempty"`
	Action            string      `json:"action,omitempty"`
	Inputs            []artifact  `json:"input-artifacts,omitempty"`
	Outputs           []artifact  `json:"output-artifacts,omitempty"`
	Result            *result     `json:"execution-result,omitempty"`
	State             string      `json:"state"`
	Region            string      `json:"region,omitempty"`
	Type              *actionType `json:"type,omitempty"`
	Version           number      `json:"version"`
	Attempt           number      `json:"pipeline-execution-attempt"`
}

type trigger struct {
	Type   string `json:"trigger-type"`
	Detail string `json:"trigger-detail,omitempty"`
	*git
}

type artifact struct {
	Name     string   `json:"name"`
	Location location `json:"s3location"`
}

type location struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
}

type result struct {
	URL       string `json:"external-execution-url,omitempty"`
	Summary   string `json:"external-execution-summary,omitempty"`
	ID        string `json:"external-execution-id,omitempty"`
	ErrorCode string `json:"error-code,omitempty"`
}

type actionType struct {
	Owner    string `json:"owner"`
	Provider string `json:"provider"`
	Category string `json:"category"`
	Version  string `json:"version"`
}

// number is written as the service writes it: 3 as 3.0.
type number int

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) {
	return append(strconv.AppendInt(nil, int64(n), 10), ".0"...), nil
}

const (
	toSeconds = "2006-01-02T15:04:05Z"
	toMillis  = "2006-01-02T15:04:05.000Z"
)

func envelopeOf(p *engine.Pipeline, c *engine.StateChange) *envelope {
	level := "Pipeline"
	d := detail{
		Pipeline: p.Name, ExecutionID: c.Execution, StartTime: c.Started.UTC().Format(toMillis),
		StopComments: c.Comment, Stage: c.Stage, State: c.State,
		Version: number(c.Version), Attempt: number(c.Attempt),
	}
	if c.Trigger != nil {
		d.Trigger = &trigger{c.Trigger.Type, c.Trigger.Detail, gitOf(c.Bound)}
	}
	switch {
	case c.Action != nil:
		level = "Action"
		fillAction(&d, c.Action)
	case c.Stage != "":
		level = "Stage"
		d.Attempt = stageAttempt(c)
		if !c.Retried.IsZero() {
			d.LastRetry = c.Retried.UTC().Format(toMillis)
		}
	}
	return &envelope{
		Version: "0", DetailType: "CodePipeline " + level + " Execution State Change", Source: "aws.codepipeline",
		Account: p.Account, Time: c.At.UTC().Format(toSeconds), Region: p.Region, Resources: []string{p.ARN()}, Detail: d,
	}
}

// stageAttempt is 0 on the stage's first attempt, else the execution's counter,
// as it was observed (engine.md, Q-29).
func stageAttempt(c *engine.StateChange) number {
	if c.Retried.IsZero() {
		return 0
	}
	return number(c.Attempt)
}

func fillAction(d *detail, a *engine.ActionChange) {
	d.Action, d.ActionExecutionID, d.Region = a.Name, a.ID, a.Region
	d.Type = &actionType{Owner: a.Type.Owner, Provider: a.Type.Provider, Category: a.Type.Category, Version: a.Type.Version}
	d.Inputs, d.Outputs = artifacts(a.Inputs), artifacts(a.Outputs)
	res := result{Summary: a.Result.Summary, ID: a.Result.ExternalID, ErrorCode: a.Result.ErrorCode}
	if res.Summary == "" {
		res.Summary = a.Result.ErrorMessage // the only place where the reason fits
	}
	if res != (result{}) {
		d.Result = &res
	}
}

func artifacts(in []engine.Artifact) []artifact {
	var out []artifact
	for _, a := range in {
		out = append(out, artifact{a.Name, location{a.Bucket, a.Key}})
	}
	return out
}

// link is where the provider shows its work, as ListActionExecutions gives it;
// "" when it shows none or nothing is known of the action any more.
func link(r store.Reader, p *engine.Pipeline, a *engine.ActionChange) (string, error) {
	if a.Result.ExternalID == "" || a.Type.Category == "Approval" {
		return "", nil
	}
	t, ok := actiontype.LookupBuiltin(p.Region, a.Type)
	if !ok {
		own, err := store.UsableType(r, p.Account, p.Region, a.Type)
		if err != nil {
			return "", unlessMissing(err)
		}
		t = own.Type
	}
	if t.Settings.ExecutionURLTemplate == "" {
		return "", nil
	}
	rec, err := r.Action(p.ID, a.ID)
	if err != nil {
		return "", unlessMissing(err)
	}
	return actiontype.RenderURL(t.Settings.ExecutionURLTemplate, rec.Resolved, a.Result.ExternalID, ""), nil
}

func unlessMissing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

func encode(e *envelope) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // as others write it; no event lands in a page
	if err := enc.Encode(e); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
