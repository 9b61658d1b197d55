package eventbridge

import (
	"encoding/json"
	"time"

	"penstock/internal/api"
	"penstock/internal/core/engine"
	"penstock/internal/core/fault"
	"penstock/internal/jsonpath"
)

// maxInput is the most bytes of an event, and of an input made of one.
const maxInput = 256 << 10

// input makes the start of what the target gets: the source revisions and the
// variables that it holds, as StartPipelineExecution takes them. Other input is
// ignored.
func (s start) input(now time.Time) (engine.Start, error) {
	text, err := s.text(now)
	if err != nil {
		return engine.Start{}, err
	}
	var in struct{ SourceRevisions, Variables json.RawMessage }
	if json.Unmarshal(text, &in) != nil {
		return engine.Start{}, nil
	}
	return startOf(in.SourceRevisions, in.Variables)
}

// text is the input of the target.
func (s start) text(now time.Time) ([]byte, error) {
	switch t := s.target; {
	case t.Input != "":
		return []byte(t.Input), nil
	case t.InputPath != "":
		v, there, err := lookUp(s.event, t.InputPath)
		if err != nil || !there {
			return []byte("null"), err
		}
		return encode(v)
	case t.Transform != nil:
		return s.transformed(now)
	}
	return s.event.text, nil
}

// lookUp finds the value at a path of an event: a list for a path that may lead
// to several.
func lookUp(e *Event, path string) (v any, there bool, err error) {
	p, err := jsonpath.Parse(path)
	if err != nil {
		return nil, false, fault.New("ValidationException", "the path %s cannot be understood: %v", path, err)
	}
	doc, err := decode(e.text)
	if err != nil {
		return nil, false, err
	}
	list := []any{}
	err = p.Find(doc, func(found any) bool {
		list = append(list, found)
		return len(list) < maxFound
	})
	switch {
	case err != nil:
		return nil, false, fault.New("ValidationException", "the path %s: %v", path, err)
	case !p.Definite():
		return list, true, nil
	case len(list) == 0:
		return nil, false, nil
	}
	return list[0], true, nil
}

// maxFound bounds the values that one path may lead to.
const maxFound = 1000

// variable is an element of variables.
type variable struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// revision is an element of sourceRevisions.
type revision struct {
	Action string `json:"actionName"`
	Type   string `json:"revisionType"`
	Value  string `json:"revisionValue"`
}

// startOf holds the two members of an input to the constraints of
// StartPipelineExecution. AWS's guides show sourceRevisions as a list and as a
// lone object: both are taken. A variable without a value, which a transformer
// may make when the event has none, is left out.
func startOf(revisions, variables json.RawMessage) (ev engine.Start, err error) {
	var in struct {
		Name      string     `json:"name"`
		Revisions []revision `json:"sourceRevisions"`
		Variables []variable `json:"variables"`
	}
	in.Name = "any"
	var all []variable
	if err := asList(revisions, &in.Revisions); err != nil {
		return ev, badInput("sourceRevisions", err)
	}
	if err := asList(variables, &all); err != nil {
		return ev, badInput("variables", err)
	}
	for _, v := range all {
		if v.Value != nil && v.Value != "" {
			in.Variables = append(in.Variables, v)
		}
	}
	doc, err := encode(in)
	if err != nil {
		return ev, err
	}
	var checked api.StartPipelineExecutionInput
	broken, err := api.Violations(doc, &checked)
	if err != nil {
		return ev, badInput("variables", err)
	}
	if len(broken) > 0 {
		return ev, fault.New("ValidationException", "the input's %s: %s", broken[0].Path, broken[0].Clause)
	}
	for _, v := range checked.Variables {
		ev.Variables = append(ev.Variables, engine.Variable(v))
	}
	for _, r := range checked.SourceRevisions {
		ev.Overrides = append(ev.Overrides, engine.Override{Action: r.ActionName, Type: r.RevisionType, Value: r.RevisionValue})
	}
	return ev, nil
}

func asList[T any](raw json.RawMessage, list *[]T) error {
	if len(raw) == 0 || raw[0] == '[' || string(raw) == "null" {
		return json.Unmarshal(append(json.RawMessage(nil), orNull(raw)...), list)
	}
	var one T
	if err := json.Unmarshal(raw, &one); err != nil {
		return err
	}
	*list = []T{one}
	return nil
}

func orNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

func badInput(member string, err error) error {
	return fault.New("ValidationException", "the input's %s cannot be read: %v", member, err)
}
