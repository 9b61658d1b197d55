package apigen

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const modelFile = "../../model/codepipeline-2015-07-09.json"

func readModel(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(modelFile)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestNoDrift regenerates in memory: the committed files must be the result.
func TestNoDrift(t *testing.T) {
	t.Parallel()
	files, err := Generate(readModel(t))
	if err != nil {
		t.Fatal(err)
	}
	committed, err := filepath.Glob("../api/*_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range committed {
		names = append(names, filepath.Base(path))
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text, files[filepath.Base(path)]) {
			t.Errorf("%s differs: run go generate ./internal/api", path)
		}
	}
	if want := slices.Sorted(maps.Keys(files)); !slices.Equal(names, want) {
		t.Errorf("committed files are %v, generated %v", names, want)
	}
}

func TestGenerateRefuses(t *testing.T) {
	t.Parallel()
	model := string(readModel(t))
	for _, tt := range []struct{ name, model, want string }{
		{"text that is not JSON", "{", "reading the model"},
		{"a model without an overridden shape", `{"operations":{},"shapes":{}}`, "override of ActionConfigurationValue"},
		{"an unknown type", strings.Replace(model, `"timestamp"`, `"blob"`, 1), `type "blob" is not supported`},
		{"an enum that grew", strings.Replace(model, `"Latest"`, `"Latest","Newest"`, 1), "override of StartTimeRange"},
		{"a pattern that RE2 lacks", strings.Replace(model, `"AWS|ThirdParty"`, `"(?<!x)AWS"`, 1), "pattern (?<!x)AWS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.model == model {
				t.Fatal("the model was not changed")
			}
			_, err := Generate([]byte(tt.model))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestEnumName(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"InProgress":           "JobStatusInProgress",
		"BEFORE_ENTRY":         "JobStatusBeforeEntry",
		"AWS":                  "JobStatusAws",
		"S3_OBJECT_VERSION_ID": "JobStatusS3ObjectVersionId",
		"V1":                   "JobStatusV1",
	} {
		if got := enumName("JobStatus", value); got != want {
			t.Errorf("enumName(%s) = %s, want %s", value, got, want)
		}
	}
}

func TestMatcher(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, pattern, want string }{
		{"uuid", uuidPattern, "isUUID"},
		{"account", `[0-9]{12}`, "isAccountID"},
		{"anything on one line", `.*`, "isOneLine"},
		{"one class", `[0-3]+`, "charset{0xf000000000000, 0x0}.matches"},
		{"one class with anchors", `^[0-3]+$`, "charset{0xf000000000000, 0x0}.matches"},
		{"beyond ASCII", `[à]+`, "wholeMatch(`[à]+`)"},
		{"dots outside of classes", `a\.[.]+.`, "wholeMatch(`a\\.[.]+" + javaDot + "`)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := new(writer)
			if got := matcher(w, tt.pattern); got != tt.want || w.err != nil {
				t.Errorf("matcher(%s) = %s, %v, want %s", tt.pattern, got, w.err, tt.want)
			}
		})
	}
}
