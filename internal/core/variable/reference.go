// Package variable reads and resolves the references that action and rule
// configuration may carry: #{namespace.key} (CodePipeline user guide,
// "Variables reference"). It is pure: no clock, no I/O.
package variable

import (
	"iter"
	"strings"

	"penstock/internal/core/fault"
)

// Reserved namespaces: Builtin is always taken, Pipeline as soon as a pipeline
// declares variables.
const (
	Builtin  = "codepipeline"
	Pipeline = "variables"
)

// PipelineExecutionID is the one key of the namespace Builtin.
const PipelineExecutionID = "PipelineExecutionId"

// CodeInvalidConfiguration is the errorDetails code of an action whose
// configuration cannot be resolved.
const CodeInvalidConfiguration = "InvalidActionConfiguration"

// Ref is one reference as it stands in a value.
type Ref struct {
	// Text is the whole reference, braces included.
	Text string
	// Namespace and Key are empty when the reference is malformed.
	Namespace, Key string
}

// Malformed reports whether the text has the look of a reference without a
// namespace and a key separated by a period.
func (r Ref) Malformed() bool { return r.Namespace == "" }

const open = "#{"

// References yields the references of s in order, malformed ones included.
//
// A reference ends at the first closing brace. One that is never closed is
// plain text, except an opening that ends the value: it is malformed, as AWS
// refuses it.
func References(s string) iter.Seq[Ref] {
	return func(yield func(Ref) bool) {
		for {
			_, ref, rest, ok := next(s)
			if !ok || !yield(ref) {
				return
			}
			s = rest
		}
	}
}

// Contains reports whether s has at least one reference, malformed or not.
func Contains(s string) bool {
	_, _, _, ok := next(s)
	return ok
}

// Resolve replaces the references of s by what lookup returns for them, in one
// pass: a replaced value is not read again. The error is a *fault.Error with
// CodeInvalidConfiguration that names the first reference that is malformed or
// that lookup does not know, or says that the text grows beyond limit bytes: a
// value that names an output a thousand times must not fill the memory.
func Resolve(s string, limit int, lookup func(namespace, key string) (string, bool)) (string, error) {
	before, ref, rest, ok := next(s)
	if !ok && len(s) <= limit {
		return s, nil
	}
	var b strings.Builder
	for ; ok; before, ref, rest, ok = next(s) {
		if ref.Malformed() {
			return "", fault.New(CodeInvalidConfiguration,
				"The variable reference %s is not a namespace and a key separated by a period (.).", ref.Text)
		}
		value, known := lookup(ref.Namespace, ref.Key)
		if !known {
			return "", fault.New(CodeInvalidConfiguration,
				"The variable reference %s could not be resolved: no action that ended before has set this variable.", ref.Text)
		}
		if b.Len()+len(before)+len(value) > limit {
			return "", tooLarge()
		}
		b.WriteString(before)
		b.WriteString(value)
		s = rest
	}
	if b.Len()+len(s) > limit {
		return "", tooLarge()
	}
	b.WriteString(s)
	return b.String(), nil
}

func tooLarge() error {
	return fault.New(CodeInvalidConfiguration, "The resolved action configuration takes more than the maximum size (%d bytes)", MaxResolvedBytes)
}

// next splits s around its first reference.
func next(s string) (before string, ref Ref, rest string, ok bool) {
	i := strings.Index(s, open)
	if i < 0 {
		return s, Ref{}, "", false
	}
	body := s[i+len(open):]
	if body == "" {
		return s[:i], Ref{Text: open}, "", true
	}
	j := strings.IndexByte(body, '}')
	if j < 0 {
		if strings.HasSuffix(body, open) {
			return s[:len(s)-len(open)], Ref{Text: open}, "", true
		}
		return s, Ref{}, "", false
	}
	end := i + len(open) + j + 1
	ref.Text = s[i:end]
	if namespace, key, found := strings.Cut(body[:j], "."); found && namespace != "" && key != "" {
		ref.Namespace, ref.Key = namespace, key
	}
	return s[:i], ref, s[end:], true
}
