package service_test

import (
	"fmt"
	"os"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"penstock/internal/store/storetest"
)

// faultCode is what a call is told whose store fails.
const faultCode = "ServiceUnavailableException"

// onPostgres is the variable that has TestFaults keep its state in PostgreSQL,
// where a database for each call that fails takes its time.
const onPostgres = "PENSTOCK_FAULTS_ON_POSTGRES"

// random are the parts of an answer that differ from server to server.
var random = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|"(nonce|clientToken|clientId|token|url)":"[^"]*"|[0-9]+`)

// afterwards are the operations that look at the store once more after their
// commit, only to warn in the log: a failure then is not the caller's.
var afterwards = map[string]bool{"CreatePipeline": true, "UpdatePipeline": true}

// call makes a call and returns what may be compared between servers.
func (s *server) call(operation, body string) string {
	s.Helper()
	answer, code, message := s.root.raw(operation, body)
	return random.ReplaceAllString(answer+code+" "+message, "#")
}

// TestFaults fails each store call of each operation that changes something,
// before its commit and after. The caller is told of an error in both cases. The
// repeat then is answered as on a server without faults: as the first call when
// nothing was committed, as the second when the first was and only its answer
// is lost. It runs on SQLite unless PENSTOCK_FAULTS_ON_POSTGRES is set.
func TestFaults(t *testing.T) {
	t.Parallel()
	o := usual
	o.postgres = os.Getenv(onPostgres) != ""
	gate := func(s *server) string {
		s.fetched()
		return text(s.T, s.state(), "stageStates.1.actionStates.0.latestExecution.token")
	}
	polled := func(s *server) string { s.simple(); return s.poll("Source", "Src") }
	acknowledge := func(s *server) string {
		j := polled(s)
		return fmt.Sprintf(`{"jobId":%q,"nonce":%q}`, text(s.T, j, "id"), text(s.T, j, "nonce"))
	}
	taken := func(format string) func(s *server) string {
		return func(s *server) string { s.simple(); return fmt.Sprintf(format, s.take("Source", "Src")) }
	}
	running := func(format string) func(s *server) string {
		return func(s *server) string { return fmt.Sprintf(format, s.simple()) }
	}
	ready := func(body string) func(s *server) string {
		return func(s *server) string { s.simple(); return body }
	}
	// partner is a job of a partner in a client's hands, with its nonce.
	partner := func(format string) func(s *server) string {
		return func(s *server) string {
			s.customType("Source", "Src", "")
			id, token := s.partnerType("Test", "Acme")
			s.partnerRun("P", id, "")
			out := s.root.must("PollForThirdPartyJobs", `{"actionTypeId":`+typeID("Test", "ThirdParty", "Acme")+`}`)
			job := text(s.T, out, "jobs.0.jobId")
			details := s.root.must("GetThirdPartyJobDetails", fmt.Sprintf(`{"jobId":%q,"clientToken":%q}`, job, token))
			nonce := text(s.T, details, "jobDetails.nonce")
			if format == "" {
				return fmt.Sprintf(`{"jobId":%q,"clientToken":%q,"nonce":%q}`, job, token, nonce)
			}
			s.root.must("AcknowledgeThirdPartyJob", fmt.Sprintf(`{"jobId":%q,"clientToken":%q,"nonce":%q}`, job, token, nonce))
			return fmt.Sprintf(format, job, token)
		}
	}
	p := func(extra string) string {
		return `{"pipeline":` + declare("P", extra, stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)), stage("Gate", approval("Ask", ""))) + `}`
	}
	const arn = "arn:aws:codepipeline:eu-west-1:000000000000:P"
	failed := map[storetest.When]*sync.Map{storetest.Before: {}, storetest.After: {}} // methods of transactions
	var ran atomic.Int64
	cases := []struct {
		operation string
		prepare   func(s *server) (body string)
	}{
		{"CreatePipeline", func(s *server) string { s.customType("Source", "Src", ""); return p("") }},
		{"UpdatePipeline", ready(p(`"executionMode":"QUEUED","pipelineType":"V2"`))},
		{"DeletePipeline", ready(`{"name":"P"}`)},
		{"StartPipelineExecution", ready(`{"name":"P","clientRequestToken":"once"}`)},
		{"StopPipelineExecution", running(`{"pipelineName":"P","pipelineExecutionId":%q,"abandon":true}`)},
		{"RetryStageExecution", func(s *server) string {
			id := s.simple()
			s.fail(s.take("Source", "Src"))
			return fmt.Sprintf(`{"pipelineName":"P","stageName":"Source","pipelineExecutionId":%q,"retryMode":"FAILED_ACTIONS"}`, id)
		}},
		{"DisableStageTransition", ready(`{"pipelineName":"P","stageName":"Gate","transitionType":"Inbound","reason":"lunch"}`)},
		{"EnableStageTransition", func(s *server) string {
			s.simple()
			s.root.must("DisableStageTransition", `{"pipelineName":"P","stageName":"Gate","transitionType":"Inbound","reason":"lunch"}`)
			return `{"pipelineName":"P","stageName":"Gate","transitionType":"Inbound"}`
		}},
		{"PutApprovalResult", func(s *server) string {
			return fmt.Sprintf(`{"pipelineName":"P","stageName":"Gate","actionName":"Ask","token":%q,"result":{"status":"Approved","summary":"yes"}}`, gate(s))
		}},
		{"PollForJobs", func(s *server) string {
			s.simple()
			return `{"actionTypeId":` + typeID("Source", "Custom", "Src") + `}`
		}},
		{"AcknowledgeJob", acknowledge},
		{"GetJobDetails", taken(`{"jobId":%q}`)},
		{"PutJobSuccessResult", taken(`{"jobId":%q,"executionDetails":{"summary":"done"}}`)},
		{"PutJobSuccessResult", taken(`{"jobId":%q,"continuationToken":"more"}`)},
		{"PutJobFailureResult", taken(`{"jobId":%q,"failureDetails":{"type":"JobFailed","message":"broken"}}`)},
		{"AcknowledgeThirdPartyJob", partner("")},
		{"GetThirdPartyJobDetails", partner(`{"jobId":%q,"clientToken":%q}`)},
		{"PutThirdPartyJobSuccessResult", partner(`{"jobId":%q,"clientToken":%q,"executionDetails":{"summary":"done"}}`)},
		{"PutThirdPartyJobFailureResult", partner(`{"jobId":%q,"clientToken":%q,"failureDetails":{"type":"JobFailed","message":"broken"}}`)},
		{"PutActionRevision", ready(`{"pipelineName":"P","stageName":"Source","actionName":"Fetch","actionRevision":{"revisionId":"r1","revisionChangeId":"c1","created":1}}`)},
		{"CreateCustomActionType", func(*server) string {
			return `{"category":"Build","provider":"New","version":"1","inputArtifactDetails":{"minimumCount":0,"maximumCount":1},"outputArtifactDetails":{"minimumCount":0,"maximumCount":1}}`
		}},
		{"DeleteCustomActionType", func(s *server) string {
			s.customType("Build", "Old", "")
			return `{"category":"Build","provider":"Old","version":"1"}`
		}},
		{"TagResource", ready(`{"resourceArn":"` + arn + `","tags":[{"key":"k","value":"v"}]}`)},
		{"UntagResource", ready(`{"resourceArn":"` + arn + `","tagKeys":["k"]}`)},
		{"GetPipelineState", ready(`{"name":"P"}`)},
		{"ListActionExecutions", ready(`{"pipelineName":"P"}`)},
		{"Penstock.RegisterPartner", func(*server) string {
			return `{"category":"Test","provider":"Acme","version":"1","inputs":{},"outputs":{}}`
		}},
		{"Penstock.ConnectPartner", func(s *server) string { s.partnerType("Test", "Acme"); return `{"provider":"Acme"}` }},
	}
	t.Cleanup(func() {
		if int(ran.Load()) < len(cases) { // -run left some out
			return
		}
		for when, methods := range failed {
			for _, method := range storetest.FailedBy("service") {
				if _, ok := methods.Load(method); !ok {
					t.Errorf("no call that uses %s failed %s its commit", method, when)
				}
			}
		}
	})
	for _, tc := range cases {
		t.Run(tc.operation, func(t *testing.T) {
			t.Parallel()
			defer ran.Add(1)
			calm := newServer(t, o)
			body := tc.prepare(calm)
			first, second := calm.call(tc.operation, body), calm.call(tc.operation, body)
			for _, when := range []storetest.When{storetest.Before, storetest.After} {
				for n := 0; ; n++ {
					s := newServer(t, o)
					body := tc.prepare(s)
					s.faults.Arm("", n, when)
					answer, code, message := s.root.raw(tc.operation, body)
					method := s.faults.Disarm()
					for _, used := range s.faults.Failed(when) {
						failed[when].Store(used, true)
					}
					if method == "" {
						if n == 0 {
							t.Errorf("no call of the store was made to fail: %s%s", answer, code)
						}
						break
					}
					what := fmt.Sprintf("%s of call %d, %s", when, n, method)
					want := first
					if when == storetest.After && (method == "Update" || method == "Claim") {
						want = second
					}
					if afterwards[tc.operation] && code == "" && method == "View" {
						want = second
					} else if code != faultCode || message != "The database was made to fail." {
						t.Errorf("%s: answered %q %s: %s", what, answer, code, message)
					}
					if got := s.call(tc.operation, body); got != want {
						t.Errorf("%s: the repeat is answered\n%s\nwant\n%s", what, got, want)
					}
				}
			}
		})
	}
}

