package service_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"penstock/internal/blob"
	"penstock/internal/store"
)

// buildPipeline is a pipeline with a custom source, done, and a build that has
// all that a job can carry: input, output, secret, variables and a key.
func buildPipeline(t *testing.T, owner string) (s *server, execution string) {
	s = newServer(t)
	s.customType("Source", "Src", "")
	switch owner {
	case "Custom":
		s.customType("Build", "Make", properties(property("Target", "required", "queryable"), property("Token", "required", "secret"), property("Note"))+
			`,"settings":{"entityUrlTemplate":"https://make/{Config:Target}","executionUrlTemplate":"https://make/{Config:Target}/{ExternalExecutionId}","revisionUrlTemplate":"https://make/{RevisionId}"}`)
	default:
		s.root.must("Penstock.RegisterPartner", `{"category":"Build","provider":"Make","version":"1","inputs":{"maximum":5},"outputs":{"maximum":5},
			"properties":[{"name":"Target","required":true},{"name":"Token","secret":true},{"name":"Note"}]}`)
		s.connect("Make")
	}
	execution = s.create(declare("a-pipeline-with-a-long-name", `"artifactStore":{"type":"S3","location":"artifacts","encryptionKey":{"id":"alias/key","type":"KMS"}}`,
		stage("Source", action("Fetch", "Source", "Custom", "Src", `"namespace":"Src","outputArtifacts":[{"name":"ALongArtifactName"}]`)),
		stage("Build", action("Compile", "Build", owner, "Make",
			`"inputArtifacts":[{"name":"ALongArtifactName"}],"outputArtifacts":[{"name":"Bin"},{"name":"Doc"}],
			"configuration":{"Target":"all","Token":"`+clearSecret+`","Note":"of #{Src.Commit} in #{codepipeline.PipelineExecutionId}"}`))))
	s.succeed(s.take("Source", "Src"), `"outputVariables":{"Commit":"c0ffee"},"currentRevision":{"revision":"rev-1","changeIdentifier":"change-1","revisionSummary":"why"}`)
	return s, execution
}

const polledData = `{
	"actionTypeId":{"category":"Build","owner":"OWNER","provider":"Make","version":"1"},
	"actionConfiguration":{"configuration":{"Target":"all","Token":"correct-horse-battery-staple","Note":"of c0ffee in #1"}},
	"pipelineContext":{"pipelineName":"a-pipeline-with-a-long-name","stage":{"name":"Build"},"action":{"name":"Compile","actionExecutionId":"#ACTION"}CONTEXT},
	"inputArtifacts":[{"name":"ALongArtifactName","revision":"rev-1","location":{"type":"S3","s3Location":{"bucketName":"artifacts","objectKey":"a-pipeline-with-a-lo/ALongArtif/k000001.zip"}}}],
	"outputArtifacts":[{"name":"Bin","location":{"type":"S3","s3Location":{"bucketName":"artifacts","objectKey":"a-pipeline-with-a-lo/Bin/k000002"}}},
		{"name":"Doc","location":{"type":"S3","s3Location":{"bucketName":"artifacts","objectKey":"a-pipeline-with-a-lo/Doc/k000003"}}}],
	"encryptionKey":{"id":"alias/key","type":"KMS"}CREDENTIALS}`

func dataOf(owner, action, context, credentials string) string {
	return strings.NewReplacer("OWNER", owner, "#ACTION", action, "CONTEXT", context, "CREDENTIALS", credentials).Replace(polledData)
}

func credentialMember(n string) string {
	return `,"artifactCredentials":{"accessKeyId":"ASIA` + n + `","secretAccessKey":"secret` + n + `","sessionToken":"token` + n + `"}`
}

const customContext = `,"pipelineArn":"arn:aws:codepipeline:eu-west-1:000000000000:a-pipeline-with-a-long-name","pipelineExecutionId":"#1"`

