package service_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"penstock/internal/store"
)

// partnerRun makes a pipeline of the name whose partner action works for the
// client, and starts it; more are further members of the configuration.
func (s *server) partnerRun(name, client, more string) {
	s.Helper()
	if client != "" {
		more = fmt.Sprintf(`"configuration":{"ClientId":%q%s}`, client, member(more))
	}
	s.create(declare(name, "", stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)),
		stage("Test", action("Acme", "Test", "ThirdParty", "Acme", more))))
	s.succeed(s.take("Source", "Src"), "")
}

// polled are the jobs of one PollForThirdPartyJobs, as "client job".
func (s *server) pollPartner(max int) (list []string) {
	s.Helper()
	out := s.root.must("PollForThirdPartyJobs", fmt.Sprintf(`{"actionTypeId":%s,"maxBatchSize":%d}`, typeID("Test", "ThirdParty", "Acme"), max))
	jobs, _ := get(s.T, out, "jobs").([]any)
	for i := range jobs {
		at := fmt.Sprintf("jobs.%d.", i)
		list = append(list, text(s.T, out, at+"clientId")+" "+text(s.T, out, at+"jobId"))
	}
	return list
}

func (s *server) rotate(client string, grace time.Duration) string {
	s.Helper()
	out := s.root.must("Penstock.RotateClient", fmt.Sprintf(`{"clientId":%q,"graceSeconds":%d}`, client, int64(grace/time.Second)))
	return text(s.T, out, "clientToken")
}

func (s *server) revoke(client string) {
	s.Helper()
	s.root.must("Penstock.RevokeClient", fmt.Sprintf(`{"clientId":%q}`, client))
}

// partners is a server with the partner type Test/Acme and clients of it.
func partners(t *testing.T, clients int) (s *server, ids, tokens []string) {
	t.Helper()
	s = newServer(t)
	s.customType("Source", "Src", "")
	s.root.must("Penstock.RegisterPartner", `{"category":"Test","provider":"Acme","version":"1","inputs":{},"outputs":{},"properties":[{"name":"ApiKey","secret":true}]}`)
	for range clients {
		id, token := s.connect("Acme")
		ids, tokens = append(ids, id), append(tokens, token)
	}
	return s, ids, tokens
}

func details(job, token string) string {
	return fmt.Sprintf(`{"jobId":%q,"clientToken":%q}`, job, token)
}

// TestPartnerTurns: one partner polls for many clients, and one with many jobs
// does not keep the others from theirs.
func TestPartnerTurns(t *testing.T) {
	t.Parallel()
	s, ids, tokens := partners(t, 2)
	for i := range 6 {
		s.partnerRun(fmt.Sprintf("big-%d", i), ids[0], "")
		s.pass(time.Millisecond)
	}
	s.partnerRun("small", ids[1], "")
	var got []string
	for _, max := range []int{1, 1, 2, 100} {
		got = append(got, s.pollPartner(max)...)
	}
	if len(got) != 7 || !strings.HasPrefix(got[1], ids[1]) {
		t.Fatalf("jobs in the order %q, want that of %s second", got, ids[1])
	}
	small := strings.Fields(got[1])[1]
	s.root.refuse("GetThirdPartyJobDetails", details(small, tokens[0]), "InvalidClientTokenException", "")
	if name := text(t, s.root.must("GetThirdPartyJobDetails", details(small, tokens[1])), "jobDetails.data.pipelineContext.pipelineName"); name != "small" {
		t.Errorf("the job is of %s", name)
	}
	for i, job := range slices.Delete(got, 1, 2) {
		name := text(t, s.root.must("GetThirdPartyJobDetails", details(strings.Fields(job)[1], tokens[0])), "jobDetails.data.pipelineContext.pipelineName")
		if name != fmt.Sprintf("big-%d", i) {
			t.Errorf("job %d is of %s: not oldest first", i, name)
		}
	}
}

