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