// JobData of a custom action, field by field (jobs.md section 11).
func TestJobData(t *testing.T) {
	t.Parallel()
	s, execution := buildPipeline(t, "Custom")
	poll := s.root.must("PollForJobs", `{"actionTypeId":`+typeID("Build", "Custom", "Make")+`,"queryParam":{"Target":"all"}}`)
	id, nonce := text(t, poll, "jobs.0.id"), text(t, poll, "jobs.0.nonce")
	same(t, poll, `{"jobs":[{"id":"#2","nonce":"`+nonce+`","accountId":"000000000000","data":`+dataOf("Custom", "#3", customContext, credentialMember("2"))+`}]}`, execution, id)

	details := s.root.must("GetJobDetails", fmt.Sprintf(`{"jobId":%q}`, id))
	same(t, details, `{"jobDetails":{"id":"#2","accountId":"000000000000","data":`+dataOf("Custom", "#3", customContext, credentialMember("3"))+`}}`, execution, id)

	want := credential{
		account: account, job: id,
		inputs:  []blob.ObjectRef{{Bucket: "artifacts", Key: "a-pipeline-with-a-lo/ALongArtif/k000001.zip"}},
		outputs: []blob.ObjectRef{{Bucket: "artifacts", Key: "a-pipeline-with-a-lo/Bin/k000002"}, {Bucket: "artifacts", Key: "a-pipeline-with-a-lo/Doc/k000003"}},
	}
	for _, got := range s.granted.made[1:] {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("credentials for %+v, want %+v", got, want)
		}
	}

	s.root.must("AcknowledgeJob", fmt.Sprintf(`{"jobId":%q,"nonce":%q}`, id, nonce))
	s.succeed(id, "")
	closed := strings.Replace(dataOf("Custom", "#3", customContext, ""), clearSecret, "****", 1)
	same(t, s.root.must("GetJobDetails", fmt.Sprintf(`{"jobId":%q}`, id)), `{"jobDetails":{"id":"#2","accountId":"000000000000","data":`+closed+`}}`, execution, id)
	if n := len(s.granted.made); n != 3 {
		t.Errorf("credentials were made %d times, want 3", n)
	}
}

// The data of a partner's job names neither the execution nor the ARN of the
// pipeline, and polls carry ids only.
func TestPartnerJobData(t *testing.T) {
	t.Parallel()
	s, execution := buildPipeline(t, "ThirdParty")
	poll := s.root.must("PollForThirdPartyJobs", `{"actionTypeId":`+typeID("Build", "ThirdParty", "Make")+`}`)
	job, client := text(t, poll, "jobs.0.jobId"), text(t, poll, "jobs.0.clientId")
	same(t, poll, `{"jobs":[{"clientId":"#2","jobId":"#1"}]}`, job, client)
	if got := s.root.must("PollForThirdPartyJobs", `{"actionTypeId":`+typeID("Build", "ThirdParty", "Make")+`}`); got != `{"jobs":[]}` {
		t.Errorf("no partner job is %s", got)
	}
	var token string
	s.ok(s.store.View(t.Context(), func(r store.Reader) error {
		c, err := r.Client(client)
		token = c.Token
		return err
	}))
	details := func() string {
		return s.root.must("GetThirdPartyJobDetails", fmt.Sprintf(`{"jobId":%q,"clientToken":%q}`, job, token))
	}
	want := func(nonce, data string) string {
		return `{"jobDetails":{"id":"#2","nonce":"` + nonce + `","data":` + data + `}}`
	}
	got := details()
	nonce := text(t, got, "jobDetails.nonce")
	same(t, got, want(nonce, dataOf("ThirdParty", "#3", "", credentialMember("2"))), execution, job)
	s.root.must("AcknowledgeThirdPartyJob", fmt.Sprintf(`{"jobId":%q,"nonce":%q,"clientToken":%q}`, job, nonce, token))
	same(t, details(), want(nonce, dataOf("ThirdParty", "#3", "", credentialMember("3"))), execution, job)
	s.root.must("PutThirdPartyJobSuccessResult", fmt.Sprintf(`{"jobId":%q,"clientToken":%q}`, job, token))
	same(t, details(), want(nonce, strings.Replace(dataOf("ThirdParty", "#3", "", ""), clearSecret, "****", 1)), execution, job)
}

