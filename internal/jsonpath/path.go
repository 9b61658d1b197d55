package jsonpath

import (
	"encoding/json"
	"errors"
	"strconv"
)

// ErrTooMuch says that a path asks for more work on a document than is
// reasonable.
var ErrTooMuch = errors.New("jsonpath: the path needs too much work on this document")

// maxWork bounds the steps of one search: enough to visit every value of a
// document of 10 MiB, not enough for paths that multiply them.
const maxWork = 10_000_000

// Path is a parsed path. It is safe for concurrent use.
type Path struct {
	segments []segment
	length   bool // ends in length()
	item     bool // of a filter: starts at @
}

// kind is what a segment picks.
type kind int

const (
	byName kind = iota
	byIndex
	bySlice
	byFilter
	everything
)

type segment struct {
	kind     kind
	deep     bool // behind "..": of the value and of all below it
	names    []string
	indexes  []int
	from, to *int
	filter   condition
}

// Definite reports whether the path names at most one place of a document. The
// result of any other path is a list.
func (p *Path) Definite() bool {
	for i, s := range p.segments {
		switch {
		case s.deep:
			return false
		case s.kind == byName && (len(s.names) == 1 || i == len(p.segments)-1):
		case s.kind == byIndex && len(s.indexes) == 1:
		default:
			return false
		}
	}
	return true
}

// Find calls found for each value of doc that the path leads to until it
// returns false. The document is what encoding/json makes of JSON with
// Decoder.UseNumber. The only error is ErrTooMuch.
func (p *Path) Find(doc any, found func(v any) bool) error {
	s := &search{root: doc, left: maxWork}
	s.find(p, doc, found)
	if s.left < 0 {
		return ErrTooMuch
	}
	return nil
}

// search is one search of a document, with those of its filters.
type search struct {
	root any
	left int // steps
}

// spend pays for n steps and reports whether the search may go on.
func (s *search) spend(n int) bool {
	s.left -= n
	return s.left >= 0
}

func (s *search) find(p *Path, item any, found func(any) bool) bool {
	start := s.root
	if p.item {
		start = item
	}
	if p.length {
		of := found
		found = func(v any) bool {
			n := size(v)
			return n < 0 || of(json.Number(strconv.Itoa(n)))
		}
	}
	return s.walk(start, p.segments, found)
}

// size is the number of elements or members, -1 for what has none.
func size(v any) int {
	switch v := v.(type) {
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	}
	return -1
}

// walk reports false when the search is over.
func (s *search) walk(v any, segments []segment, found func(any) bool) bool {
	if !s.spend(1) {
		return false
	}
	if len(segments) == 0 {
		return found(v)
	}
	if segments[0].deep {
		return s.scan(v, segments, found)
	}
	return s.step(v, segments, found)
}

// scan takes a step from v and from all that is below it.
func (s *search) scan(v any, segments []segment, found func(any) bool) bool {
	if !s.spend(1) {
		return false
	}
	// An object takes a filter for itself, so its array must not ask again.
	_, list := v.([]any)
	if !(list && segments[0].kind == byFilter) && !s.step(v, segments, found) {
		return false
	}
	return each(v, func(child any) bool { return s.scan(child, segments, found) })
}

// each calls fn for the elements or members of v until it returns false.
func each(v any, fn func(any) bool) bool {
	switch v := v.(type) {
	case []any:
		for _, child := range v {
			if !fn(child) {
				return false
			}
		}
	case map[string]any:
		for _, child := range v {
			if !fn(child) {
				return false
			}
		}
	}
	return true
}

func (s *search) step(v any, segments []segment, found func(any) bool) bool {
	seg, rest := &segments[0], segments[1:]
	next := func(child any) bool { return s.walk(child, rest, found) }
	switch seg.kind {
	case byName:
		if m, ok := v.(map[string]any); ok {
			return byNames(m, seg.names, len(rest) == 0, next)
		}
	case byIndex:
		list, _ := v.([]any)
		for _, i := range seg.indexes {
			if i < 0 {
				i += len(list)
			}
			if i >= 0 && i < len(list) && !next(list[i]) {
				return false
			}
		}
	case bySlice:
		list, _ := v.([]any)
		from, to := bound(seg.from, 0, len(list)), bound(seg.to, len(list), len(list))
		for i := from; i < to; i++ {
			if !next(list[i]) {
				return false
			}
		}
	case everything:
		return each(v, next)
	case byFilter:
		if _, ok := v.(map[string]any); ok {
			return !seg.filter.holds(s, v) || next(v)
		}
		list, _ := v.([]any)
		for _, child := range list {
			if !s.spend(1) || seg.filter.holds(s, child) && !next(child) {
				return false
			}
		}
	}
	return true
}

// byNames takes members of an object. Several at the end of a path are one
// object, elsewhere they are a list.
func byNames(m map[string]any, names []string, last bool, next func(any) bool) bool {
	if last && len(names) > 1 {
		part := map[string]any{}
		for _, name := range names {
			if child, ok := m[name]; ok {
				part[name] = child
			}
		}
		return next(part)
	}
	for _, name := range names {
		if child, ok := m[name]; ok && !next(child) {
			return false
		}
	}
	return true
}

// bound is an end of a slice of n elements; negative ones count from the end.
func bound(i *int, absent, n int) int {
	if i == nil {
		return absent
	}
	at := *i
	if at < 0 {
		at += n
	}
	return min(max(at, 0), n)
}
