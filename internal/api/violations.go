package api

import (
	"errors"
	"strings"
)

// Violation is one broken constraint of a document.
type Violation struct {
	// Path is where, in the service's form: pipeline.stages.1.member.name.
	Path string
	// Clause says which constraint: Member must not be null.
	Clause string
}

// Violations reads a document as a request is read and returns every constraint
// that it breaks, not only the first few that an answer lists. The error is a
// SerializationException: then v holds nothing of use.
func Violations(data []byte, v Shape) ([]Violation, error) {
	var d decoder
	d.reset(string(data), true)
	if d.document(v); d.err != nil {
		return nil, d.err
	}
	d.sortFound()
	var out []Violation
	for _, f := range d.found {
		_, rest, ok := strings.Cut(f.text, " at '")
		path, clause, cut := strings.Cut(rest, "' failed to satisfy constraint: ")
		if !ok || !cut {
			return nil, errors.New("api: unknown form of a violation: " + f.text)
		}
		out = append(out, Violation{Path: path, Clause: clause})
	}
	return out, nil
}
