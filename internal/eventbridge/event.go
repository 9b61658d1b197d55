package eventbridge

import (
	"bytes"
	"encoding/json"
	"time"

	"penstock/internal/core/eventrule"
)

// Event is something that happened.
type Event struct {
	account, region string
	at              time.Time // when it came to the bus
	text            []byte    // JSON
	doc             any       // text, as patterns read it
	// chain is engine.Execution's Chain for what the event starts.
	chain int
}

// envelope is the form of all events.
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

const toSeconds = "2006-01-02T15:04:05Z"

// newEvent returns an event of the envelope, which came at the time.
func newEvent(e envelope, at time.Time) (*Event, error) {
	e.Version = "0"
	if e.Resources == nil {
		e.Resources = []string{}
	}
	text, err := encode(e)
	if err != nil {
		return nil, err
	}
	return readEvent(e.Account, e.Region, text, at)
}

func readEvent(account, region string, text []byte, at time.Time) (*Event, error) {
	doc, err := decode(text)
	if err != nil {
		return nil, err
	}
	return &Event{account: account, region: region, at: at, text: text, doc: patternForm(doc)}, nil
}

// encode writes JSON as others do: < and > stand for themselves.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// decode reads one JSON document, with json.Number for numbers.
func decode(text []byte) (any, error) {
	var v any
	// Not the decoder alone: it would let something follow.
	if err := json.Unmarshal(text, &json.RawMessage{}); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err := d.Decode(&v)
	return v, err
}

// patternForm makes a decoded document, which it changes, one that patterns
// read.
func patternForm(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = patternForm(e)
		}
	case []any:
		for i, e := range v {
			v[i] = patternForm(e)
		}
	case json.Number:
		return eventrule.Number(v)
	}
	return v
}

// parsePattern reads the JSON of a pattern.
func parsePattern(text string) (*eventrule.Pattern, error) {
	doc, err := decode([]byte(text))
	if err != nil {
		return nil, err
	}
	return eventrule.ParsePattern(patternForm(doc))
}
