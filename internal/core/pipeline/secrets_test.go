package pipeline_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"penstock/internal/core/pipeline"
)

func seal(s string) (string, error) { return "sealed(" + s + ")", nil }

func unseal(s string) (string, error) {
	return strings.TrimSuffix(strings.TrimPrefix(s, "sealed("), ")"), nil
}

// withSecrets has a GitHub source and a custom action with two secrets.
func withSecrets(edits ...edit) *pipeline.Declaration {
	edits = append([]edit{func(d *pipeline.Declaration) {
		d.Stages[0].Actions = append(d.Stages[0].Actions, pipeline.Action{
			Name:          "Hub",
			Type:          pipeline.ActionType{Category: "Source", Owner: "ThirdParty", Provider: "GitHub", Version: "1"},
			Configuration: map[string]string{"Owner": "acme", "Repo": "shop", "Branch": "main", "OAuthToken": "t0"},
			Outputs:       []pipeline.OutputArtifact{{Name: "Hub"}},
		})
		a := lint()
		a.Configuration["Token"], a.Configuration["Second"] = "t1", "t2"
		d.Stages[2].Actions = append(d.Stages[2].Actions, a)
	}}, edits...)
	return declared(edits...)
}

func hub(d *pipeline.Declaration) *pipeline.Action   { return &d.Stages[0].Actions[1] }
func lint1(d *pipeline.Declaration) *pipeline.Action { return &d.Stages[2].Actions[1] }

// stored is withSecrets as the store has it.
func stored(t *testing.T) *pipeline.Declaration {
	t.Helper()
	d, err := pipeline.Secrets(nil, withSecrets(), env(), seal)
	if err != nil {
		t.Fatalf("seal: %v", err)
	}
	return d
}

func TestSecretsSealsAndLists(t *testing.T) {
	t.Parallel()
	next := withSecrets()
	before := next.Clone()
	d, err := pipeline.Secrets(nil, next, env(), seal)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(next, before) {
		t.Error("the declaration of the caller was changed")
	}
	if got := hub(d).Secrets; !reflect.DeepEqual(got, []string{"OAuthToken"}) {
		t.Errorf("secrets of GitHub = %v", got)
	}
	if got := lint1(d).Secrets; !reflect.DeepEqual(got, []string{"Token", "Second"}) {
		t.Errorf("secrets of the custom action = %v", got)
	}
	if d.Stages[1].Actions[0].Secrets != nil {
		t.Errorf("secrets of a build = %v", d.Stages[1].Actions[0].Secrets)
	}
	want := map[string]string{"Project": "shop", "URL": "https://lint.test", "Token": "sealed(t1)", "Second": "sealed(t2)"}
	if got := lint1(d).Configuration; !reflect.DeepEqual(got, want) {
		t.Errorf("configuration = %v, want %v", got, want)
	}
}

func TestSecretsRoundTrip(t *testing.T) { // get, edit, update
	t.Parallel()
	prev := stored(t)
	seen := pipeline.Mask(prev)
	for _, a := range []*pipeline.Action{hub(seen), lint1(seen)} {
		for _, key := range a.Secrets {
			if a.Configuration[key] != "****" {
				t.Errorf("%s is shown as %q", key, a.Configuration[key])
			}
		}
	}
	if hub(prev).Configuration["OAuthToken"] != "sealed(t0)" {
		t.Error("Mask changed its argument")
	}
	again, err := pipeline.Secrets(prev, seen, env(), seal)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again, prev) {
		t.Errorf("after the round trip:\n%+v\nwant\n%+v", again, prev)
	}
	clear := again.Clone()
	if err := pipeline.MapSecrets(clear, unseal); err != nil {
		t.Fatal(err)
	}
	if got := hub(clear).Configuration["OAuthToken"]; got != "t0" {
		t.Errorf("unsealed = %q", got)
	}
}

