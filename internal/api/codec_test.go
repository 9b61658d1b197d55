package api

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"penstock/internal/core/fault"
)

// decodeError decodes doc as an input and returns the code and text of the
// type error, then of the violations.
func decodeError(t *testing.T, v Shape, doc string) (code, message string) {
	t.Helper()
	var d decoder
	d.reset(doc, true)
	d.document(v)
	if d.err != nil {
		return d.err.Code, d.err.Message
	}
	if err := d.violations(); err != nil {
		f := err.(*fault.Error)
		return f.Code, f.Message
	}
	return "", ""
}

func TestTypeErrors(t *testing.T) {
	t.Parallel()
	poll, stop, result, tag := new(PollForJobsInput), new(StopPipelineExecutionInput), new(PutJobSuccessResultInput), new(UntagResourceInput)
	for _, tt := range []struct {
		name string
		in   Shape
		doc  string
		want string
	}{
		{"empty", poll, ``, ""},
		{"blank", poll, " \n", ""},
		{"not an object", poll, `[]`, ""},
		{"null document", poll, `null`, ""},
		{"unfinished", poll, `{"maxBatchSize":1`, ""},
		{"trailing comma", poll, `{"maxBatchSize":1,}`, ""},
		{"leading comma", poll, `{,"maxBatchSize":1}`, ""},
		{"trailing garbage", poll, `{} x`, ""},
		{"two documents", poll, `{}{}`, ""},
		{"leading zero", poll, `{"maxBatchSize":01}`, ""},
		{"bare word", poll, `{"maxBatchSize":nul}`, ""},
		{"bad escape", poll, `{"actionTypeId":{"version":"\x"}}`, ""},
		{"control character", poll, "{\"x\":\"\n\"}", ""},
		{"type error before a syntax error", poll, `{"maxBatchSize":"1","x":}`, ""},

		{"string for integer", poll, `{"maxBatchSize":"1"}`, "STRING_VALUE can not be converted to an Integer"},
		{"true for integer", poll, `{"maxBatchSize":true}`, "TRUE_VALUE can not be converted to an Integer"},
		{"list for integer", poll, `{"maxBatchSize":[1]}`, "Start of list found where not expected"},
		{"object for integer", poll, `{"maxBatchSize":{}}`, "Start of structure or map found where not expected."},
		{"number for string", result, `{"jobId":1}`, "NUMBER_VALUE cannot be converted to String"},
		{"true for string", result, `{"jobId":true}`, "TRUE_VALUE cannot be converted to String"},
		{"false for string", result, `{"jobId":false}`, "FALSE_VALUE cannot be converted to String"},
		{"list for string", result, `{"jobId":[]}`, "Start of list found where not expected"},
		{"object for string", result, `{"jobId":{}}`, "Start of structure or map found where not expected."},
		{"other string for boolean", stop, `{"abandon":"23"}`, "'23' can not be converted to an Boolean"},
		{"number for boolean", stop, `{"abandon":1}`, "NUMBER_VALUE can not be converted to an Boolean"},
		{"string for time", result, `{"currentRevision":{"created":"now"}}`, "STRING_VALUE can not be converted to milliseconds since epoch"},
		{"false for time", result, `{"currentRevision":{"created":false}}`, "FALSE_VALUE can not be converted to milliseconds since epoch"},
		{"list for structure", poll, `{"actionTypeId":[]}`, "Start of list found where not expected"},
		{"string for structure", poll, `{"actionTypeId":"x"}`, "Expected null"},
		{"number for structure in a list", new(TagResourceInput), `{"tags":[{"key":"k","value":"v"},1]}`, "Expected null"},
		{"string for list", tag, `{"tagKeys":"x"}`, "Expected list or null"},
		{"object for list", tag, `{"tagKeys":{}}`, "Start of structure or map found where not expected."},
		{"number in a list of strings", tag, `{"tagKeys":["a",1]}`, "NUMBER_VALUE cannot be converted to String"},
		{"object for list of structures", new(TagResourceInput), `{"tags":{}}`, "Start of structure or map found where not expected."},
		{"number for map", poll, `{"queryParam":1}`, "Expected map or null"},
		{"list for map", poll, `{"queryParam":[]}`, "Start of list found where not expected"},
		{"number in a map", poll, `{"queryParam":{"k":1}}`, "NUMBER_VALUE cannot be converted to String"},
		{"first error wins", poll, `{"maxBatchSize":true,"queryParam":1}`, "TRUE_VALUE can not be converted to an Integer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := reflect.New(reflect.TypeOf(tt.in).Elem()).Interface().(Shape)
			code, message := decodeError(t, in, tt.doc)
			if code != "SerializationException" || message != tt.want {
				t.Errorf("%s → %s %q, want SerializationException %q", tt.doc, code, message, tt.want)
			}
		})
	}
}

