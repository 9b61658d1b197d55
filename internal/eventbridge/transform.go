package eventbridge

import (
	"maps"
	"strings"
	"time"

	"penstock/internal/core/fault"
)

// transformed makes the input of a target by its transformer: <name> in the
// template stands for what the name's path leads to. Within quotes a value is
// written as text, elsewhere as JSON. One that the event does not have is
// nothing within quotes and null elsewhere.
func (s start) transformed(now time.Time) ([]byte, error) {
	values, err := s.values(now)
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	quoted := false
	rest := s.target.Transform.Template
	for rest != "" {
		if out.Len() > maxInput {
			return nil, fault.New("ValidationException", "the transformed input is larger than %d bytes", maxInput)
		}
		i := strings.IndexAny(rest, `"\<`)
		if i < 0 {
			out.WriteString(rest)
			break
		}
		out.WriteString(rest[:i])
		switch rest = rest[i:]; rest[0] {
		case '\\':
			n := min(2, len(rest))
			out.WriteString(rest[:n])
			rest = rest[n:]
			continue
		case '<':
			if name, behind, ok := strings.Cut(rest[1:], ">"); ok {
				if v, known := values[name]; known {
					text, err := written(v, quoted)
					if err != nil {
						return nil, err
					}
					out.Write(text)
					rest = behind
					continue
				}
			}
		case '"':
			quoted = !quoted
		}
		out.WriteByte(rest[0])
		rest = rest[1:]
	}
	return []byte(out.String()), nil
}

// missing stands for a value that the event does not have.
type missing struct{}

// written is a value in a template.
func written(v any, quoted bool) ([]byte, error) {
	if v == (missing{}) {
		if quoted {
			return nil, nil
		}
		v = nil
	}
	if !quoted {
		return encode(v)
	}
	s, ok := v.(string)
	if !ok {
		b, err := encode(v)
		if err != nil {
			return nil, err
		}
		s = string(b)
	}
	b, err := encode(s)
	if err != nil {
		return nil, err
	}
	return b[1 : len(b)-1], nil
}

// values are what names in the template stand for, those that each template
// has among them.
func (s start) values(now time.Time) (map[string]any, error) {
	doc, err := decode(s.event.text)
	if err != nil {
		return nil, err
	}
	values := map[string]any{
		"aws.events.rule-arn": s.rule.ARN(), "aws.events.rule-name": s.rule.Name,
		"aws.events.event.ingestion-time": now.UTC().Format(toSeconds), "aws.events.event.json": doc,
	}
	if whole, ok := doc.(map[string]any); ok {
		bare := maps.Clone(whole)
		delete(bare, "detail")
		values["aws.events.event"] = bare
	}
	for name, path := range s.target.Transform.Paths {
		v, there, err := lookUp(s.event, path)
		if err != nil {
			return nil, err
		}
		if !there {
			v = missing{}
		}
		values[name] = v
	}
	return values, nil
}
