package service_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"penstock/internal/conformance"
)

// unreachable are the errors that the model declares and Penstock never
// answers, with the reason.
var unreachable = map[string]string{
	"CreatePipeline ConcurrentModificationException":         inARow,
	"DeletePipeline ConcurrentModificationException":         inARow,
	"TagResource ConcurrentModificationException":            inARow,
	"UntagResource ConcurrentModificationException":          inARow,
	"StartPipelineExecution ConflictException":               inARow,
	"StopPipelineExecution ConflictException":                inARow,
	"RetryStageExecution ConflictException":                  inARow,
	"RollbackStage ConflictException":                        inARow,
	"OverrideStageCondition ConflictException":               inARow,
	"CreateCustomActionType ConcurrentModificationException": inARow,
	"DeleteCustomActionType ConcurrentModificationException": inARow,
	"ListRuleTypes InvalidNextTokenException":                "the operation takes no token and answers none",
}

const inARow = "commands wait for each other instead of failing"

// errorRow is a request and the error that answers it.
type errorRow struct {
	op, code string
	on       *server
	body     string
}

// TestErrorTable provokes each error that the model declares for the operations
// on pipelines, executions and tags (engine.md appendix A). A new one in the
// model fails the test until it stands here.
func TestErrorTable(t *testing.T) {
	t.Parallel()
	rows := slices.Concat(declarationErrors(t), readErrors(t), executionErrors(t), limitErrors(t), approvalErrors(t), tagErrors(t))
	got := map[string]bool{}
	for _, r := range rows {
		r.on.root.refuse(r.op, r.body, r.code, "")
		got[r.op+" "+r.code] = true
	}
	allProvoked(t, got, func(op string) bool { return !ofJobs(op) && !strings.Contains(op, "Webhook") })
}

// ofJobs reports whether TestJobErrors holds the operation to the model. The
// tests of package webhook do that for webhooks.
func ofJobs(op string) bool { return strings.Contains(op, "Job") || strings.Contains(op, "ActionType") }

// allProvoked compares "OPERATION ERROR", as it was provoked, with what the
// model declares for some operations.
func allProvoked(t *testing.T, got map[string]bool, of func(operation string) bool) {
	t.Helper()
	model, err := conformance.Read("../../model/codepipeline-2015-07-09.json")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	for op, o := range model.Operations {
		if !of(op) {
			continue
		}
		for _, e := range o.Errors {
			e := op + " " + e.Shape
			declared[e] = true
			if _, never := unreachable[e]; never == got[e] {
				t.Errorf("%s: provoked %v, listed as unreachable %v", e, got[e], never)
			}
		}
	}
	for e := range unreachable {
		if op, _, _ := strings.Cut(e, " "); of(op) && !declared[e] {
			t.Errorf("%s is not in the model", e)
		}
	}
	for e := range got {
		if !declared[e] {
			t.Errorf("%s is not in the model", e)
		}
	}
}

