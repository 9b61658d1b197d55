package connection

import (
	"encoding/json"
	"strings"
	"testing"

	"penstock/internal/core/engine"
	"penstock/internal/core/trigger"
	"penstock/internal/store"
)

func TestRemote(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		connection store.Connection
		repository string
		url        string // "" = refused
	}{
		{store.Connection{Provider: "GitHub"}, "acme/shop", "https://github.com/acme/shop.git"},
		{store.Connection{Provider: "GitHub"}, "acme/shop.git", "https://github.com/acme/shop.git"},
		{store.Connection{Provider: "GitLab"}, "group/sub/name", "https://gitlab.com/group/sub/name.git"},
		{store.Connection{Provider: "Git", BaseURL: "file:///srv/git/"}, "shop", "file:///srv/git/shop"},
		{store.Connection{Provider: "Git", BaseURL: "ssh://git@host:22/x"}, "shop", "ssh://git@host:22/x/shop"},
		{store.Connection{Provider: "Git", BaseURL: "file:///srv/git"}, "../../etc", ""},
		{store.Connection{Provider: "Git", BaseURL: "file:///srv/git"}, "a/./b", ""},
		{store.Connection{Provider: "Git", BaseURL: "file:///srv/git"}, "/etc", ""},
		{store.Connection{Provider: "GitHub"}, "", ""},
		{store.Connection{Provider: "GitHub"}, "acme/", ""},
		{store.Connection{Provider: "GitHub"}, "-x/y", ""},
		{store.Connection{Provider: "GitHub"}, "a b/c", ""},
		{store.Connection{Provider: "GitHub"}, "a/b?c", ""},
		{store.Connection{Provider: "GitHub"}, "a/%2e%2e", ""},
		{store.Connection{Provider: "GitHub"}, "a/b\nc", ""},
		{store.Connection{Provider: "GitHub"}, strings.Repeat("a", 1001), ""},
	} {
		c.connection.Token = "secret"
		if err := Complete(&c.connection); err != nil {
			t.Fatalf("%+v: %v", c.connection, err)
		}
		r, err := Remote(c.connection, c.repository)
		if r.URL != c.url || (err == nil) != (c.url != "") {
			t.Errorf("%s of %s: %q, %v", c.repository, c.connection.Provider, r.URL, err)
		}
		if ssh := strings.HasPrefix(r.URL, "ssh:"); err == nil && (r.Key != "") != ssh || err == nil && (r.Token != "") == ssh {
			t.Errorf("%s: the secret is taken for the wrong thing", r.URL)
		}
	}
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	below := []string{"https://git.example.com/team/", "file:///srv/git"}
	for base, want := range map[string]bool{
		"https://git.example.com/team": true, "https://git.example.com/team/a": true, "file:///srv/git/a": true,
		"https://git.example.com": false, "https://git.example.com/teams": false, "http://git.example.com/team": false,
		"file:///srv/gitx": false, "file:///srv/git/../x": false, "https://git.example.com:8443/team": false,
	} {
		if got := Allowed(base, below); got != want {
			t.Errorf("%s: %v", base, got)
		}
	}
}

// However long the texts are, the detail is JSON within its limit, and as much of
// them as fits is in it.
func TestDetail(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("\"é\\\x01", 5000)
	for _, e := range []*engine.GitEvent{
		eventOf(store.Connection{Provider: "GitHub"}, &trigger.Event{Kind: trigger.Push, Repository: "acme/shop", Branch: "main", Description: trigger.Description{Message: long, AuthorName: long}}),
		eventOf(store.Connection{Provider: "GitHub"}, &trigger.Event{Kind: trigger.PullRequest, Repository: strings.Repeat("r", 900), Branch: strings.Repeat("b", 900),
			Pull: &trigger.Pull{ID: "1", Title: long, Source: strings.Repeat("s", 900)}, Description: trigger.Description{Message: "\xff"}}),
		{},
	} {
		text := detail(e, strings.Repeat("a", 40))
		var got map[string]string
		if err := json.Unmarshal([]byte(text), &got); err != nil || len(text) > maxDetail || got["commit-id"] != strings.Repeat("a", 40) {
			t.Errorf("%d bytes, %v: %s", len(text), err, text)
		}
	}
	if text := detail(&engine.GitEvent{Message: strings.Repeat("m", 2000)}, ""); !strings.Contains(text, strings.Repeat("m", 500)) {
		t.Errorf("too little is left: %s", text)
	}
}
