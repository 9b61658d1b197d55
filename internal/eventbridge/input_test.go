package eventbridge

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"penstock/internal/core/fault"
	"penstock/internal/store"
)

// TestInput: what targets make of an event, in each of the four ways, and what
// becomes of it.
func TestInput(t *testing.T) {
	t.Parallel()
	transform := func(template string, paths ...string) string {
		m := map[string]string{}
		for i := 0; i < len(paths); i += 2 {
			m[paths[i]] = paths[i+1]
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf(`"InputTransformer":{"InputPathsMap":%s,"InputTemplate":%s}`, b, quoted(template))
	}
	input := func(text string) string { return `"Input":` + quoted(text) }
	const variables = `{"variables":[{"name":"A","value":"1"},{"name":"Undeclared","value":"2"}]}`
	for _, tt := range []struct{ name, target, detail, want string }{
		{"the event itself", ``, variables, "A=none B=none"},
		{"a constant", input(variables), `{}`, "A=1 B=none"},
		{"a constant that is something else", input(`"text"`), `{}`, "A=none B=none"},
		{"a constant with other members", input(`{"x":{"variables":7},"sourceRevisions":[],"variables":null}`), `{}`, "A=none B=none"},
		{"a lone variable", input(`{"variables":{"name":"B","value":"2"}}`), `{}`, "A=none B=2"},
		{"a path", `"InputPath":"$.detail.start"`, `{"start":` + variables + `}`, "A=1 B=none"},
		{"a path to nothing", `"InputPath":"$.detail.other"`, `{"start":` + variables + `}`, "A=none B=none"},
		{"a list of paths", `"InputPath":"$.detail.*"`, `{"start":` + variables + `}`, "A=none B=none"},
		{"in quotes", transform(`{"variables":[{"name":"A","value":"<x>-<y>-<z>"}]}`, "x", "$.detail.x", "y", "$.detail.y", "z", "$.detail.z"), `{"x":"a\"\\<b>","y":1.50,"z":{"k":["v"]}}`, `A=a"\<b>-1.50-{"k":["v"]} B=none`},
		{"without quotes", transform(`{"variables":[{"name":"A","value":<x>}]}`, "x", "$.detail.x"), `{"x":"a\"b"}`, `A=a"b B=none`},
		{"nothing there", transform(`{"variables":[{"name":"A","value":<x>},{"name":"B","value":"<x>"}]}`, "x", "$.detail.x"), `{}`, "A=none B=none"},
		{"a whole list", transform(`{"variables":<x>}`, "x", "$.detail.v"), `{"v":[{"name":"B","value":"3"}]}`, "A=none B=3"},
		{"a name that is not known", transform(`{"variables":[{"name":"A","value":"<y> < >"}]}`, "x", "$.detail.x"), `{}`, "A=<y> < > B=none"},
		{"escapes", transform(`{"variables":[{"name":"A","value":"\"<x>\" \\<x>"}]}`, "x", "$.detail.x"), `{"x":"1"}`, `A="1" \1 B=none`},
		{"names of all", transform(`{"variables":[{"name":"A","value":"<aws.events.rule-name> <aws.events.rule-arn>"},{"name":"B","value":"<aws.events.event.ingestion-time>"}]}`), `{}`,
			"A=r arn:aws:events:eu-central-1:111111111111:rule/r B=2026-10-02T12:00:00Z"},
		{"the event as text", transform(`{"variables":[{"name":"A","value":"<aws.events.event.json>"}]}`), `{"x":1}`, `A={"account"`},
		{"the event without its detail", transform(`{"variables":[{"name":"A","value":"<aws.events.event>"}]}`), `{"x":1}`, `A={"account"`},
		{"a value that is a number", input(`{"variables":[{"name":"A","value":7}]}`), `{}`, "refused"},
		{"a value that is too long", input(`{"variables":[{"name":"A","value":"` + strings.Repeat("x", 1001) + `"}]}`), `{}`, "refused"},
		{"a variable twice", input(`{"variables":[{"name":"A","value":"1"},{"name":"A","value":"2"}]}`), `{}`, "refused"},
		{"variables that are none", input(`{"variables":"x"}`), `{}`, "refused"},
		{"a revision of no source", input(`{"sourceRevisions":[{"actionName":"Ask","revisionType":"S3_OBJECT_VERSION_ID","revisionValue":"1"}]}`), `{}`, "refused"},
		{"a revision of no kind", input(`{"sourceRevisions":[{"actionName":"Fetch","revisionType":"X","revisionValue":"1"}]}`), `{}`, "refused"},
		{"a revision", input(`{"sourceRevisions":[{"actionName":"Fetch","revisionType":"S3_OBJECT_VERSION_ID","revisionValue":"v1"}]}`), `{}`, "A=none B=none Fetch:S3_OBJECT_VERSION_ID:v1"},
		{"a lone revision", input(`{"sourceRevisions":{"actionName":"Fetch","revisionType":"S3_OBJECT_VERSION_ID","revisionValue":"v1"}}`), `{}`, "A=none B=none Fetch:S3_OBJECT_VERSION_ID:v1"},
		{"an input without end", transform(strings.Repeat("<x>", 2000), "x", "$.detail"), `{"x":"` + strings.Repeat("x", 100_000) + `"}`, "refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 10)
			id := w.pipeline("P")
			w.must("PutRule", `{"Name":"r",`+pattern+`}`)
			target := `"Id":"1","Arn":"` + arn("P") + `"`
			if tt.target != "" {
				target += "," + tt.target
			}
			w.must("PutTargets", `{"Rule":"r","Targets":[{`+target+`}]}`)
			w.publish(tt.detail)
			got := "refused"
			if list := w.executions(id); len(list) == 1 {
				var parts []string
				for _, v := range list[0].Variables {
					parts = append(parts, v.Name+"="+v.Value)
				}
				for _, o := range list[0].Overrides {
					parts = append(parts, o.Action+":"+o.Type+":"+o.Value)
				}
				got = strings.Join(parts, " ")
				if list[0].Trigger.Type != "CloudWatchEvent" || list[0].Trigger.Detail != store.EventRuleARN(account, region, "r") {
					t.Errorf("trigger %+v", list[0].Trigger)
				}
			}
			if got != tt.want && !(strings.HasSuffix(tt.want, `{"account"`) && strings.HasPrefix(got, tt.want)) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if strings.HasPrefix(tt.name, "the event without") && strings.Contains(got, `"detail":`) || strings.HasPrefix(tt.name, "the event as") && !strings.Contains(got, `"detail":{"x":1}`) {
				t.Errorf("got %s", got)
			}
		})
	}
}