// TestFaultsOfJobs lets a worker go through a job whose every store call fails
// once, before its commit or after: the job is done once.
func TestFaultsOfJobs(t *testing.T) {
	t.Parallel()
	for i, when := range []storetest.When{storetest.Before, storetest.After, storetest.Before, storetest.After} {
		o := usual
		o.postgres = i >= 2
		t.Run(fmt.Sprintf("%s, PostgreSQL %v", when, o.postgres), func(t *testing.T) {
			t.Parallel()
			s := newServer(t, o)
			id := s.simple()
			insist := func(method, operation, body string) string {
				s.faults.Arm(method, 0, when)
				if _, code, _ := s.root.raw(operation, body); code != faultCode {
					t.Fatalf("%s was to fail and answered %q", operation, code)
				}
				return s.root.must(operation, body)
			}
			poll := `{"actionTypeId":` + typeID("Source", "Custom", "Src") + `}`
			out := insist("Claim", "PollForJobs", poll)
			if when == storetest.After { // handed out to nobody: it comes back with the window
				if out != `{"jobs":[]}` {
					t.Errorf("the job is handed out twice: %s", out)
				}
				s.pass(2*time.Minute + time.Second)
				out = s.root.must("PollForJobs", poll)
			}
			job := text(t, out, "jobs.0.id")
			if got := insist("Update", "AcknowledgeJob", fmt.Sprintf(`{"jobId":%q,"nonce":%q}`, job, text(t, out, "jobs.0.nonce"))); got != `{"status":"InProgress"}` {
				t.Errorf("acknowledged with %s", got)
			}
			insist("Update", "PutJobSuccessResult", fmt.Sprintf(`{"jobId":%q}`, job))
			token := text(t, s.state(), "stageStates.1.actionStates.0.latestExecution.token")
			s.faults.Arm("Update", 0, when)
			approve := fmt.Sprintf(`{"pipelineName":"P","stageName":"Gate","actionName":"Ask","token":%q,"result":{"status":"Approved","summary":"yes"}}`, token)
			if _, code, _ := s.root.raw("PutApprovalResult", approve); code != faultCode {
				t.Errorf("PutApprovalResult was to fail and answered %q", code)
			}
			if _, code, _ := s.root.raw("PutApprovalResult", approve); (code == "") != (when == storetest.Before) {
				t.Errorf("the repeat of PutApprovalResult answered %q", code)
			}
			if got := s.status(id); got != "Succeeded" {
				t.Errorf("the execution is %s", got)
			}
		})
	}
}
