package actiontype_test

import (
	"testing"

	"penstock/internal/core/actiontype"
)

func TestRenderURL(t *testing.T) {
	t.Parallel()
	config := map[string]string{
		"Server": "https://ci.test:8443/a b",
		"Job":    "shop/{RevisionId}{Config:Server}",
		"Region": "x",
	}
	for _, c := range []struct {
		name, template, external, revision, want string
	}{
		{name: "no template"},
		{name: "no placeholder", template: "https://ci.test/{other}/{", want: "https://ci.test/{other}/{"},
		{name: "starts with a placeholder", template: "{Config:Server}/view?x=1", want: "https://ci.test:8443/a b/view?x=1"},
		{name: "values are not read again", template: "https://x/{Config:Job}", want: "https://x/shop/{RevisionId}{Config:Server}"},
		{name: "execution", template: "https://x/{Config:Region}/{ExternalExecutionId}#log", external: "42", want: "https://x/x/42#log"},
		{name: "execution not known yet", template: "https://x/{ExternalExecutionId}", want: ""},
		{name: "revision", template: "https://x/{RevisionId}", revision: "c0ffee", want: "https://x/c0ffee"},
		{name: "revision not known yet", template: "https://x/{RevisionId}", external: "42", want: ""},
		{name: "key not set", template: "https://x/{Config:Lost}", want: ""},
		{name: "never closed", template: "https://x/{Config:Server", want: "https://x/{Config:Server"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := actiontype.RenderURL(c.template, config, c.external, c.revision); got != c.want {
				t.Errorf("RenderURL(%q) = %q, want %q", c.template, got, c.want)
			}
		})
	}
}

func FuzzRenderURL(f *testing.F) {
	f.Add("https://x/{Config:a}/{ExternalExecutionId}{RevisionId}{")
	f.Fuzz(func(t *testing.T, template string) {
		if len(template) > 64 {
			t.Skip("too many parts to name them all")
		}
		// A template whose placeholders stand for themselves renders to itself.
		config := map[string]string{"": "{Config:}"}
		for i := range template {
			for j := i + 1; j <= len(template); j++ {
				config[template[i:j]] = "{Config:" + template[i:j] + "}"
			}
		}
		if got := actiontype.RenderURL(template, config, "{ExternalExecutionId}", "{RevisionId}"); got != template {
			t.Errorf("RenderURL(%q) = %q", template, got)
		}
	})
}
