package service_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
)

// The next token of a history is good for its pipeline, its filter and its
// operation, rules and conditions included, and for the region it came from.
func TestTokensAreBound(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	stages := guarded("Gate", condition("beforeEntry", "FAIL", variableCheck("A", "x", "EQ", "x"), variableCheck("B", "x", "EQ", "x")), approval("Ask", ""))
	s.customType("Source", "Src", "")
	e := map[string]string{}
	for _, name := range []string{"P", "Q"} {
		e[name] = s.create(declare(name, `"pipelineType":"V2"`, srcStage, stages))
		s.succeed(s.take("Source", "Src"), "")
		s.root.must("StartPipelineExecution", `{"name":"`+name+`"}`)
		s.succeed(s.take("Source", "Src"), "")
	}
	const bad = "The next token is not valid for this request"
	type list struct{ op, filter string }
	filters := map[string][]string{
		"ListPipelineExecutions": {"", `,"filter":{"succeededInStage":{"stageName":"Source"}}`, `,"filter":{"succeededInStage":{"stageName":"Gate"}}`},
	}
	for _, op := range []string{"ListActionExecutions", "ListRuleExecutions"} {
		filters[op] = []string{"", `,"filter":{"pipelineExecutionId":"E"}`,
			`,"filter":{"latestInPipelineExecution":{"pipelineExecutionId":"E","startTimeRange":"All"}}`,
			`,"filter":{"latestInPipelineExecution":{"pipelineExecutionId":"E","startTimeRange":"Latest"}}`}
	}
	body := func(l list, name, more string) string {
		return `{"pipelineName":"` + name + `"` + strings.ReplaceAll(l.filter, `"E"`, `"`+e[name]+`"`) + more + `}`
	}
	var all []list
	tokens := map[list]string{}
	for op, group := range filters {
		for _, f := range group {
			l := list{op, f}
			all = append(all, l)
			token := text(t, s.root.must(op, body(l, "P", `,"maxResults":1`)), "nextToken")
			if token != "" {
				tokens[l] = token
			}
		}
	}
	if len(tokens) != 10 { // nobody has succeeded in the stage Gate
		t.Errorf("%d lists have a second page", len(tokens))
	}
	for from, token := range tokens {
		more := fmt.Sprintf(`,"nextToken":%q`, token)
		s.root.must(from.op, body(from, "P", more))
		s.root.must(from.op, body(from, "P", more+`,"maxResults":7`)) // the size of a page may change
		s.root.refuse(from.op, body(from, "Q", more), "InvalidNextTokenException", bad)
		for _, other := range all {
			if other != from {
				s.root.refuse(other.op, body(other, "P", more), "InvalidNextTokenException", bad)
			}
		}
	}
	first, err := s.sdk.ListPipelines(t.Context(), &codepipeline.ListPipelinesInput{MaxResults: aws.Int32(1)})
	s.ok(err)
	elsewhere := codepipeline.New(codepipeline.Options{BaseEndpoint: &s.url, Region: "us-east-1", Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(keyID, secretKey, "")})
	_, err = elsewhere.ListPipelines(t.Context(), &codepipeline.ListPipelinesInput{NextToken: first.NextToken})
	if got := codeOf(t, err); got != "InvalidNextTokenException" {
		t.Errorf("in another region the token is %q", got)
	}
}

// The quotas of an account in a region: what is deleted makes room, other
// regions and accounts have room of their own.
func TestQuotas(t *testing.T) {
	t.Parallel()
	s := newServer(t, options{maxPipelines: 2, maxActionTypes: 2})
	for _, name := range []string{"Src", "Other"} {
		s.customType("Source", name, "")
	}
	const third = `{"category":"Source","provider":"Third","version":"1","inputArtifactDetails":{"minimumCount":0,"maximumCount":0},"outputArtifactDetails":{"minimumCount":0,"maximumCount":5}}`
	s.root.refuse("CreateCustomActionType", third, "LimitExceededException", "The account has reached its limit of 2 custom action types in region eu-west-1")
	s.as(stranger).must("CreateCustomActionType", third)
	s.root.must("DeleteCustomActionType", `{"category":"Source","provider":"Other","version":"1"}`)
	s.root.must("CreateCustomActionType", third)

	gate := stage("Gate", approval("Ask", ""))
	pipeline := func(name string) string { return `{"pipeline":` + declare(name, "", srcStage, gate) + `}` }
	s.root.must("CreatePipeline", pipeline("P"))
	s.root.must("CreatePipeline", pipeline("Q"))
	s.root.refuse("CreatePipeline", pipeline("R"), "LimitExceededException", "The account has reached its limit of 2 pipelines in region eu-west-1")
	s.root.refuse("CreatePipeline", pipeline("Q"), "PipelineNameInUseException", "")
	s.root.must("UpdatePipeline", pipeline("Q"))
	s.root.must("DeletePipeline", `{"name":"P"}`)
	s.root.must("CreatePipeline", pipeline("R"))
}

// No deployment of Penstock has targets, which is an answer for every action
// execution there is, and for no other.
func TestDeployTargets(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.fetchedV2(stage("Prod", ship("Deploy")))
	id := text(t, s.latest(), "actionExecutionId")
	for _, more := range []string{"", `,"pipelineName":"P"`, `,"pipelineName":"P","maxResults":1`, `,"filters":[{"name":"TARGET_STATUS","values":["Failed"]}]`} {
		if got := s.root.must("ListDeployActionExecutionTargets", `{"actionExecutionId":"`+id+`"`+more+`}`); got != `{"targets":[]}` {
			t.Errorf("with %s: %s", more, got)
		}
	}
	s.create(declare("Q", "", srcStage, stage("Gate", approval("Ask", ""))))
	s.root.refuse("ListDeployActionExecutionTargets", `{"pipelineName":"Q","actionExecutionId":"`+id+`"}`, "ActionExecutionNotFoundException", "The action execution '"+id+"' was not found")
	s.as(stranger).refuse("ListDeployActionExecutionTargets", `{"actionExecutionId":"`+id+`"}`, "ActionExecutionNotFoundException", "")
}

// After an update the state shows what the new version has: stages and actions
// that kept their names with their last run, others without one.
func TestStateAfterAnUpdate(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	e := s.fetched(stage("Gate", approval("Ask", ""), approval("Again", "")), stage("Done", approval("Celebrate", "")))
	s.stop(e, true)
	s.update(declare("P", "", srcStage, stage("New", approval("Ask", "")), stage("Gate", approval("Ask", ""), approval("Other", ""))))
	var seen []string
	state := s.state()
	for i := range get(t, state, "stageStates").([]any) {
		at := fmt.Sprintf("stageStates.%d.", i)
		line := text(t, state, at+"stageName") + " " + text(t, state, at+"latestExecution.status") + ":"
		for j := range get(t, state, at+"actionStates").([]any) {
			a := fmt.Sprintf("%sactionStates.%d.", at, j)
			line += " " + text(t, state, a+"actionName") + " " + text(t, state, a+"latestExecution.status")
		}
		seen = append(seen, line)
	}
	if got := strings.Join(seen, " | "); got != "Source Succeeded: Fetch Succeeded | New : Ask  | Gate Stopped: Ask Abandoned Other " {
		t.Errorf("the state shows %s", got)
	}
}