func TestSecretsKeptOrRefused(t *testing.T) {
	t.Parallel()
	const (
		isNew = `Action configuration for the new action "A" contains an invalid configuration for the secret property "P". "****" may be used in secret properties only when updating an existing action.`
		moved = `Action configuration for the action "A" was changed, so the value of the secret property "P" must be sent again. "****" keeps a stored secret only while all other configuration values of the action stay as they are.`
	)
	hubText := strings.NewReplacer(`"A"`, `"Hub"`, `"P"`, `"OAuthToken"`)
	lintText := strings.NewReplacer(`"A"`, `"Lint"`, `"P"`, `"Token"`)
	for _, c := range []struct {
		name string
		edit edit // of what Mask showed
		text string
	}{
		{"unchanged", func(*pipeline.Declaration) {}, ""},
		{"GitHub, branch changed", func(d *pipeline.Declaration) { hub(d).Configuration["Branch"] = "next" }, ""},
		{"GitHub, renamed action", func(d *pipeline.Declaration) { hub(d).Name = "Hub2" }, strings.Replace(hubText.Replace(isNew), `"Hub"`, `"Hub2"`, 1)},
		{"GitHub, renamed stage", func(d *pipeline.Declaration) { d.Stages[0].Name = "S" }, hubText.Replace(isNew)},
		{"GitHub, new token", func(d *pipeline.Declaration) { hub(d).Configuration["OAuthToken"] = "t9" }, ""},
		{"custom, other values of the pipeline changed", func(d *pipeline.Declaration) {
			a := lint1(d)
			a.RunOrder, a.Namespace, a.Inputs = 3, "L", nil
			d.Stages[1].Actions[0].Configuration["ProjectName"] = "other"
		}, ""},
		{"custom, URL changed", func(d *pipeline.Declaration) { lint1(d).Configuration["URL"] = "https://evil.test" }, lintText.Replace(moved)},
		{"custom, key added", func(d *pipeline.Declaration) { lint1(d).Configuration["Count"] = "1" }, lintText.Replace(moved)},
		{"custom, secret dropped", func(d *pipeline.Declaration) { delete(lint1(d).Configuration, "Second") }, lintText.Replace(moved)},
		{"custom, other secret sent anew", func(d *pipeline.Declaration) { lint1(d).Configuration["Second"] = "t9" }, lintText.Replace(moved)},
		{"custom, both sent anew with another URL", func(d *pipeline.Declaration) {
			c := lint1(d).Configuration
			c["URL"], c["Token"], c["Second"] = "https://new.test", "a", "b"
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			prev := stored(t)
			next := pipeline.Mask(prev)
			c.edit(next)
			d, err := pipeline.Secrets(prev, next, env(), seal)
			if c.text != "" {
				wantFault(t, err, iact, c.text)
				return
			}
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			if err := pipeline.MapSecrets(d, func(s string) (string, error) {
				if strings.Count(s, "sealed(") != 1 || strings.Contains(s, "****") {
					t.Errorf("stored secret %q is not sealed once", s)
				}
				return s, nil
			}); err != nil {
				t.Fatal(err)
			}
		})
	}

	t.Run("a secret the stored action had not", func(t *testing.T) {
		t.Parallel()
		prev, err := pipeline.Secrets(nil, withSecrets(func(d *pipeline.Declaration) { delete(lint1(d).Configuration, "Token") }), env(), seal)
		if err != nil {
			t.Fatal(err)
		}
		next := pipeline.Mask(prev)
		lint1(next).Configuration["Token"] = "****"
		_, err = pipeline.Secrets(prev, next, env(), seal)
		wantFault(t, err, iact, lintText.Replace(isNew))
	})

	t.Run("V-54 new pipeline", func(t *testing.T) {
		t.Parallel()
		next := withSecrets(func(d *pipeline.Declaration) { hub(d).Configuration["OAuthToken"] = "****" })
		_, err := pipeline.Secrets(nil, next, env(), func(string) (string, error) {
			t.Error("sealed before the refusal")
			return "", nil
		})
		wantFault(t, err, iact, hubText.Replace(isNew))
	})

	t.Run("another type under the same name", func(t *testing.T) {
		t.Parallel()
		prev := stored(t)
		next := pipeline.Mask(prev)
		lint1(next).Type, lint1(next).Configuration = hub(next).Type, map[string]string{"OAuthToken": "****"}
		_, err := pipeline.Secrets(prev, next, env(), seal)
		wantFault(t, err, iact, strings.NewReplacer(`"A"`, `"Lint"`, `"P"`, `"OAuthToken"`).Replace(isNew))
	})
}

func TestSecretsPassesOnFailures(t *testing.T) {
	t.Parallel()
	broken := errors.New("no key")
	fails := func(string) (string, error) { return "", broken }
	if _, err := pipeline.Secrets(nil, withSecrets(), env(), fails); !errors.Is(err, broken) {
		t.Errorf("Secrets = %v", err)
	}
	if err := pipeline.MapSecrets(stored(t), fails); !errors.Is(err, broken) {
		t.Errorf("MapSecrets = %v", err)
	}
}

func TestMaskConfiguration(t *testing.T) {
	t.Parallel()
	given := map[string]string{"URL": "u", "Token": "t"}
	got := pipeline.MaskConfiguration(given, []string{"Token", "Absent"})
	if want := map[string]string{"URL": "u", "Token": "****"}; !reflect.DeepEqual(got, want) {
		t.Errorf("masked = %v, want %v", got, want)
	}
	if given["Token"] != "t" {
		t.Error("the argument was changed")
	}
}
