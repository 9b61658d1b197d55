// Package pattern holds regular expressions that users write: they match whole
// texts, and what a match costs is known before, so that nobody can keep the
// server busy with one. It is pure.
package pattern

import (
	"errors"
	"regexp"
	"regexp/syntax"
)

// maxSize bounds the size of an expression with its repetitions written out.
const maxSize = 10_000

// errSize is the refusal of a larger one.
var errSize = errors.New("its repetitions make it too large")

// Pattern is a compiled expression. It is safe for concurrent use.
type Pattern struct {
	re   *regexp.Regexp
	size int
}

// Compile reads an expression of Go's regexp.
func Compile(text string) (*Pattern, error) {
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	n := sizeOf(tree)
	if n > maxSize {
		return nil, errSize
	}
	re, err := regexp.Compile(`\A(?:` + text + `)\z`)
	if err != nil {
		return nil, err
	}
	return &Pattern{re, n}, nil
}

// Cost is the most steps that matching the text can take.
func (p *Pattern) Cost(text string) int { return p.size * (len(text) + 1) }

// Match reports whether the expression matches the whole text.
func (p *Pattern) Match(text string) bool { return p.re.MatchString(text) }

// sizeOf is about the number of instructions of the compiled expression, or
// some number above maxSize.
func sizeOf(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		if n += sizeOf(sub); n > maxSize {
			return n
		}
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return n
}
