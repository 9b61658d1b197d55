package sourcehost_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"penstock/internal/sourcehost"
)

// api is a host with one repository, acme/site, that speaks GitHub's dialect
// or Gitea's.
type api struct {
	gitea bool
	page  int // hooks on a page

	mu    sync.Mutex
	next  int64
	hooks []map[string]any
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	base := "/repos/acme/site/hooks"
	if a.gitea {
		base = "/api/v1" + base
	}
	id, ok := strings.CutPrefix(r.URL.Path, base)
	if !ok || id == "/" {
		reply(w, 404, `{"message":"Not Found"}`)
		return
	}
	if r.Header.Get("Authorization") != "token t0ken" {
		reply(w, 401, `{"message":"Bad credentials"}`)
		return
	}
	id = strings.TrimPrefix(id, "/")
	var in map[string]any
	if raw, _ := io.ReadAll(r.Body); len(raw) > 0 && json.Unmarshal(raw, &in) != nil {
		reply(w, 400, `{}`)
		return
	}
	switch {
	case r.Method == "GET" && id == "":
		size, name := a.page, "per_page"
		if a.gitea {
			name = "limit"
		}
		if r.URL.Query().Get(name) == "" {
			reply(w, 400, `{"message":"no page size"}`)
			return
		}
		page := 0
		fmt.Sscan(r.URL.Query().Get("page"), &page)
		from := min((page-1)*size, len(a.hooks))
		b, _ := json.Marshal(a.hooks[from:min(from+size, len(a.hooks))])
		reply(w, 200, string(b))
	case r.Method == "POST" && id == "":
		if a.gitea && in["type"] != "gitea" || !a.gitea && (in["name"] != "web" || in["type"] != nil) {
			reply(w, 422, `{"message":"Validation Failed"}`)
			return
		}
		a.next++
		in["id"] = a.next
		a.hooks = append(a.hooks, in)
		reply(w, 201, `{}`)
	default:
		for i, h := range a.hooks {
			if fmt.Sprint(h["id"]) != id {
				continue
			}
			if r.Method == "DELETE" {
				a.hooks = append(a.hooks[:i], a.hooks[i+1:]...)
				w.WriteHeader(204)
				return
			}
			h["config"] = in["config"]
			reply(w, 200, `{}`)
			return
		}
		reply(w, 404, `{"message":"Not Found"}`)
	}
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, body)
}

func hook() sourcehost.Hook {
	return sourcehost.Hook{Owner: "acme", Repo: "site", Token: "t0ken", URL: "https://cd.example.com/webhooks/trigger?t=abc&v=1", Secret: "s3cret"}
}

func open(t *testing.T, base string) *sourcehost.Host {
	t.Helper()
	h, err := sourcehost.New(base, nil)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestRegisterAndDeregister(t *testing.T) {
	t.Parallel()
	for name, gitea := range map[string]bool{"GitHub": false, "Gitea": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &api{gitea: gitea, page: 2, next: 10}
			for i := range 4 {
				a.hooks = append(a.hooks, map[string]any{"id": int64(i + 1), "config": map[string]any{"url": fmt.Sprint("https://else/", i)}})
			}
			srv := httptest.NewServer(a)
			defer srv.Close()
			base := srv.URL
			if gitea {
				base += "/api/v1/"
			}
			h := open(t, base)
			if err := h.Register(t.Context(), hook()); err != nil {
				t.Fatal(err)
			}
			got, _ := json.Marshal(a.hooks[4])
			kind := `"name":"web"`
			if gitea {
				kind = `"type":"gitea"`
			}
			for _, want := range []string{`"active":true`, `"events":["push"]`, `"content_type":"json"`, `"secret":"s3cret"`, kind} {
				if !strings.Contains(string(got), want) {
					t.Errorf("the hook %s has no %s", got, want)
				}
			}
			again := hook()
			again.Secret = "changed"
			if err := h.Register(t.Context(), again); err != nil {
				t.Fatal(err)
			}
			got, _ = json.Marshal(a.hooks[4])
			if len(a.hooks) != 5 || !strings.Contains(string(got), `"secret":"changed"`) {
				t.Errorf("registered twice: %d hooks, the last %s", len(a.hooks), got)
			}
			for range 2 {
				if err := h.Deregister(t.Context(), hook()); err != nil {
					t.Fatal(err)
				}
			}
			if len(a.hooks) != 4 {
				t.Errorf("%d hooks are left", len(a.hooks))
			}
		})
	}
}

