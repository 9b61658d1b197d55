package actiontype

import "strings"

// Placeholders of URL templates beside {Config:Name}.
const (
	configOpen      = "{Config:"
	externalID      = "{ExternalExecutionId}"
	revisionID      = "{RevisionId}"
	placeholderEnds = "}"
)

// RenderURL fills in a URL template of Settings: {Config:Name} with the value
// that config holds, {ExternalExecutionId} and {RevisionId} with the ids given.
// Values are inserted as they are, because they may be whole server addresses,
// and are not read again. It returns "" when the template is empty or a
// placeholder's value is not known.
func RenderURL(template string, config map[string]string, external, revision string) string {
	var b strings.Builder
	for part := range parts(template) {
		value := part.text
		switch part.kind {
		case configValue:
			value = config[part.text]
		case externalValue:
			value = external
		case revisionValue:
			value = revision
		}
		if value == "" {
			return ""
		}
		b.WriteString(value)
	}
	return b.String()
}

type kind int

const (
	literal kind = iota
	configValue
	externalValue
	revisionValue
)

// part is a piece of a URL template: literal text, the name of a configuration
// key, or a placeholder of another kind.
type part struct {
	kind kind
	text string
}

// parts yields the pieces of a template. Braces that open no known placeholder
// are literal text.
func parts(template string) func(yield func(part) bool) {
	return func(yield func(part) bool) {
		for template != "" {
			p, n := first(template)
			if !yield(p) {
				return
			}
			template = template[n:]
		}
	}
}

// first returns the piece that a non-empty template begins with, and its
// length.
func first(template string) (part, int) {
	if strings.HasPrefix(template, externalID) {
		return part{kind: externalValue}, len(externalID)
	}
	if strings.HasPrefix(template, revisionID) {
		return part{kind: revisionValue}, len(revisionID)
	}
	if rest, ok := strings.CutPrefix(template, configOpen); ok {
		if name, _, closed := strings.Cut(rest, placeholderEnds); closed {
			return part{configValue, name}, len(configOpen) + len(name) + len(placeholderEnds)
		}
	}
	end := strings.IndexByte(template[1:], '{') + 1
	if end == 0 {
		end = len(template)
	}
	return part{literal, template[:end]}, end
}
