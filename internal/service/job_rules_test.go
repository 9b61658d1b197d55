package service_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// partnerPipeline is a server whose pipeline P has a partner source; it
// returns the id of the job, polled, with a nonce, and the client's token.
func partnerPipeline(t *testing.T) (s *server, job, nonce, token string) {
	s, w := kinds["partner"](t)
	job = *s.lastID.Load()
	_, nonce = w.poll()
	return s, job, nonce, w.(*partnerWorker).token
}

// reports are the calls on one job with all that they need but the token: J
// stands for the job, N for the nonce, T for the token.
var (
	customCalls = map[string]string{
		"AcknowledgeJob":      `{"jobId":"J","nonce":"N"}`,
		"GetJobDetails":       `{"jobId":"J"}`,
		"PutJobSuccessResult": `{"jobId":"J"}`,
		"PutJobFailureResult": `{"jobId":"J","failureDetails":{"type":"JobFailed","message":"m"}}`,
	}
	partnerCalls = map[string]string{
		"AcknowledgeThirdPartyJob":      `{"jobId":"J","nonce":"N","clientToken":"T"}`,
		"GetThirdPartyJobDetails":       `{"jobId":"J","clientToken":"T"}`,
		"PutThirdPartyJobSuccessResult": `{"jobId":"J","clientToken":"T"}`,
		"PutThirdPartyJobFailureResult": `{"jobId":"J","clientToken":"T","failureDetails":{"type":"JobFailed","message":"m"}}`,
	}
)

func fill(body, job, nonce, token string) string {
	return strings.NewReplacer(`"J"`, `"`+job+`"`, `"N"`, `"`+nonce+`"`, `"T"`, `"`+token+`"`).Replace(body)
}

// A job answers only to the calls of its own family and account.
func TestJobOfAnotherKindOrAccount(t *testing.T) {
	t.Parallel()
	t.Run("partner job in custom calls", func(t *testing.T) {
		t.Parallel()
		s, job, nonce, _ := partnerPipeline(t)
		for op, body := range customCalls {
			s.root.refuse(op, fill(body, job, nonce, ""), "JobNotFoundException", "The job '"+job+"' was not found")
		}
	})
	t.Run("custom job in partner calls", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		s.simple()
		_, token := s.partnerType("Source", "Ptn")
		j := s.poll("Source", "Src")
		for op, body := range partnerCalls {
			code, message := "JobNotFoundException", "The job '"+text(t, j, "id")+"' was not found"
			if op == "GetThirdPartyJobDetails" {
				code, message = "InvalidJobException", "The job '"+text(t, j, "id")+"' is not a job of a partner action"
			}
			s.root.refuse(op, fill(body, text(t, j, "id"), text(t, j, "nonce"), token), code, message)
		}
	})
	t.Run("jobs of another account", func(t *testing.T) {
		t.Parallel()
		s, job, nonce, token := partnerPipeline(t)
		s.simpleNamed("Q")
		j := s.poll("Source", "Src")
		for op, body := range partnerCalls {
			s.as(stranger).refuse(op, fill(body, job, nonce, token), "JobNotFoundException", "")
		}
		for op, body := range customCalls {
			s.as(stranger).refuse(op, fill(body, text(t, j, "id"), text(t, j, "nonce"), ""), "JobNotFoundException", "")
		}
		s.as(stranger).refuse("PollForJobs", `{"actionTypeId":`+typeID("Source", "Custom", "Src")+`}`, "ActionTypeNotFoundException", "")
		s.as(stranger).refuse("GetThirdPartyJobDetails", fill(partnerCalls["GetThirdPartyJobDetails"], text(t, j, "id"), "", token), "JobNotFoundException", "")
	})
	t.Run("job of an action that Penstock runs", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		s.create(declare("P", "", stage("Source", action("Fetch", "Source", "AWS", "S3",
			`"outputArtifacts":[{"name":"Code"}],"configuration":{"S3Bucket":"in","S3ObjectKey":"k","PollForSourceChanges":"false"}`)), stage("Gate", approval("Ask", ""))))
		job := *s.lastID.Load()
		for op, body := range customCalls {
			s.root.refuse(op, fill(body, job, "1", ""), "JobNotFoundException", "")
		}
		for op, body := range partnerCalls {
			s.root.refuse(op, fill(body, job, "1", "token"), "JobNotFoundException", "")
		}
	})
}

// simpleNamed is simple for a pipeline of another name.
func (s *server) simpleNamed(name string) {
	s.Helper()
	s.customType("Source", "Src", "")
	s.create(declare(name, "", stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)), stage("Gate", approval("Ask", ""))))
}

