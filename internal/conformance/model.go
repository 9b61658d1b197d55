// Package conformance says what the service model demands of requests: which
// documents are valid, what must be answered to those that are not, and all
// documents that lie just inside and just outside of a constraint. It reads the
// model by itself, so that the code generated from it can be held to it; only
// tests use it.
package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// Model is the part of the service model that speaks of requests.
type Model struct {
	Operations map[string]struct {
		Input  struct{ Shape string }
		Output *struct{ Shape string }
		Errors []struct{ Shape string }
	}
	Shapes map[string]*Shape
}

// Shape is a type of the model.
type Shape struct {
	Type     string
	Required []string
	Members  Members
	Member   struct{ Shape string }
	Key      struct{ Shape string }
	Value    struct{ Shape string }
	Min, Max *int
	Pattern  string
	Enum     []string
}

// Member is a member of a structure.
type Member struct{ Name, Shape string }

// Members are the members of a structure in the order of the model, in which
// violations are reported.
type Members []Member

// UnmarshalJSON implements json.Unmarshaler.
func (m *Members) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var ref struct{ Shape string }
		if err := d.Decode(&ref); err != nil {
			return err
		}
		*m = append(*m, Member{fmt.Sprint(name), ref.Shape})
	}
	return nil
}

// Read reads the model from a file, with what is known of the live service in
// place of what the file says (docs/compatibility.md).
func Read(file string) (*Model, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	m := new(Model)
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	*m.Shapes["ActionConfigurationValue"].Max = 50000
	m.Shapes["StartTimeRange"].Enum = []string{"All", "Latest"}
	return m, nil
}
