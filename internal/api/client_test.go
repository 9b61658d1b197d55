package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"penstock/internal/core/fault"
)

// roundTripper answers requests in the process.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func reply(status int, body string, headers ...string) *http.Response {
	w := httptest.NewRecorder()
	for i := 0; i < len(headers); i += 2 {
		w.Header().Set(headers[i], headers[i+1])
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
	return w.Result()
}

// fill sets v and all below it to random values; what Encode leaves out stays
// absent.
func fill(rng *rand.Rand, v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.UnixMilli(rng.Int64N(2e12) - 1e11).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(rng, v.Field(i))
		}
	case reflect.Pointer:
		if rng.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(rng, v.Elem())
		}
	case reflect.String:
		alphabet := []rune("abcXYZ019 -_\"\\/<>&\n\t\x00é漢😀\u2028")
		text := make([]rune, 1+rng.IntN(12))
		for i := range text {
			text[i] = alphabet[rng.IntN(len(alphabet))]
		}
		v.SetString(string(text))
	case reflect.Int:
		v.SetInt(int64(int32(rng.Uint32())))
	case reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rng.IntN(3), 3))
		for i := range v.Len() {
			fill(rng, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rng.IntN(20) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(rng, key)
			fill(rng, value)
			v.SetMapIndex(key, value)
		}
	default:
		panic("no values for " + v.Type().String())
	}
}

// TestRoundTrip encodes and decodes random inputs and outputs of every
// operation.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for name, pair := range newShapes() {
		for kind, make := range pair {
			if make == nil {
				continue
			}
			t.Run(fmt.Sprintf("%s %d", name, kind), func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(uint64(kind), 7))
				for range 30 {
					v, again := make(), make()
					fill(rng, reflect.ValueOf(v).Elem())
					text := Encode(v)
					if err := Decode(text, again); err != nil {
						t.Fatalf("%v\n%s", err, text)
					}
					if !reflect.DeepEqual(v, again) {
						t.Fatalf("%s\nread as %s", text, Encode(again))
					}
				}
			})
		}
	}
}

// TestEveryOperationIsRouted sends each operation through a client and a
// handler whose service is a second client: what arrives behind both must be
// what was sent, and what is answered there must come back.
func TestEveryOperationIsRouted(t *testing.T) {
	t.Parallel()
	m := readModel(t)
	shapes := newShapes()
	for _, name := range Operations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			input, err := jsonText(m.Full(m.Operations[name].Input.Shape))
			if err != nil {
				t.Fatal(err)
			}
			in := shapes[name][0]()
			if err := Decode([]byte(input), in); err != nil {
				t.Fatal(err)
			}
			var out, got Shape
			answer := ""
			if shapes[name][1] != nil {
				out, got = shapes[name][1](), shapes[name][1]()
				fill(rand.New(rand.NewPCG(3, 5)), reflect.ValueOf(out).Elem())
				answer = string(Encode(out))
			}
			var target, body string
			behind := &Client{Endpoint: "http://behind", HTTP: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				target = r.Header.Get("X-Amz-Target")
				text, err := io.ReadAll(r.Body)
				body = string(text)
				return reply(200, answer), err
			})}}
			srv := httptest.NewServer(NewHandler(behind, signed{}, Options{Logger: slog.New(slog.DiscardHandler)}))
			t.Cleanup(srv.Close)
			client := &Client{Endpoint: srv.URL, HTTP: srv.Client(), Sign: func(r *http.Request, _ []byte) error {
				r.Header.Set("Authorization", "alice")
				return nil
			}}
			results := reflect.ValueOf(client).MethodByName(name).Call([]reflect.Value{reflect.ValueOf(t.Context()), reflect.ValueOf(in)})
			if err, _ := results[len(results)-1].Interface().(error); err != nil {
				t.Fatal(err)
			}
			if target != "CodePipeline_20150709."+name || body != string(Encode(in)) {
				t.Errorf("%s arrived as %s %s", Encode(in), target, body)
			}
			if out != nil {
				if got = results[0].Interface().(Shape); !reflect.DeepEqual(got, out) {
					t.Errorf("%s came back as %s", answer, Encode(got))
				}
			}
		})
	}
}

func TestClientErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		resp *http.Response
		want APIError
	}{
		{"bare code", reply(400, `{"__type":"ConflictException","message":"busy"}`, "x-amzn-RequestId", "id"), APIError{"ConflictException", "busy", 400, "id"}},
		{"namespace and capital message", reply(400, `{"__type":"com.amazon#SerializationException:http://x","Message":"m"}`), APIError{"SerializationException", "m", 400, ""}},
		{"code in the header", reply(503, `{}`, "x-amzn-ErrorType", "ServiceUnavailable:"), APIError{"ServiceUnavailable", "", 503, ""}},
		{"not JSON", reply(502, `<html>`), APIError{"502", "<html>", 502, ""}},
		{"empty", reply(500, ``), APIError{"500", "", 500, ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &Client{Endpoint: "http://x", HTTP: &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return tt.resp, nil })}}
			_, err := c.GetPipeline(t.Context(), &GetPipelineInput{Name: "p"})
			got, ok := errors.AsType[*APIError](err)
			if !ok || *got != tt.want {
				t.Errorf("%+v, want %+v", err, tt.want)
			}
		})
	}
}

func TestClientRequests(t *testing.T) {
	t.Parallel()
	var r *http.Request
	answer := `{"unknown":1}`
	c := &Client{Endpoint: "http://x/base/", HTTP: &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
		r = req
		return reply(200, answer), nil
	})}}
	out, err := c.PollForJobs(WithWait(t.Context(), 7500*time.Millisecond), &PollForJobsInput{})
	if err != nil || out.Jobs != nil {
		t.Fatalf("%+v, %v", out, err)
	}
	if r.URL.String() != "http://x/base/" || r.Method != "POST" || r.Header.Get("Prefer") != "wait=7" || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
	}
	if _, err := c.PollForJobs(t.Context(), &PollForJobsInput{}); err != nil || r.Header.Get("Prefer") != "" {
		t.Errorf("%v %v", err, r.Header)
	}
	answer = ""
	if out, err := c.PollForJobs(t.Context(), &PollForJobsInput{}); err != nil || out == nil {
		t.Errorf("empty answer: %v, %v", out, err)
	}
	answer = `{"jobs":1}`
	if _, err := c.PollForJobs(t.Context(), &PollForJobsInput{}); fault.Code(err) != "SerializationException" {
		t.Errorf("an answer of the wrong type: %v", err)
	}
	c.Sign = func(*http.Request, []byte) error { return errors.New("no key") }
	if _, err := c.PollForJobs(t.Context(), &PollForJobsInput{}); err == nil || !strings.Contains(err.Error(), "no key") {
		t.Errorf("unsigned: %v", err)
	}
}

func TestCallRaw(t *testing.T) {
	t.Parallel()
	var sent string
	c := &Client{Endpoint: "http://x", HTTP: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		text, err := io.ReadAll(r.Body)
		sent = r.Header.Get("X-Amz-Target") + string(text)
		return reply(200, `{"clientId":"c"}`), err
	})}}
	var out struct{ ClientID string }
	if err := c.CallRaw(t.Context(), "Penstock.Connect", map[string]int{"a": 1}, &out); err != nil || out.ClientID != "c" || sent != `Penstock.Connect{"a":1}` {
		t.Errorf("%s → %+v, %v", sent, out, err)
	}
	if err := c.CallRaw(t.Context(), "Penstock.Connect", nil, nil); err != nil || sent != `Penstock.Connect{}` {
		t.Errorf("%s, %v", sent, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.HTTP = nil
	if err := c.CallRaw(ctx, "Penstock.Connect", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
