package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// calls counts the operations that a test has called, each once.
type calls struct {
	*server
	made map[string]bool
}

var capitals = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// try calls an operation with the AWS CLI. It says nothing when the CLI's model
// is too old to know it.
func (c *calls) try(operation string, args []string) (r result, known bool) {
	c.t.Helper()
	if c.made[operation] {
		c.t.Errorf("%s was called before", operation)
	}
	c.made[operation] = true
	command := strings.ToLower(capitals.ReplaceAllString(operation, "$1-$2"))
	r = c.exec(awsCLI(c.t), append([]string{"codepipeline", command, "--output", "text"}, args...)...)
	if r.outdated() {
		c.t.Logf("this AWS CLI is too old for %s: %s", operation, r.problems)
		return r, false
	}
	return r, true
}

// ok calls an operation that must succeed, and returns what it answers.
func (c *calls) ok(operation string, args ...string) string {
	c.t.Helper()
	r, known := c.try(operation, args)
	if known && r.code != 0 {
		c.t.Fatalf("%s: exit %d\n%s", operation, r.code, r.problems)
	}
	return r.out
}

// no calls an operation that must be refused by the code.
func (c *calls) no(operation, code string, args ...string) {
	c.t.Helper()
	if r, known := c.try(operation, args); known && (r.code == 0 || !strings.Contains(r.problems, "("+code+")")) {
		c.t.Errorf("%s: exit %d, want %s\n%s%s", operation, r.code, code, r.out, r.problems)
	}
}