// Each partner call proves the client's token before it says anything about
// nonces and states.
func TestClientToken(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		// token makes the token to present.
		token func(s *server, right string) string
	}{
		{"wrong", func(*server, string) string { return "wrong" }},
		{"almost right", func(_ *server, right string) string { return right + "x" }},
		{"beginning of the right one", func(_ *server, right string) string { return right[:len(right)-1] }},
		{"of another client of the type", func(s *server, _ string) string {
			_, token := s.connect("Ptn")
			return token
		}},
		{"revoked", func(s *server, right string) string {
			s.root.must("Penstock.RevokeClient", fmt.Sprintf(`{"clientId":%q}`,
				text(s.T, s.root.must("Penstock.ListPartners", `{}`), "partners.0.clients.0.clientId")))
			return right
		}},
	}
	for _, tt := range tests {
		for op, body := range partnerCalls {
			t.Run(tt.name+"/"+op, func(t *testing.T) {
				t.Parallel()
				s, job, nonce, right := partnerPipeline(t)
				token := tt.token(s, right)
				want := "The client token is not valid for job '" + job + "'"
				s.root.refuse(op, fill(body, job, nonce, token), "InvalidClientTokenException", want)
				s.root.refuse(op, fill(body, job, "99", token), "InvalidClientTokenException", want)
				if tt.name == "revoked" {
					return
				}
				s.root.must("AcknowledgeThirdPartyJob", fill(partnerCalls["AcknowledgeThirdPartyJob"], job, nonce, right))
				s.root.refuse(op, fill(body, job, nonce, token), "InvalidClientTokenException", want)
				s.root.must("PutThirdPartyJobSuccessResult", fill(partnerCalls["PutThirdPartyJobSuccessResult"], job, nonce, right))
				s.root.refuse(op, fill(body, job, nonce, token), "InvalidClientTokenException", want)
				s.pass(25 * time.Hour)
				s.root.refuse(op, fill(body, job, nonce, token), "JobNotFoundException", "")
			})
		}
	}
}