// Workers in the field read the lists without looking whether they are there
// (scenario 13).
func TestJobDataWithoutArtifacts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Build", "Make", "")
	s.root.must("Penstock.RegisterPartner", `{"category":"Build","provider":"Ptn","version":"1","inputs":{},"outputs":{}}`)
	_, token := s.connect("Ptn")
	execution := s.fetched(stage("Build", action("A", "Build", "Custom", "Make", ""), action("B", "Build", "ThirdParty", "Ptn", "")))
	data := func(name, owner, provider, context, credentials string) string {
		return `{"actionTypeId":` + typeID("Build", owner, provider) + `,"actionConfiguration":{"configuration":{}},
			"pipelineContext":{"pipelineName":"P","stage":{"name":"Build"},"action":{"name":"` + name + `","actionExecutionId":"#3"}` + context + `},
			"inputArtifacts":[],"outputArtifacts":[]` + credentials + `}`
	}
	job := s.poll("Build", "Make")
	id := text(t, job, "id")
	context := `,"pipelineArn":"arn:aws:codepipeline:eu-west-1:000000000000:P","pipelineExecutionId":"#1"`
	same(t, job, `{"id":"#2","nonce":"`+text(t, job, "nonce")+`","accountId":"000000000000","data":`+data("A", "Custom", "Make", context, credentialMember("2"))+`}`, execution, id)
	same(t, s.root.must("GetJobDetails", `{"jobId":"`+id+`"}`), `{"jobDetails":{"id":"#2","accountId":"000000000000","data":`+data("A", "Custom", "Make", context, credentialMember("3"))+`}}`, execution, id)

	id = text(t, s.root.must("PollForThirdPartyJobs", `{"actionTypeId":`+typeID("Build", "ThirdParty", "Ptn")+`}`), "jobs.0.jobId")
	details := s.root.must("GetThirdPartyJobDetails", fmt.Sprintf(`{"jobId":%q,"clientToken":%q}`, id, token))
	same(t, details, `{"jobDetails":{"id":"#2","nonce":"`+text(t, details, "jobDetails.nonce")+`","data":`+data("B", "ThirdParty", "Ptn", "", credentialMember("4"))+`}}`, execution, id)
}

// Continuation (scenario 5): three rounds, three jobs, one action, what was
// reported stays, and the data is inherited.
func TestContinuation(t *testing.T) {
	t.Parallel()
	s, execution := buildPipeline(t, "Custom")
	poll := func() string {
		return s.root.must("PollForJobs", `{"actionTypeId":`+typeID("Build", "Custom", "Make")+`,"queryParam":{"Target":"all"}}`)
	}
	seen := map[string]bool{}
	var actionID string
	rounds := []struct{ report, externalID, url, summary, percent string }{
		{`"continuationToken":"t1","executionDetails":{"externalExecutionId":"e1","summary":"began","percentComplete":10}`, "e1", "https://make/all/e1", "began", "10"},
		{`"continuationToken":"t1","executionDetails":{"percentComplete":60}`, "e1", "https://make/all/e1", "began", "60"},
		{`"executionDetails":{"summary":"ended"}`, "e1", "https://make/all/e1", "ended", "60"},
	}
	for i, r := range rounds {
		out := poll()
		id, nonce := text(t, out, "jobs.0.id"), text(t, out, "jobs.0.nonce")
		if seen[id] {
			t.Errorf("round %d has the job of an earlier one", i+1)
		}
		seen[id] = true
		action := text(t, out, "jobs.0.data.pipelineContext.action.actionExecutionId")
		if actionID == "" {
			actionID = action
		}
		token := ""
		if i > 0 {
			token = `,"continuationToken":"t1"`
		}
		same(t, out, `{"jobs":[{"id":"#2","nonce":"`+nonce+`","accountId":"000000000000","data":`+
			dataOf("Custom", "#3", customContext, credentialMember(fmt.Sprint(i+2))+token)+`}]}`, execution, id, actionID)
		s.root.must("AcknowledgeJob", fmt.Sprintf(`{"jobId":%q,"nonce":%q}`, id, nonce))
		s.succeed(id, r.report)
		s.succeed(id, r.report) // an SDK that lost the answer
		if got := poll(); got != `{"jobs":[]}` {
			t.Errorf("round %d can be polled at once: %s", i+2, got)
		}
		latest := text(t, s.root.must("GetPipelineState", `{"name":"a-pipeline-with-a-long-name"}`), "stageStates.1.actionStates.0.latestExecution.actionExecutionId")
		if latest != actionID {
			t.Errorf("after round %d the action execution is %s, not %s", i+1, latest, actionID)
		}
		status := "InProgress"
		if i == 2 {
			status = "Succeeded"
		}
		same(t, jsonOf(t, get(t, s.root.must("GetPipelineState", `{"name":"a-pipeline-with-a-long-name"}`), "stageStates.1.actionStates.0")), fmt.Sprintf(
			`{"actionName":"Compile","entityUrl":"https://make/all","latestExecution":{"actionExecutionId":"#1","status":%q,"lastStatusChange":%s,"externalExecutionId":%q,"externalExecutionUrl":%q,"summary":%q,"percentComplete":%s}}`,
			status, epoch(s), r.externalID, r.url, r.summary, r.percent))
		s.pass(continuationPause - 1e6)
		if got := poll(); got != `{"jobs":[]}` {
			t.Errorf("round %d can be polled before its pause is over: %s", i+2, got)
		}
		s.pass(1e6)
	}
	if got := poll(); got != `{"jobs":[]}` {
		t.Errorf("a fourth round: %s", got)
	}
}

