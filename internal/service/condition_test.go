package service_test

import (
	"fmt"
	"strings"
	"testing"
)

const unknownID = "01234567-89ab-cdef-0123-456789abcdef"

// variableCheck is a rule that compares two texts.
func variableCheck(name, variable, operator, value string) string {
	return fmt.Sprintf(`{"name":%q,"ruleTypeId":{"category":"Rule","owner":"AWS","provider":"VariableCheck","version":"1"},
		"configuration":{"Variable":%q,"Operator":%q,"Value":%q}}`, name, variable, operator, value)
}

// condition is a condition of a stage: the member place with its rules.
func condition(place, result string, rules ...string) string {
	return fmt.Sprintf(`%q:{"conditions":[{"result":%q,"rules":[%s]}]}`, place, result, strings.Join(rules, ","))
}

// guarded is a stage with conditions or automatic handling.
func guarded(name, members string, actions ...string) string {
	return fmt.Sprintf(`{"name":%q,%s,"actions":[%s]}`, name, members, strings.Join(actions, ","))
}

// fetchedV2 is the V2 pipeline P of a source, which has succeeded with the
// branch main in the namespace Src, and the given stages.
func (s *server) fetchedV2(stages ...string) string {
	s.Helper()
	s.customType("Source", "Src", "")
	s.customType("Deploy", "Ship", "")
	source := stage("Source", action("Fetch", "Source", "Custom", "Src", `"namespace":"Src","outputArtifacts":[{"name":"Code"}]`))
	id := s.create(declare("P", `"pipelineType":"V2"`, append([]string{source}, stages...)...))
	s.fetch()
	return id
}

func (s *server) fetch() {
	s.Helper()
	s.succeed(s.take("Source", "Src"), `"outputVariables":{"Branch":"main"},"currentRevision":{"revision":"r1","changeIdentifier":"c1"}`)
}

func ship(name string) string {
	return action(name, "Deploy", "Custom", "Ship", `"inputArtifacts":[{"name":"Code"}]`)
}

func (s *server) override(execution, stage, place string) string {
	return fmt.Sprintf(`{"pipelineName":"P","stageName":%q,"pipelineExecutionId":%q,"conditionType":%q}`, stage, execution, place)
}

// T-20: a stage whose entry condition fails with SKIP is passed by.
func TestEntryConditionSkips(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	e := s.fetchedV2(
		guarded("Prod", condition("beforeEntry", "SKIP", variableCheck("OnRelease", "#{Src.Branch}", "MATCHES", "release/.*")), ship("Deploy")),
		stage("Done", approval("Celebrate", "")))
	now := epoch(s)
	state := s.state()
	if got := text(t, state, "stageStates.1.latestExecution.status"); got != "Skipped" {
		t.Errorf("the stage is %s", got)
	}
	if s.poll("Deploy", "Ship") != "" {
		t.Error("an action of the skipped stage has a job")
	}
	if got := text(t, state, "stageStates.2.actionStates.0.latestExecution.status"); got != "InProgress" {
		t.Errorf("the action behind the skipped stage is %q", got)
	}
	rule := text(t, state, "stageStates.1.beforeEntryConditionState.conditionStates.0.ruleStates.0.latestExecution.ruleExecutionId")
	const why = `'main' MATCHES 'release/.*' is false`
	condition := `"status":"Failed","summary":"Rule 'OnRelease' failed: ` + why + `"`
	same(t, jsonOf(t, get(t, state, "stageStates.1.beforeEntryConditionState")), `{"latestExecution":{`+condition+`},"conditionStates":[{"latestExecution":{`+condition+`,"lastStatusChange":`+now+`},
		"ruleStates":[{"ruleName":"OnRelease","latestExecution":{"ruleExecutionId":"#1","status":"Failed","summary":"`+why+`","lastStatusChange":`+now+`,"errorDetails":{"code":"JobFailed","message":"`+why+`"}}}]}]}`, rule)
	same(t, s.root.must("ListRuleExecutions", `{"pipelineName":"P"}`), `{"ruleExecutionDetails":[{"pipelineExecutionId":"#2","ruleExecutionId":"#1","pipelineVersion":1,"stageName":"Prod","ruleName":"OnRelease",
		"startTime":`+now+`,"lastUpdateTime":`+now+`,"status":"Failed",
		"input":{"ruleTypeId":{"category":"Rule","owner":"AWS","provider":"VariableCheck","version":"1"},"configuration":{"Variable":"#{Src.Branch}","Operator":"MATCHES","Value":"release/.*"},
			"resolvedConfiguration":{"Variable":"main","Operator":"MATCHES","Value":"release/.*"},"region":"eu-west-1","inputArtifacts":[]},
		"output":{"executionResult":{"externalExecutionSummary":"`+why+`","errorDetails":{"code":"JobFailed","message":"`+why+`"}}}}]}`, rule, e)
	s.root.refuse("OverrideStageCondition", s.override(e, "Prod", "BEFORE_ENTRY"), "ConditionNotOverridableException",
		"The BEFORE_ENTRY condition of stage 'Prod' cannot be overridden for execution '"+e+"': its result is SKIP")
	if got := get(t, s.root.must("ListPipelineExecutions", `{"pipelineName":"P","filter":{"succeededInStage":{"stageName":"Prod"}}}`), "pipelineExecutionSummaries.0"); got != nil {
		t.Errorf("the execution that skipped the stage has succeeded in it: %v", got)
	}
}

