package conformance

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// samples are texts that match the patterns to which "a" is no match.
var samples = map[string]string{
	`[0-9]{12}`:    "123456789012",
	`[0-9]{12}|\*`: "*",
	`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`: "0123abcd-0123-abcd-0123-0123456789ab",
	`AWS|ThirdParty`: "AWS",
	`arn:aws(-[\w]+)*:lambda:.+:[0-9]{12}:function:.+`: "arn:aws:lambda:eu-west-1:123456789012:function:f",
	`arn:aws(-[\w]+)*:codepipeline:.+:[0-9]{12}:.+`:    "arn:aws:codepipeline:eu-west-1:123456789012:p",
	`arn:aws(-[\w]+)*:iam::[0-9]{12}:role/.*`:          "arn:aws:iam::123456789012:role/r",
}

// Full returns a valid document of the shape with each of its members, as
// encoding/json takes it.
func (m *Model) Full(shape string) any {
	s := m.Shapes[shape]
	switch s.Type {
	case "string":
		return s.text()
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
		return []any{m.Full(s.Member.Shape)}
	case "map":
		return map[string]any{m.Full(s.Key.Shape).(string): m.Full(s.Value.Shape)}
	}
	doc := map[string]any{}
	for _, mem := range s.Members {
		doc[mem.Name] = m.Full(mem.Shape)
	}
	return doc
}

// text is a valid string.
func (s *Shape) text() string {
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
}

// ofLength is a string of n characters that matches the pattern, if there is
// one.
func (s *Shape) ofLength(n int) (string, bool) {
	text := strings.Repeat("a", n)
	if first := s.text(); !s.matches(text) && len(first) <= n {
		text = first + strings.Repeat("a", n-len(first))
	}
	return text, s.matches(text)
}

// unlike is a string that does not match the pattern and is as long as it may
// be, if there is one.
func (s *Shape) unlike() (string, bool) {
	for _, char := range []string{"!", " ", "é", "a\n", ""} {
		text := s.text() + char
		if s.Max != nil && len(text) > *s.Max {
			text = char + s.text()[1:]
		}
		if !s.matches(text) {
			return text, true
		}
	}
	return "", false
}

func (s *Shape) requires(member string) bool { return slices.Contains(s.Required, member) }

func (s *Shape) matches(text string) bool {
	return s.Pattern == "" || compiled(s.Pattern).MatchString(text)
}

var patterns sync.Map

// compiled is the expression that matches whole texts.
func compiled(pattern string) *regexp.Regexp {
	if re, ok := patterns.Load(pattern); ok {
		return re.(*regexp.Regexp)
	}
	re, _ := patterns.LoadOrStore(pattern, regexp.MustCompile(`\A(?:`+pattern+`)\z`))
	return re.(*regexp.Regexp)
}
