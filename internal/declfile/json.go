package declfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// parseJSON reads one JSON document.
func parseJSON(data []byte) (*node, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	r := &jsonReader{dec: dec, lines: lineStarts(data)}
	n, err := r.value(0)
	if err == nil {
		if _, more := dec.Token(); more != io.EOF {
			err = errors.New("there is text behind the end of the document")
		}
	}
	if err == nil {
		return n, nil
	}
	at := dec.InputOffset()
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = max(at, wrong.Offset)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the document ends too early")
	}
	return nil, syntax(r.lineOf(at), "%s", strings.TrimPrefix(err.Error(), "json: "))
}

type jsonReader struct {
	dec   *json.Decoder
	lines []int64
	nodes int
}

func lineStarts(data []byte) []int64 {
	starts := []int64{0}
	for i, b := range data {
		if b == '\n' {
			starts = append(starts, int64(i)+1)
		}
	}
	return starts
}

func (r *jsonReader) lineOf(offset int64) int {
	low, high := 0, len(r.lines)
	for low < high {
		if mid := (low + high) / 2; r.lines[mid] <= offset {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

func (r *jsonReader) value(depth int) (*node, error) {
	t, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	if r.nodes++; r.nodes > maxNodes || depth > maxDepth {
		return nil, errTooLarge
	}
	n := &node{line: r.lineOf(r.dec.InputOffset() - 1)}
	switch t := t.(type) {
	case nil:
		n.kind = null
	case string:
		n.kind, n.text = text, t
	case json.Number:
		n.kind, n.text = number, t.String()
	case bool:
		n.kind, n.text = boolean, "false"
		if t {
			n.text = "true"
		}
	case json.Delim:
		if t == '[' {
			n.kind = list
			for r.dec.More() {
				item, err := r.value(depth + 1)
				if err != nil {
					return nil, err
				}
				n.items = append(n.items, item)
			}
		} else {
			n.kind = object
			for r.dec.More() {
				key, err := r.dec.Token()
				if err != nil {
					return nil, err
				}
				line := r.lineOf(r.dec.InputOffset() - 1)
				value, err := r.value(depth + 1)
				if err != nil {
					return nil, err
				}
				n.members = append(n.members, member{key.(string), line, value})
			}
		}
		_, err = r.dec.Token() // the end
	}
	return n, err
}