// The order of checks: input, existence, kind, token, nonce, state.
func TestJobCheckOrder(t *testing.T) {
	t.Parallel()
	s, job, _, token := partnerPipeline(t)
	const unknown = "00000000-0000-4000-8000-000000000000"
	s.simpleNamed("Q")
	custom := text(t, s.poll("Source", "Src"), "id")
	tests := []struct{ name, op, body, code string }{
		{"input before existence", "AcknowledgeJob", `{"jobId":"no uuid","nonce":""}`, "ValidationException"},
		{"input before existence, partner", "AcknowledgeThirdPartyJob", `{"jobId":"","nonce":"1","clientToken":"t"}`, "ValidationException"},
		{"input before token", "PutThirdPartyJobSuccessResult", `{"jobId":"` + job + `","clientToken":"wrong","executionDetails":{"percentComplete":101}}`, "ValidationException"},
		{"existence before token", "AcknowledgeThirdPartyJob", `{"jobId":"` + unknown + `","nonce":"1","clientToken":"wrong"}`, "JobNotFoundException"},
		{"any text is an id to partners", "GetThirdPartyJobDetails", `{"jobId":"no uuid","clientToken":"wrong"}`, "JobNotFoundException"},
		{"kind before token", "GetThirdPartyJobDetails", `{"jobId":"` + custom + `","clientToken":"wrong"}`, "InvalidJobException"},
		{"kind before token in others", "PutThirdPartyJobFailureResult", `{"jobId":"` + custom + `","clientToken":"wrong","failureDetails":{"type":"JobFailed","message":"m"}}`, "JobNotFoundException"},
		{"token before nonce", "AcknowledgeThirdPartyJob", `{"jobId":"` + job + `","nonce":"99","clientToken":"wrong"}`, "InvalidClientTokenException"},
		{"nonce with the right token", "AcknowledgeThirdPartyJob", `{"jobId":"` + job + `","nonce":"99","clientToken":"` + token + `"}`, "InvalidNonceException"},
		{"token before state", "PutThirdPartyJobSuccessResult", `{"jobId":"` + job + `","clientToken":"wrong"}`, "InvalidClientTokenException"},
		{"state with the right token", "PutThirdPartyJobSuccessResult", `{"jobId":"` + job + `","clientToken":"` + token + `"}`, "InvalidJobStateException"},
		{"variables with a token before existence", "PutJobSuccessResult", `{"jobId":"` + unknown + `","continuationToken":"c","outputVariables":{"a":"b"}}`, "ValidationException"},
		{"state before the size of variables", "PutJobSuccessResult", `{"jobId":"` + custom + `","outputVariables":{"a":"` + strings.Repeat("x", 122881) + `"}}`, "InvalidJobStateException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { s.root.refuse(tt.op, tt.body, tt.code, "") })
	}
}

// Nonces of partner jobs: all since the last hand-out are good until one is
// acknowledged; then only that one is.
func TestPartnerNonces(t *testing.T) {
	t.Parallel()
	s, job, first, token := partnerPipeline(t)
	details := func() string {
		return text(t, s.root.must("GetThirdPartyJobDetails", fill(partnerCalls["GetThirdPartyJobDetails"], job, "", token)), "jobDetails.nonce")
	}
	second := details()
	s.pass(3 * time.Minute)
	s.root.must("PollForThirdPartyJobs", `{"actionTypeId":`+typeID("Source", "ThirdParty", "Ptn")+`}`)
	third, fourth := details(), details()
	ack := func(nonce string) string { return fill(partnerCalls["AcknowledgeThirdPartyJob"], job, nonce, token) }
	for _, old := range []string{first, second} {
		s.root.refuse("AcknowledgeThirdPartyJob", ack(old), "InvalidNonceException", "The nonce '"+old+"' is not valid for job '"+job+"'")
	}
	for range 2 {
		if got := s.root.must("AcknowledgeThirdPartyJob", ack(third)); got != `{"status":"InProgress"}` {
			t.Errorf("the first nonce of the hand-out answers %s", got)
		}
	}
	s.root.refuse("AcknowledgeThirdPartyJob", ack(fourth), "InvalidNonceException", "")
	if got := details(); got != third {
		t.Errorf("after the acknowledgement the nonce is %s, not the acknowledged %s", got, third)
	}
}

// Scenarios 2, 3 and 4 of jobs.md section 20 beyond the matrix: who was slow
// but not overtaken may still begin, who was overtaken may not.
func TestHandOutWindow(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.simple()
	first := s.poll("Source", "Src")
	job := text(t, first, "id")
	s.pass(2*time.Minute - time.Millisecond)
	if got := s.poll("Source", "Src"); got != "" {
		t.Fatalf("handed out within the window: %s", got)
	}
	s.pass(time.Millisecond)
	second := s.poll("Source", "Src")
	if text(t, second, "id") != job || text(t, second, "nonce") <= text(t, first, "nonce") {
		t.Fatalf("handed out again: %s after %s", second, first)
	}
	s.pass(time.Hour)
	ack := func(j string) string { return fmt.Sprintf(`{"jobId":%q,"nonce":%q}`, job, text(t, j, "nonce")) }
	s.root.refuse("AcknowledgeJob", ack(first), "InvalidNonceException", "The nonce '"+text(t, first, "nonce")+"' is not valid for job '"+job+"'")
	if got := s.root.must("AcknowledgeJob", ack(second)); got != `{"status":"InProgress"}` {
		t.Errorf("late acknowledgement answers %s", got)
	}
	s.succeed(job, "")
	s.succeed(job, "")
	s.root.refuse("PutJobFailureResult", fill(customCalls["PutJobFailureResult"], job, "", ""), "InvalidJobStateException",
		"The job '"+job+"' is in state Succeeded; a result is taken only while it is InProgress")
}

// Two workers that poll at the same moment never get the same job.
func TestPollIsAtomic(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Source", "Src", "")
	const jobs = 20
	for i := range jobs {
		s.create(declare(fmt.Sprintf("P%d", i), "", stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)), stage("Gate", approval("Ask", ""))))
	}
	got := make(chan string)
	for range jobs {
		go func() {
			out, code, _ := s.root.raw("PollForJobs", `{"actionTypeId":`+typeID("Source", "Custom", "Src")+`,"maxBatchSize":1}`)
			if code != "" {
				t.Error(code)
				out = "{}"
			}
			got <- text(t, out, "jobs.0.id")
		}()
	}
	seen := map[string]bool{}
	for range jobs {
		seen[<-got] = true
	}
	if len(seen) != jobs || seen[""] {
		t.Errorf("%d polls got %d different jobs", jobs, len(seen))
	}
}

// Jobs come oldest first, also those that come back; without a size a poll
// returns one.
func TestPollOrderAndBatch(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Source", "Src", "")
	for i := range 3 {
		s.create(declare(fmt.Sprintf("P%d", i), "", stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)), stage("Gate", approval("Ask", ""))))
		s.pass(time.Second)
	}
	poll := func(size string) (names string) {
		out := s.root.must("PollForJobs", `{"actionTypeId":`+typeID("Source", "Custom", "Src")+size+`}`)
		for i := range 4 {
			names += text(t, out, fmt.Sprintf("jobs.%d.data.pipelineContext.pipelineName", i))
		}
		return names
	}
	if got := poll(""); got != "P0" {
		t.Errorf("a poll without a size got %q", got)
	}
	if got := poll(`,"maxBatchSize":1000`); got != "P1P2" {
		t.Errorf("a poll for many got %q", got)
	}
	s.pass(2*time.Minute + time.Second)
	if got := poll(`,"maxBatchSize":2`); got != "P0P1" {
		t.Errorf("after the window a poll for two got %q", got)
	}
	s.root.refuse("PollForJobs", `{"actionTypeId":`+typeID("Source", "Custom", "Src")+`,"maxBatchSize":0}`, "ValidationException",
		"1 validation error detected: Value at 'maxBatchSize' failed to satisfy constraint: Member must have value greater than or equal to 1")
}