func TestDepth(t *testing.T) {
	t.Parallel()
	nest := func(n int) string {
		return `{"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	if !wellFormed(nest(maxDepth - 1)) {
		t.Error("the greatest depth is refused")
	}
	if wellFormed(nest(maxDepth)) {
		t.Error("one level too many is accepted")
	}
	if code, _ := decodeError(t, new(ListPipelinesInput), nest(1<<20)); code != "SerializationException" {
		t.Errorf("a bottomless document: %q", code)
	}
}

func TestIntegers(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]int{
		"7": 7, "-7": -7, "0": 0, "-0": 0, "7.9": 7, "-7.9": -7, "1e2": 100, "1.25E+1": 12, "125e-1": 12,
		"9e-9": 0, "0e999999999999": 0, "1e999999999999": 2147483647, "-1e99": -2147483648,
		"2147483648": 2147483647, "99999999999999999999999": 2147483647, "1e-999999999999": 0,
		"0.00000000000000000000000000000000005e35": 5,
	} {
		in := new(ListPipelinesInput)
		if err := Decode([]byte(`{"maxResults":`+number+`}`), in); err != nil || in.MaxResults == nil || *in.MaxResults != want {
			t.Errorf("%s → %v, %v, want %d", number, in.MaxResults, err, want)
		}
	}
}

func TestBooleans(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`true`: true, `false`: false, `"true"`: true, `"false"`: false,
		`"1"`: true, `"0"`: false, `"yes"`: true, `"no"`: false,
	} {
		in := new(StopPipelineExecutionInput)
		if err := Decode([]byte(`{"abandon":`+text+`}`), in); err != nil || in.Abandon == nil || *in.Abandon != want {
			t.Errorf("%s → %v, %v, want %t", text, in.Abandon, err, want)
		}
	}
}

func TestTimesIn(t *testing.T) {
	t.Parallel()
	for number, ms := range map[string]int64{
		"1427245911.525":    1427245911525,
		"1.427245911525E9":  1427245911525,
		"1.427245911525e+9": 1427245911525,
		"1427245911525e-3":  1427245911525,
		"1427245911":        1427245911000,
		"1427245911.5259":   1427245911525,
		"0":                 0,
		"-1.5":              -1500,
		"0.001":             1,
		"1e400":             maxMillis,
		"-1e400":            minMillis,
		"-62167219200.001":  minMillis,
	} {
		v := new(CurrentRevision)
		if err := Decode([]byte(`{"created":`+number+`}`), v); err != nil || !v.Created.Equal(time.UnixMilli(ms)) {
			t.Errorf("%s → %v, %v, want %v", number, v.Created.UnixMilli(), err, ms)
		}
		if _, err := v.Created.MarshalJSON(); err != nil {
			t.Errorf("%s cannot be stored: %v", number, err)
		}
	}
}

func TestTimesOut(t *testing.T) {
	t.Parallel()
	for ms, want := range map[int64]string{
		1427245911525: "1427245911.525", 1427245911520: "1427245911.52", 1427245911500: "1427245911.5",
		1427245911000: "1427245911", 1: "0.001", 0: "0", -1500: "-1.5", -1: "-0.001", 10: "0.01",
	} {
		if got := string(appendTime(nil, time.UnixMilli(ms))); got != want {
			t.Errorf("%d → %s, want %s", ms, got, want)
		}
	}
	if got := string(appendTime(nil, time.Unix(5, 999_999_999))); got != "5.999" {
		t.Errorf("sub-millisecond digits: %s", got)
	}
}

func TestStrings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want, out string }{
		{"plain", `"abc"`, "abc", `"abc"`},
		{"escapes", `"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t", `"\"\\/\u0008\u000c\n\r\t"`},
		{"no HTML escaping", `"<&>"`, "<&>", `"<&>"`},
		{"beyond ASCII", `"é漢😀"`, "é漢😀", `"é漢😀"`},
		{"surrogate pair", `"\ud83d\uDE00"`, "😀", `"😀"`},
		{"lone high surrogate", `"\ud83dx"`, "\ufffdx", "\"\ufffdx\""},
		{"high surrogate before another escape", `"\ud83d\u0041"`, "\ufffdA", "\"\ufffdA\""},
		{"lone low surrogate", `"\ude00"`, "\ufffd", "\"\ufffd\""},
		{"escaped replacement character", `"\ufffdx"`, "\ufffdx", "\"\ufffdx\""},
		{"invalid UTF-8", "\"a\xffb\"", "a\ufffdb", "\"a\ufffdb\""},
		{"line separators", "\"\u2028\"", "\u2028", "\"\u2028\""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := new(ErrorDetails)
			if err := Decode([]byte(`{"message":`+tt.in+`}`), v); err != nil || v.Message != tt.want {
				t.Fatalf("decoded %q, %v, want %q", v.Message, err, tt.want)
			}
			if got := string(appendText(nil, v.Message)); got != tt.out {
				t.Errorf("encoded %s, want %s", got, tt.out)
			}
		})
	}
	if got := string(appendText(nil, "a\xff\xfe\x00")); got != "\"a\ufffd\ufffd\\u0000\"" {
		t.Errorf("invalid UTF-8 out: %q", got)
	}
}

