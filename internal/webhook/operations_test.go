package webhook_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

func TestPutWebhookErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{max: 1})
	w.pipeline(customSource)
	w.put(signedBy(secret))
	change := func(old, with string) string { return strings.Replace(open(), old, with, 1) }
	tags := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{"key":"k%d","value":""}`, i))
		}
		return `,"tags":[` + strings.Join(list, ",") + `]`
	}
	for _, tt := range []struct{ name, request, code, text string }{
		{"name", change(`"W"`, `"a b"`), "ValidationException", `1 validation error detected: Value at 'webhook.name' failed to satisfy constraint: Member must satisfy regular expression pattern: [A-Za-z0-9.@\-_]+`},
		{"no authentication configuration", change(`,"authenticationConfiguration":{}`, ""), "ValidationException", ""},
		{"six filters", open(strings.Split(strings.TrimSuffix(strings.Repeat(`{"jsonPath":"$.a"} `, 6), " "), " ")...), "ValidationException", ""},
		{"unknown authentication", definition("BASIC", ""), "ValidationException", ""},
		{"action in no stage", change(`"Fetch"`, `"Source"`), "ValidationException", "Webhook Action with name Source was not found in the first stage of the pipeline"},
		{"action in a later stage", change(`"Fetch"`, `"Ask"`), "ValidationException", "Webhook Action with name Ask was not found in the first stage of the pipeline"},
		{"pipeline", change(`"P"`, `"Q"`), "PipelineNotFoundException", "The account with AWS account ID '000000000000' does not include a pipeline named 'Q'"},
		{"no secret", definition("GITHUB_HMAC", ""), "InvalidWebhookAuthenticationParametersException", ""},
		{"secret and range", definition("GITHUB_HMAC", `"SecretToken":"s","AllowedIPRange":"10.0.0.0/8"`), "InvalidWebhookAuthenticationParametersException", ""},
		{"bad range", definition("IP", `"AllowedIPRange":"10.0.0.0/99"`), "InvalidWebhookAuthenticationParametersException", ""},
		{"parameters for none", definition("UNAUTHENTICATED", `"SecretToken":"s"`), "InvalidWebhookAuthenticationParametersException", ""},
		{"bad path", open(`{"jsonPath":"$.[ref"}`), "InvalidWebhookFilterPatternException", ""},
		{"function", open(`{"jsonPath":"$.ref.first()"}`), "InvalidWebhookFilterPatternException", ""},
		{"unknown placeholder", open(`{"jsonPath":"$.ref","matchEquals":"refs/heads/{Tag}"}`), "InvalidWebhookFilterPatternException", ""},
		{"limit", change(`"W"`, `"W2"`), "LimitExceededException", "The account has reached its limit of 1 webhooks in region eu-west-1"},
		{"bad tag", open() + `,"tags":[{"key":"aws:a","value":""}]`, "InvalidTagsException", ""},
		{"too many tags", open() + tags(51), "TooManyTagsException", "Tag limit exceeded for resource [" + hookARN + "]."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.refuse("PutWebhook", `{"webhook":`+tt.request+`}`, tt.code, tt.text)
		})
	}
	w.put(open(), tags(50))
	w.refuse("PutWebhook", `{"webhook":`+open()+`,"tags":[{"key":"one","value":"more"}]}`, "TooManyTagsException", "")
	if got := w.list(); len(got) != 1 || got[0].Definition.Authentication != "UNAUTHENTICATED" {
		t.Errorf("after all that: %+v", got)
	}
}

func TestSecretIsRedacted(t *testing.T) {
	t.Parallel()
	for _, reveal := range []bool{false, true} {
		w := newWorld(t, settings{reveal: reveal})
		w.pipeline(customSource)
		shown := map[bool]string{false: "****", true: secret}[reveal]
		check := func(hook item, want string) {
			t.Helper()
			got, _ := json.Marshal(hook.Definition.AuthenticationConfiguration)
			if string(got) != want {
				t.Errorf("reveal %v: got %s, want %s", reveal, got, want)
			}
		}
		want := fmt.Sprintf(`{"SecretToken":%q}`, shown)
		check(w.put(signedBy(secret)), want)
		check(w.list()[0], want)

		// Sent back it stays what it was.
		hook := w.put(signedBy("****"))
		check(hook, want)
		if status, _ := w.deliver(hook.URL, pushed, "X-Hub-Signature", sign1(secret, pushed)); status != 200 {
			t.Errorf("a delivery signed with the secret answers %d", status)
		}
		if status, _ := w.deliver(hook.URL, pushed, "X-Hub-Signature", sign1("****", pushed)); status != 403 {
			t.Errorf("a delivery signed with **** answers %d", status)
		}
		w.put(signedBy("changed"))
		if status, _ := w.deliver(hook.URL, pushed, "X-Hub-Signature", sign1(secret, pushed)); status != 403 {
			t.Errorf("a delivery signed with the old secret answers %d", status)
		}
		check(w.put(definition("IP", `"AllowedIPRange":"10.0.0.0/8"`)), `{"AllowedIPRange":"10.0.0.0/8"}`)
		check(w.put(open()), `{}`)
		const code = "InvalidWebhookAuthenticationParametersException"
		w.refuse("PutWebhook", `{"webhook":`+signedBy("****")+`}`, code, `The SecretToken "****" keeps the secret that a webhook has, but webhook 'W' has none`)
		w.refuse("PutWebhook", `{"webhook":`+strings.Replace(signedBy("****"), `"W"`, `"New"`, 1)+`}`, code, "")
	}
}

func TestListWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	if got := w.must("ListWebhooks", `{}`); got != `{"webhooks":[]}` {
		t.Errorf("none are %s", got)
	}
	w.pipeline(customSource)
	for _, name := range []string{"c", "a", "b"} {
		w.put(strings.Replace(open(`{"jsonPath":"$.ref","matchEquals":"x"}`, `{"jsonPath":"$.a"}`), `"W"`, `"`+name+`"`, 1))
	}
	type page struct {
		Webhooks  []item
		NextToken string
	}
	var names, tokens []string
	next := ""
	for range 3 {
		out := w.must("ListWebhooks", `{"MaxResults":1`+next+`}`)
		p := read[page](w, out)
		if len(p.Webhooks) != 1 || (p.NextToken != "") != strings.Contains(out, `"NextToken"`) {
			t.Fatalf("a page is %s", out)
		}
		names, tokens = append(names, p.Webhooks[0].Definition.Name), append(tokens, p.NextToken)
		next = `,"NextToken":"` + p.NextToken + `"`
	}
	if strings.Join(names, " ") != "a b c" || tokens[2] != "" {
		t.Errorf("pages %q, tokens %q", names, tokens)
	}
	out := w.must("ListWebhooks", `{"MaxResults":1}`)
	item := read[page](w, out).Webhooks[0]
	want := fmt.Sprintf(`{"webhooks":[{"definition":{"name":"a","targetPipeline":"P","targetAction":"Fetch","filters":[{"jsonPath":"$.ref","matchEquals":"x"},{"jsonPath":"$.a"}],`+
		`"authentication":"UNAUTHENTICATED","authenticationConfiguration":{}},"url":%s,"arn":"arn:aws:codepipeline:eu-west-1:000000000000:webhook:a","tags":[]}],"NextToken":"%s"}`,
		quoted(item.URL), tokens[0])
	if len(out) != len(want) || strings.Split(out, `"NextToken"`)[0] != strings.Split(want, `"NextToken"`)[0] {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
	w.refuse("ListWebhooks", `{"NextToken":"x"}`, "InvalidNextTokenException", "")
	w.refuse("ListWebhooks", `{"NextToken":""}`, "ValidationException", "")
	w.refuse("ListWebhooks", `{"MaxResults":101}`, "ValidationException", "1 validation error detected: Value at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100")
	w.refuse("ListWebhooks", `{"MaxResults":0}`, "ValidationException", "")
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return strings.ReplaceAll(string(b), `\u0026`, "&")
}

func TestDeleteWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	if got := w.must("DeleteWebhook", `{"name":"never"}`); got != "{}" {
		t.Errorf("deleting what is not there answers %s", got)
	}
	w.refuse("DeleteWebhook", `{}`, "ValidationException", "")
	w.refuse("DeleteWebhook", `{"name":"a b"}`, "ValidationException", "")
}

func TestTagsOfAWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.pipeline(customSource)
	check := func(want string) {
		t.Helper()
		if got := w.list()[0].tags(); got != want {
			t.Errorf("tags %q, want %q", got, want)
		}
	}
	if hook := w.put(open(), `,"tags":[{"key":"b","value":"1"},{"key":"a","value":"2"}]`); hook.tags() != "a=2 b=1" {
		t.Errorf("PutWebhook answers %q", hook.tags())
	}
	w.put(open())
	check("a=2 b=1")
	w.put(open(), `,"tags":[{"key":"b","value":"3"},{"key":"c","value":""}]`)
	check("a=2 b=3 c=")
	w.must("TagResource", `{"resourceArn":"`+hookARN+`","tags":[{"key":"d","value":"4"}]}`)
	w.must("UntagResource", `{"resourceArn":"`+hookARN+`","tagKeys":["a","c"]}`)
	check("b=3 d=4")
	if got := w.must("ListTagsForResource", `{"resourceArn":"`+hookARN+`"}`); got != `{"tags":[{"key":"b","value":"3"},{"key":"d","value":"4"}]}` {
		t.Errorf("ListTagsForResource answers %s", got)
	}
	w.must("DeleteWebhook", `{"name":"W"}`)
	w.refuse("ListTagsForResource", `{"resourceArn":"`+hookARN+`"}`, "ResourceNotFoundException", "The account with id '000000000000' does not include a webhook with the name 'W'")
	w.put(open())
	check("")
}

// gitHub is a host that does what a test says and remembers what it was asked.
type gitHub struct {
	*httptest.Server
	mu    sync.Mutex
	fails bool
	asked []string
}

func newGitHub(t *testing.T) *gitHub {
	g := &gitHub{}
	hook := ""
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		g.asked = append(g.asked, fmt.Sprint(r.Method, " ", r.URL.Path, " ", r.Header.Get("Authorization"), " ", string(body)))
		w.Header().Set("Content-Type", "application/json")
		switch {
		case g.fails:
			w.WriteHeader(404)
			io.WriteString(w, `{"message":"Not Found","documentation_url":"https://docs.github.com/rest"}`)
		case r.Method == "GET":
			io.WriteString(w, "["+hook+"]")
		case r.Method == "DELETE":
			hook = ""
			w.WriteHeader(204)
		default:
			var in map[string]any
			if err := json.Unmarshal(body, &in); err != nil {
				t.Error(err)
			}
			in["id"] = 7
			b, _ := json.Marshal(in)
			hook = string(b)
			w.WriteHeader(201)
		}
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *gitHub) calls() (out []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	out, g.asked = g.asked, nil
	return out
}

func TestRegister(t *testing.T) {
	t.Parallel()
	host := newGitHub(t)
	w := newWorld(t, settings{host: host.URL})
	w.pipeline(gitHubSource)
	hook := w.put(signedBy(secret))
	if got := w.must("RegisterWebhookWithThirdParty", `{"webhookName":"W"}`); got != "{}" {
		t.Errorf("RegisterWebhookWithThirdParty answers %s", got)
	}
	calls := host.calls()
	if len(calls) != 2 || !strings.HasPrefix(calls[1], "POST /repos/acme/site/hooks token "+token+" ") {
		t.Fatalf("the host was asked %q", calls)
	}
	var sent struct {
		Config map[string]string
	}
	if err := json.Unmarshal([]byte(strings.SplitN(calls[1], " ", 5)[4]), &sent); err != nil {
		t.Fatal(err)
	}
	if sent.Config["url"] != hook.URL || sent.Config["secret"] != secret || sent.Config["content_type"] != "json" {
		t.Errorf("the hook was made with %v", sent.Config)
	}
	w.must("RegisterWebhookWithThirdParty", `{"webhookName":"W"}`)
	if calls := host.calls(); len(calls) != 2 || !strings.HasPrefix(calls[1], "PATCH /repos/acme/site/hooks/7 ") {
		t.Errorf("registered again, the host was asked %q", calls)
	}
	for i, want := range []int{2, 1} {
		if got := w.must("DeregisterWebhookWithThirdParty", `{"webhookName":"W"}`); got != "{}" {
			t.Errorf("DeregisterWebhookWithThirdParty answers %s", got)
		}
		if calls := host.calls(); len(calls) != want {
			t.Errorf("deregistered %d times, the host was asked %q", i+1, calls)
		}
	}

	host.mu.Lock()
	host.fails = true
	host.mu.Unlock()
	const cause = ` with GitHub. Error cause: Not found [StatusCode: 404, Body: {"message":"Not Found","documentation_url":"https://docs.github.com/rest"}]`
	for _, tt := range []struct{ operation, text, code string }{
		{"RegisterWebhookWithThirdParty", "Webhook could not be registered" + cause, "RegistrationFailed"},
		{"DeregisterWebhookWithThirdParty", "Webhook could not be deregistered" + cause, "DeregistrationFailed"},
	} {
		w.refuse(tt.operation, `{"webhookName":"W"}`, "ValidationException", tt.text)
		if got := w.list()[0]; got.ErrorCode != tt.code || got.ErrorMessage != tt.text {
			t.Errorf("ListWebhooks shows %q %q", got.ErrorCode, got.ErrorMessage)
		}
	}
	host.mu.Lock()
	host.fails = false
	host.mu.Unlock()
	w.must("RegisterWebhookWithThirdParty", `{"webhookName":"W"}`)
	if got := w.list()[0]; got.ErrorCode != "" || got.ErrorMessage != "" {
		t.Errorf("after success ListWebhooks shows %q %q", got.ErrorCode, got.ErrorMessage)
	}
	if strings.Contains(w.logged(), token) || strings.Contains(w.logged(), secret) {
		t.Error("a secret lies in the log")
	}
}

func TestRegisterErrors(t *testing.T) {
	t.Parallel()
	host := newGitHub(t)
	w := newWorld(t, settings{host: host.URL})
	w.pipeline(customSource)
	w.put(open())
	for _, operation := range []string{"RegisterWebhookWithThirdParty", "DeregisterWebhookWithThirdParty"} {
		w.refuse(operation, `{}`, "ValidationException", "1 validation error detected: Value null at 'webhookName' failed to satisfy constraint: Member must not be null")
		w.refuse(operation, `{"webhookName":"a b"}`, "ValidationException", "")
		w.refuse(operation, `{"webhookName":"none"}`, "WebhookNotFoundException", "The account with id '000000000000' does not include a webhook with the name 'none'")
		w.refuse(operation, `{"webhookName":"W"}`, "ValidationException", "The webhook 'W' cannot be registered: its target action 'Fetch' is not of provider GitHub and owner ThirdParty")
	}
	w.must("UpdatePipeline", declaration(strings.Replace(customSource, "Fetch", "Get", 1)))
	const gone = "The target of webhook 'W', action 'Fetch' in the first stage of pipeline 'P', does not exist any more"
	w.refuse("RegisterWebhookWithThirdParty", `{"webhookName":"W"}`, "ValidationException", gone)
	w.must("DeletePipeline", `{"name":"P"}`)
	w.refuse("DeregisterWebhookWithThirdParty", `{"webhookName":"W"}`, "ValidationException", gone)
	if calls := host.calls(); len(calls) != 0 {
		t.Errorf("the host was asked %q", calls)
	}
}

// A host that cannot be reached is an answer, too.
func TestRegisterUnreachable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.pipeline(gitHubSource)
	w.put(open())
	_, code, text := w.call("RegisterWebhookWithThirdParty", `{"webhookName":"W"}`)
	if code != "ValidationException" || !strings.HasPrefix(text, "Webhook could not be registered with GitHub. Error cause: the host cannot be reached: ") {
		t.Errorf("%s: %s", code, text)
	}
	if got := w.list()[0]; got.ErrorCode != "RegistrationFailed" || got.ErrorMessage != text {
		t.Errorf("ListWebhooks shows %q %q", got.ErrorCode, got.ErrorMessage)
	}
}
