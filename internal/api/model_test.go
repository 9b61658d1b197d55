package api

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"penstock/internal/conformance"
)

// The tests in this file hold the generated code to the model, as package
// conformance reads it, independently of the generator.

func readModel(t testing.TB) *conformance.Model {
	t.Helper()
	m, err := conformance.Read("../../model/codepipeline-2015-07-09.json")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// newShapes returns, for each operation, a maker of its input and output; the
// latter is nil for operations without one.
func newShapes() map[string][2]func() Shape {
	maker := func(t reflect.Type) func() Shape {
		return func() Shape { return reflect.New(t.Elem()).Interface().(Shape) }
	}
	all := make(map[string][2]func() Shape)
	for m := range reflect.TypeFor[Service]().Methods() {
		pair := [2]func() Shape{maker(m.Type.In(1))}
		if m.Type.NumOut() == 2 {
			pair[1] = maker(m.Type.Out(0))
		}
		all[m.Name] = pair
	}
	return all
}

// spoil returns v with some members removed, nulled or broken.
func spoil(m *conformance.Model, rng *rand.Rand, name string, v any) any {
	s := m.Shapes[name]
	const rarely = 12
	if rng.IntN(rarely) == 0 {
		return nil
	}
	switch s.Type {
	case "string":
		long := 40
		if s.Max != nil {
			long = *s.Max + 1
		}
		switch rng.IntN(rarely) {
		case 0:
			return ""
		case 1:
			return strings.Repeat("a", long)
		case 2:
			return "é\t 漢"
		case 3:
			return strings.Repeat("😀", long/2+1)
		}
	case "integer":
		switch rng.IntN(rarely) {
		case 0:
			return 1 << 40
		case 1:
			return -1
		}
	case "list":
		if n := rng.IntN(rarely); n < 4 {
			var list []any
			size := n * n
			if m.Shapes[s.Member.Shape].Type == "string" {
				size *= size
			}
			for range size {
				list = append(list, spoil(m, rng, s.Member.Shape, m.Full(s.Member.Shape)))
			}
			return append([]any{}, list...)
		}
		return []any{spoil(m, rng, s.Member.Shape, v.([]any)[0])}
	case "map":
		doc := map[string]any{}
		for k, value := range v.(map[string]any) {
			if key, ok := spoil(m, rng, s.Key.Shape, k).(string); ok {
				k = key
			}
			doc[k] = spoil(m, rng, s.Value.Shape, value)
		}
		return doc
	case "structure":
		doc := map[string]any{"unknown": []any{nil}}
		for _, mem := range s.Members {
			if rng.IntN(rarely) > 0 {
				doc[mem.Name] = spoil(m, rng, mem.Shape, v.(map[string]any)[mem.Name])
			}
		}
		return doc
	}
	return v
}

// TestConstraintsOfEveryOperation compares the generated checks with the model's
// over spoiled documents of every input.
func TestConstraintsOfEveryOperation(t *testing.T) {
	t.Parallel()
	m := readModel(t)
	for name, pair := range newShapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(1, uint64(len(name))))
			shape := m.Operations[name].Input.Shape
			broken := 0
			for range 120 {
				v := spoil(m, rng, shape, m.Full(shape))
				if v == nil {
					continue
				}
				doc, err := json.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				want := m.Answer(shape, v)
				_, got := decodeError(t, pair[0](), string(doc))
				if got != want {
					t.Fatalf("%.3000s\n got %s\nwant %s", doc, got, want)
				}
				if want != "" {
					broken++
				}
			}
			if shape != "DeregisterWebhookWithThirdPartyInput" && broken < 10 {
				t.Errorf("only %d documents were broken", broken)
			}
		})
	}
}

// TestEveryRequiredMember removes each required member of each input, at any
// depth, from an otherwise valid document.
func TestEveryRequiredMember(t *testing.T) {
	t.Parallel()
	m := readModel(t)
	for name, pair := range newShapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shape := m.Operations[name].Input.Shape
			doc := m.Full(shape)
			try := func(want string) {
				t.Helper()
				text, err := json.Marshal(doc)
				if err != nil {
					t.Fatal(err)
				}
				if _, got := decodeError(t, pair[0](), string(text)); got != want {
					t.Errorf("%s\n got %s\nwant %s", text, got, want)
				}
			}
			try("")
			walk(m, "", shape, doc, func(path string, in map[string]any, member string) {
				value := in[member]
				delete(in, member)
				try("1 validation error detected: Value null at '" + path + "'" + failed + "Member must not be null")
				in[member] = value
			})
		})
	}
}

// walk calls visit for each required member in v.
func walk(m *conformance.Model, path, name string, v any, visit func(path string, in map[string]any, member string)) {
	s := m.Shapes[name]
	switch s.Type {
	case "list":
		walk(m, path+".1.member", s.Member.Shape, v.([]any)[0], visit)
	case "map":
		for k, e := range v.(map[string]any) {
			walk(m, path+"."+k+".member", s.Value.Shape, e, visit)
		}
	case "structure":
		doc := v.(map[string]any)
		for _, mem := range s.Members {
			inner := strings.TrimPrefix(path+"."+strings.ToLower(mem.Name[:1])+mem.Name[1:], ".")
			if slices.Contains(s.Required, mem.Name) {
				visit(inner, doc, mem.Name)
			}
			walk(m, inner, mem.Shape, doc[mem.Name], visit)
		}
	}
}

// TestOperationTable holds the table to the model.
func TestOperationTable(t *testing.T) {
	t.Parallel()
	m := readModel(t)
	if got := len(Operations()); got != 44 || got != len(m.Operations) {
		t.Errorf("%d operations, the model has %d", got, len(m.Operations))
	}
	shapes := newShapes()
	for _, name := range Operations() {
		op, ok := m.Operations[name]
		if !ok {
			t.Errorf("%s is not in the model", name)
			continue
		}
		if hasOutput := shapes[name][1] != nil; hasOutput != (op.Output != nil) {
			t.Errorf("%s: output %t, the model says %t", name, hasOutput, op.Output != nil)
		}
		if operations[name].name != name {
			t.Errorf("%s is named %s", name, operations[name].name)
		}
	}
}

func TestDeclared(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		operation, code string
		want            bool
	}{
		{"GetPipeline", PipelineNotFoundException, true},
		{"GetPipeline", StageNotFoundException, false},
		{"GetPipeline", "AccessDeniedException", true},
		{"GetPipeline", "InternalFailure", true},
		{"UpdatePipeline", PipelineNotFoundException, true},
		{"GetPipelines", "InternalFailure", false},
	} {
		if got := Declared(tt.operation, tt.code); got != tt.want {
			t.Errorf("Declared(%s, %s) = %t", tt.operation, tt.code, got)
		}
	}
}
