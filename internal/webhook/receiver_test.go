package webhook_test

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"penstock/internal/store"
	"penstock/internal/webhook"
)

const (
	hookARN = "arn:aws:codepipeline:eu-west-1:000000000000:webhook:W"
	pushed  = `{"ref":"refs/heads/main","repository":{"full_name":"acme/site"}}`
	other   = `{"ref":"refs/heads/other"}`
)

// TestScenario is the life of a webhook as a user sees it.
func TestScenario(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.pipeline(customSource)
	hook := w.put(signedBy(secret), `,"tags":[{"key":"team","value":"web"}]`)
	if !regexp.MustCompile(`^`+regexp.QuoteMeta(w.url)+`/webhooks/trigger\?t=[A-Za-z0-9_-]{43}&v=1$`).MatchString(hook.URL) || hook.ARN != hookARN {
		t.Fatalf("PutWebhook answers URL %s, ARN %s", hook.URL, hook.ARN)
	}
	if len(w.started()) != 0 || w.list()[0].LastTriggered != 0 {
		t.Fatal("the webhook triggered before any delivery")
	}
	if status, body := w.deliver(hook.URL, other, "X-Hub-Signature-256", sign256(secret, other), "X-GitHub-Event", "push"); status != 200 || body != "{}" {
		t.Errorf("a push to another branch answers %d %s", status, body)
	}
	if len(w.started()) != 0 {
		t.Error("a push to another branch started an execution")
	}
	w.pass(time.Minute)
	if status, body := w.deliver(hook.URL, pushed, "X-Hub-Signature-256", sign256(secret, pushed), "X-GitHub-Event", "push", "X-GitHub-Delivery", "1"); status != 200 || body != "{}" {
		t.Errorf("a push answers %d %s", status, body)
	}
	if got := w.started(); len(got) != 1 || got[0] != hookARN {
		t.Errorf("started %q", got)
	}
	listed := w.list()
	if len(listed) != 1 || listed[0].LastTriggered != float64(w.now().Unix()) || listed[0].URL != hook.URL || listed[0].tags() != "team=web" {
		t.Errorf("ListWebhooks shows %+v", listed)
	}

	// The worker of the custom source finds its job.
	if out := w.must("PollForJobs", `{"maxBatchSize":5,"actionTypeId":{"category":"Source","owner":"Custom","provider":"Git","version":"1"}}`); !strings.Contains(out, `"Branch":"main"`) {
		t.Errorf("the source has no job: %s", out)
	}

	// An update keeps the URL, a new webhook of the name has another.
	if again := w.put(open()); again.URL != hook.URL || again.LastTriggered != listed[0].LastTriggered {
		t.Errorf("an update changed %+v to %+v", listed[0], again)
	}
	w.must("DeleteWebhook", `{"name":"W"}`)
	if status, _ := w.deliver(hook.URL, pushed); status != 404 {
		t.Errorf("a delivery to a deleted webhook answers %d", status)
	}
	fresh := w.put(open())
	if fresh.URL == hook.URL || fresh.LastTriggered != 0 || fresh.tags() != "" {
		t.Errorf("the new webhook %+v is like the old %+v", fresh, hook)
	}
	if status, _ := w.deliver(hook.URL, pushed); status != 404 {
		t.Errorf("a delivery to the old URL answers %d", status)
	}
	if status, _ := w.deliver(fresh.URL, pushed); status != 200 || len(w.started()) != 2 {
		t.Errorf("a delivery to the new URL answers %d", status)
	}

	// Without its pipeline the webhook stays and says so.
	w.must("DeletePipeline", `{"name":"P"}`)
	if status, body := w.deliver(fresh.URL, pushed); status != 404 || body != `{"message":"The pipeline 'P' does not exist"}` {
		t.Errorf("a delivery to a pipeline that is gone answers %d %s", status, body)
	}
	if got := w.list()[0]; got.ErrorCode != "PipelineNotFoundException" || got.ErrorMessage != "The pipeline 'P' does not exist" {
		t.Errorf("ListWebhooks shows %+v", got)
	}
	w.must("CreatePipeline", declaration(strings.Replace(customSource, "Fetch", "Get", 1)))
	if status, _ := w.deliver(fresh.URL, pushed); status != 404 || w.list()[0].ErrorCode != "ActionNotFoundException" {
		t.Errorf("a delivery to an action that is gone answers %d, %+v", status, w.list()[0])
	}
	w.must("UpdatePipeline", declaration(customSource))
	if status, _ := w.deliver(fresh.URL, pushed); status != 200 || w.list()[0].ErrorCode != "" || w.list()[0].ErrorMessage != "" {
		t.Errorf("a delivery to a target that is back answers %d, %+v", status, w.list()[0])
	}
	for _, hidden := range []string{secret, strings.TrimSuffix(strings.SplitN(hook.URL, "t=", 2)[1], "&v=1"), "refs/heads"} {
		if strings.Contains(w.logged(), hidden) {
			t.Errorf("%s lies in the log", hidden)
		}
	}
	if !strings.Contains(w.logged(), "a webhook started an execution") {
		t.Errorf("the log says nothing:\n%s", w.logged())
	}
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.pipeline(customSource)
	url := w.put(definition("GITHUB_HMAC", fmt.Sprintf(`"SecretToken":%q`, secret))).URL
	// The bytes count, not what they mean.
	raw := "{ \"ref\" :\t\"refs/heads/m\\u0061in\"}\n"
	for _, tt := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"SHA-1", []string{"X-Hub-Signature", sign1(secret, raw)}, 200},
		{"SHA-256", []string{"X-Hub-Signature-256", sign256(secret, raw)}, 200},
		{"both", []string{"X-Hub-Signature", sign1(secret, raw), "X-Hub-Signature-256", sign256(secret, raw)}, 200},
		{"SHA-256 wins", []string{"X-Hub-Signature", sign1(secret, raw), "X-Hub-Signature-256", sign256("other", raw)}, 403},
		{"another secret", []string{"X-Hub-Signature", sign1("other", raw)}, 403},
		{"another body", []string{"X-Hub-Signature", sign1(secret, strings.TrimSpace(raw))}, 403},
		{"none", nil, 403},
		{"none for a ping", []string{"X-GitHub-Event", "ping"}, 403},
		{"ping", []string{"X-GitHub-Event", "ping", "X-Hub-Signature-256", sign256(secret, raw)}, 200},
	} {
		before := len(w.started())
		status, body := w.deliver(url, raw, tt.headers...)
		if status != tt.status {
			t.Errorf("%s: %d %s", tt.name, status, body)
		}
		if n := len(w.started()) - before; (n == 1) != (tt.status == 200 && tt.name != "ping") {
			t.Errorf("%s: %d executions", tt.name, n)
		}
		if status == 403 && body != `{"message":"forbidden"}` {
			t.Errorf("%s tells %s", tt.name, body)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	proxy := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for _, tt := range []struct {
		name, ipRange, forwarded string
		proxies                  []netip.Prefix
		status                   int
	}{
		{"inside", "127.0.0.0/8", "", nil, 200},
		{"address", "127.0.0.1", "", nil, 200},
		{"outside", "192.0.2.0/24", "", nil, 403},
		{"claims to be inside", "192.0.2.0/24", "192.0.2.1", nil, 403},
		{"inside behind a proxy", "192.0.2.0/24", "192.0.2.1", proxy, 200},
		{"outside behind a proxy", "192.0.2.0/24", "192.0.2.1, 198.51.100.1", proxy, 403},
		{"nobody behind a proxy", "0.0.0.0/0", "unknown", proxy, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, settings{proxies: tt.proxies})
			w.pipeline(customSource)
			url := w.put(definition("IP", fmt.Sprintf(`"AllowedIPRange":%q`, tt.ipRange))).URL
			var headers []string
			if tt.forwarded != "" {
				headers = []string{"X-Forwarded-For", tt.forwarded}
			}
			if status, body := w.deliver(url, pushed, headers...); status != tt.status || len(w.started()) != map[int]int{200: 1}[status] {
				t.Errorf("%d %s, %d executions", status, body, len(w.started()))
			}
		})
	}
}

