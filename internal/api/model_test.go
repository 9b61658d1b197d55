package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// The tests in this file read the model again, independently of the generator,
// and hold the generated code to it.

type modelShape struct {
	Type     string
	Required []string
	Members  orderedMembers
	Member   struct{ Shape string }
	Key      struct{ Shape string }
	Value    struct{ Shape string }
	Min, Max *int
	Pattern  string
	Enum     []string
}

type orderedMembers []struct{ name, shape string }

func (m *orderedMembers) UnmarshalJSON(data []byte) error {
	var byName map[string]struct{ Shape string }
	if err := json.Unmarshal(data, &byName); err != nil {
		return err
	}
	names := slices.Collect(maps.Keys(byName))
	slices.SortFunc(names, func(a, b string) int {
		return bytes.Index(data, []byte(strconv.Quote(a))) - bytes.Index(data, []byte(strconv.Quote(b)))
	})
	for _, name := range names {
		*m = append(*m, struct{ name, shape string }{name, byName[name].Shape})
	}
	return nil
}

type modelFile struct {
	Operations map[string]struct {
		Input  struct{ Shape string }
		Output *struct{ Shape string }
	}
	Shapes map[string]*modelShape
}

func readModel(t testing.TB) *modelFile {
	t.Helper()
	data, err := os.ReadFile("../../model/codepipeline-2015-07-09.json")
	if err != nil {
		t.Fatal(err)
	}
	m := new(modelFile)
	if err := json.Unmarshal(data, m); err != nil {
		t.Fatal(err)
	}
	*m.Shapes["ActionConfigurationValue"].Max = 50000
	m.Shapes["StartTimeRange"].Enum = []string{"All", "Latest"}
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

var samples = map[string]string{
	`[0-9]{12}`:    "123456789012",
	`[0-9]{12}|\*`: "*",
	`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`: uuid1,
	`AWS|ThirdParty`: "AWS",
	`arn:aws(-[\w]+)*:lambda:.+:[0-9]{12}:function:.+`: "arn:aws:lambda:eu-west-1:123456789012:function:f",
	`arn:aws(-[\w]+)*:codepipeline:.+:[0-9]{12}:.+`:    "arn:aws:codepipeline:eu-west-1:123456789012:p",
	`arn:aws(-[\w]+)*:iam::[0-9]{12}:role/.*`:          "arn:aws:iam::123456789012:role/r",
}

// full returns a valid document with every member of the shape.
func (m *modelFile) full(name string) any {
	s := m.Shapes[name]
	switch s.Type {
	case "string":
		if len(s.Enum) > 0 {
			return s.Enum[0]
		}
		if sample, ok := samples[s.Pattern]; ok {
			return sample
		}
		if s.Min != nil && *s.Min > 1 {
			return strings.Repeat("a", *s.Min)
		}
		return "a"
	case "integer":
		if s.Min != nil && *s.Min > 0 {
			return *s.Min
		}
		return 0
	case "boolean":
		return true
	case "timestamp":
		return json.Number("1427245911.525")
	case "list":
		return []any{m.full(s.Member.Shape)}
	case "map":
		return map[string]any{m.full(s.Key.Shape).(string): m.full(s.Value.Shape)}
	}
	doc := map[string]any{}
	for _, mem := range s.Members {
		doc[mem.name] = m.full(mem.shape)
	}
	return doc
}

// spoil returns v with some members removed, nulled or broken.
func (m *modelFile) spoil(rng *rand.Rand, name string, v any) any {
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
				list = append(list, m.spoil(rng, s.Member.Shape, m.full(s.Member.Shape)))
			}
			return append([]any{}, list...)
		}
		return []any{m.spoil(rng, s.Member.Shape, v.([]any)[0])}
	case "map":
		doc := map[string]any{}
		for k, value := range v.(map[string]any) {
			if key, ok := m.spoil(rng, s.Key.Shape, k).(string); ok {
				k = key
			}
			doc[k] = m.spoil(rng, s.Value.Shape, value)
		}
		return doc
	case "structure":
		doc := map[string]any{"unknown": []any{nil}}
		for _, mem := range s.Members {
			if rng.IntN(rarely) > 0 {
				doc[mem.name] = m.spoil(rng, mem.shape, v.(map[string]any)[mem.name])
			}
		}
		return doc
	}
	return v
}