// TestRotation: both tokens open jobs until the grace ends, through all calls.
func TestRotation(t *testing.T) {
	t.Parallel()
	s, ids, tokens := partners(t, 1)
	old := tokens[0]
	s.partnerRun("P", ids[0], "")
	job := strings.Fields(s.pollPartner(1)[0])[1]
	const grace = time.Minute
	renewed := s.rotate(ids[0], grace)
	if renewed == old {
		t.Fatal("the token is the same")
	}
	opens := func(token string, want bool) {
		t.Helper()
		if want {
			s.root.must("GetThirdPartyJobDetails", details(job, token))
		} else {
			s.root.refuse("GetThirdPartyJobDetails", details(job, token), "InvalidClientTokenException", "")
		}
	}
	opens(old, true)
	nonce := text(t, s.root.must("GetThirdPartyJobDetails", details(job, renewed)), "jobDetails.nonce")
	s.root.must("AcknowledgeThirdPartyJob", fmt.Sprintf(`{"jobId":%q,"nonce":%q,"clientToken":%q}`, job, nonce, old))
	s.pass(grace - time.Millisecond)
	opens(old, true)
	s.pass(time.Millisecond)
	opens(old, false)
	opens(renewed, true)

	third := s.rotate(ids[0], time.Hour)
	opens(renewed, true)
	fourth := s.rotate(ids[0], 24*time.Hour) // ends the one before the last
	opens(renewed, false)
	opens(third, true)
	opens(fourth, true)
	fifth := s.rotate(ids[0], 0)
	opens(fourth, false)
	s.root.must("PutThirdPartyJobSuccessResult", fmt.Sprintf(`{"jobId":%q,"clientToken":%q}`, job, fifth))

	s.root.refuse("Penstock.RotateClient", fmt.Sprintf(`{"clientId":%q,"graceSeconds":-1}`, ids[0]), "ValidationException", "graceSeconds must be between 0 and 2592000")
	s.root.refuse("Penstock.RotateClient", fmt.Sprintf(`{"clientId":%q,"graceSeconds":2592001}`, ids[0]), "ValidationException", "graceSeconds must be between 0 and 2592000")
	s.as(stranger).refuse("Penstock.RotateClient", fmt.Sprintf(`{"clientId":%q}`, ids[0]), "ValidationException", "")
	until := text(t, s.root.must("Penstock.RotateClient", fmt.Sprintf(`{"clientId":%q}`, ids[0])), "previousTokenUntil")
	if want := s.store.Now().Add(24 * time.Hour).Format(time.RFC3339Nano); until != want {
		t.Errorf("without a grace until %s, want %s", until, want)
	}
	if list := s.root.must("Penstock.ListPartners", `{}`); text(t, list, "partners.0.clients.0.previousTokenUntil") != until {
		t.Errorf("the list is %s", list)
	}
	s.revoke(ids[0])
	s.root.refuse("Penstock.RotateClient", fmt.Sprintf(`{"clientId":%q}`, ids[0]), "ValidationException", "client '"+ids[0]+"' is revoked; make another with `penstock partner connect`")
}

// TestRevokeWhileJobsRun: whatever state its jobs are in, they end with their
// actions when the client is revoked, and a retry goes to another client.
func TestRevokeWhileJobsRun(t *testing.T) {
	t.Parallel()
	s, ids, tokens := partners(t, 2)
	token := tokens[0]
	ack := func(job string) {
		nonce := text(t, s.root.must("GetThirdPartyJobDetails", details(job, token)), "jobDetails.nonce")
		s.root.must("AcknowledgeThirdPartyJob", fmt.Sprintf(`{"jobId":%q,"nonce":%q,"clientToken":%q}`, job, nonce, token))
	}
	jobs := map[string]string{}
	for _, state := range []string{"continued", "done", "running", "dispatched", "queued"} {
		s.partnerRun(state, ids[0], "")
		if state == "queued" {
			break
		}
		job := strings.Fields(s.pollPartner(1)[0])[1]
		jobs[state] = job
		switch state {
		case "continued":
			ack(job)
			s.root.must("PutThirdPartyJobSuccessResult", fmt.Sprintf(`{"jobId":%q,"clientToken":%q,"continuationToken":"more"}`, job, token))
		case "done":
			ack(job)
			s.root.must("PutThirdPartyJobSuccessResult", fmt.Sprintf(`{"jobId":%q,"clientToken":%q}`, job, token))
		case "running":
			ack(job)
		}
	}
	s.partnerRun("other", ids[1], "")
	s.rotate(ids[0], time.Hour)
	s.revoke(ids[0])
	for state, want := range map[string]string{"continued": "Failed", "done": "Succeeded", "running": "Failed", "dispatched": "Failed", "queued": "Failed", "other": "InProgress"} {
		st := s.root.must("GetPipelineState", fmt.Sprintf(`{"name":%q}`, state))
		at := "stageStates.1.actionStates.0.latestExecution."
		if got := text(t, st, at+"status"); got != want {
			t.Errorf("%s: the action is %s, want %s", state, got, want)
		}
		if want == "Failed" {
			if got := text(t, st, at+"errorDetails.code") + ": " + text(t, st, at+"errorDetails.message"); got != "PermissionError: The client '"+ids[0]+"' of action 'Acme' was revoked" {
				t.Errorf("%s: %s", state, got)
			}
		}
	}
	for state, job := range jobs {
		s.root.refuse("GetThirdPartyJobDetails", details(job, token), "InvalidClientTokenException", "The client token is not valid for job '"+job+"'")
		s.root.refuse("PutThirdPartyJobSuccessResult", details(job, token), "InvalidClientTokenException", "")
		if state == "running" {
			s.root.refuse("PutThirdPartyJobFailureResult", fmt.Sprintf(`{"jobId":%q,"clientToken":%q,"failureDetails":{"type":"JobFailed","message":"m"}}`, job, token), "InvalidClientTokenException", "")
		}
	}
	s.pass(time.Minute) // the continuation's delay: nothing comes of it
	if got := s.pollPartner(100); len(got) != 1 || !strings.HasPrefix(got[0], ids[1]) {
		t.Errorf("afterwards the queue holds %q", got)
	}
	s.revoke(ids[0])

	// With the action changed to another client the stage can be retried.
	s.root.must("UpdatePipeline", `{"pipeline":`+strings.Replace(jsonOf(t, get(t, s.root.must("GetPipeline", `{"name":"queued"}`), "pipeline")), ids[0], ids[1], 1)+`}`)
	s.root.must("StartPipelineExecution", `{"name":"queued"}`)
	s.succeed(s.take("Source", "Src"), "")
	if got := s.pollPartner(100); len(got) != 1 || !strings.HasPrefix(got[0], ids[1]) {
		t.Errorf("after the update the queue holds %q", got)
	}
}