// Secrets are clear in what workers get and nowhere else (jobs.md section 13),
// scenario 8.
func TestSecretsStayHidden(t *testing.T) {
	t.Parallel()
	s, execution := buildPipeline(t, "Custom")
	const name = `"a-pipeline-with-a-long-name"`
	answers := map[string]string{
		"GetPipeline":            s.root.must("GetPipeline", `{"name":`+name+`}`),
		"GetPipelineState":       s.root.must("GetPipelineState", `{"name":`+name+`}`),
		"GetPipelineExecution":   s.root.must("GetPipelineExecution", `{"pipelineName":`+name+`,"pipelineExecutionId":"`+execution+`"}`),
		"ListActionExecutions":   s.root.must("ListActionExecutions", `{"pipelineName":`+name+`}`),
		"ListPipelineExecutions": s.root.must("ListPipelineExecutions", `{"pipelineName":`+name+`}`),
		"ListActionTypes":        s.root.must("ListActionTypes", `{}`),
	}
	answers["UpdatePipeline"] = s.root.must("UpdatePipeline", strings.Replace(answers["GetPipeline"], `"version":1`, `"version":7`, 1))
	for op, answer := range answers {
		if strings.Contains(answer, clearSecret) {
			t.Errorf("%s shows the secret: %s", op, answer)
		}
	}
	for _, path := range []string{"actionExecutionDetails.0.input.configuration.Token", "actionExecutionDetails.0.input.resolvedConfiguration.Token"} {
		if got := text(t, answers["ListActionExecutions"], path); got != "****" {
			t.Errorf("%s is %q", path, got)
		}
	}
	if got := text(t, answers["ListActionExecutions"], "actionExecutionDetails.0.input.resolvedConfiguration.Note"); got != "of c0ffee in "+execution {
		t.Errorf("the resolved note is %q", got)
	}
	s.partnerType("Test", "Ptn")
	_, token := s.connect("Ptn")
	poll := s.root.must("PollForJobs", `{"actionTypeId":`+typeID("Build", "Custom", "Make")+`,"queryParam":{"Target":"all"}}`)
	if got := text(t, poll, "jobs.0.data.actionConfiguration.configuration.Token"); got != clearSecret {
		t.Errorf("the worker gets %q", got)
	}
	files, err := filepath.Glob(filepath.Join(s.folder, "*"))
	s.ok(err)
	seen := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		s.ok(err)
		if strings.Contains(string(b), "a-pipeline-with-a-long-name") {
			seen++
		}
		for _, secret := range []string{clearSecret, token} {
			if strings.Contains(string(b), secret) {
				t.Errorf("%s holds a secret", filepath.Base(file))
			}
		}
	}
	if seen == 0 {
		t.Errorf("the database is not among %v", files)
	}
	for _, secret := range []string{clearSecret, token} {
		if strings.Contains(s.log.String(), secret) {
			t.Error("a secret was logged")
		}
	}
}
