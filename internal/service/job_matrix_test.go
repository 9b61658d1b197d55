package service_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// worker makes the calls of one family, custom or partner, through the SDK.
// Each answers what the matrix has in its cells.
type worker interface {
	// poll answers how many jobs it got, and the nonce of the last.
	poll() (jobs int, nonce string)
	acknowledge(job, nonce string) string
	// details answers "open", with fresh credentials and secrets in clear,
	// or "closed", without either.
	details(job string) string
	succeed(job, summary, token string) string
	fail(job, message string) string
}

var shortCodes = strings.NewReplacer("JobNotFoundException", "NF", "InvalidNonceException", "IN", "InvalidJobStateException", "IS",
	"InvalidJobException", "IJ", "InvalidClientTokenException", "IT")

// cell is the answer of a call: its code in short, or ok.
func cell(s *server, ok string, err error) string {
	s.Helper()
	if code := codeOf(s.T, err); code != "" {
		return shortCodes.Replace(code)
	}
	return ok
}

const clearSecret = "correct-horse-battery-staple"

// shown tells what details reveal of a job.
func shown(s *server, cred *types.AWSSessionCredentials, c *types.ActionConfiguration) string {
	s.Helper()
	switch secret := c.Configuration["Token"]; {
	case cred != nil && aws.ToString(cred.AccessKeyId) != "" && aws.ToString(cred.SecretAccessKey) != "" && aws.ToString(cred.SessionToken) != "" && secret == clearSecret:
		return "open " + *cred.AccessKeyId
	case cred == nil && secret == "****":
		return "closed"
	default:
		return fmt.Sprintf("credentials %v, secret %q", cred != nil, secret)
	}
}

// twice makes sure that credentials are not handed out again.
func twice(s *server, once func() string) string {
	s.Helper()
	a, b := once(), once()
	open, _, isOpen := strings.Cut(a, " ")
	if isOpen && open == "open" && a != b {
		return "open"
	}
	if a != b {
		return a + " then " + b
	}
	return a
}

type customWorker struct {
	s   *server
	sdk *codepipeline.Client
}

var customSource = &types.ActionTypeId{Category: "Source", Owner: "Custom", Provider: aws.String("Src"), Version: aws.String("1")}

func (w *customWorker) poll() (int, string) {
	w.s.Helper()
	out, err := w.sdk.PollForJobs(w.s.Context(), &codepipeline.PollForJobsInput{ActionTypeId: customSource, MaxBatchSize: aws.Int32(10)})
	w.s.ok(err)
	if len(out.Jobs) == 0 {
		return 0, ""
	}
	return len(out.Jobs), *out.Jobs[len(out.Jobs)-1].Nonce
}

func (w *customWorker) acknowledge(job, nonce string) string {
	w.s.Helper()
	out, err := w.sdk.AcknowledgeJob(w.s.Context(), &codepipeline.AcknowledgeJobInput{JobId: &job, Nonce: &nonce})
	if err != nil {
		return cell(w.s, "", err)
	}
	return string(out.Status)
}

func (w *customWorker) details(job string) string {
	w.s.Helper()
	return twice(w.s, func() string {
		out, err := w.sdk.GetJobDetails(w.s.Context(), &codepipeline.GetJobDetailsInput{JobId: &job})
		if err != nil {
			return cell(w.s, "", err)
		}
		if *out.JobDetails.Id != job || *out.JobDetails.AccountId != account {
			w.s.Errorf("details of %s in account %s", *out.JobDetails.Id, *out.JobDetails.AccountId)
		}
		return shown(w.s, out.JobDetails.Data.ArtifactCredentials, out.JobDetails.Data.ActionConfiguration)
	})
}

func (w *customWorker) succeed(job, summary, token string) string {
	w.s.Helper()
	in := &codepipeline.PutJobSuccessResultInput{JobId: &job, ExecutionDetails: &types.ExecutionDetails{Summary: &summary}}
	if token != "" {
		in.ContinuationToken = &token
	}
	_, err := w.sdk.PutJobSuccessResult(w.s.Context(), in)
	return cell(w.s, "200", err)
}