// TestOperations calls each operation of the API once by the AWS CLI: it does
// its work, or is refused for a reason. docs/compatibility.md must list it.
func TestOperations(t *testing.T) {
	t.Parallel()
	awsCLI(t)
	c := &calls{server: startServer(t), made: map[string]bool{}}
	acme := c.connect("Test", "Acme")
	c.versioned("ops-source")
	c.put("ops-source", "app.zip", zipped(t, map[string]string{"a": "b"}))
	const nobody = "01234567-89ab-7def-8123-456789abcdef"
	arn := "arn:aws:codepipeline:" + region + ":" + account + ":ops"
	ops := declaration("ops", stage("Source", manualSource("ops-source", "app.zip")), stage("Gate", approval("Look")))
	path := "file://" + file(t, ops)
	one := []string{"--pipeline-name", "ops", "--stage-name", "Gate"}

	// Jobs.
	c.ok("CreateCustomActionType", "--category", "Test", "--provider", "Ops", "--action-version", "1",
		"--input-artifact-details", "minimumCount=0,maximumCount=1", "--output-artifact-details", "minimumCount=0,maximumCount=1")
	if out := c.ok("ListActionTypes", "--action-owner-filter", "Custom", "--query", "actionTypes[].id.provider"); out != "Ops" {
		t.Errorf("ListActionTypes lists %q", out)
	}
	c.ok("PollForJobs", "--action-type-id", "category=Test,owner=Custom,provider=Ops,version=1")
	c.no("AcknowledgeJob", "JobNotFoundException", "--job-id", nobody, "--nonce", "1")
	c.no("GetJobDetails", "JobNotFoundException", "--job-id", nobody)
	c.no("PutJobSuccessResult", "JobNotFoundException", "--job-id", nobody)
	c.no("PutJobFailureResult", "JobNotFoundException", "--job-id", nobody, "--failure-details", "type=JobFailed,message=m")
	partner := []string{"--job-id", nobody, "--client-token", acme.ClientToken}
	c.ok("PollForThirdPartyJobs", "--action-type-id", "category=Test,owner=ThirdParty,provider=Acme,version=1")
	c.no("AcknowledgeThirdPartyJob", "JobNotFoundException", append(partner, "--nonce", "1")...)
	c.no("GetThirdPartyJobDetails", "JobNotFoundException", partner...)
	c.no("PutThirdPartyJobSuccessResult", "JobNotFoundException", partner...)
	c.no("PutThirdPartyJobFailureResult", "JobNotFoundException", append(partner, "--failure-details", "type=JobFailed,message=m")...)
	c.ok("DeleteCustomActionType", "--category", "Test", "--provider", "Ops", "--action-version", "1")

	// Pipelines and what runs in them.
	c.ok("CreatePipeline", "--pipeline", path)
	first := c.newest("ops")
	if out := c.ok("ListPipelines", "--query", "pipelines[].name"); out != "ops" {
		t.Errorf("ListPipelines lists %q", out)
	}
	c.ok("GetPipeline", "--name", "ops")
	token := *c.state("ops", "Look", "InProgress").Token
	c.ok("GetPipelineState", "--name", "ops")
	if out := c.ok("GetPipelineExecution", "--pipeline-name", "ops", "--pipeline-execution-id", first, "--query", "pipelineExecution.status"); out != "InProgress" {
		t.Errorf("GetPipelineExecution shows %q", out)
	}
	c.ok("PutApprovalResult", append(one, "--action-name", "Look", "--token", token, "--result", "status=Approved,summary=fine")...)
	second := c.ok("StartPipelineExecution", "--name", "ops")
	if out := c.ok("ListPipelineExecutions", "--pipeline-name", "ops", "--query", "pipelineExecutionSummaries[0].pipelineExecutionId"); out != second {
		t.Errorf("ListPipelineExecutions lists %q first, want %q", out, second)
	}
	c.state("ops", "Look", "InProgress")
	c.ok("StopPipelineExecution", "--pipeline-name", "ops", "--pipeline-execution-id", second, "--abandon")
	c.ok("RetryStageExecution", append(one, "--pipeline-execution-id", second, "--retry-mode", "FAILED_ACTIONS")...)
	if out := c.ok("ListActionExecutions", "--pipeline-name", "ops", "--query", "length(actionExecutionDetails)"); out != "5" {
		t.Errorf("ListActionExecutions lists %s, want 5", out)
	}
	c.no("OverrideStageCondition", "ConditionNotOverridableException", append(one, "--pipeline-execution-id", second, "--condition-type", "BEFORE_ENTRY")...)
	c.no("RollbackStage", "ValidationException", append(one, "--target-pipeline-execution-id", first)...)
	if out := c.ok("ListRuleTypes", "--query", "length(ruleTypes)"); out != "" && out != "6" {
		t.Errorf("ListRuleTypes lists %s, want 6", out)
	}
	c.ok("ListRuleExecutions", "--pipeline-name", "ops")
	c.ok("DisableStageTransition", append(one, "--transition-type", "Inbound", "--reason", "freeze")...)
	c.ok("EnableStageTransition", append(one, "--transition-type", "Inbound")...)
	c.ok("TagResource", "--resource-arn", arn, "--tags", "key=team,value=ops")
	if out := c.ok("ListTagsForResource", "--resource-arn", arn, "--query", "tags[].value"); out != "ops" {
		t.Errorf("ListTagsForResource lists %q", out)
	}
	c.ok("UntagResource", "--resource-arn", arn, "--tag-keys", "team")

	// Webhooks.
	url := c.ok("PutWebhook", "--webhook", `{"name": "hook", "targetPipeline": "ops", "targetAction": "Fetch", "filters": [{"jsonPath": "$.ref"}],
		"authentication": "UNAUTHENTICATED", "authenticationConfiguration": {}}`, "--query", "webhook.url")
	if out := c.ok("ListWebhooks", "--query", "webhooks[].url"); out != url || !strings.HasPrefix(url, c.url+"/webhooks/trigger?t=") {
		t.Errorf("ListWebhooks lists %q, PutWebhook made %q", out, url)
	}
	c.no("RegisterWebhookWithThirdParty", "ValidationException", "--webhook-name", "hook")
	c.no("DeregisterWebhookWithThirdParty", "WebhookNotFoundException", "--webhook-name", "none")
	c.ok("DeleteWebhook", "--name", "hook")

	if out := c.ok("GetActionType", "--category", "Test", "--owner", "ThirdParty", "--provider", "Acme", "--action-version", "1", "--query", "actionType.executor.type"); out != "JobWorker" {
		t.Errorf("GetActionType shows an executor of type %q", out)
	}
	c.ok("UpdateActionType", "--action-type", `{"id": {"category": "Test", "owner": "ThirdParty", "provider": "Acme", "version": "1"},
		"executor": {"type": "JobWorker", "configuration": {"jobWorkerExecutorConfiguration": {"pollingAccounts": ["`+account+`"]}}},
		"inputArtifactDetails": {"minimumCount": 0, "maximumCount": 1}, "outputArtifactDetails": {"minimumCount": 0, "maximumCount": 1}}`)
	c.no("PutActionRevision", "ActionNotFoundException", append(one, "--action-name", "Look", "--action-revision", "revisionId=1,revisionChangeId=1,created=2026-01-01T00:00:00Z")...)
	c.no("ListDeployActionExecutionTargets", "ActionExecutionNotFoundException", "--action-execution-id", nobody)

	// The end.
	if out := c.ok("UpdatePipeline", "--pipeline", path, "--query", "pipeline.version"); out != "2" {
		t.Errorf("UpdatePipeline makes version %s", out)
	}
	c.ok("DeletePipeline", "--name", "ops")
	c.refused("PipelineNotFoundException", "GetPipeline", object{"name": "ops"})

	if made, want := slices.Sorted(maps.Keys(c.made)), modelled(t); !slices.Equal(made, want) {
		t.Errorf("called\n%q\nwant each operation of the model\n%q", made, want)
	}
	documented := documentedOperations(t)
	if got, want := slices.Sorted(maps.Keys(documented)), modelled(t); !slices.Equal(got, want) {
		t.Errorf("docs/compatibility.md lists\n%q\nwant each operation of the model\n%q", got, want)
	}
	for name, status := range documented {
		if status != "available" {
			t.Errorf("docs/compatibility.md says of %s: %s", name, status)
		}
	}
}

// modelled returns the names of all operations of the API.
func modelled(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../model/codepipeline-2015-07-09.json")
	if err != nil {
		t.Fatal(err)
	}
	var model struct{ Operations map[string]any }
	if err := json.Unmarshal(text, &model); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(model.Operations))
}

var tableRow = regexp.MustCompile("(?m)^\\| `([A-Z][A-Za-z]+)` +\\| ([^|]*[^| ]) *\\|")

// documentedOperations reads the table between the marks "operations" of
// docs/compatibility.md: the status of each operation.
func documentedOperations(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, begins := strings.Cut(string(text), "<!-- operations -->")
	table, _, ends := strings.Cut(table, "<!-- /operations -->")
	if !begins || !ends {
		t.Fatal("docs/compatibility.md has no table between the marks <!-- operations --> and <!-- /operations -->")
	}
	status := map[string]string{}
	for _, row := range tableRow.FindAllStringSubmatch(table, -1) {
		status[row[1]] = row[2]
	}
	return status
}
