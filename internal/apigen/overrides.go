package apigen

import "fmt"

// Where the live service is known to differ from its model, the live service
// wins. Each entry says how that is known.

// maxima replaces the maximum length of a shape.
var maxima = []struct {
	shape, reason string
	max           int
}{
	{"ActionConfigurationValue", "the service's own messages say 50000, the model 1000", 50000},
}

// enumOrder replaces the order in which a message lists an enum's values.
var enumOrder = []struct {
	shape, reason string
	values        []string
}{
	{"StartTimeRange", "a captured message lists [All, Latest]", []string{"All", "Latest"}},
}

// undeclared adds exceptions to those that an operation declares.
var undeclared = []struct{ operation, exception, reason string }{
	{"UpdatePipeline", "PipelineNotFoundException", "the model declares nothing for an unknown name"},
}

// override applies the tables above. An entry that no longer fits the model is
// an error, so that a new model makes us look again.
func override(m *model) error {
	for _, o := range maxima {
		s := m.Shapes[o.shape]
		if s == nil || s.Max == nil {
			return fmt.Errorf("override of %s (%s): no maximum in the model", o.shape, o.reason)
		}
		*s.Max = o.max
	}
	for _, o := range enumOrder {
		s := m.Shapes[o.shape]
		if s == nil || len(s.Enum) != len(o.values) {
			return fmt.Errorf("override of %s (%s): other values in the model", o.shape, o.reason)
		}
		s.Enum = o.values
	}
	for _, o := range undeclared {
		op := m.Operations[o.operation]
		if op == nil {
			return fmt.Errorf("override of %s (%s): no such operation", o.operation, o.reason)
		}
		op.Errors = append(op.Errors, ref{Shape: o.exception})
	}
	// The service accepts an empty list wherever an absent one is legal
	// (observed for StartPipelineExecution's variables), so minima of lists
	// are checked for required members only: see check.go.
	return nil
}