// TestWhichClient: an action names its client by ClientId, or uses the only
// one that is connected.
func TestWhichClient(t *testing.T) {
	t.Parallel()
	s, ids, _ := partners(t, 2)
	failure := func(name string) string {
		return text(t, s.root.must("GetPipelineState", fmt.Sprintf(`{"name":%q}`, name)), "stageStates.1.actionStates.0.latestExecution.errorDetails.message")
	}
	s.partnerRun("named", ids[1], "")
	if got := s.pollPartner(1); len(got) != 1 || !strings.HasPrefix(got[0], ids[1]) {
		t.Errorf("got %q", got)
	}
	s.partnerRun("unknown", "nobody", "")
	if got := failure("unknown"); got != "No client 'nobody' is connected for action 'Acme'; see `penstock partner list`" {
		t.Errorf("an unknown client: %s", got)
	}
	s.partnerRun("many", "", "")
	if got := failure("many"); got != "2 clients are connected for action 'Acme'; name one by the configuration key ClientId" {
		t.Errorf("no client named: %s", got)
	}
	s.revoke(ids[0])
	s.partnerRun("revoked", ids[0], "")
	if got := failure("revoked"); !strings.HasPrefix(got, "No client '"+ids[0]) {
		t.Errorf("a revoked client: %s", got)
	}
	s.partnerRun("only", "", "")
	if got := s.pollPartner(1); len(got) != 1 || !strings.HasPrefix(got[0], ids[1]) {
		t.Errorf("the only client: %q", got)
	}
}

// audit are all records, "Operation outcome client job/names-of-secrets…".
func (s *server) audit() (list []string, records []store.AuditRecord) {
	s.Helper()
	var out struct{ Records []store.AuditRecord }
	s.ok(json.Unmarshal([]byte(s.root.must("Penstock.GetAudit", `{"sinceSeconds":86400}`)), &out))
	for _, r := range out.Records {
		line := r.Operation + " " + r.Outcome
		if r.ClientID != "" {
			line += " client"
		}
		if r.KeyID != "" {
			line += " key " + r.KeyID
		}
		for _, j := range r.Jobs {
			line += " " + j.Pipeline + "/" + j.Stage + "/" + j.Action + ":" + strings.Join(j.Secrets, ",")
		}
		list = append(list, line)
	}
	return list, out.Records
}

