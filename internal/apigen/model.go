package apigen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// model is the part of a botocore service model that the generator reads.
type model struct {
	Metadata struct {
		TargetPrefix string `json:"targetPrefix"`
	} `json:"metadata"`
	Operations map[string]*operation `json:"operations"`
	Shapes     map[string]*shape     `json:"shapes"`
}

type ref struct {
	Shape string `json:"shape"`
}

type operation struct {
	Input  *ref  `json:"input"`
	Output *ref  `json:"output"`
	Errors []ref `json:"errors"`
}

type shape struct {
	Type      string   `json:"type"`
	Required  []string `json:"required"`
	Members   members  `json:"members"`
	Member    ref      `json:"member"`
	Key       ref      `json:"key"`
	Value     ref      `json:"value"`
	Min       *int     `json:"min"`
	Max       *int     `json:"max"`
	Pattern   string   `json:"pattern"`
	Enum      []string `json:"enum"`
	Exception bool     `json:"exception"`

	fromInput bool // reachable from an operation's input: constraints apply
}

// members keeps a structure's members in model order, which is the order in
// which violations are reported.
type members []member

type member struct {
	Name  string
	Shape string
}

// UnmarshalJSON reads the members object in document order.
func (m *members) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var r ref
		if err := dec.Decode(&r); err != nil {
			return err
		}
		*m = append(*m, member{Name: name.(string), Shape: r.Shape})
	}
	return nil
}

// load reads a model, applies the overrides and checks that it holds only what
// the generator can express.
func load(data []byte) (*model, error) {
	m := new(model)
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("reading the model: %w", err)
	}
	if err := override(m); err != nil {
		return nil, err
	}
	for name, s := range m.Shapes {
		if err := m.supported(s); err != nil {
			return nil, fmt.Errorf("shape %s: %w", name, err)
		}
	}
	for name, op := range m.Operations {
		if op.Input == nil {
			return nil, fmt.Errorf("operation %s has no input", name)
		}
		m.mark(op.Input.Shape)
	}
	return m, nil
}

// supported says what the generator cannot express about s.
func (m *model) supported(s *shape) error {
	switch s.Type {
	case "string", "integer", "boolean", "timestamp":
		return nil
	case "structure":
		if len(s.Members) > 64 {
			return fmt.Errorf("%d members, presence is kept in 64 bits", len(s.Members))
		}
		return nil
	case "list":
		return m.element(s.Member.Shape)
	case "map":
		if k := m.Shapes[s.Key.Shape]; k == nil || k.Type != "string" {
			return fmt.Errorf("map key %s is not a string", s.Key.Shape)
		}
		return m.element(s.Value.Shape)
	}
	return fmt.Errorf("type %q is not supported", s.Type)
}

func (m *model) element(name string) error {
	s := m.Shapes[name]
	if s == nil || (s.Type != "string" && s.Type != "structure") {
		return fmt.Errorf("element %s is neither a string nor a structure", name)
	}
	return nil
}

// mark notes that name and all it refers to are part of an input.
func (m *model) mark(name string) {
	s := m.Shapes[name]
	if s.fromInput {
		return
	}
	s.fromInput = true
	switch s.Type {
	case "structure":
		for _, mem := range s.Members {
			m.mark(mem.Shape)
		}
	case "list":
		m.mark(s.Member.Shape)
	case "map":
		m.mark(s.Key.Shape)
		m.mark(s.Value.Shape)
	}
}

func (s *shape) requires(member string) bool { return slices.Contains(s.Required, member) }

// structures returns the names of all structures but exceptions, sorted.
func (m *model) structures() []string {
	return m.names(func(s *shape) bool { return s.Type == "structure" && !s.Exception })
}

func (m *model) names(keep func(*shape) bool) []string {
	var names []string
	for name, s := range m.Shapes {
		if keep(s) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (m *model) operations() []string {
	names := make([]string, 0, len(m.Operations))
	for name := range m.Operations {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
