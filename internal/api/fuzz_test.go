package api

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzDecode compares the decoder with encoding/json: what is JSON, what
// strings and maps hold, and that a decoded value survives a round trip.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"jobId":"` + uuid1 + `","continuationToken":"t","outputVariables":{"k":"v"},"executionDetails":{"percentComplete":50}}`,
		`{"currentRevision":{"revision":"r","changeIdentifier":"c","created":1.427245911525E9}}`,
		`{"jobId":"\ud83d\ude00\ud83d\"\\\/\b","continuationToken":null,"x":[{"y":[1,-0.5e+3,true,false,null]}]}`,
		`{"jobId":1}`, `{"outputVariables":[]}`, `{"outputVariables":{"a":null,"a":"b"}}`, `{"jobId":"a","jobId":"b"}`,
		`{`, `[]`, `null`, `{"a":1,}`, `{"a":01}`, "{\"a\":\"\xff\"}", "{\"jobId\":\"\u2028\"}", `{"JobId":"x"} `, `{"executionDetails":{"percentComplete":1e999}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		var generic map[string]json.RawMessage
		valid := json.Unmarshal([]byte(doc), &generic) == nil && generic != nil
		deep := strings.Count(doc, "[")+strings.Count(doc, "{") >= maxDepth
		if got := wellFormed(doc); got != valid && !deep {
			t.Fatalf("%q: well-formed %t, encoding/json says %t", doc, got, valid)
		}
		var strict decoder
		strict.reset(doc, true)
		strict.document(new(PutJobSuccessResultInput))
		_ = strict.violations()
		for _, v := range []Shape{new(CreatePipelineInput), new(PollForJobsOutput), new(UntagResourceInput)} {
			if Decode([]byte(doc), v) == nil {
				sameAgain(t, v)
			}
		}
		in := new(PutJobSuccessResultInput)
		err := Decode([]byte(doc), in)
		if err == nil && !valid {
			t.Fatalf("%q was accepted", doc)
		}
		if err != nil {
			return
		}
		sameAgain(t, in)
		var id, token *string
		var variables map[string]*string
		for name, into := range map[string]any{"jobId": &id, "continuationToken": &token, "outputVariables": &variables} {
			if raw, ok := generic[name]; ok {
				if err := json.Unmarshal(raw, into); err != nil {
					t.Fatalf("%s of %q was accepted: %v", name, doc, err)
				}
			}
		}
		if in.JobId != text(id) || in.ContinuationToken != text(token) {
			t.Fatalf("%q: read %q and %q, encoding/json reads %q and %q", doc, in.JobId, in.ContinuationToken, text(id), text(token))
		}
		if len(in.OutputVariables) != len(variables) {
			t.Fatalf("%q: read %v, encoding/json reads %v", doc, in.OutputVariables, variables)
		}
		for k, v := range variables {
			if in.OutputVariables[k] != text(v) {
				t.Fatalf("%q: read %v, encoding/json reads %v", doc, in.OutputVariables, variables)
			}
		}
	})
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// sameAgain holds v to being readable JSON and encoded the same once more.
func sameAgain(t *testing.T, v Shape) {
	t.Helper()
	once := Encode(v)
	if !json.Valid(once) {
		t.Fatalf("encoded as %q", once)
	}
	if err := Decode(once, v); err != nil {
		t.Fatalf("%q: %v", once, err)
	}
	if twice := Encode(v); string(twice) != string(once) {
		t.Fatalf("%q, then %q", once, twice)
	}
}

func jsonText(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}