func TestRefusedDeliveries(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.pipeline(customSource)
	url := w.put(open(`{"jsonPath":"$.ref"}`)).URL
	big := `{"ref":"` + strings.Repeat("x", webhook.MaxBody) + `"}`
	for _, tt := range []struct {
		name, method, url string
		body              io.Reader
		status            int
	}{
		{"no JSON", "POST", url, strings.NewReader("payload=%7B%7D"), 400},
		{"nothing", "POST", url, nil, 400},
		{"two documents", "POST", url, strings.NewReader("{}{}"), 400},
		{"broken", "POST", url, strings.NewReader(`{"ref":`), 400},
		{"nested without end", "POST", url, strings.NewReader(strings.Repeat("[", 100_000)), 400},
		{"too large", "POST", url, strings.NewReader(big), 413},
		{"too large, in pieces", "POST", url, io.MultiReader(strings.NewReader(big)), 413},
		{"GET", "GET", url, nil, 405},
		{"PUT", "PUT", url, strings.NewReader(pushed), 405},
		{"no token", "POST", w.url + webhook.Path, strings.NewReader(pushed), 404},
		{"empty token", "POST", w.url + webhook.Path + "?t=&v=1", strings.NewReader(pushed), 404},
		{"unknown token", "POST", w.url + webhook.Path + "?t=x&v=1", strings.NewReader(pushed), 404},
		{"another path", "POST", strings.Replace(url, "trigger", "other", 1), strings.NewReader(pushed), 404},
	} {
		resp := w.request(tt.method, tt.url, tt.body)
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != tt.status || !strings.HasPrefix(string(body), `{"message":`) || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", tt.name, resp.StatusCode, body)
		}
		if tt.status == 405 && resp.Header.Get("Allow") != "POST" {
			t.Errorf("%s allows %q", tt.name, resp.Header.Get("Allow"))
		}
	}
	exact := `{"ref":"` + strings.Repeat("x", webhook.MaxBody-10) + `"}`
	if status, body := w.deliver(url, exact); len(exact) != webhook.MaxBody || status != 200 {
		t.Errorf("a body of %d answers %d %s", len(exact), status, body)
	}
	if n := len(w.started()); n != 1 {
		t.Errorf("%d executions", n)
	}
	w.put(open(`{"jsonPath":"$..*..*..*..*"}`, `{"jsonPath":"$..*..*..none"}`))
	if status, body := w.deliver(url, strings.Repeat("[", 5000)+strings.Repeat("]", 5000)); status != 400 || !strings.Contains(body, "too much work") {
		t.Errorf("a body that is much work answers %d %s", status, body)
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{rate: 0.5, burst: 2})
	w.pipeline(customSource)
	url := w.put(open()).URL
	for i, want := range []int{200, 200, 429} {
		if status, _ := w.deliver(url, pushed); status != want {
			t.Errorf("delivery %d: %d", i, status)
		}
	}
	resp := w.request(http.MethodPost, url, strings.NewReader(pushed))
	resp.Body.Close()
	if resp.Header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After %q", resp.Header.Get("Retry-After"))
	}
	if status, _ := w.deliver(w.put(strings.Replace(open(), `"W"`, `"W2"`, 1)).URL, pushed); status != 200 {
		t.Errorf("another webhook: %d", status)
	}
	w.pass(2 * time.Second)
	if status, _ := w.deliver(url, pushed); status != 200 {
		t.Errorf("after the wait: %d", status)
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.pipeline(customSource)
	hook := w.put(definition("GITHUB_HMAC", fmt.Sprintf(`"SecretToken":%q`, secret), `{"jsonPath":"$.ref","matchEquals":"refs/heads/{Branch}"}`))
	deliver := func(body, id string) {
		t.Helper()
		headers := []string{"X-Hub-Signature-256", sign256(secret, body)}
		if id != "" {
			headers = append(headers, "X-GitHub-Delivery", id)
		}
		if status, answer := w.deliver(hook.URL, body, headers...); status != 200 || answer != "{}" {
			t.Errorf("%s: %d %s", id, status, answer)
		}
	}
	for i, step := range []struct {
		body, id string
		pass     time.Duration
		starts   int
	}{
		{other, "a", 0, 0}, // matched nothing, so it is not used up
		{pushed, "a", 0, 1},
		{pushed, "a", 0, 0},
		{pushed, "b", 0, 1},
		{pushed, strings.Repeat("long", 5000), 0, 1},
		{pushed, strings.Repeat("long", 5000), 0, 0},
		{pushed, "", 0, 1},
		{pushed, "", 0, 1},
		{pushed, "a", store.DeliveryRetention - time.Millisecond, 0},
		{pushed, "a", time.Millisecond, 1},
	} {
		w.pass(step.pass)
		before := len(w.started())
		deliver(step.body, step.id)
		if n := len(w.started()) - before; n != step.starts {
			t.Errorf("step %d started %d, want %d", i, n, step.starts)
		}
	}
	w.put(strings.Replace(signedBy(secret), `"W"`, `"W2"`, 1))
	second := w.list()[1]
	before := len(w.started())
	if status, _ := w.deliver(second.URL, pushed, "X-Hub-Signature-256", sign256(secret, pushed), "X-GitHub-Delivery", "a"); status != 200 || len(w.started()) != before+1 {
		t.Errorf("the same delivery to another webhook answers %d", status)
	}
}

