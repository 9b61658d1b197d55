package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/engine"
	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
)

// fill sets every member of v, each to a value of its own, so that a codec
// that forgets one, or takes one for another, shows.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("s%d \"é\\\n<&\u2028", *n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(key, n)
			fill(value, n)
			v.SetMapIndex(key, value)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.UnixMilli(1700000000000 + int64(*n)).UTC()))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	default:
		panic("fill: " + v.Type().String())
	}
}

func filled[T any]() *T {
	v, n := new(T), 0
	fill(reflect.ValueOf(v).Elem(), &n)
	return v
}

func text(v any) []byte {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return []byte(err.Error())
	}
	return b
}

// markSealer shows what was sealed, and where.
type markSealer struct{}

func (markSealer) Seal(plaintext []byte, context string) string {
	return "sealed(" + context + ")" + string(plaintext)
}

func (markSealer) Open(sealed, context string) ([]byte, error) {
	clear, ok := strings.CutPrefix(sealed, "sealed("+context+")")
	if !ok {
		return nil, errors.New("not sealed here")
	}
	return []byte(clear), nil
}

func filledJob() *job.Job {
	j := filled[job.Job]()
	j.QueuedAt, j.State, j.Nonces, j.AckedAt, j.EndedAt, j.Report = time.Time{}, "", job.Nonces{}, time.Time{}, time.Time{}, ""
	return j
}

func filledAction() *engine.ActionRecord {
	r := filled[engine.ActionRecord]()
	r.Status, r.Updated, r.HasOutputs, r.Result = "", time.Time{}, false, engine.Result{}
	return r
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	plain := filledAction()
	plain.Resolved = plain.Declared
	for name, c := range map[string]struct {
		value any
		trip  func() (any, error)
	}{
		"execution": {filled[engine.Execution](), func() (any, error) {
			return DecodeExecution(AppendExecution(nil, filled[engine.Execution]()))
		}},
		"empty execution": {&engine.Execution{}, func() (any, error) { return DecodeExecution(AppendExecution(nil, &engine.Execution{})) }},
		"state":           {filled[engine.State](), func() (any, error) { return DecodeState(AppendState(nil, filled[engine.State]())) }},
		"empty state":     {&engine.State{}, func() (any, error) { return DecodeState(AppendState(nil, &engine.State{})) }},
		"action":          {filledAction(), func() (any, error) { return DecodeAction(AppendAction(nil, filledAction())) }},
		"action without variables": {plain, func() (any, error) {
			return DecodeAction(AppendAction(nil, plain))
		}},
		"result": {*filled[engine.Result](), func() (any, error) { return DecodeResult(AppendResult(nil, filled[engine.Result]())) }},
		"empty result": {engine.Result{}, func() (any, error) {
			b := AppendResult(nil, &engine.Result{})
			if len(b) > 0 {
				return nil, fmt.Errorf("an empty result takes %q", b)
			}
			return DecodeResult(b)
		}},
		"job": {filledJob(), func() (any, error) { return DecodeJob(AppendJob(nil, filledJob(), markSealer{}), markSealer{}) }},
		"declaration": {filled[pipeline.Declaration](), func() (any, error) {
			b, err := EncodeDeclaration(7, filled[pipeline.Declaration](), markSealer{})
			if err != nil {
				return nil, err
			}
			return DecodeDeclaration(7, b, markSealer{})
		}},
		"action type": {filled[actiontype.Type](), func() (any, error) {
			b, err := EncodeActionType(filled[actiontype.Type]())
			if err != nil {
				return nil, err
			}
			return DecodeActionType(b)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := c.trip()
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.value) {
				t.Errorf("got  %s\nwant %s", text(got), text(c.value))
			}
		})
	}
}

func TestStateChanges(t *testing.T) {
	t.Parallel()
	full := *filled[engine.StateChange]()
	again := full
	again.State, again.Trigger, again.Comment = "x", nil, ""
	other := again
	other.Execution, other.Version, other.Attempt, other.At = "e", 99, 98, full.At.Add(time.Second)
	want := []engine.StateChange{full, again, other, other}
	changes := []engine.Change{engine.JobPurged{ID: "j"}}
	for _, c := range want {
		changes = append(changes, engine.Emitted{StateChange: c}, engine.StagePassed{})
	}
	got, err := DecodeStateChanges(AppendStateChanges(nil, changes))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestSecrets checks that secrets are sealed in the documents, each for its
// place, and that the values given are left as they are.
func TestSecrets(t *testing.T) {
	t.Parallel()
	j := &job.Job{ID: "j1", Data: job.Data{Configuration: map[string]string{"a": "open", "b": "hush"}, Secrets: []string{"b", "absent"}}}
	doc := AppendJob(nil, j, markSealer{})
	if j.Data.Configuration["b"] != "hush" {
		t.Error("the job was changed")
	}
	var raw job.Job
	if err := json.Unmarshal(doc, &raw); err != nil {
		t.Fatal(err)
	}
	if got := raw.Data.Configuration; got["a"] != "open" || got["b"] != "sealed(job/j1/b)hush" {
		t.Errorf("configuration of the job: %v", got)
	}

	d := &pipeline.Declaration{Stages: []pipeline.Stage{{Name: "S", Actions: []pipeline.Action{
		{Name: "A", Configuration: map[string]string{"k": "hush"}, Secrets: []string{"k"}},
		{Name: "B", Configuration: map[string]string{"k": "open"}},
	}}}}
	doc, err := EncodeDeclaration(3, d, markSealer{})
	if err != nil {
		t.Fatal(err)
	}
	var rawD pipeline.Declaration
	if err := json.Unmarshal(doc, &rawD); err != nil {
		t.Fatal(err)
	}
	a := rawD.Stages[0].Actions
	if a[0].Configuration["k"] != "sealed(pipeline/3/S/A/k)hush" || a[1].Configuration["k"] != "open" || d.Stages[0].Actions[0].Configuration["k"] != "hush" {
		t.Errorf("configurations: %v, %v, %v", a[0].Configuration, a[1].Configuration, d.Stages[0].Actions[0].Configuration)
	}
	if _, err := DecodeDeclaration(4, doc, markSealer{}); err == nil {
		t.Error("a secret was opened for another pipeline")
	}
	token := SealToken(&Client{ID: "c", Token: "hush"}, markSealer{})
	if got, err := OpenToken("c", token, markSealer{}); got != "hush" || err != nil {
		t.Errorf("token: %q, %v", got, err)
	}
	if _, err := OpenToken("d", token, markSealer{}); err == nil {
		t.Error("a token was opened for another client")
	}
}

// TestEmptyMembers checks that a declaration keeps absent and empty apart.
func TestEmptyMembers(t *testing.T) {
	t.Parallel()
	want := &pipeline.Declaration{Stages: []pipeline.Stage{}, Triggers: nil, Variables: []pipeline.Variable{}}
	b, err := EncodeDeclaration(1, want, markSealer{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeDeclaration(1, b, markSealer{})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, %v, want %#v", got, err, want)
	}
}

// FuzzText checks the strings of documents against encoding/json.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\", "\x00\x1f", "é\u2028", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got, want string
		if err := json.Unmarshal(appendText(nil, s), &got); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &want); err != nil || got != want {
			t.Errorf("%q became %q, want %q (%v)", s, got, want, err)
		}
	})
}

func BenchmarkAppendExecution(b *testing.B) {
	e := filled[engine.Execution]()
	buf := AppendExecution(nil, e)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendExecution(buf[:0], e)
	}
}
