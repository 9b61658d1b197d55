package conformance

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// Edge is a request that lies at the edge of a constraint.
type Edge struct {
	// Name says where the document differs from a full and valid one, and how.
	Name string
	Body []byte
	// Code and Message are the refusal that the protocol demands; Code "" is
	// none: the document is inside, and whatever the operation thinks of it, it
	// breaks no constraint.
	Code, Message string
}

// Edges yields the edges of an operation's input, at any depth: for each value
// the least and the greatest that it may be and one beyond, each value of an
// enum and another one, a text unlike its pattern, no value, and values of all
// other types of JSON.
func (m *Model) Edges(operation string) iter.Seq[Edge] {
	return func(yield func(Edge) bool) {
		shape := m.Operations[operation].Input.Shape
		doc := m.Full(shape)
		w := &walker{m: m, shape: shape, doc: doc, yield: yield}
		w.try("", "full", false)
		w.value("", shape, doc, true, func(v any) { w.doc = v })
	}
}

// walker goes through a valid document, changing one value at a time.
type walker struct {
	m     *Model
	shape string // of the document
	doc   any
	yield func(Edge) bool
	ended bool
}

// try yields the document as it is now.
func (w *walker) try(path, what string, outside bool) {
	message := w.m.Answer(w.shape, w.doc)
	if outside != (message != "") || outside && !strings.Contains(message, "at '"+path+"'") {
		panic(fmt.Sprintf("conformance: %s: %s: %q", path, what, message))
	}
	code := ""
	if outside {
		code = "ValidationException"
	}
	w.emit(path, what, code, message)
}

func (w *walker) emit(path, what, code, message string) {
	body, err := json.Marshal(w.doc)
	if err != nil {
		panic(err)
	}
	w.ended = w.ended || !w.yield(Edge{path + " " + what, body, code, message})
}

// value tries the edges of a value that set puts into the document. path is
// what a violation names, which is the list or map for the texts in it.
func (w *walker) value(path, shape string, v any, required bool, set func(any)) {
	s := w.m.Shapes[shape]
	if w.ended {
		return
	}
	try := func(what string, outside bool, other any) {
		if !w.ended {
			set(other)
			w.try(path, what, outside)
		}
	}
	if path != "" {
		try("null", required, nil)
	}
	for _, other := range []any{"zebra", 1, true, []any{}, map[string]any{}} {
		if message := mismatch(s.Type, other); message != "" && !w.ended {
			set(other)
			if path == "" {
				message = "" // the body itself is no object
			}
			w.emit(path, fmt.Sprintf("%T for a %s", other, s.Type), "SerializationException", message)
		}
	}
	switch s.Type {
	case "string":
		w.text(s, try)
	case "integer":
		if s.Min != nil {
			try("least", false, *s.Min)
			try("less", true, *s.Min-1)
		}
		if s.Max != nil {
			try("greatest", false, *s.Max)
			try("greater", true, *s.Max+1)
		}
	case "list":
		w.size(s, try, required, func(n int) any { return slices.Repeat(v.([]any), n) })
	case "map":
		w.size(s, try, required, func(n int) any { return entries(v.(map[string]any), n) })
	}
	set(v)
	w.inside(path, s, v)
}

// text tries the edges of a string.
func (w *walker) text(s *Shape, try func(string, bool, any)) {
	for _, value := range s.Enum {
		try("value "+value, false, value)
	}
	if len(s.Enum) > 0 {
		try("no such value", true, "Zebra")
		try("value in other case", true, swapCase(s.Enum[0]))
		return
	}
	if s.Min != nil && *s.Min > 0 {
		if text, ok := s.ofLength(*s.Min); ok {
			try("shortest", false, text)
		}
		text, _ := s.ofLength(*s.Min - 1)
		try("shorter", true, text)
	}
	if s.Max != nil {
		if text, ok := s.ofLength(*s.Max); ok {
			try("longest", false, text)
		}
		text, _ := s.ofLength(*s.Max + 1)
		try("longer", true, text)
		if s.matches(strings.Repeat("😀", *s.Max/2+1)) {
			try("longer by characters that count twice", true, strings.Repeat("😀", *s.Max/2+1))
		}
	}
	if text, ok := s.unlike(); ok && s.Pattern != "" {
		try("unlike the pattern", true, text)
	}
}