// A failed entry condition keeps the execution out until it is overridden.
func TestEntryConditionFailsAndIsOverridden(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	e := s.fetchedV2(guarded("Prod", condition("beforeEntry", "FAIL",
		variableCheck("Same", "x", "EQ", "x"), variableCheck("Other", "x", "EQ", "y")), ship("Deploy")))
	if got := s.status(e); got != "Failed" {
		t.Fatalf("the execution is %s", got)
	}
	if got := text(t, s.state(), "stageStates.1.beforeEntryConditionState.conditionStates.0.ruleStates.0.latestExecution.status"); got != "Succeeded" {
		t.Errorf("the first rule is %s", got)
	}
	if got := s.root.must("OverrideStageCondition", s.override(e, "Prod", "BEFORE_ENTRY")); got != "" && got != "{}" {
		t.Errorf("an override answers %s", got)
	}
	if got := text(t, s.state(), "stageStates.1.beforeEntryConditionState.latestExecution.status"); got != "Overridden" {
		t.Errorf("the condition is %s", got)
	}
	s.succeed(s.take("Deploy", "Ship"), "")
	if got := s.status(e); got != "Succeeded" {
		t.Errorf("the execution is %s", got)
	}
}

// A rule that this server cannot evaluate, or whose configuration makes no
// sense, makes the condition Errored, with the same consequence as Failed.
func TestConditionErrored(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ rule, message string }{
		"unrunnable": {`{"name":"R","ruleTypeId":{"category":"Rule","owner":"AWS","provider":"CodeBuild","version":"1"},"configuration":{"ProjectName":"p"},"inputArtifacts":[{"name":"Code"}]}`,
			"Penstock does not run rules of type Rule/AWS/CodeBuild/1 yet; see docs/compatibility.md"},
		"expression": {variableCheck("R", "x", "MATCHES", "("), "the value '(' is not a regular expression that can be evaluated: error parsing regexp: missing closing ): `(`"},
		"reference":  {variableCheck("R", "#{Src.Nothing}", "EQ", "x"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			e := s.fetchedV2(guarded("Prod", condition("beforeEntry", "FAIL", tt.rule), ship("Deploy")))
			state := s.state()
			if got := text(t, state, "stageStates.1.beforeEntryConditionState.latestExecution.status"); got != "Errored" || s.status(e) != "Failed" {
				t.Errorf("the condition is %s, the execution %s", got, s.status(e))
			}
			got := text(t, state, "stageStates.1.beforeEntryConditionState.conditionStates.0.ruleStates.0.latestExecution.errorDetails.message")
			if got == "" || tt.message != "" && got != tt.message {
				t.Errorf("the rule says %q", got)
			}
		})
	}
}

// Rules of one name are told apart by their order.
func TestRulesOfOneName(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.fetchedV2(guarded("Prod", condition("beforeEntry", "FAIL", variableCheck("R", "x", "EQ", "x"), variableCheck("R", "x", "EQ", "y")), ship("Deploy")))
	state := s.state()
	at := "stageStates.1.beforeEntryConditionState.conditionStates.0.ruleStates."
	if got := text(t, state, at+"0.latestExecution.status") + text(t, state, at+"1.latestExecution.status"); got != "SucceededFailed" {
		t.Errorf("the rules are %s", got)
	}
}

