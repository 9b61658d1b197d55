package actiontype_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/pipeline"
)

var update = flag.Bool("update", false, "write the golden file anew")

// The golden file is the list a person can hold against the documentation of
// the service: one type a line, then its properties and links.
func TestBuiltinGolden(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, typ := range slices.Concat(actiontype.Builtin("us-east-1"), actiontype.BuiltinRules("us-east-1")) {
		describe(&b, typ)
	}
	path := filepath.Join("testdata", "builtin.golden")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("the built-in types changed; look at the difference and run the test with -update:\n%s", got)
	}
}

func describe(b *strings.Builder, t actiontype.Type) {
	fmt.Fprintf(b, "%s/%s/%s/%s in %d-%d out %d-%d %s", t.ID.Category, t.ID.Owner, t.ID.Provider, t.ID.Version,
		t.MinInputs, t.MaxInputs, t.MinOutputs, t.MaxOutputs, t.Timeout)
	if t.V2Only {
		b.WriteString(" V2")
	}
	if t.AnyConfiguration {
		b.WriteString(" any configuration")
	}
	b.WriteString("\n")
	var keys, required, optional []string
	for _, p := range t.Properties {
		name := p.Name
		if p.Secret {
			name += " (secret)"
		}
		switch {
		case p.Key:
			keys = append(keys, name)
		case p.Required:
			required = append(required, name)
		default:
			optional = append(optional, name)
		}
	}
	for _, line := range []struct{ name, text string }{
		{"key", strings.Join(keys, ", ")},
		{"required", strings.Join(required, ", ")},
		{"optional", strings.Join(optional, ", ")},
		{"entity", t.Settings.EntityURLTemplate},
		{"execution", t.Settings.ExecutionURLTemplate},
		{"revision", t.Settings.RevisionURLTemplate},
	} {
		if line.text != "" {
			fmt.Fprintf(b, "\t%s: %s\n", line.name, line.text)
		}
	}
}

// Every built-in type is sound: no id and no property twice, descriptions
// within the limits of the API model, links that name properties which exist.
func TestBuiltinIsSound(t *testing.T) {
	t.Parallel()
	seen := map[pipeline.ActionType]bool{}
	for _, typ := range slices.Concat(actiontype.Builtin("us-east-1"), actiontype.BuiltinRules("us-east-1")) {
		if seen[typ.ID] {
			t.Errorf("%v stands twice", typ.ID)
		}
		seen[typ.ID] = true
		if !typ.BuiltIn || typ.Timeout <= 0 || typ.MinInputs > typ.MaxInputs || typ.MinOutputs > typ.MaxOutputs {
			t.Errorf("%v: %+v", typ.ID, typ)
		}
		if (typ.ID.Category == "Rule") != slices.ContainsFunc(actiontype.BuiltinRules(""), func(r actiontype.Type) bool { return r.ID == typ.ID }) {
			t.Errorf("%v is listed with the wrong kind", typ.ID)
		}
		names := map[string]bool{}
		for _, p := range typ.Properties {
			if names[p.Name] || len(p.Name) == 0 || len(p.Name) > 50 || len(p.Description) == 0 || len(p.Description) > 160 || p.Queryable {
				t.Errorf("%v: property %+v", typ.ID, p)
			}
			names[p.Name] = true
		}
		custom := typ
		custom.ID.Category = "Test" // only links and properties are of interest
		if err := actiontype.ValidateCustom(custom); err != nil {
			t.Errorf("%v: %v", typ.ID, err)
		}
	}
}

func TestLookupBuiltin(t *testing.T) {
	t.Parallel()
	id := pipeline.ActionType{Category: "Build", Owner: "AWS", Provider: "CodeBuild", Version: "1"}
	typ, ok := actiontype.LookupBuiltin("eu-west-1", id)
	if want := "https://console.aws.amazon.com/codebuild/home?region=eu-west-1#/projects/{Config:ProjectName}/view"; !ok || typ.Settings.EntityURLTemplate != want {
		t.Errorf("found %t, entity URL %q, want %q", ok, typ.Settings.EntityURLTemplate, want)
	}
	if again, _ := actiontype.LookupBuiltin("us-east-1", id); !strings.Contains(again.Settings.EntityURLTemplate, "us-east-1") {
		t.Errorf("a second region got %q", again.Settings.EntityURLTemplate)
	}
	if _, ok := actiontype.LookupBuiltin("us-east-1", pipeline.ActionType{Category: "Rule", Owner: "AWS", Provider: "VariableCheck", Version: "1"}); !ok {
		t.Error("no rule type")
	}
	id.Version = "2"
	if _, ok := actiontype.LookupBuiltin("us-east-1", id); ok {
		t.Error("found a version that does not exist")
	}
}

func TestExecutorTimeout(t *testing.T) {
	t.Parallel()
	for job, want := range map[time.Duration]time.Duration{
		0: time.Hour, time.Minute: time.Hour, 12 * time.Hour: 12 * time.Hour,
	} {
		if got := actiontype.ExecutorTimeout(job); got != want {
			t.Errorf("ExecutorTimeout(%s) = %s, want %s", job, got, want)
		}
	}
}

func TestInfo(t *testing.T) {
	t.Parallel()
	names := func(typ actiontype.Type) []string {
		var list []string
		for _, p := range typ.Info().Properties {
			list = append(list, p.Name)
		}
		return list
	}
	partner := actiontype.Type{
		ID:         pipeline.ActionType{Category: "Test", Owner: "ThirdParty", Provider: "Acme", Version: "1"},
		Properties: []actiontype.Property{{Name: "Target", Required: true}},
	}
	if got := names(partner); !slices.Equal(got, []string{"Target", "ClientId"}) {
		t.Errorf("a partner type has %v", got)
	}
	partner.Properties = []actiontype.Property{{Name: "ClientId", Required: true}}
	if got := partner.Info().Properties; len(got) != 1 || !got[0].Required {
		t.Errorf("a partner type with its own ClientId has %+v", got)
	}
	hub, _ := actiontype.LookupBuiltin("us-east-1", pipeline.ActionType{Category: "Source", Owner: "ThirdParty", Provider: "GitHub", Version: "1"})
	if got := names(hub); slices.Contains(got, "ClientId") {
		t.Errorf("GitHub has %v", got)
	}
	got := jenkins().Info().Properties
	want := []pipeline.Property{
		{Name: "Server", Required: true},
		{Name: "Project", Required: true, Queryable: true},
		{Name: "Token", Required: true, Secret: true},
		{Name: "Note"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("properties = %+v, want %+v", got, want)
	}
}

func TestEnv(t *testing.T) {
	t.Parallel()
	own := jenkins()
	env := actiontype.Env("us-east-1", time.LoadLocation, func(id pipeline.ActionType) (actiontype.Type, bool) {
		return own, id == own.ID
	})
	if env.Region != "us-east-1" {
		t.Errorf("region = %q", env.Region)
	}
	if info, ok := env.Type(own.ID); !ok || info.BuiltIn || info.MaxInputs != 5 {
		t.Errorf("own type: %+v, %t", info, ok)
	}
	manual := pipeline.ActionType{Category: "Approval", Owner: "AWS", Provider: "Manual", Version: "1"}
	if info, ok := env.Type(manual); !ok || !info.BuiltIn {
		t.Errorf("built-in type: %+v, %t", info, ok)
	}
	if _, ok := env.Type(pipeline.ActionType{Provider: "Nobody"}); ok {
		t.Error("found a type that does not exist")
	}
}
