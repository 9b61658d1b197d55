package service_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"
)

// paged is a list with the members of its pages.
type paged struct{ op, request, rows, key string }

var lists = []paged{
	{"ListPipelines", ``, "pipelines", "name"},
	{"ListPipelineExecutions", `"pipelineName":"P"`, "pipelineExecutionSummaries", "pipelineExecutionId"},
	{"ListPipelineExecutions", `"pipelineName":"P","filter":{"succeededInStage":{"stageName":"Source"}}`, "pipelineExecutionSummaries", "pipelineExecutionId"},
	{"ListActionExecutions", `"pipelineName":"P"`, "actionExecutionDetails", "actionExecutionId"},
	{"ListActionExecutions", `"pipelineName":"P","filter":{"pipelineExecutionId":"E"}`, "actionExecutionDetails", "actionExecutionId"},
	{"ListActionExecutions", `"pipelineName":"P","filter":{"latestInPipelineExecution":{"pipelineExecutionId":"E","startTimeRange":"All"}}`, "actionExecutionDetails", "actionExecutionId"},
	{"ListActionExecutions", `"pipelineName":"P","filter":{"latestInPipelineExecution":{"pipelineExecutionId":"E","startTimeRange":"Latest"}}`, "actionExecutionDetails", "actionExecutionId"},
	{"ListTagsForResource", `"resourceArn":"` + pipelineP + `"`, "tags", "key"},
}

// library is a server with some of everything, and its oldest execution of P,
// whose gate was rejected and retried twice.
func library(t *testing.T) (s *server, execution string) {
	s = newServer(t)
	execution = s.fetched()
	for range 2 {
		s.answer("Rejected", "no")
		s.root.must("RetryStageExecution", fmt.Sprintf(`{"pipelineName":"P","stageName":"Gate","pipelineExecutionId":%q,"retryMode":"FAILED_ACTIONS"}`, execution))
	}
	s.answer("Approved", "yes")
	for range 3 {
		s.pass(time.Second)
		s.start()
		s.succeed(s.take("Source", "Src"), "")
		s.answer("Approved", "yes")
	}
	for _, name := range []string{"b", "A", "a"} {
		s.create(declare(name, "", stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)), stage("Gate", approval("Ask", ""))))
	}
	s.root.must("TagResource", `{"resourceArn":"`+pipelineP+`","tags":[{"key":"c","value":"3"},{"key":"b","value":"2"},{"key":"a","value":"1"}]}`)
	return s, execution
}

// answer answers the open approval of the pipeline P.
func (s *server) answer(status, summary string) {
	s.Helper()
	token := text(s.T, s.state(), "stageStates.1.actionStates.0.latestExecution.token")
	s.root.must("PutApprovalResult", fmt.Sprintf(`{"pipelineName":"P","stageName":"Gate","actionName":"Ask","token":%q,"result":{"status":%q,"summary":%q}}`, token, status, summary))
}

func (p paged) body(execution string, more ...string) string {
	var members []string
	if p.request != "" {
		members = append(members, strings.ReplaceAll(p.request, `"E"`, `"`+execution+`"`))
	}
	return `{` + strings.Join(append(members, more...), ",") + `}`
}

func (p paged) keys(t *testing.T, answer string) (keys []string) {
	t.Helper()
	rows, ok := get(t, answer, p.rows).([]any)
	if !ok {
		t.Fatalf("%s has no list %s", answer, p.rows)
	}
	for _, r := range rows {
		keys = append(keys, r.(map[string]any)[p.key].(string))
	}
	return keys
}

// Page by page a list has the same rows as in one piece, while new rows come.
func TestPages(t *testing.T) {
	t.Parallel()
	wantRows := map[string]int{
		"ListPipelines": 4, "ListPipelineExecutions": 4, "ListTagsForResource": 3,
	}
	for _, p := range lists {
		t.Run(p.op+p.request, func(t *testing.T) {
			t.Parallel()
			s, execution := library(t)
			answer := s.root.must(p.op, p.body(execution))
			all := p.keys(t, answer)
			if n := wantRows[p.op]; n != 0 && len(all) != n || len(all) < 2 {
				t.Fatalf("the list has %d rows", len(all))
			}
			if strings.Contains(answer, "nextToken") {
				t.Error("a whole list has a token")
			}
			var got []string
			token := ""
			for {
				more := []string{`"maxResults":1`}
				if token != "" {
					more = append(more, fmt.Sprintf(`"nextToken":%q`, token))
				}
				page := s.root.must(p.op, p.body(execution, more...))
				if n := len(p.keys(t, page)); n != 1 {
					t.Fatalf("a page of %d rows after %d", n, len(got))
				}
				got = append(got, p.keys(t, page)...)
				next := get(t, page, "nextToken")
				if next == nil {
					if strings.Contains(page, "nextToken") {
						t.Errorf("the last page has an empty token: %s", page)
					}
					break
				}
				if next == token {
					t.Fatal("the same token again")
				}
				if token = next.(string); len(got) == 1 && p.op != "ListTagsForResource" && p.op != "ListPipelines" {
					s.start() // newer rows never shift later pages
				}
			}
			if strings.Join(got, " ") != strings.Join(all, " ") {
				t.Errorf("page by page\n%v\nin one piece\n%v", got, all)
			}
		})
	}
}