func (w *customWorker) fail(job, message string) string {
	w.s.Helper()
	_, err := w.sdk.PutJobFailureResult(w.s.Context(), &codepipeline.PutJobFailureResultInput{
		JobId: &job, FailureDetails: &types.FailureDetails{Type: types.FailureTypeJobFailed, Message: &message},
	})
	return cell(w.s, "200", err)
}

type partnerWorker struct {
	s             *server
	sdk           *codepipeline.Client
	client, token string
}

var partnerSource = &types.ActionTypeId{Category: "Source", Owner: "ThirdParty", Provider: aws.String("Ptn"), Version: aws.String("1")}

func (w *partnerWorker) poll() (int, string) {
	w.s.Helper()
	out, err := w.sdk.PollForThirdPartyJobs(w.s.Context(), &codepipeline.PollForThirdPartyJobsInput{ActionTypeId: partnerSource, MaxBatchSize: aws.Int32(10)})
	w.s.ok(err)
	if len(out.Jobs) == 0 {
		return 0, ""
	}
	j := out.Jobs[len(out.Jobs)-1]
	if *j.ClientId != w.client {
		w.s.Errorf("polled a job of client %s, want %s", *j.ClientId, w.client)
	}
	return len(out.Jobs), w.nonce(*j.JobId)
}

// nonce asks for details, the only call that issues nonces to partners.
func (w *partnerWorker) nonce(job string) string {
	w.s.Helper()
	out, err := w.sdk.GetThirdPartyJobDetails(w.s.Context(), &codepipeline.GetThirdPartyJobDetailsInput{JobId: &job, ClientToken: &w.token})
	w.s.ok(err)
	return *out.JobDetails.Nonce
}

func (w *partnerWorker) acknowledge(job, nonce string) string {
	w.s.Helper()
	out, err := w.sdk.AcknowledgeThirdPartyJob(w.s.Context(), &codepipeline.AcknowledgeThirdPartyJobInput{JobId: &job, Nonce: &nonce, ClientToken: &w.token})
	if err != nil {
		return cell(w.s, "", err)
	}
	return string(out.Status)
}

func (w *partnerWorker) details(job string) string {
	w.s.Helper()
	var nonces []string
	answer := twice(w.s, func() string {
		out, err := w.sdk.GetThirdPartyJobDetails(w.s.Context(), &codepipeline.GetThirdPartyJobDetailsInput{JobId: &job, ClientToken: &w.token})
		if err != nil {
			return cell(w.s, "", err)
		}
		nonces = append(nonces, aws.ToString(out.JobDetails.Nonce))
		if c := out.JobDetails.Data.PipelineContext; c.PipelineArn != nil || c.PipelineExecutionId != nil {
			w.s.Error("the context of a partner job names the pipeline's ARN or execution")
		}
		return shown(w.s, out.JobDetails.Data.ArtifactCredentials, out.JobDetails.Data.ActionConfiguration)
	})
	if answer == "open" && nonces[0] != nonces[1] {
		return "open, new nonce"
	}
	return answer
}

func (w *partnerWorker) succeed(job, summary, token string) string {
	w.s.Helper()
	in := &codepipeline.PutThirdPartyJobSuccessResultInput{JobId: &job, ClientToken: &w.token, ExecutionDetails: &types.ExecutionDetails{Summary: &summary}}
	if token != "" {
		in.ContinuationToken = &token
	}
	_, err := w.sdk.PutThirdPartyJobSuccessResult(w.s.Context(), in)
	return cell(w.s, "200", err)
}

func (w *partnerWorker) fail(job, message string) string {
	w.s.Helper()
	_, err := w.sdk.PutThirdPartyJobFailureResult(w.s.Context(), &codepipeline.PutThirdPartyJobFailureResultInput{
		JobId: &job, ClientToken: &w.token, FailureDetails: &types.FailureDetails{Type: types.FailureTypeJobFailed, Message: &message},
	})
	return cell(w.s, "200", err)
}

// subject is a job that has come to a state, with the nonces that were issued
// for it.
type subject struct {
	s              *server
	w              worker
	id             string
	older, current string
}