func TestWithoutSecret(t *testing.T) {
	t.Parallel()
	a := &api{page: 100}
	srv := httptest.NewServer(a)
	defer srv.Close()
	k := hook()
	k.Secret = ""
	if err := open(t, srv.URL).Register(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	if got, _ := json.Marshal(a.hooks[0]["config"]); strings.Contains(string(got), "secret") {
		t.Errorf("config %s", got)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s was called with %q", r.Method, r.URL, r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { reply(w, status, body) }
	}
	posts := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "GET" {
				reply(w, 200, `[]`)
				return
			}
			next(w, r)
		}
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		change  func(*sourcehost.Hook)
		want    string
	}{
		"not found":    {answer(404, `{"message":"Not Found"}`), nil, `Not found [StatusCode: 404, Body: {"message":"Not Found"}]`},
		"unauthorized": {answer(401, "no\n  no"), nil, `Unauthorized [StatusCode: 401, Body: no no]`},
		"odd status":   {answer(599, ""), nil, `Unexpected answer [StatusCode: 599, Body: ]`},
		"refused hook": {posts(answer(422, `{"message":"Validation Failed"}`)), nil, `Unprocessable entity [StatusCode: 422, Body: {"message":"Validation Failed"}]`},
		"secrets in the answer": {posts(answer(422, `{"token":"t0ken","secret":"s3cret","url":"https:\/\/cd.example.com\/webhooks\/trigger?t=abc\u0026v=1"}`)), nil,
			`Unprocessable entity [StatusCode: 422, Body: {"token":"****","secret":"****","url":"****"}]`},
		"long answer":   {answer(500, strings.Repeat("é", 1000)), nil, "Internal server error [StatusCode: 500, Body: " + strings.Repeat("é", 500) + "…]"},
		"no JSON":       {answer(200, `<html>`), nil, "the host's answer is not what its API promises"},
		"another shape": {answer(200, `{}`), nil, "the host's answer is not what its API promises"},
		"endless answer": {func(w http.ResponseWriter, _ *http.Request) {
			for range 5 << 20 / 1024 {
				if _, err := w.Write(make([]byte, 1024)); err != nil {
					return
				}
			}
		}, nil, "the host's answer is too long"},
		"redirect elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/", http.StatusTemporaryRedirect)
		}, nil, "the host answered with a redirect to another place"},
		"redirect of a POST elsewhere": {posts(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/", http.StatusPermanentRedirect)
		}), nil, "the host answered with a redirect to another place"},
		"redirect that turns a POST into a GET": {posts(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/other", http.StatusFound)
		}), nil, "the host answered with a redirect to another place"},
		"redirect for ever": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
		}, nil, "the host answered with a redirect to another place"},
		"owner that climbs": {nil, func(k *sourcehost.Hook) { k.Owner = ".." }, `"../site" is not the name of a repository`},
		"repo with a path":  {nil, func(k *sourcehost.Hook) { k.Repo = "a/../../user" }, `"acme/a/../../user" is not the name of a repository`},
		"repo with a query": {nil, func(k *sourcehost.Hook) { k.Repo = "a?x" }, `"acme/a?x" is not the name of a repository`},
		"no repo":           {nil, func(k *sourcehost.Hook) { k.Repo = "" }, `"acme/" is not the name of a repository`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := c.handler
			if handler == nil {
				handler = func(http.ResponseWriter, *http.Request) { t.Error("the host was called") }
			}
			srv := httptest.NewServer(handler)
			defer srv.Close()
			k := hook()
			if c.change != nil {
				c.change(&k)
			}
			err := open(t, srv.URL).Register(t.Context(), k)
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

// A renamed repository is followed within the host, with the same method.
func TestRedirectWithinTheHost(t *testing.T) {
	t.Parallel()
	a := &api{page: 100}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rest, ok := strings.CutPrefix(r.URL.Path, "/repos/old/site"); ok {
			http.Redirect(w, r, "/repos/acme/site"+rest+"?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
			return
		}
		a.ServeHTTP(w, r)
	}))
	defer srv.Close()
	k := hook()
	k.Owner = "old"
	if err := open(t, srv.URL).Register(t.Context(), k); err != nil || len(a.hooks) != 1 {
		t.Errorf("%v, %d hooks", err, len(a.hooks))
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	err := open(t, srv.URL).Register(t.Context(), hook())
	if err == nil || !strings.HasPrefix(err.Error(), "the host cannot be reached: ") || strings.Contains(err.Error(), "/repos/") {
		t.Errorf("got %v", err)
	}
	if _, ok := errors.AsType[*sourcehost.Refused](err); ok {
		t.Error("a host that is not there has refused")
	}
}

func TestHookThatIsGoneAlready(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			reply(w, 200, `[{"id":1,"config":{"url":"https://cd.example.com/webhooks/trigger?t=abc&v=1"}}]`)
			return
		}
		reply(w, 404, `{}`)
	}))
	defer srv.Close()
	if err := open(t, srv.URL).Deregister(t.Context(), hook()); err != nil {
		t.Error(err)
	}
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "api.github.com", "ftp://host", "https://", "https://user@host", "https://host?x", "https://host#x", "file:///etc/passwd", "%"} {
		if _, err := sourcehost.New(bad, nil); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
