package service_test

import (
	"fmt"
	"testing"
)

func TestListRuleTypes(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	out := s.root.must("ListRuleTypes", `{"ruleOwnerFilter":"AWS"}`)
	var providers []string
	list, _ := get(t, out, "ruleTypes").([]any)
	for i := range list {
		at := fmt.Sprintf("ruleTypes.%d.id.", i)
		if text(t, out, at+"category") != "Rule" || text(t, out, at+"owner") != "AWS" || text(t, out, at+"version") != "1" {
			t.Errorf("type %d: %s", i, out)
		}
		providers = append(providers, text(t, out, at+"provider"))
	}
	if got := fmt.Sprint(providers); got != "[LambdaInvoke CloudWatchAlarm DeploymentWindow VariableCheck CodeBuild Commands]" {
		t.Errorf("providers: %s", got)
	}
	same(t, jsonOf(t, get(t, out, "ruleTypes.2")), `{"id":{"category":"Rule","owner":"AWS","provider":"DeploymentWindow","version":"1"},
		"ruleConfigurationProperties":[
			{"name":"Cron","required":true,"key":false,"secret":false,"queryable":false,"description":"Minutes of the window, as a cron expression"},
			{"name":"TimeZone","required":false,"key":false,"secret":false,"queryable":false,"description":"Time zone of the expression, UTC when absent"}],
		"inputArtifactDetails":{"minimumCount":0,"maximumCount":0}}`)
	s.root.refuse("ListRuleTypes", `{"ruleOwnerFilter":"Custom"}`, "ValidationException", "")
}

// ListRuleExecutions filters and pages as ListActionExecutions does.
func TestListRuleExecutions(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	first := s.fetchedV2(guarded("Prod", condition("beforeEntry", "FAIL",
		variableCheck("A", "x", "EQ", "x"), variableCheck("B", "x", "EQ", "y")), ship("Deploy")))
	s.root.must("RetryStageExecution", fmt.Sprintf(`{"pipelineName":"P","stageName":"Prod","pipelineExecutionId":%q,"retryMode":"FAILED_ACTIONS"}`, first))
	second := s.start()
	s.fetch()
	rules := func(more string) (names []string, next string) {
		t.Helper()
		out := s.root.must("ListRuleExecutions", `{"pipelineName":"P"`+more+`}`)
		list, _ := get(t, out, "ruleExecutionDetails").([]any)
		for i := range list {
			at := fmt.Sprintf("ruleExecutionDetails.%d.", i)
			name := text(t, out, at+"ruleName") + "1"
			if text(t, out, at+"pipelineExecutionId") == second {
				name = text(t, out, at+"ruleName") + "2"
			}
			names = append(names, name)
		}
		return names, text(t, out, "nextToken")
	}
	latest := func(id, span string) string {
		return fmt.Sprintf(`"latestInPipelineExecution":{"pipelineExecutionId":%q,"startTimeRange":%q}`, id, span)
	}
	for filter, want := range map[string]string{
		"": "[B2 A2 B1 A1 B1 A1]",
		fmt.Sprintf(`,"filter":{"pipelineExecutionId":%q}`, first):                              "[B1 A1 B1 A1]",
		`,"filter":{` + latest(first, "All") + `}`:                                              "[B1 A1 B1 A1]",
		`,"filter":{` + latest(first, "Latest") + `}`:                                           "[B1 A1]",
		fmt.Sprintf(`,"filter":{"pipelineExecutionId":%q,%s}`, second, latest(first, "Latest")): "[]",
		fmt.Sprintf(`,"filter":{"pipelineExecutionId":%q,%s}`, second, latest(second, "All")):   "[B2 A2]",
	} {
		if got, _ := rules(filter); fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", filter, got, want)
		}
	}
	var paged []string
	for next, more := "", `,"maxResults":4`; ; more = fmt.Sprintf(`,"maxResults":4,"nextToken":%q`, next) {
		var page []string
		page, next = rules(more)
		paged = append(paged, page...)
		if next == "" {
			break
		}
		s.root.refuse("ListRuleExecutions", fmt.Sprintf(`{"pipelineName":"P","filter":{"pipelineExecutionId":%q},"nextToken":%q}`, first, next), "InvalidNextTokenException", "")
	}
	if got := fmt.Sprint(paged); got != "[B2 A2 B1 A1 B1 A1]" {
		t.Errorf("paged: %s", got)
	}
	s.root.refuse("ListRuleExecutions", `{"pipelineName":"P","nextToken":"x"}`, "InvalidNextTokenException", "")
	s.root.refuse("ListRuleExecutions", `{"pipelineName":"Q"}`, "PipelineNotFoundException", "")
	s.root.refuse("ListRuleExecutions", `{"pipelineName":"P","filter":{"pipelineExecutionId":"`+unknownID+`"}}`, "PipelineExecutionNotFoundException", "")
	s.root.refuse("ListRuleExecutions", `{"pipelineName":"P","filter":{`+latest(unknownID, "All")+`}}`, "PipelineExecutionNotFoundException", "")
	s.root.refuse("ListRuleExecutions", `{"pipelineName":"P","filter":{`+latest(first, "Some")+`}}`, "ValidationException", "")
	s.as(stranger).refuse("ListRuleExecutions", `{"pipelineName":"P"}`, "PipelineNotFoundException", "")
}
