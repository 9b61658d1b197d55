package conformance

import (
	"encoding/json"
	"math/rand/v2"
)

// Known are values by shape that mean something to a server, such as the names
// of pipelines that exist.
type Known map[string][]string

// strange are texts that few people write.
var strange = []string{"x", "a b", "é漢😀", "\x00", "\u2028", `<&>"\`, "{}", "${x}", "#{a.b}", "#{", "0", "-1", "true", "null", " ", "../..", "%00", "\ufffd"}

// times are numbers that a timestamp may be.
var times = []json.Number{"0", "-1e300", "1e300", "1427245911.525", "-5", "4e9", "-62167219200"}

// Random returns a valid document of the shape: known values mostly, else
// strange ones, and members that may be absent now and then.
func (m *Model) Random(rng *rand.Rand, shape string, known Known) any {
	s := m.Shapes[shape]
	switch s.Type {
	case "string":
		return m.randomText(rng, shape, known)
	case "integer":
		low, high := 0, 50
		if s.Min != nil {
			low = *s.Min
		}
		if s.Max != nil {
			high = *s.Max
		}
		return low + rng.IntN(high-low+1)
	case "boolean":
		return rng.IntN(2) == 0
	case "timestamp":
		return times[rng.IntN(len(times))]
	case "list":
		list := []any{}
		for range s.some(rng) {
			list = append(list, m.Random(rng, s.Member.Shape, known))
		}
		return list
	case "map":
		entries := map[string]any{}
		for range s.some(rng) {
			entries[m.randomText(rng, s.Key.Shape, known)] = m.Random(rng, s.Value.Shape, known)
		}
		return entries
	}
	doc := map[string]any{}
	for _, mem := range s.Members {
		if s.requires(mem.Name) || rng.IntN(5) < 2 {
			doc[mem.Name] = m.Random(rng, mem.Shape, known)
		}
	}
	return doc
}

// some is a small number of elements that a list or map may have.
func (s *Shape) some(rng *rand.Rand) int {
	n := rng.IntN(3)
	if s.Min != nil {
		n = max(n, *s.Min)
	}
	if s.Max != nil {
		n = min(n, *s.Max)
	}
	return n
}

func (m *Model) randomText(rng *rand.Rand, shape string, known Known) string {
	s := m.Shapes[shape]
	if list := known[shape]; len(list) > 0 && rng.IntN(12) > 0 {
		return list[rng.IntN(len(list))]
	}
	if len(s.Enum) > 0 {
		return s.Enum[rng.IntN(len(s.Enum))]
	}
	if text := strange[rng.IntN(len(strange))]; len(m.violations("", shape, text, true)) == 0 {
		return text
	}
	return s.text()
}