// size tries the edges of a list or map; of makes one of n elements.
func (w *walker) size(s *Shape, try func(string, bool, any), required bool, of func(n int) any) {
	if s.Min != nil && *s.Min > 0 {
		try("fewest", false, of(*s.Min))
		try("fewer", required, of(*s.Min-1))
	} else {
		try("empty", false, of(0))
	}
	if s.Max != nil {
		try("most", false, of(*s.Max))
		try("more", true, of(*s.Max+1))
	}
}

// inside goes on to what a value is made of.
func (w *walker) inside(path string, s *Shape, v any) {
	switch s.Type {
	case "list":
		list := v.([]any)
		inner := path
		if w.m.Shapes[s.Member.Shape].Type != "string" {
			inner += ".1.member"
		}
		w.value(inner, s.Member.Shape, list[0], true, func(e any) { list[0] = e })
	case "map":
		entries := v.(map[string]any)
		for key, e := range maps.Clone(entries) { // one
			inner := path
			if w.m.Shapes[s.Value.Shape].Type != "string" {
				inner += "." + key + ".member"
			}
			w.value(inner, s.Value.Shape, e, true, func(e any) { entries[key] = e })
			w.text(w.m.Shapes[s.Key.Shape], func(what string, outside bool, other any) {
				if w.ended {
					return
				}
				delete(entries, key)
				entries[other.(string)] = e
				w.try(path, "key "+what, outside)
				delete(entries, other.(string))
				entries[key] = e
			})
		}
	case "structure":
		doc := v.(map[string]any)
		for _, mem := range s.Members {
			w.value(below(path, mem.Name), mem.Shape, doc[mem.Name], s.requires(mem.Name), func(e any) { doc[mem.Name] = e })
			if !w.ended {
				absent := doc[mem.Name]
				delete(doc, mem.Name)
				w.try(below(path, mem.Name), "absent", s.requires(mem.Name))
				doc[mem.Name] = absent
			}
		}
	}
}

// entries is a map of n entries that has the value of the one of m.
func entries(m map[string]any, n int) map[string]any {
	out := map[string]any{}
	for key, v := range m {
		for i := range n {
			out[fmt.Sprint(key, i+1000)] = v
		}
	}
	return out
}

func swapCase(s string) string {
	if up := strings.ToUpper(s); up != s {
		return up
	}
	return strings.ToLower(s)
}

// mismatch is the message of the SerializationException for a value that is not
// of the type, "" where the type takes it.
func mismatch(want string, v any) string {
	switch given := v.(type) {
	case []any:
		if want != "list" {
			return "Start of list found where not expected"
		}
	case map[string]any:
		if want != "map" && want != "structure" {
			return "Start of structure or map found where not expected."
		}
	default:
		switch want {
		case "list", "map":
			return "Expected " + want + " or null"
		case "structure":
			return "Expected null"
		case "boolean":
			if text, ok := given.(string); ok {
				return "'" + text + "' can not be converted to an Boolean"
			}
		}
		return scalar(want, given)
	}
	return ""
}

// scalar is mismatch for two scalar types.
func scalar(want string, given any) string {
	kind, name := "string", "STRING_VALUE"
	switch given.(type) {
	case int:
		kind, name = "integer", "NUMBER_VALUE"
	case bool:
		kind, name = "boolean", "TRUE_VALUE"
	}
	if kind == want || kind == "integer" && want == "timestamp" {
		return ""
	}
	return name + map[string]string{
		"string": " cannot be converted to String", "integer": " can not be converted to an Integer",
		"boolean": " can not be converted to an Boolean", "timestamp": " can not be converted to milliseconds since epoch",
	}[want]
}