// srcStage is the first stage of most pipelines: the custom source Src.
var srcStage = stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`))

func declarationErrors(t *testing.T) (rows []errorRow) {
	s, full := newServer(t), newServer(t, options{maxPipelines: 1, maxActionTypes: 9})
	s.simple()
	full.simple()
	gate := stage("Gate", approval("Ask", ""))
	polling := stage("Source", action("Fetch", "Source", "AWS", "S3", `"outputArtifacts":[{"name":"Code"}],"configuration":{"S3Bucket":"inputs","S3ObjectKey":"a"}`))
	of := func(name string, stages ...string) string { return `{"pipeline":` + declare(name, "", stages...) + `}` }
	tagged := func(tags ...string) string {
		return `{"pipeline":` + declare("N", "", srcStage, gate) + `,"tags":[` + strings.Join(tags, ",") + `]}`
	}
	wrong := map[string][]string{
		"InvalidStageDeclarationException":   {srcStage, gate, gate},
		"InvalidActionDeclarationException":  {srcStage, stage("Gate", action("Ask", "Approval", "AWS", "Nobody", ""))},
		"InvalidBlockerDeclarationException": {srcStage, guarded("Gate", `"blockers":[{"name":"b","type":"Schedule"}]`, approval("Ask", ""))},
		"InvalidStructureException":          {srcStage},
	}
	for code, stages := range wrong {
		rows = append(rows, errorRow{"CreatePipeline", code, s, of("N", stages...)}, errorRow{"UpdatePipeline", code, s, of("P", stages...)})
	}
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprintf(`{"key":"k%d","value":""}`, i)
	}
	return append(rows,
		errorRow{"CreatePipeline", "ValidationException", s, `{}`},
		errorRow{"CreatePipeline", "PipelineNameInUseException", s, of("P", srcStage, gate)},
		errorRow{"CreatePipeline", "LimitExceededException", full, of("N", srcStage, gate)},
		errorRow{"UpdatePipeline", "LimitExceededException", full, of("P", polling, gate)},
		errorRow{"CreatePipeline", "TooManyTagsException", s, tagged(many...)},
		errorRow{"CreatePipeline", "InvalidTagsException", s, tagged(`{"key":"aws:x","value":""}`)},
		errorRow{"UpdatePipeline", "ValidationException", s, `{"pipeline":{"name":"P"}}`},
		errorRow{"GetPipeline", "ValidationException", s, `{"name":"P","version":0}`},
		errorRow{"GetPipeline", "PipelineNotFoundException", s, `{"name":"Q"}`},
		errorRow{"GetPipeline", "PipelineVersionNotFoundException", s, `{"name":"P","version":2}`},
		errorRow{"DeletePipeline", "ValidationException", s, `{"name":""}`},
		errorRow{"ListPipelines", "ValidationException", s, `{"maxResults":0}`},
		errorRow{"ListPipelines", "InvalidNextTokenException", s, `{"nextToken":"x"}`},
		errorRow{"ListRuleTypes", "ValidationException", s, `{"ruleOwnerFilter":"Me"}`},
	)
}

func readErrors(t *testing.T) (rows []errorRow) {
	s := newServer(t)
	s.simple()
	add := func(op, code, body string) { rows = append(rows, errorRow{op, code, s, body}) }
	add("GetPipelineState", "ValidationException", `{"name":"a b"}`)
	add("GetPipelineState", "PipelineNotFoundException", `{"name":"Q"}`)
	add("GetPipelineExecution", "ValidationException", `{"pipelineName":"P","pipelineExecutionId":"x"}`)
	add("GetPipelineExecution", "PipelineNotFoundException", `{"pipelineName":"Q","pipelineExecutionId":"`+unknownID+`"}`)
	add("GetPipelineExecution", "PipelineExecutionNotFoundException", `{"pipelineName":"P","pipelineExecutionId":"`+unknownID+`"}`)
	for _, op := range []string{"ListPipelineExecutions", "ListActionExecutions", "ListRuleExecutions"} {
		add(op, "ValidationException", `{"pipelineName":"P","maxResults":101}`)
		add(op, "PipelineNotFoundException", `{"pipelineName":"Q"}`)
		add(op, "InvalidNextTokenException", `{"pipelineName":"P","nextToken":"x"}`)
		if op != "ListPipelineExecutions" {
			add(op, "PipelineExecutionNotFoundException", `{"pipelineName":"P","filter":{"pipelineExecutionId":"`+unknownID+`"}}`)
		}
	}
	const targets = "ListDeployActionExecutionTargets"
	add(targets, "ValidationException", `{"pipelineName":"P"}`)
	add(targets, "PipelineNotFoundException", `{"pipelineName":"Q","actionExecutionId":"`+unknownID+`"}`)
	add(targets, "ActionExecutionNotFoundException", `{"pipelineName":"P","actionExecutionId":"`+unknownID+`"}`)
	id := text(t, s.root.must("ListActionExecutions", `{"pipelineName":"P"}`), "actionExecutionDetails.0.actionExecutionId")
	add(targets, "InvalidNextTokenException", `{"pipelineName":"P","actionExecutionId":"`+id+`","nextToken":"x"}`)
	return rows
}

// executionErrors has a pipeline whose stage Prod was passed by one execution,
// first, and has failed its entry in the next, and one that was updated since.
func executionErrors(t *testing.T) (rows []errorRow) {
	s := newServer(t)
	first := s.fetchedV2(guarded("Prod", condition("beforeEntry", "SKIP", variableCheck("Never", "a", "EQ", "b")), ship("Deploy")), stage("Gate", approval("Ask", "")))
	add := func(op, code, body string) { rows = append(rows, errorRow{op, code, s, body}) }
	elsewhere := func(op, body string) {
		add(op, "PipelineNotFoundException", strings.Replace(body, `"P"`, `"Q"`, 1))
	}
	add("StartPipelineExecution", "ValidationException", `{"name":"P","variables":[{"name":"A","value":"1"},{"name":"A","value":"2"}]}`)
	add("StartPipelineExecution", "PipelineNotFoundException", `{"name":"Q"}`)

	stop := fmt.Sprintf(`{"pipelineName":"P","pipelineExecutionId":%q}`, first)
	s.stop(first, false)
	add("StopPipelineExecution", "ValidationException", `{"pipelineName":"P","pipelineExecutionId":"x"}`)
	elsewhere("StopPipelineExecution", stop)
	add("StopPipelineExecution", "DuplicatedStopRequestException", stop)
	add("StopPipelineExecution", "PipelineExecutionNotStoppableException", strings.Replace(stop, first, unknownID, 1))

	retry := func(stage, execution string) string {
		return fmt.Sprintf(`{"pipelineName":"P","stageName":%q,"pipelineExecutionId":%q,"retryMode":"ALL_ACTIONS"}`, stage, execution)
	}
	add("RetryStageExecution", "ValidationException", retry("Prod", "x"))
	elsewhere("RetryStageExecution", retry("Prod", first))
	add("RetryStageExecution", "StageNotFoundException", retry("Nowhere", first))
	add("RetryStageExecution", "StageNotRetryableException", retry("Prod", first))
	add("RetryStageExecution", "NotLatestPipelineExecutionException", retry("Prod", unknownID))

	add("RollbackStage", "ValidationException", rollback("Prod", "x"))
	elsewhere("RollbackStage", rollback("Prod", first))
	add("RollbackStage", "PipelineExecutionNotFoundException", rollback("Prod", unknownID))
	add("RollbackStage", "StageNotFoundException", rollback("Nowhere", first))
	add("RollbackStage", "UnableToRollbackStageException", rollback("Prod", first))
	updated := newServer(t)
	old := updated.fetchedV2(stage("Prod", ship("Deploy")))
	updated.succeed(updated.take("Deploy", "Ship"), "")
	updated.root.must("UpdatePipeline", `{"pipeline":`+jsonOf(t, get(t, updated.root.must("GetPipeline", `{"name":"P"}`), "pipeline"))+`}`)
	rows = append(rows, errorRow{"RollbackStage", "PipelineExecutionOutdatedException", updated, rollback("Prod", old)})

	const override = "OverrideStageCondition"
	add(override, "ValidationException", s.override(first, "Prod", "ON_FAILURE"))
	elsewhere(override, s.override(first, "Prod", "BEFORE_ENTRY"))
	add(override, "StageNotFoundException", s.override(first, "Nowhere", "BEFORE_ENTRY"))
	add(override, "ConditionNotOverridableException", s.override(first, "Prod", "BEFORE_ENTRY"))
	add(override, "NotLatestPipelineExecutionException", s.override(unknownID, "Prod", "BEFORE_ENTRY"))

	for _, op := range []string{"EnableStageTransition", "DisableStageTransition"} {
		body := `{"pipelineName":"P","stageName":"Prod","transitionType":"Inbound","reason":"r"}`
		add(op, "ValidationException", strings.Replace(body, "Inbound", "Sideways", 1))
		elsewhere(op, body)
		add(op, "StageNotFoundException", strings.Replace(body, "Prod", "Nowhere", 1))
	}

	const put = "PutActionRevision"
	add(put, "ValidationException", `{"pipelineName":"P","stageName":"Source","actionName":"Fetch"}`)
	elsewhere(put, revision("Source", "Fetch", "r", "c"))
	add(put, "StageNotFoundException", revision("Nowhere", "Fetch", "r", "c"))
	add(put, "ActionNotFoundException", revision("Source", "Nothing", "r", "c"))
	return rows
}

// limitErrors has a QUEUED pipeline with as many executions as may be, and one
// more that has failed in front of its gate.
func limitErrors(t *testing.T) []errorRow {
	s := newServer(t)
	s.customType("Source", "Src", "")
	e := s.create(declare("P", `"pipelineType":"V2","executionMode":"QUEUED"`, srcStage,
		guarded("Gate", condition("beforeEntry", "FAIL", variableCheck("Never", "a", "EQ", "b")), approval("Ask", ""))))
	s.succeed(s.take("Source", "Src"), "")
	for range 50 {
		s.start()
	}
	const code = "ConcurrentPipelineExecutionsLimitExceededException"
	return []errorRow{
		{"StartPipelineExecution", code, s, `{"name":"P"}`},
		{"PutActionRevision", code, s, revision("Source", "Fetch", "r", "c")},
		{"RetryStageExecution", code, s, fmt.Sprintf(`{"pipelineName":"P","stageName":"Gate","pipelineExecutionId":%q,"retryMode":"ALL_ACTIONS"}`, e)},
		{"OverrideStageCondition", code, s, s.override(e, "Gate", "BEFORE_ENTRY")},
	}
}

func approvalErrors(t *testing.T) (rows []errorRow) {
	s, answered := newServer(t), newServer(t)
	s.fetched()
	answered.fetched()
	body, twice := s.request("Approved", ""), answered.request("Approved", "")
	answered.root.must("PutApprovalResult", twice)
	for code, change := range map[string][2]string{
		"ValidationException":           {"Approved", "Perhaps"},
		"PipelineNotFoundException":     {`"P"`, `"Q"`},
		"StageNotFoundException":        {"Gate", "Nowhere"},
		"ActionNotFoundException":       {"Ask", "Tell"},
		"InvalidApprovalTokenException": {text(t, body, "token"), unknownID},
	} {
		rows = append(rows, errorRow{"PutApprovalResult", code, s, strings.Replace(body, change[0], change[1], 1)})
	}
	return append(rows, errorRow{"PutApprovalResult", "ApprovalAlreadyCompletedException", answered, twice})
}

func tagErrors(t *testing.T) (rows []errorRow) {
	s := newServer(t)
	s.simple()
	for op, more := range map[string]string{"TagResource": `,"tags":[]`, "UntagResource": `,"tagKeys":[]`, "ListTagsForResource": ``} {
		for code, arn := range map[string]string{
			"ValidationException":       "P",
			"ResourceNotFoundException": strings.Replace(pipelineP, ":P", ":Q", 1),
			"InvalidArnException":       strings.Replace(pipelineP, account, stranger, 1),
		} {
			rows = append(rows, errorRow{op, code, s, `{"resourceArn":"` + arn + `"` + more + `}`})
		}
	}
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprintf(`{"key":"k%d","value":""}`, i)
	}
	tag := func(tags ...string) string {
		return `{"resourceArn":"` + pipelineP + `","tags":[` + strings.Join(tags, ",") + `]}`
	}
	return append(rows,
		errorRow{"TagResource", "TooManyTagsException", s, tag(many...)},
		errorRow{"TagResource", "InvalidTagsException", s, tag(`{"key":"aws:x","value":""}`)},
		errorRow{"UntagResource", "InvalidTagsException", s, `{"resourceArn":"` + pipelineP + `","tagKeys":["aws:x"]}`},
		errorRow{"ListTagsForResource", "InvalidNextTokenException", s, `{"resourceArn":"` + pipelineP + `","nextToken":"x"}`})
}
