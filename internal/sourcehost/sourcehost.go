// Package sourcehost sets up and removes hooks at the host of a Git
// repository, by the API that GitHub has and Gitea and Forgejo follow.
//
// It talks to the one API that the operator has configured and follows no
// redirect elsewhere, so that neither a declaration nor an answer can make the
// server call other addresses. Its errors are shown to users: they never carry
// tokens, secrets or URLs of hooks.
package sourcehost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Host is the API of a source host.
type Host struct {
	base   *url.URL
	client *http.Client
}

const (
	// callTime bounds one request, with its answer.
	callTime = 10 * time.Second
	// maxAnswer bounds the answer that is read, in bytes, and maxShown how
	// much of it an error shows, in characters.
	maxAnswer = 4 << 20
	maxShown  = 500
	// maxPages bounds the search for a hook among those of a repository.
	maxPages  = 20
	redirects = 3
)

// New returns the host whose API is below base, for instance
// https://api.github.com, https://github.example.com/api/v3 or
// https://gitea.example.com/api/v1. Requests go through transport,
// http.DefaultTransport if it is nil.
func New(base string, transport http.RoundTripper) (*Host, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q is not the http or https URL of an API", base)
	}
	h := &Host{base: u}
	h.client = &http.Client{Transport: transport, Timeout: callTime, CheckRedirect: h.checkRedirect}
	return h, nil
}

var errRedirect = errors.New("the host answered with a redirect to another place")

func (h *Host) checkRedirect(r *http.Request, via []*http.Request) error {
	if len(via) > redirects || r.URL.Scheme != h.base.Scheme || r.URL.Host != h.base.Host || r.Method != via[0].Method {
		return errRedirect
	}
	return nil
}

// Hook is a hook of a repository that delivers pushes.
type Hook struct {
	Owner, Repo string
	Token       string // OAuth or personal access token with the right to manage hooks
	URL         string // where it delivers
	Secret      string // what it signs with; "" = not at all
}

// hidden are the parts of a hook that no error shows.
func (k Hook) hidden() []string { return []string{k.Token, k.URL, k.Secret} }

// Refused is an answer that is no success.
type Refused struct {
	Status int
	Body   string
}

// Error implements error, in the words that CodePipeline uses.
func (e *Refused) Error() string {
	cause := http.StatusText(e.Status)
	if cause == "" {
		cause = "Unexpected answer"
	}
	cause = cause[:1] + strings.ToLower(cause[1:])
	return fmt.Sprintf("%s [StatusCode: %d, Body: %s]", cause, e.Status, e.Body)
}

// Register makes the hook, or gives the one that has its URL the secret.
func (h *Host) Register(ctx context.Context, k Hook) error {
	id, found, err := h.find(ctx, k)
	if err != nil {
		return err
	}
	config := map[string]string{"url": k.URL, "content_type": "json"}
	if k.Secret != "" {
		config["secret"] = k.Secret
	}
	body := map[string]any{"active": true, "events": []string{"push"}, "config": config}
	if found {
		return h.call(ctx, k, http.MethodPatch, strconv.FormatInt(id, 10), nil, body, nil)
	}
	if strings.HasSuffix(strings.TrimRight(h.base.Path, "/"), "/api/v1") {
		body["type"] = "gitea" // Gitea and Forgejo ask for it, GitHub for a name
	} else {
		body["name"] = "web"
	}
	return h.call(ctx, k, http.MethodPost, "", nil, body, nil)
}

// Deregister removes the hook that has the URL; none is success.
func (h *Host) Deregister(ctx context.Context, k Hook) error {
	id, found, err := h.find(ctx, k)
	if err != nil || !found {
		return err
	}
	err = h.call(ctx, k, http.MethodDelete, strconv.FormatInt(id, 10), nil, nil, nil)
	if e, ok := errors.AsType[*Refused](err); ok && e.Status == http.StatusNotFound {
		return nil // somebody else was faster
	}
	return err
}

// find looks for the hook that has the URL.
func (h *Host) find(ctx context.Context, k Hook) (id int64, found bool, err error) {
	first := int64(0)
	for page := 1; page <= maxPages; page++ {
		var hooks []struct {
			ID     int64
			Config struct{ URL string }
		}
		// GitHub calls the size of a page per_page, Gitea limit.
		query := url.Values{"page": {strconv.Itoa(page)}, "per_page": {"100"}, "limit": {"100"}}
		if err := h.call(ctx, k, http.MethodGet, "", query, nil, &hooks); err != nil {
			return 0, false, err
		}
		if len(hooks) == 0 || hooks[0].ID == first {
			break // the end, or a host without pages
		}
		first = hooks[0].ID
		for _, hook := range hooks {
			if hook.Config.URL == k.URL {
				return hook.ID, true, nil
			}
		}
	}
	return 0, false, nil
}

// namePattern is what a host allows in names; no name may climb the path.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*$`)

// call sends a request about the hooks of a repository and decodes the answer
// into out unless it is nil.
func (h *Host) call(ctx context.Context, k Hook, method, id string, query url.Values, in, out any) error {
	if !namePattern.MatchString(k.Owner) || !namePattern.MatchString(k.Repo) {
		return fmt.Errorf("%q is not the name of a repository", k.Owner+"/"+k.Repo)
	}
	u := h.base.JoinPath("repos", k.Owner, k.Repo, "hooks", id)
	u.RawQuery = query.Encode()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Authorization", "token "+k.Token)
	r.Header.Set("User-Agent", "Penstock")
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := h.client.Do(r)
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the URL
	}
	if errors.Is(err, errRedirect) {
		return errRedirect
	}
	if err != nil {
		return fmt.Errorf("the host cannot be reached: %s", hide(err.Error(), k))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return &Refused{Status: resp.StatusCode, Body: shown(answer, k)}
	case err != nil:
		return fmt.Errorf("the host's answer broke off: %s", hide(err.Error(), k))
	case len(answer) > maxAnswer:
		return errors.New("the host's answer is too long")
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return errors.New("the host's answer is not what its API promises")
	}
	return nil
}

func hide(text string, k Hook) string {
	for _, secret := range k.hidden() {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "****")
		}
	}
	return text
}

// shown is an answer as an error shows it: on one line, without secrets.
func shown(answer []byte, k Hook) string {
	text := strings.ToValidUTF8(string(answer[:min(len(answer), maxAnswer)]), "?")
	// JSON may write the URL of the hook in another way.
	text = strings.NewReplacer(`\u0026`, "&", `\/`, "/").Replace(text)
	text = strings.Join(strings.Fields(hide(text, k)), " ")
	if r := []rune(text); len(r) > maxShown {
		text = string(r[:maxShown]) + "…"
	}
	return text
}