// A rule that is changed on another server is heard of with the next event, and
// a rule hears of nothing from before it.
func TestRulesAreCurrent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10)
	id := w.pipeline("P")
	other := NewBus(w.Bus.store, w.Bus.log)
	event := func() *Event {
		t.Helper()
		e, err := newEvent(envelope{ID: "1", DetailType: "t", Source: "me", Account: account, Region: region, Detail: json.RawMessage("{}")}, w.time())
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	publish := func(e *Event, want int) {
		t.Helper()
		if err := other.publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if got := len(w.executions(id)); got != want {
			t.Fatalf("%d executions, want %d", got, want)
		}
	}
	early := event()
	publish(event(), 0)
	w.pass(1)
	w.must("PutRule", `{"Name":"r",`+pattern+`}`)
	w.must("PutTargets", `{"Rule":"r","Targets":[{"Id":"1","Arn":"`+arn("P")+`"}]}`)
	publish(event(), 1)
	w.pass(1e9)
	w.must("PutRule", `{"Name":"r",`+pattern+`,"State":"DISABLED"}`)
	publish(event(), 1)
	w.must("EnableRule", `{"Name":"r"}`)
	publish(early, 1)
	publish(event(), 2)
	w.must("RemoveTargets", `{"Rule":"r","Ids":["1"]}`)
	publish(event(), 2)
}

// FuzzInput: whatever a template and an event make of each other is an input or
// a refusal.
func FuzzInput(f *testing.F) {
	f.Add(`{"variables":[{"name":"A","value":"<x>"}],"sourceRevisions":<y>}`, `{"detail":{"x":"1","y":{"actionName":"A"}}}`)
	f.Add(`"<x>\<y><aws.events.event>`, `{"detail":{"x":["\u0000"]}}`)
	f.Fuzz(func(t *testing.T, template, event string) {
		e, err := readEvent(account, region, []byte(event), dawn)
		if err != nil || len(template) > 8192 || len(event) > maxInput {
			return
		}
		s := start{
			rule:   &store.EventRule{Account: account, Region: region, Name: "r"},
			target: &store.EventTarget{Transform: &store.InputTransform{Paths: map[string]string{"x": "$.detail.x", "y": "$..y"}, Template: template}}, event: e,
		}
		ev, err := s.input(dawn)
		if err != nil && fault.Code(err) == "" {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, v := range ev.Variables {
			seen[v.Name] = v.Value != ""
		}
		if slices.Contains(slices.Collect(maps.Values(seen)), false) {
			t.Fatalf("an empty value in %+v", ev.Variables)
		}
	})
}