// TestLargeBodyStrings holds decoded strings of a large body to be copies, so
// that keeping one does not keep the body.
func TestLargeBodyStrings(t *testing.T) {
	t.Parallel()
	doc := `{"code":"c","message":"` + strings.Repeat("x", smallBody) + `"}`
	v := new(ErrorDetails)
	var d decoder
	d.reset(doc, false)
	d.document(v)
	if d.err != nil || v.Code != "c" || v.Message != strings.Repeat("x", smallBody) {
		t.Fatalf("decoded %q and %d bytes, %v", v.Code, len(v.Message), d.err)
	}
	start := uintptr(unsafe.Pointer(unsafe.StringData(doc)))
	for _, s := range []string{v.Code, v.Message} {
		if at := uintptr(unsafe.Pointer(unsafe.StringData(s))); at >= start && at < start+uintptr(len(doc)) {
			t.Errorf("a string of %d bytes shares the body's memory", len(s))
		}
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	const id = `"actionTypeId":{"category":"Build","owner":"Custom","provider":"P","version":"1"}`
	for _, tt := range []struct{ name, doc, want string }{
		{"unknown members at every depth", `{"a":[{"b":null}],"actionTypeId":{"c":1.5e3,"category":"Build","owner":"Custom","provider":"P","version":"1"}}`,
			`{` + id + `}`},
		{"null optional members", `{` + id + `,"maxBatchSize":null,"queryParam":null}`, `{` + id + `}`},
		{"empty map kept", `{` + id + `,"queryParam":{}}`, `{` + id + `,"queryParam":{}}`},
		{"last of equal members wins", `{"maxBatchSize":1,` + id + `,"maxBatchSize":2}`, `{` + id + `,"maxBatchSize":2}`},
		{"null after a value", `{"maxBatchSize":1,` + id + `,"maxBatchSize":null}`, `{` + id + `}`},
		{"structure replaced, not merged", `{"actionTypeId":{"category":"X","owner":"","extra":1},` + id + `}`, `{` + id + `}`},
		{"last of equal keys wins", `{` + id + `,"queryParam":{"k":"a","k":"b"}}`, `{` + id + `,"queryParam":{"k":"b"}}`},
		{"null key replaced", `{` + id + `,"queryParam":{"k":null,"k":"b"}}`, `{` + id + `,"queryParam":{"k":"b"}}`},
		{"escaped name", `{"maxBatch\u0053ize":3,` + id + `}`, `{` + id + `,"maxBatchSize":3}`},
		{"white space", " {\t" + id + " ,\r\n \"maxBatchSize\" : 3 } \n", `{` + id + `,"maxBatchSize":3}`},
		{"wrong-case optional member", `{` + id + `,"MaxBatchSize":3}`, `{` + id + `}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := new(PollForJobsInput)
			if code, message := decodeError(t, in, tt.doc); code != "" {
				t.Fatalf("%s %s", code, message)
			}
			if got := string(Encode(in)); got != tt.want {
				t.Errorf("read as %s, want %s", got, tt.want)
			}
		})
	}
	t.Run("wrong-case required member", func(t *testing.T) {
		t.Parallel()
		_, message := decodeError(t, new(DeletePipelineInput), `{"Name":"p"}`)
		if want := "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null"; message != want {
			t.Errorf("%s", message)
		}
	})
	t.Run("capitalised members of ListWebhooks", func(t *testing.T) {
		t.Parallel()
		in := new(ListWebhooksInput)
		if err := Decode([]byte(`{"NextToken":"t","MaxResults":5,"nextToken":"u"}`), in); err != nil || in.NextToken != "t" || *in.MaxResults != 5 {
			t.Errorf("read as %s, %v", Encode(in), err)
		}
	})
}

func TestPresenceOut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		v    Shape
		want string
	}{
		{"empty output", new(TagResourceOutput), `{}`},
		{"nil list", &PollForJobsOutput{}, `{}`},
		{"empty list", &PollForJobsOutput{Jobs: []Job{}}, `{"jobs":[]}`},
		{"nil required list", &ListActionTypesOutput{}, `{"actionTypes":[]}`},
		{"nil required list in a structure", &StageDeclaration{Name: "S"}, `{"name":"S","actions":[]}`},
		{"nil and empty maps", &ActionExecutionInput{ResolvedConfiguration: map[string]string{}}, `{"resolvedConfiguration":{}}`},
		{"empty list elements and map values", &ActionDeclaration{Name: "A", Commands: []string{""}, Configuration: map[string]string{"b": "", "a": "<"}},
			`{"name":"A","actionTypeId":{"category":"","owner":"","provider":"","version":""},"configuration":{"a":"<","b":""},"commands":[""]}`},
		{"required empty string", &Tag{Key: "k"}, `{"key":"k","value":""}`},
		{"optional scalars", &ActionConfigurationProperty{Name: "n", Key: true, Queryable: new(false)}, `{"name":"n","required":false,"key":true,"secret":false,"queryable":false}`},
		{"optional number zero", &ActionExecution{PercentComplete: new(0)}, `{"percentComplete":0}`},
		{"map of structures", &PipelineDeclaration{Name: "p", RoleArn: "r", ArtifactStores: map[string]ArtifactStore{
			"us-west-2": {Type: "S3", Location: "b"}, "eu-west-1": {Type: "S3", Location: "a", EncryptionKey: &EncryptionKey{Id: "k", Type: "KMS"}}}},
			`{"name":"p","roleArn":"r","artifactStores":{"eu-west-1":{"type":"S3","location":"a","encryptionKey":{"id":"k","type":"KMS"}},"us-west-2":{"type":"S3","location":"b"}},"stages":[]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := string(Encode(tt.v)); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
}