// expect lists the violations of a value, the slow and plain way.
func (m *modelFile) expect(path, name string, v any, required bool) []string {
	s := m.Shapes[name]
	at := func(clause string) string { return "Value at '" + path + "'" + failed + clause }
	if v == nil {
		if !required {
			return nil
		}
		return []string{"Value null at '" + path + "'" + failed + "Member must not be null"}
	}
	var list []string
	size := func(kind string, n, low int) {
		if s.Max != nil && n > *s.Max {
			list = append(list, at(fmt.Sprintf("Member must have %s less than or equal to %d", kind, *s.Max)))
		}
		if s.Min != nil && n < low {
			list = append(list, at(fmt.Sprintf("Member must have %s greater than or equal to %d", kind, low)))
		}
	}
	low := 0
	if s.Min != nil {
		low = *s.Min
	}
	switch s.Type {
	case "string":
		text := v.(string)
		if s.Pattern != "" && !regexp.MustCompile(`\A(?:`+s.Pattern+`)\z`).MatchString(text) {
			list = append(list, at("Member must satisfy regular expression pattern: "+s.Pattern))
		}
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
			list = append(list, at("Member must satisfy enum value set: ["+strings.Join(s.Enum, ", ")+"]"))
		}
		size("length", len(utf16.Encode([]rune(text))), low)
	case "integer":
		size("value", min(v.(int), 1<<31-1), low)
	case "list":
		if !required {
			low = 0
		}
		elements := v.([]any)
		size("length", len(elements), low)
		if m.Shapes[s.Member.Shape].Type == "string" {
			return append(list, m.elements(at, "Member must satisfy constraint: ", s.Member.Shape, elements)...)
		}
		for i, e := range elements {
			list = append(list, m.expect(fmt.Sprintf("%s.%d.member", path, i+1), s.Member.Shape, e, true)...)
		}
	case "map":
		entries := v.(map[string]any)
		size("length", len(entries), low)
		var keys, values []any
		for k, e := range entries {
			keys, values = append(keys, k), append(values, e)
		}
		list = append(list, m.elements(at, "Map keys must satisfy constraint: ", s.Key.Shape, keys)...)
		if m.Shapes[s.Value.Shape].Type == "string" {
			return append(list, m.elements(at, "Map value must satisfy constraint: ", s.Value.Shape, values)...)
		}
		for k, e := range entries { // at most one in these documents
			list = append(list, m.expect(path+"."+k+".member", s.Value.Shape, e, true)...)
		}
	case "structure":
		for _, mem := range s.Members {
			inner := strings.ToLower(mem.name[:1]) + mem.name[1:]
			if path != "" {
				inner = path + "." + inner
			}
			list = append(list, m.expect(inner, mem.shape, v.(map[string]any)[mem.name], slices.Contains(s.Required, mem.name))...)
		}
	}
	return list
}

// elements lists the one violation for the elements of a list or map.
func (m *modelFile) elements(at func(string) string, intro, name string, values []any) []string {
	s := m.Shapes[name]
	bad, null := false, false
	for _, v := range values {
		bad = bad || len(m.expect("", name, v, true)) > 0
		null = null || v == nil
	}
	if !bad {
		return nil
	}
	var clauses []string
	if s.Max != nil {
		clauses = append(clauses, fmt.Sprintf("Member must have length less than or equal to %d", *s.Max))
	}
	if s.Min != nil && *s.Min > 0 {
		clauses = append(clauses, fmt.Sprintf("Member must have length greater than or equal to %d", *s.Min))
	}
	if s.Pattern != "" {
		clauses = append(clauses, "Member must satisfy regular expression pattern: "+s.Pattern)
	}
	if len(s.Enum) > 0 {
		clauses = append(clauses, "Member must satisfy enum value set: ["+strings.Join(s.Enum, ", ")+"]")
	}
	if null {
		clauses = append(clauses, "Member must not be null")
	}
	return []string{at(intro + "[" + strings.Join(clauses, ", ") + "]")}
}

func frame(entries []string) string {
	entries = entries[:min(len(entries), 10)]
	switch len(entries) {
	case 0:
		return ""
	case 1:
		return "1 validation error detected: " + entries[0]
	}
	return fmt.Sprintf("%d validation errors detected: %s", len(entries), strings.Join(entries, "; "))
}

// TestConstraintsOfEveryOperation compares the generated checks with expect
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
				v := m.spoil(rng, shape, m.full(shape))
				if v == nil {
					continue
				}
				doc, err := json.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				want := frame(m.expect("", shape, v, true))
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
			doc := m.full(shape)
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
			m.walk("", shape, doc, func(path string, in map[string]any, member string) {
				value := in[member]
				delete(in, member)
				try("1 validation error detected: Value null at '" + path + "'" + failed + "Member must not be null")
				in[member] = value
			})
		})
	}
}

// walk calls visit for each required member in v.
func (m *modelFile) walk(path, name string, v any, visit func(path string, in map[string]any, member string)) {
	s := m.Shapes[name]
	switch s.Type {
	case "list":
		m.walk(path+".1.member", s.Member.Shape, v.([]any)[0], visit)
	case "map":
		for k, e := range v.(map[string]any) {
			m.walk(path+"."+k+".member", s.Value.Shape, e, visit)
		}
	case "structure":
		doc := v.(map[string]any)
		for _, mem := range s.Members {
			inner := strings.TrimPrefix(path+"."+strings.ToLower(mem.name[:1])+mem.name[1:], ".")
			if slices.Contains(s.Required, mem.name) {
				visit(inner, doc, mem.name)
			}
			m.walk(inner, mem.shape, doc[mem.name], visit)
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