// Many deliveries of one id at the same moment start one execution.
func TestReplayAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.pipeline(customSource)
	url := w.put(open()).URL
	done := make(chan int)
	for range 8 {
		go func() {
			resp, err := http.DefaultClient.Do(func() *http.Request {
				r, _ := http.NewRequest(http.MethodPost, url, strings.NewReader(pushed))
				r.Header.Set("X-GitHub-Delivery", "same")
				return r
			}())
			if err != nil {
				done <- 0
				return
			}
			resp.Body.Close()
			done <- resp.StatusCode
		}()
	}
	for range 8 {
		if status := <-done; status != 200 {
			t.Errorf("status %d", status)
		}
	}
	if n := len(w.started()); n != 1 {
		t.Errorf("%d executions", n)
	}
}

// Large bodies wait for each other and all get through.
func TestLargeBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.pipeline(customSource)
	url := w.put(open(`{"jsonPath":"$.n.length()","matchEquals":"1000000"}`)).URL
	body := `{"n":[` + strings.TrimSuffix(strings.Repeat("1,", 1_000_000), ",") + `]}`
	done := make(chan int)
	for range 5 {
		go func() {
			resp, err := http.Post(url, "application/json", strings.NewReader(body))
			if err != nil {
				done <- 0
				return
			}
			resp.Body.Close()
			done <- resp.StatusCode
		}()
	}
	for range 5 {
		if status := <-done; status != 200 {
			t.Errorf("status %d", status)
		}
	}
	if n := len(w.started()); n != 5 {
		t.Errorf("%d executions", n)
	}
}

