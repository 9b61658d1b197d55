package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"penstock/internal/api"
	"penstock/internal/clientcfg"
	"penstock/jobworker"
)

// All of these are wrong usage, told before any server is asked.
func TestUsage(t *testing.T) {
	t.Parallel()
	worker := func(more ...string) []string {
		return append([]string{"worker", "--category", "Build", "--provider", "P", "--version", "1", "--exec", "true"}, more...)
	}
	register := func(more ...string) []string {
		return append([]string{"partner", "register", "--category", "Test", "--provider", "P", "--version", "1"}, more...)
	}
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown command", []string{"sttus"}, "penstock: penstock has no command \"sttus\", did you mean status?; see `penstock --help`\n"},
		{"unknown command, nothing near", []string{"frobnicate"}, "penstock: penstock has no command \"frobnicate\"; see `penstock --help`\n"},
		{"unknown subcommand", []string{"partner", "x"}, "penstock: penstock partner has no command \"x\"; see `penstock partner --help`\n"},
		{"unknown flag", []string{"status", "--bogus"}, "penstock: unknown flag: --bogus; see `penstock status --help`\n"},
		{"flag without its value", []string{"logs", "web", "--action"}, "penstock: flag needs an argument: --action; see `penstock logs --help`\n"},
		{"unknown output format", []string{"status", "--output", "yaml"}, "penstock: --output must be text or json, not \"yaml\"; see `penstock status --help`\n"},
		{"too many arguments", []string{"status", "a", "b"}, "takes only one PIPELINE, not \"b\" too"},
		{"no arguments wanted", []string{"version", "x"}, "takes no arguments, not \"x\""},
		{"watch of everything", []string{"status", "--watch"}, "--watch needs a PIPELINE"},
		{"logs of nothing", []string{"logs"}, "needs one PIPELINE"},
		{"revoke of nobody", []string{"partner", "revoke"}, "needs one CLIENT_ID"},
		{"register without a type", []string{"partner", "register", "--category", "Test"}, "needs --provider"},
		{"connect without a provider", []string{"partner", "connect"}, "needs --provider"},
		{"counts that are none", register("--inputs", "many"), "--inputs: \"many\" is neither a number nor a range"},
		{"counts upside down", register("--outputs", "2-1"), "--outputs: \"2-1\""},
		{"property mark", register("--property", "Key:sceret"), "--property: \"sceret\" is not one of"},
		{"property without a name", register("--property", ":key"), "--property: \":key\" has no name"},
		{"part of a second", register("--job-timeout", "1500ms"), "--job-timeout must be whole seconds"},
		{"worker without a command", []string{"worker", "--category", "Build", "--provider", "P", "--version", "1"}, "needs --exec"},
		{"no jobs at a time", worker("--concurrency", "0"), "--concurrency must be at least 1"},
		{"fewer than no jobs", worker("--max-jobs", "-1"), "--max-jobs must not be negative"},
		{"no time", worker("--timeout", "0"), "--timeout must be positive"},
		{"no grace", worker("--grace", "0s"), "--grace must be positive"},
		{"query without a value", worker("--query-param", "Key"), "--query-param must be KEY=VALUE"},
		{"query of a partner", worker("--query-param", "K=V", "--client-token", "t"), "--query-param is for custom action types"},
		{"client without a token", worker("--client-id", "c"), "--client-id needs --client-token"},
		{"folder that is not there", worker("--work-dir", "/nonexistent/x"), "--work-dir /nonexistent/x is not a folder"},
		{"docs of another kind", []string{"docs", "pdf", "x"}, "the format must be man or markdown"},
		{"no credentials", []string{"status", "--profile", "none"}, "no credentials are configured; set AWS_ACCESS_KEY_ID"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			code, stdout, stderr := f.console().run(tc.args...)
			if code != exitUsage || stdout != "" || !strings.Contains(stderr, tc.want) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit %d, stdout %q, stderr %q; want exit %d and one line with %q", code, stdout, stderr, exitUsage, tc.want)
			}
			if len(f.calls) > 0 {
				t.Errorf("the server was asked: %v", f.calls)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		err  error
		code int
		want string
	}{
		{"refused", &api.APIError{Code: "PipelineNotFoundException", Message: "No 'x'.", Status: 400, RequestID: "r"}, exitRefused,
			"PipelineNotFoundException: No 'x'; `penstock status` lists the pipelines of this account and region"},
		{"refused, nothing to do", &api.APIError{Code: "LimitExceededException", Message: "too many", Status: 400, RequestID: "r"}, exitRefused, "LimitExceededException: too many"},
		{"control characters", &api.APIError{Code: "X", Message: "a\x1b[2J\nb", Status: 400, RequestID: "r"}, exitRefused, "X: a [2J b"},
		{"failed inside", &api.APIError{Code: "InternalFailure", Status: 500, RequestID: "r"}, exitFailure, "InternalFailure; see the log of the server for request id r"},
		{"not ready", &api.APIError{Code: "ServiceUnavailableException", Status: 503, RequestID: "r"}, exitRefused, "ServiceUnavailableException; try again later"},
		{"another kind of server", &api.APIError{Code: "404", Message: "<html>", Status: 404}, exitRefused, "404: <html>; check that --endpoint-url names a Penstock server of this version"},
		{"a worker's call", fmt.Errorf("poll: %w", &jobworker.Error{Operation: "PollForJobs", Code: "AccessDeniedException", Message: "no", Status: 400}), exitRefused, "AccessDeniedException: no; use credentials with this permission"},
		{"interrupted", fmt.Errorf("call: %w", context.Canceled), exitInterrupted, "interrupted"},
		{"expired login", fmt.Errorf("signing: %w", clientcfg.ErrCredentials), exitUsage, "signing: the configured credentials cannot be read; renew them or name other ones"},
		{"anything else", errors.New("disk full"), exitFailure, "disk full"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := explain(tc.err)
			if f.code != tc.code || f.Error() != tc.want {
				t.Errorf("got %d %q\nwant %d %q", f.code, f.Error(), tc.code, tc.want)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, args := range [][]string{{"status"}, {"status", "web", "--watch"}, {"logs", "web", "--follow"}, {"partner", "list"},
		{"worker", "--category", "Build", "--provider", "P", "--version", "1", "--exec", "true", "--once"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			code, _, stderr := consoleAt(t, gone.URL).run(args...)
			want := "penstock: no answer from " + gone.URL + ": connection refused; start it with `penstock server`, or name another with --endpoint-url\n"
			if code != exitUnreachable || !strings.HasSuffix(stderr, want) {
				t.Errorf("exit %d, %q; want %d, %q", code, stderr, exitUnreachable, want)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	code, stdout, _ := consoleAt(t, "").run("version")
	if code != exitOK || !strings.HasPrefix(stdout, "penstock ") || !strings.Contains(stdout, "go1.") {
		t.Errorf("exit %d, %q", code, stdout)
	}
	_, stdout, _ = consoleAt(t, "").run("version", "--output", "json")
	var b build
	if err := json.Unmarshal([]byte(stdout), &b); err != nil || b.Version == "" || b.Go == "" || b.OS == "" || b.Arch == "" {
		t.Errorf("%v in %s", err, stdout)
	}
}