// kinds make a server with one job that waits, and its worker.
var kinds = map[string]func(t *testing.T) (*server, worker){
	"custom": func(t *testing.T) (*server, worker) {
		s := newServer(t)
		s.customType("Source", "Src", properties(property("Token", "secret")))
		s.create(declare("P", "", stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}],"configuration":{"Token":"`+clearSecret+`"}`)),
			stage("Gate", approval("Ask", ""))))
		return s, &customWorker{s: s, sdk: s.sdk}
	},
	"partner": func(t *testing.T) (*server, worker) {
		s := newServer(t)
		s.root.must("Penstock.RegisterPartner", `{"category":"Source","provider":"Ptn","version":"1","inputs":{},"outputs":{"maximum":1},"properties":[{"name":"Token","secret":true}]}`)
		client, token := s.connect("Ptn")
		s.create(declare("P", "", stage("Source", action("Fetch", "Source", "ThirdParty", "Ptn", `"outputArtifacts":[{"name":"Code"}],"configuration":{"Token":"`+clearSecret+`"}`)),
			stage("Gate", approval("Ask", ""))))
		return s, &partnerWorker{s: s, sdk: s.sdk, client: client, token: token}
	},
}

// states are the columns of the matrix: how a job comes there.
var states = []struct {
	name string
	come func(j *subject)
}{
	{"Created", func(j *subject) {
		j.handOut()
		j.want("InProgress", j.w.acknowledge(j.id, j.current))
		j.want("200", j.w.succeed(j.id, "round one", "more"))
		j.id = *j.s.lastID.Load() // nobody is told the id yet
	}},
	{"Queued", func(j *subject) {
		j.handOut()
		j.s.pass(2*time.Minute + time.Second)
	}},
	{"Dispatched", (*subject).handOut},
	{"InProgress", (*subject).begin},
	{"TimedOut", func(j *subject) {
		j.begin()
		j.s.pass(24 * time.Hour)
	}},
	{"Succeeded", (*subject).finish},
	{"Failed", func(j *subject) {
		j.begin()
		j.want("200", j.w.fail(j.id, "ended"))
	}},
	{"expired", func(j *subject) {
		j.finish()
		j.s.pass(24*time.Hour + time.Millisecond)
	}},
	{"purged", func(j *subject) {
		j.finish()
		j.s.pass(24*time.Hour + time.Second)
		j.s.purge()
	}},
	{"deleted", func(j *subject) {
		j.begin()
		j.s.root.must("DeletePipeline", `{"name":"P"}`)
	}},
	{"unknown", func(j *subject) {
		j.begin()
		j.id = "00000000-0000-4000-8000-000000000000"
	}},
}

func (j *subject) want(want, got string) {
	j.s.Helper()
	if got != want {
		j.s.Fatalf("on the way: got %s, want %s", got, want)
	}
}

// handOut hands the job out twice, so that it has a void nonce and a good one.
func (j *subject) handOut() {
	j.s.Helper()
	for _, nonce := range []*string{&j.older, &j.current} {
		n, got := j.w.poll()
		if n != 1 {
			j.s.Fatalf("polled %d jobs", n)
		}
		*nonce = got
		if nonce == &j.older {
			j.s.pass(2*time.Minute + time.Second)
		}
	}
}

func (j *subject) begin() {
	j.s.Helper()
	j.handOut()
	j.want("InProgress", j.w.acknowledge(j.id, j.current))
}

func (j *subject) finish() {
	j.s.Helper()
	j.begin()
	j.want("200", j.w.succeed(j.id, "ended", ""))
}

// TestJobMatrix is jobs.md section 4.1: each call in each state of the job.
// NF is JobNotFoundException, IN InvalidNonceException, IS
// InvalidJobStateException.
func TestJobMatrix(t *testing.T) {
	t.Parallel()
	table := []struct {
		call string
		//                Created Queued Dispatched InProgress TimedOut Succeeded Failed expired purged deleted unknown
		want string
		do   func(j *subject) string
	}{
		{"poll", "none one none none none none none none none none none", func(j *subject) string {
			n, _ := j.w.poll()
			return [...]string{"none", "one"}[n]
		}},
		{"poll twice", "none,none one,none none,none none,none none,none none,none none,none none,none none,none none,none none,none", func(j *subject) string {
			n, _ := j.w.poll()
			m, _ := j.w.poll()
			names := [...]string{"none", "one"}
			return names[n] + "," + names[m]
		}},
		{"acknowledge", "IN InProgress InProgress InProgress TimedOut Succeeded Failed NF NF NF NF", func(j *subject) string {
			return j.w.acknowledge(j.id, j.current)
		}},
		{"acknowledge twice", "IN InProgress InProgress InProgress TimedOut Succeeded Failed NF NF NF NF", func(j *subject) string {
			j.w.acknowledge(j.id, j.current)
			return j.w.acknowledge(j.id, j.current)
		}},
		{"acknowledge with an older nonce", "IN IN IN IN IN IN IN NF NF NF NF", func(j *subject) string {
			return j.w.acknowledge(j.id, j.older)
		}},
		{"acknowledge with a nonce never issued", "IN IN IN IN IN IN IN NF NF NF NF", func(j *subject) string {
			return j.w.acknowledge(j.id, j.current+"0")
		}},
		{"acknowledge with the nonce written otherwise", "IN IN IN IN IN IN IN NF NF NF NF", func(j *subject) string {
			return j.w.acknowledge(j.id, "0"+j.current)
		}},
		{"acknowledge with text", "IN IN IN IN IN IN IN NF NF NF NF", func(j *subject) string {
			return j.w.acknowledge(j.id, "abc")
		}},
		{"details", "NF open open open closed closed closed NF NF NF NF", func(j *subject) string {
			return j.w.details(j.id)
		}},
		{"success", "IS IS IS 200 IS IS IS NF NF NF NF", func(j *subject) string {
			return j.w.succeed(j.id, "another", "")
		}},
		{"success, then acknowledge", "IN InProgress InProgress Succeeded TimedOut Succeeded Failed NF NF NF NF", func(j *subject) string {
			j.w.succeed(j.id, "another", "")
			return j.w.acknowledge(j.id, j.current)
		}},
		{"success with a token", "IS IS IS 200 IS IS IS NF NF NF NF", func(j *subject) string {
			return j.w.succeed(j.id, "another", "token")
		}},
		{"success with a token, then poll after the pause", "IS,one IS,one IS,one 200,one IS,none IS,none IS,none NF,none NF,none NF,none NF,none", func(j *subject) string {
			got := j.w.succeed(j.id, "another", "token")
			j.s.pass(2*time.Minute + time.Second) // the window has ended too
			n, _ := j.w.poll()
			return got + "," + [...]string{"none", "one"}[n]
		}},
		{"failure", "IS IS IS 200 IS IS IS NF NF NF NF", func(j *subject) string {
			return j.w.fail(j.id, "another")
		}},
		{"failure, then acknowledge", "IN InProgress InProgress Failed TimedOut Succeeded Failed NF NF NF NF", func(j *subject) string {
			j.w.fail(j.id, "another")
			return j.w.acknowledge(j.id, j.current)
		}},
		{"the report that ended it, after 5 minutes", "IS IS IS 200 IS 200 200 NF NF NF NF", func(j *subject) string {
			j.s.pass(5 * time.Minute)
			return j.repeat()
		}},
		{"the report that ended it, later", "IS IS IS 200 IS IS IS NF NF NF NF", func(j *subject) string {
			j.s.pass(5*time.Minute + time.Millisecond)
			return j.repeat()
		}},
		{"the report that ended it, with a token added", "IS IS IS 200 IS IS IS NF NF NF NF", func(j *subject) string {
			return j.w.succeed(j.id, "ended", "token")
		}},
	}
	for kind, begin := range kinds {
		for _, row := range table {
			for i, want := range strings.Fields(row.want) {
				if kind == "partner" && row.call == "details" && want == "open" && states[i].name != "InProgress" {
					want = "open, new nonce"
				}
				t.Run(kind+"/"+row.call+"/"+states[i].name, func(t *testing.T) {
					t.Parallel()
					s, w := begin(t)
					j := &subject{s: s, w: w, id: *s.lastID.Load()}
					states[i].come(j)
					if got := row.do(j); got != want {
						t.Errorf("got %s, want %s", got, want)
					}
				})
			}
		}
	}
}

// repeat reports again what ended the job, or for the first time.
func (j *subject) repeat() string {
	j.s.Helper()
	if got := j.w.succeed(j.id, "ended", ""); got != "IS" {
		return got
	}
	return j.w.fail(j.id, "ended")
}