// A token is good for the list it came from, for a day.
func TestPageTokens(t *testing.T) {
	t.Parallel()
	s, execution := library(t)
	const bad = "The next token is not valid for this request"
	token := func(p paged) string {
		v := text(t, s.root.must(p.op, p.body(execution, `"maxResults":1`)), "nextToken")
		if v == "" {
			t.Fatalf("%s has no second page", p.op)
		}
		return v
	}
	tokens := make([]string, len(lists))
	for i, p := range lists {
		tokens[i] = token(p)
	}
	use := func(p paged, token string) string { return p.body(execution, fmt.Sprintf(`"nextToken":%q`, token)) }
	for i, p := range lists {
		s.root.must(p.op, use(p, tokens[i]))
		for j := range lists {
			if i != j {
				s.root.refuse(p.op, use(p, tokens[j]), "InvalidNextTokenException", bad)
			}
		}
		raw, err := base64.RawURLEncoding.DecodeString(tokens[i])
		s.ok(err)
		for _, at := range []int{0, len(raw) / 2, len(raw) - 1} {
			forged := append([]byte(nil), raw...)
			forged[at] ^= 1
			s.root.refuse(p.op, use(p, base64.RawURLEncoding.EncodeToString(forged)), "InvalidNextTokenException", bad)
		}
		for _, forged := range []string{"x", "!!!", base64.RawURLEncoding.EncodeToString(raw[:32]), base64.RawURLEncoding.EncodeToString(raw[32:])} {
			s.root.refuse(p.op, use(p, forged), "InvalidNextTokenException", bad)
		}
		s.root.refuse(p.op, use(p, ""), "ValidationException", "1 validation error detected: Value at 'nextToken' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	s.as(stranger).refuse("ListPipelines", use(lists[0], tokens[0]), "InvalidNextTokenException", bad)
	s.pass(24 * time.Hour)
	for i, p := range lists {
		s.root.must(p.op, use(p, tokens[i]))
	}
	s.pass(time.Second)
	for i, p := range lists {
		s.root.refuse(p.op, use(p, tokens[i]), "InvalidNextTokenException", bad)
	}
}

// The sizes that a caller may ask for.
func TestPageSizes(t *testing.T) {
	t.Parallel()
	s, execution := library(t)
	for _, p := range lists {
		most := 100
		if p.op == "ListPipelines" {
			most = 1000
		}
		s.root.must(p.op, p.body(execution, fmt.Sprintf(`"maxResults":%d`, most)))
		s.root.refuse(p.op, p.body(execution, fmt.Sprintf(`"maxResults":%d`, most+1)), "ValidationException",
			fmt.Sprintf("1 validation error detected: Value at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to %d", most))
		s.root.refuse(p.op, p.body(execution, `"maxResults":0`), "ValidationException", "")
	}
}

// Pipelines are listed by name, executions and actions newest first.
func TestListOrder(t *testing.T) {
	t.Parallel()
	s, execution := library(t)
	if got := strings.Join(lists[0].keys(t, s.root.must("ListPipelines", `{}`)), " "); got != "A P a b" {
		t.Errorf("pipelines %s", got)
	}
	executions := lists[1].keys(t, s.root.must("ListPipelineExecutions", `{"pipelineName":"P"}`))
	if executions[len(executions)-1] != execution {
		t.Errorf("the oldest execution is not the last: %v", executions)
	}
	answer := s.root.must("ListActionExecutions", lists[4].body(execution))
	var got []string
	for i := range lists[4].keys(t, answer) {
		at := fmt.Sprintf("actionExecutionDetails.%d.", i)
		got = append(got, text(t, answer, at+"actionName")+":"+text(t, answer, at+"status"))
	}
	if s := strings.Join(got, " "); s != "Ask:Succeeded Ask:Failed Ask:Failed Fetch:Succeeded" {
		t.Errorf("actions %s", s)
	}
	latest := s.root.must("ListActionExecutions", lists[6].body(execution))
	if n := len(lists[6].keys(t, latest)); n != 2 || text(t, latest, "actionExecutionDetails.0.status") != "Succeeded" {
		t.Errorf("latest attempts: %s", latest)
	}
}

// The filters of ListActionExecutions together (engine.md section 6.5).
func TestActionExecutionFilters(t *testing.T) {
	t.Parallel()
	s, oldest := library(t)
	newest := s.newest("P")
	const unknown = "00000000-0000-4000-8000-000000000000"
	filter := func(top, nested string) string {
		return fmt.Sprintf(`{"pipelineName":"P","filter":{"pipelineExecutionId":%q,"latestInPipelineExecution":{"pipelineExecutionId":%q,"startTimeRange":"All"}}}`, top, nested)
	}
	for _, tt := range []struct {
		top, nested string
		rows        int
	}{{oldest, oldest, 4}, {newest, newest, 2}, {oldest, newest, 0}, {newest, oldest, 0}} {
		answer := s.root.must("ListActionExecutions", filter(tt.top, tt.nested))
		if n := len(lists[3].keys(t, answer)); n != tt.rows {
			t.Errorf("%d rows, want %d", n, tt.rows)
		}
	}
	for _, ids := range [][2]string{{oldest, unknown}, {unknown, oldest}} {
		s.root.refuse("ListActionExecutions", filter(ids[0], ids[1]), "PipelineExecutionNotFoundException", "Pipeline 'P' does not have an execution with ID '"+unknown+"'")
	}
	s.root.refuse("ListActionExecutions", strings.Replace(filter(oldest, oldest), `"All"`, `"Some"`, 1), "ValidationException",
		"1 validation error detected: Value at 'filter.latestInPipelineExecution.startTimeRange' failed to satisfy constraint: Member must satisfy enum value set: [All, Latest]")
}