// The filters see the configuration as it is at the delivery.
func TestPlaceholderAtDelivery(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.pipeline(customSource)
	url := w.put(open(`{"jsonPath":"$.ref","matchEquals":"refs/heads/{Branch}"}`)).URL
	w.must("UpdatePipeline", declaration(strings.Replace(customSource, `"main"`, `"other"`, 1)))
	w.deliver(url, pushed)
	if n := len(w.started()); n != 0 {
		t.Errorf("the old branch started %d", n)
	}
	w.deliver(url, other)
	if n := len(w.started()); n != 1 {
		t.Errorf("the new branch started %d", n)
	}
}

// What the store cannot do is to be delivered again.
func TestInternalFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.pipeline(customSource)
	url := w.put(open()).URL
	w.ok(w.store.Close())
	if status, body := w.deliver(url, pushed); status != 500 || body != `{"message":"internal failure; deliver again"}` {
		t.Errorf("%d %s", status, body)
	}
}

// A push to GitHub binds the execution to its commit.
func TestBoundToTheCommit(t *testing.T) {
	t.Parallel()
	const commit = "0123456789abcdef0123456789abcdef01234567"
	w := newWorld(t, settings{})
	w.pipeline(gitHubSource)
	url := w.put(open()).URL
	body := `{"ref":"refs/heads/main","after":"` + commit + `"}`
	if status, answer := w.deliver(url, body, "X-GitHub-Event", "push"); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	w.ok(w.store.View(t.Context(), func(r store.Reader) error {
		p, err := r.Pipeline(account, region, "P")
		if err != nil {
			return err
		}
		list, err := r.Executions(p.ID, "", 1)
		if err == nil && (len(list) != 1 || list[0].Trigger.Type != "Webhook" || list[0].Bound == nil || list[0].Bound.Action != "Fetch" || list[0].Bound.Revision.ID != commit) {
			t.Errorf("executions %+v", list)
		}
		return err
	}))
}
