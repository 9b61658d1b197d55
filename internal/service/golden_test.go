package service_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

var uuidPattern = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// same compares an answer with what it should be, member by member. Ids are
// numbered in the order in which they appear in names, then in the answer:
// "#1". Times need no such care, they come from the test's clock.
func same(t *testing.T, got, want string, names ...string) {
	t.Helper()
	number := map[string]string{}
	label := func(id string) string {
		if number[id] == "" {
			number[id] = fmt.Sprintf("#%d", len(number)+1)
		}
		return number[id]
	}
	for _, id := range names {
		label(id)
	}
	got = uuidPattern.ReplaceAllStringFunc(indent(t, got), label)
	if want = indent(t, want); got != want {
		t.Errorf("got\n%s\nwant\n%s\n%s", got, want, firstDifference(got, want))
	}
}

// indent writes JSON with its members in order.
func indent(t *testing.T, s string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("first in line %d: got %s, want %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// epoch is the server's time as answers write it.
func epoch(s *server) string {
	ms := s.clock.now().UnixMilli()
	if ms%1000 == 0 {
		return fmt.Sprint(ms / 1000)
	}
	return strings.TrimRight(fmt.Sprintf("%d.%03d", ms/1000, ms%1000), "0")
}