// The deployment window is looked at by the clock of the server.
func TestDeploymentWindow(t *testing.T) {
	t.Parallel()
	for zone, want := range map[string]string{"UTC": "InProgress", "America/New_York": "Failed"} { // it is 12:00 UTC, a Friday
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			e := s.fetchedV2(guarded("Prod", condition("beforeEntry", "FAIL", `{"name":"Hours","ruleTypeId":{"category":"Rule","owner":"AWS","provider":"DeploymentWindow","version":"1"},
				"configuration":{"Cron":"0 0 9-17 ? * MON-FRI *","TimeZone":"`+zone+`"}}`), ship("Deploy")))
			if got := s.status(e); got != want {
				t.Errorf("the execution is %s, want %s", got, want)
			}
		})
	}
}

func TestOverrideErrors(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	e := s.fetchedV2(guarded("Prod", condition("beforeEntry", "FAIL", variableCheck("R", "x", "EQ", "x")), ship("Deploy")))
	s.root.refuse("OverrideStageCondition", `{"pipelineName":"P","stageName":"Prod","pipelineExecutionId":"x","conditionType":"ON_FAILURE"}`, "ValidationException", "")
	s.root.refuse("OverrideStageCondition", strings.Replace(s.override(e, "Prod", "BEFORE_ENTRY"), `"P"`, `"Q"`, 1), "PipelineNotFoundException", "")
	s.root.refuse("OverrideStageCondition", s.override(e, "Nowhere", "BEFORE_ENTRY"), "StageNotFoundException", "")
	s.root.refuse("OverrideStageCondition", s.override(unknownID, "Prod", "BEFORE_ENTRY"), "NotLatestPipelineExecutionException", "")
	s.root.refuse("OverrideStageCondition", s.override(e, "Prod", "BEFORE_ENTRY"), "ConditionNotOverridableException",
		"The BEFORE_ENTRY condition of stage 'Prod' cannot be overridden for execution '"+e+"': it is Succeeded")
	s.root.refuse("OverrideStageCondition", s.override(e, "Prod", "ON_SUCCESS"), "ConditionNotOverridableException",
		"The ON_SUCCESS condition of stage 'Prod' cannot be overridden for execution '"+e+"': it has not been evaluated")
}

// In QUEUED mode an override takes an execution up again only while there is
// room.
func TestOverrideAndRetryAtTheLimit(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Source", "Src", "")
	source := stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`))
	e := s.create(declare("P", `"pipelineType":"V2","executionMode":"QUEUED"`, source,
		guarded("Gate", condition("beforeEntry", "FAIL", variableCheck("R", "x", "NE", "x")), approval("Ask", ""))))
	s.succeed(s.take("Source", "Src"), "")
	for range 50 {
		s.start()
	}
	s.root.refuse("OverrideStageCondition", s.override(e, "Gate", "BEFORE_ENTRY"), "ConcurrentPipelineExecutionsLimitExceededException", "")
	retry := func(execution, stage, mode string) string {
		return fmt.Sprintf(`{"pipelineName":"P","stageName":%q,"pipelineExecutionId":%q,"retryMode":%q}`, stage, execution, mode)
	}
	s.root.refuse("RetryStageExecution", retry(e, "Gate", "ALL_ACTIONS"), "ConcurrentPipelineExecutionsLimitExceededException", "")
	s.root.refuse("RetryStageExecution", retry(e, "Gate", "SOME"), "ValidationException", "")
	s.root.refuse("RetryStageExecution", strings.Replace(retry(e, "Gate", "ALL_ACTIONS"), `"P"`, `"Q"`, 1), "PipelineNotFoundException", "")
	s.root.refuse("RetryStageExecution", retry(e, "Nowhere", "ALL_ACTIONS"), "StageNotFoundException", "")
	s.root.refuse("RetryStageExecution", retry(e, "Source", "ALL_ACTIONS"), "NotLatestPipelineExecutionException", "")
	s.root.refuse("RetryStageExecution", retry(s.newest("P"), "Gate", "ALL_ACTIONS"), "NotLatestPipelineExecutionException", "")
	holder := text(t, s.state(), "stageStates.0.latestExecution.pipelineExecutionId")
	s.root.refuse("RetryStageExecution", retry(holder, "Source", "FAILED_ACTIONS"), "StageNotRetryableException", "")
	s.fail(s.take("Source", "Src")) // makes room
	s.root.must("RetryStageExecution", retry(e, "Gate", "ALL_ACTIONS"))
	if got := s.status(e); got != "Failed" { // the condition has been evaluated again
		t.Errorf("the retried execution is %s", got)
	}
}
