package eventrule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// decode makes a document of JSON, with Number for numbers.
func decode(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return own(v)
}

func own(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = own(v[k])
		}
	case []any:
		for i := range v {
			v[i] = own(v[i])
		}
	case json.Number:
		return Number(v)
	}
	return v
}

// TestMatches holds each operator to events that it takes and leaves.
func TestMatches(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, pattern, takes, leaves string }{
		{"value", `{"a":["x","y"]}`, `{"a":"x"}|{"a":"y","b":1}|{"a":["z","y"]}`, `{"a":"X"}|{"a":null}|{"b":"x"}|{}|{"a":{"x":"x"}}|{"a":[]}`},
		{"all fields", `{"a":["x"],"b":["y"]}`, `{"a":"x","b":"y"}`, `{"a":"x"}|{"a":"x","b":"x"}`},
		{"number as written", `{"a":[300]}`, `{"a":300}`, `{"a":300.0}|{"a":"300"}|{"a":3e2}`},
		{"true, false, null", `{"a":[true,null]}`, `{"a":true}|{"a":null}`, `{"a":false}|{"a":"true"}|{}`},
		{"empty string", `{"a":[""]}`, `{"a":""}`, `{"a":null}|{}`},
		{"nested", `{"d":{"a":["x"]}}`, `{"d":{"a":"x"}}|{"d":[{"a":"y"},{"a":"x"}]}`, `{"d":"x"}|{"a":"x"}|{"d":{}}|{}`},
		{"one element for all", `{"d":{"a":["x"],"b":["y"]}}`, `{"d":[{"a":"x","b":"y"}]}`, `{"d":[{"a":"x"},{"b":"y"}]}`},
		{"array in array", `{"a":["x"]}`, `{"a":[["y"],["x"]]}`, `{"a":[["y"],[]]}`},
		{"prefix", `{"a":[{"prefix":"us-"}]}`, `{"a":"us-east-1"}|{"a":"us-"}`, `{"a":"eu-us-"}|{"a":"us"}|{"a":1}|{}`},
		{"prefix in any case", `{"a":[{"prefix":{"equals-ignore-case":"Äb"}}]}`, `{"a":"äBc"}|{"a":"ÄB"}`, `{"a":"ä"}|{"a":"bäb"}`},
		{"suffix", `{"a":[{"suffix":".zip"}]}`, `{"a":"x.zip"}`, `{"a":"x.zip.gz"}|{"a":"zip"}`},
		{"suffix in any case", `{"a":[{"suffix":{"equals-ignore-case":".Zip"}}]}`, `{"a":"x.ZIP"}|{"a":".zip"}`, `{"a":"ip"}|{"a":"x.zi"}`},
		{"in any case", `{"a":[{"equals-ignore-case":"Main"}]}`, `{"a":"main"}|{"a":"MAIN"}`, `{"a":"mains"}|{"a":7}`},
		{"wildcard", `{"a":[{"wildcard":"x/*/y*.zip"}]}`, `{"a":"x/1/y.zip"}|{"a":"x//yy/y.zip"}`, `{"a":"x/y.zip"}|{"a":"ax/1/y.zip"}|{"a":"x/1/y.zi"}`},
		{"wildcard may not overlap", `{"a":[{"wildcard":"aba*aba"}]}`, `{"a":"abaaba"}`, `{"a":"ababa"}`},
		{"wildcard without one", `{"a":[{"wildcard":"a\\*\\\\"}]}`, `{"a":"a*\\"}`, `{"a":"ab\\"}`},
		{"only a wildcard", `{"a":[{"wildcard":"*"}]}`, `{"a":""}|{"a":"x"}`, `{"a":1}|{}`},
		{"anything but a value", `{"a":[{"anything-but":"x"}]}`, `{"a":"y"}|{"a":1}|{"a":null}|{"a":["x","y"]}`, `{"a":"x"}|{}|{"a":["x"]}|{"a":{}}`},
		{"anything but values", `{"a":[{"anything-but":["x",7]}]}`, `{"a":"7"}|{"a":8}`, `{"a":"x"}|{"a":7}`},
		{"anything but a prefix", `{"a":[{"anything-but":{"prefix":["x","y"]}}]}`, `{"a":"z"}|{"a":1}`, `{"a":"xa"}|{"a":"y"}`},
		{"anything but a wildcard", `{"a":[{"anything-but":{"wildcard":"*/lib/*"}}]}`, `{"a":"lib/x"}`, `{"a":"a/lib/x"}`},
		{"anything but in any case", `{"a":[{"anything-but":{"equals-ignore-case":"x"}}]}`, `{"a":"y"}`, `{"a":"X"}`},
		{"greater", `{"a":[{"numeric":[">",5]}]}`, `{"a":5.1}|{"a":6e2}`, `{"a":5}|{"a":"6"}|{"a":null}`},
		{"range", `{"a":[{"numeric":[">=",0,"<",5]}]}`, `{"a":0}|{"a":4.999}`, `{"a":-0.1}|{"a":5}`},
		{"number as a number", `{"a":[{"numeric":["=",300]}]}`, `{"a":300.0}|{"a":3e2}`, `{"a":301}`},
		{"exists", `{"a":[{"exists":true}]}`, `{"a":1}|{"a":null}|{"a":""}|{"a":[0]}`, `{}|{"a":{"b":1}}|{"a":[]}`},
		{"exists not", `{"a":[{"exists":false}]}`, `{}|{"b":1}|{"a":{"b":1}}|{"a":[]}`, `{"a":1}|{"a":null}`},
		{"exists not, below", `{"d":{"a":[{"exists":false}]}}`, `{}|{"d":{}}|{"d":{"b":1}}|{"d":1}`, `{"d":{"a":1}}`},
		{"a value or nothing", `{"a":["x",{"exists":false}]}`, `{"a":"x"}|{}`, `{"a":"y"}`},
		{"address", `{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"10.0.0.255"}`, `{"a":"10.0.1.0"}|{"a":"10.0.0"}|{"a":7}`},
		{"address of six", `{"a":[{"cidr":"2001:db8::/32"}]}`, `{"a":"2001:db8::1"}`, `{"a":"2001:db9::1"}`},
		{"or", `{"$or":[{"a":["x"]},{"b":[{"numeric":["<",3]}]}]}`, `{"a":"x"}|{"b":2}`, `{"a":"y","b":3}|{}`},
		{"or beside", `{"s":["me"],"$or":[{"a":["x"]},{"d":{"b":["y"]}}]}`, `{"s":"me","a":"x"}|{"s":"me","d":{"b":"y"}}`, `{"a":"x"}|{"s":"me"}`},
		{"or below", `{"d":{"$or":[{"a":["x"]},{"b":["y"]}]}}`, `{"d":{"b":"y"}}|{"d":[{},{"a":"x"}]}`, `{"a":"x"}|{"d":{"a":"y"}}`},
		{"a name that is no or", `{"$or":["x"]}`, `{"$or":"x"}`, `{"x":"x"}`},
		{"console's rule for S3", `{"source":["aws.s3"],"detail-type":["AWS API Call via CloudTrail"],"detail":{"eventSource":["s3.amazonaws.com"],"eventName":["PutObject","CompleteMultipartUpload","CopyObject"],"requestParameters":{"bucketName":["b"],"key":["k"]}}}`,
			`{"source":"aws.s3","detail-type":"AWS API Call via CloudTrail","detail":{"eventSource":"s3.amazonaws.com","eventName":"CopyObject","requestParameters":{"bucketName":"b","key":"k"}}}`,
			`{"source":"aws.s3","detail-type":"AWS API Call via CloudTrail","detail":{"eventSource":"s3.amazonaws.com","eventName":"CopyObject","requestParameters":{"bucketName":"b","key":"j"}}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := ParsePattern(decode(t, tt.pattern))
			if err != nil {
				t.Fatal(err)
			}
			for want, events := range map[bool]string{true: tt.takes, false: tt.leaves} {
				for _, event := range strings.Split(events, "|") {
					if got, err := p.Matches(decode(t, event)); got != want || err != nil {
						t.Errorf("%s: %v, %v; want %v", event, got, err, want)
					}
				}
			}
		})
	}
}

func TestPatternErrors(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, maxDepth+1) + `["x"]` + strings.Repeat("}", maxDepth+1)
	for pattern, want := range map[string]string{
		`[]`: "must be a JSON object", `"x"`: "must be a JSON object", `{}`: "the pattern: an empty object",
		`{"a":"x"}`: "a must be an object or an array", `{"d":{"a":5}}`: "d.a must be an object or an array", `{"a":null}`: "a must be",
		`{"a":[]}`: "a: an empty array", `{"d":{}}`: "d.: an empty object", `{"a":[["x"]]}`: "not an array", deep: "too deep",
		`{"a":[{}]}`: "stand alone", `{"a":[{"prefix":"x","suffix":"y"}]}`: "stand alone", `{"a":[{"regex":"x"}]}`: "regex: is not an operator",
		`{"a":[{"prefix":5}]}`: "prefix: must be", `{"a":[{"suffix":{"wildcard":"x"}}]}`: "suffix: must be", `{"a":[{"equals-ignore-case":["x"]}]}`: "must be a string",
		`{"a":[{"wildcard":"a**b"}]}`: "two asterisks", `{"a":[{"wildcard":"a\\b"}]}`: "backslash", `{"a":[{"wildcard":"a\\"}]}`: "backslash",
		`{"a":[{"exists":"yes"}]}`: "true or false", `{"a":[{"cidr":"10.0.0.1"}]}`: "range such as", `{"a":[{"cidr":7}]}`: "range such as",
		`{"a":[{"numeric":[]}]}`: "such as", `{"a":[{"numeric":">"}]}`: "such as", `{"a":[{"numeric":[">"]}]}`: "such as", `{"a":[{"numeric":["!=",1]}]}`: "such as",
		`{"a":[{"numeric":[">","1"]}]}`: "such as", `{"a":[{"numeric":["<",1,">",0]}]}`: "such as", `{"a":[{"numeric":[">",5,"<",5]}]}`: "such as", `{"a":[{"numeric":["=",6000000000]}]}`: "5e9",
		`{"a":[{"anything-but":[]}]}`: "empty array", `{"a":[{"anything-but":null}]}`: "must be a string, a number", `{"a":[{"anything-but":{"numeric":["=",1]}}]}`: "numeric: is not an operator",
		`{"a":[{"anything-but":{"prefix":{"equals-ignore-case":"x"}}}]}`: "nested deeper", `{"a":[{"anything-but":{"prefix":[]}}]}`: "empty array",
		`{"$or":[{"a":["x"]},{"b":"x"}]}`: "b must be", `{"$or":[{"a":["x"]}]}`: "is not an operator",
	} {
		if _, err := ParsePattern(decode(t, pattern)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want it to say %q", pattern, err, want)
		}
	}
}

// Work is bounded, whatever a pattern and an event make of each other.
func TestTooMuch(t *testing.T) {
	t.Parallel()
	alternatives := strings.Repeat(`{"a":["x"]},`, 99) + `{"a":["x"]}`
	p, err := ParsePattern(decode(t, `{"d":{"$or":[`+alternatives+`]}}`))
	if err != nil {
		t.Fatal(err)
	}
	event := decode(t, `{"d":[`+strings.Repeat(`{"a":"y"},`, 9999)+`{"a":"y"}]}`)
	if ok, err := p.Matches(event); ok || !errors.Is(err, ErrTooMuch) {
		t.Errorf("%v, %v", ok, err)
	}
}

// FuzzPattern: a pattern is refused or tells of each event whether it matches,
// without a panic, and in bounded time.
func FuzzPattern(f *testing.F) {
	f.Add(`{"a":[{"wildcard":"*a*b*"},{"numeric":[">",1,"<",5]}],"$or":[{"b":[1]},{"c":{"d":[{"exists":false}]}}]}`, `{"a":["xaxb",3],"c":[{"d":1}]}`)
	f.Add(`{"a":[{"anything-but":{"suffix":["x"]}},{"cidr":"::/0"},{"prefix":{"equals-ignore-case":"É"}}]}`, `{"a":"é"}`)
	f.Fuzz(func(t *testing.T, pattern, event string) {
		if len(pattern) > MaxPattern || !json.Valid([]byte(pattern)) || !json.Valid([]byte(event)) {
			return
		}
		p, err := ParsePattern(decode(t, pattern))
		if err != nil {
			return
		}
		first, err := p.Matches(decode(t, event))
		if err != nil && !errors.Is(err, ErrTooMuch) {
			t.Fatal(err)
		}
		if again, _ := p.Matches(decode(t, event)); again != first {
			t.Fatalf("%s does not agree with itself about %s", pattern, event)
		}
	})
}

// BenchmarkMatches is a rule of the console's kind and an event of S3's.
func BenchmarkMatches(b *testing.B) {
	p, err := ParsePattern(decode(b, `{"source":["aws.s3"],"detail":{"bucket":{"name":["x"]},"object":{"key":[{"prefix":"app/"}]}}}`))
	if err != nil {
		b.Fatal(err)
	}
	var event bytes.Buffer
	fmt.Fprint(&event, `{"source":"aws.s3","detail":{"bucket":{"name":"x"},"object":{"key":"app/site.zip","size":5}}}`)
	doc := decode(b, event.String())
	for b.Loop() {
		if ok, err := p.Matches(doc); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
