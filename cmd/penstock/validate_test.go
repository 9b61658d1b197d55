package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write makes a file for a test.
func write(t *testing.T, name, data string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const (
	site    = "../../examples/site.json"
	release = "../../examples/release.yaml"
	lint    = "../../examples/lint.json"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	bad := write(t, "bad.json", "{\"name\": \"web\",\n\"roleArn\": \"nobody\",\n\"stages\": []}")
	broken := write(t, "broken.json", "{")
	for _, c := range []struct {
		name   string
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{"good", []string{"--action-type", lint, site, release}, exitOK, site + ": site: no problems\n" + release + ": release-main: no problems\n", ""},
		{"unknown type", []string{site}, exitFailure, site + `: site: 1 problem
` + site + `:36: stages[1].actions[1].actionTypeId: V-40
    ActionType (Category: 'Test', Provider: 'Lint', Owner: 'Custom', Version: '1') in action 'Lint' is not available in region 'US_EAST_1'
    Hint: Check category, owner, provider and version; describe a custom type with --action-type FILE, or allow all with --allow-unknown-types.
`, "penstock: 1 problem\n"},
		{"unknown types are allowed", []string{"--allow-unknown-types", site}, exitOK, site + ": site: no problems\n", ""},
		{"all problems", []string{bad}, exitFailure, bad + `: web: 3 problems
` + bad + `:1: the declaration: V-08
    Pipeline has neither 'pipeline.artifactStore' nor 'pipeline.artifactStores'. There should be exactly one of them in a pipeline
    Hint: Give artifactStore for a pipeline in one region, artifactStores for one in several.
` + bad + `:2: roleArn: constraint
    Member must satisfy regular expression pattern: arn:aws(-[\w]+)*:iam::[0-9]{12}:role/.*
` + bad + `:3: stages: V-03
    Pipeline has only 0 stage(s). There should be a minimum of 2 stages in a pipeline
    Hint: Add a stage: the first fetches the source, the next does something with it.
`, "penstock: 3 problems\n"},
		{"a file that is none", []string{broken, release}, exitUsage, broken + ": line 1: the document ends too early\n" + release + ": release-main: no problems\n",
			"penstock: 1 file could not be read as declarations\n"},
		{"no such file", []string{"nowhere.json"}, exitUsage, "nowhere.json: open nowhere.json: no such file or directory\n", "penstock: 1 file could not be read as declarations\n"},
		{"no such type file", []string{"--action-type", "nowhere.json", site}, exitUsage, "",
			"penstock: --action-type nowhere.json: open nowhere.json: no such file or directory; see `penstock validate --help`\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := consoleAt(t, "").run(append([]string{"validate"}, c.args...)...)
			if code != c.code || stdout != c.stdout || stderr != c.stderr {
				t.Errorf("exit %d\n%s%s\nwant exit %d\n%s%s", code, stdout, stderr, c.code, c.stdout, c.stderr)
			}
		})
	}
}

func TestValidateJSON(t *testing.T) {
	t.Parallel()
	code, stdout, _ := consoleAt(t, "").run("validate", "--output", "json", site, release)
	var got struct {
		Valid bool
		Files []struct {
			File      string
			Pipelines []struct {
				Name, Resource string
				Valid          bool
				Problems       []struct {
					Path, Rule, Message, Hint, Code string
					Line                            int
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != exitFailure {
		t.Fatalf("exit %d, %v: %s", code, err, stdout)
	}
	if got.Valid || len(got.Files) != 2 || got.Files[0].Pipelines[0].Valid || !got.Files[1].Pipelines[0].Valid || got.Files[1].Pipelines[0].Resource != "Release" {
		t.Fatalf("got %+v", got)
	}
	if p := got.Files[0].Pipelines[0].Problems[0]; p.Path != "stages[1].actions[1].actionTypeId" || p.Rule != "V-40" || p.Line != 36 ||
		p.Code != "InvalidActionDeclarationException" || p.Message == "" || p.Hint == "" {
		t.Errorf("got %+v", p)
	}
}

func TestValidateRegion(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(site)
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, "site.json", strings.Replace(string(data), `"name": "Site",`, `"name": "Site", "region": "eu-west-1",`, 1))
	for region, want := range map[string]int{"eu-west-1": exitOK, "us-east-1": exitFailure} {
		if code, stdout, _ := consoleAt(t, "").run("validate", "--allow-unknown-types", "--region", region, file); code != want {
			t.Errorf("%s: exit %d: %s", region, code, stdout)
		}
	}
}