// TestAudit: each call that touched a secret leaves one record that tells who
// did what, and never the secret; calls that did not leave none.
func TestAudit(t *testing.T) {
	t.Parallel()
	s, ids, tokens := partners(t, 1)
	const hush = "hush-of-the-audit"
	s.customType("Build", "Make", properties(property("Password", "secret"), property("Target")))
	s.partnerRun("theirs", ids[0], `"ApiKey":"`+hush+`"`)
	job := strings.Fields(s.pollPartner(1)[0])[1]
	s.root.refuse("GetThirdPartyJobDetails", details(job, "wrong-"+hush), "InvalidClientTokenException", "")
	nonce := text(t, s.root.must("GetThirdPartyJobDetails", details(job, tokens[0])), "jobDetails.nonce")
	s.root.refuse("AcknowledgeThirdPartyJob", fmt.Sprintf(`{"jobId":%q,"nonce":%q,"clientToken":"x"}`, job, nonce), "InvalidClientTokenException", "")
	s.root.must("AcknowledgeThirdPartyJob", fmt.Sprintf(`{"jobId":%q,"nonce":%q,"clientToken":%q}`, job, nonce, tokens[0]))
	s.root.refuse("PutThirdPartyJobSuccessResult", details(job, "x"), "InvalidClientTokenException", "")
	s.root.refuse("PutThirdPartyJobFailureResult", fmt.Sprintf(`{"jobId":%q,"clientToken":"x","failureDetails":{"type":"JobFailed","message":"m"}}`, job), "InvalidClientTokenException", "")
	s.root.must("PutThirdPartyJobSuccessResult", details(job, tokens[0]))
	s.root.must("GetThirdPartyJobDetails", details(job, tokens[0]))

	build := func(name, config string) {
		s.create(declare(name, "", stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)),
			stage("Build", action("Make", "Build", "Custom", "Make", `"configuration":{`+config+`}`))))
		s.succeed(s.take("Source", "Src"), "") // without a secret
	}
	build("plain", `"Target":"all"`)
	j := text(t, s.poll("Build", "Make"), "id")
	s.root.must("GetJobDetails", `{"jobId":"`+j+`"}`)
	build("ours", `"Password":"`+hush+`","Target":"all"`)
	second := s.as(account)
	out := second.must("PollForJobs", `{"actionTypeId":`+typeID("Build", "Custom", "Make")+`,"maxBatchSize":5}`)
	j = text(t, out, "jobs.0.id")
	s.root.must("GetJobDetails", `{"jobId":"`+j+`"}`)
	s.root.must("AcknowledgeJob", fmt.Sprintf(`{"jobId":%q,"nonce":%q}`, j, text(t, out, "jobs.0.nonce")))
	s.succeed(j, "")
	s.root.must("GetJobDetails", `{"jobId":"`+j+`"}`) // masked by now
	s.rotate(ids[0], time.Hour)
	s.revoke(ids[0])
	key := s.root.must("Penstock.CreateAccessKey", `{"account":"222222222222"}`)
	keyID2 := text(t, key, "accessKeyId")
	s.root.must("Penstock.DeleteAccessKey", `{"accessKeyId":"`+keyID2+`"}`)
	s.root.refuse("Penstock.DeleteAccessKey", `{"accessKeyId":"`+keyID2+`"}`, "ValidationException", "")

	got, records := s.audit()
	want := []string{
		"ConnectPartner OK client",
		"GetThirdPartyJobDetails InvalidClientTokenException client theirs/Test/Acme:",
		"GetThirdPartyJobDetails OK client theirs/Test/Acme:ApiKey",
		"AcknowledgeThirdPartyJob InvalidClientTokenException client theirs/Test/Acme:",
		"PutThirdPartyJobSuccessResult InvalidClientTokenException client theirs/Test/Acme:",
		"PutThirdPartyJobFailureResult InvalidClientTokenException client theirs/Test/Acme:",
		"GetThirdPartyJobDetails OK client theirs/Test/Acme:",
		"PollForJobs OK ours/Build/Make:Password",
		"GetJobDetails OK ours/Build/Make:Password",
		"RotateClient OK client",
		"RevokeClient OK client",
		"CreateAccessKey OK key " + keyID2,
		"DeleteAccessKey OK key " + keyID2,
	}
	if !slices.Equal(got, want) {
		t.Errorf("records\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	requests := map[string]bool{}
	for i, r := range records {
		who, key := "arn:aws:iam::000000000000:root", keyID
		if r.Operation == "PollForJobs" {
			who, key = "arn:aws:iam::000000000000:user/u", second.id
		}
		if r.Principal != who || r.AccessKeyID != key || r.Source != "127.0.0.1" || r.Account != account || r.Region != region || r.Time.IsZero() || requests[r.RequestID] {
			t.Errorf("record %d is %+v", i, r)
		}
		requests[r.RequestID] = true
	}
	raw := s.root.must("Penstock.GetAudit", `{"sinceSeconds":86400}`)
	for _, secret := range append(tokens, hush, secretKey, text(t, key, "secretAccessKey")) {
		if strings.Contains(raw, secret) {
			t.Errorf("%q is in the records", secret)
		}
	}
	if got := s.as(stranger).must("Penstock.GetAudit", `{"sinceSeconds":86400}`); get(t, got, "records.0") != nil {
		t.Errorf("a stranger reads %s", got)
	}
	s.root.refuse("Penstock.GetAudit", `{"cursor":"e1-1"}`, "ValidationException", "cursor is not one that this server has answered")
	s.root.refuse("Penstock.GetAudit", `{"sinceSeconds":-1}`, "ValidationException", "sinceSeconds must not be negative")
	cursor := text(t, raw, "cursor")
	s.connect("Acme")
	next := s.root.must("Penstock.GetAudit", `{"cursor":"`+cursor+`"}`)
	if text(t, next, "records.0.operation") != "ConnectPartner" || get(t, next, "records.1") != nil {
		t.Errorf("after the cursor %s", next)
	}
}
