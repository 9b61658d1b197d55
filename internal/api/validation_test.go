package api

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

const (
	failed = " failed to satisfy constraint: "
	uuid1  = "0123abcd-0123-abcd-0123-0123456789ab"
)

func TestViolations(t *testing.T) {
	t.Parallel()
	pipeline := func(stages string) string {
		return `{"pipeline":{"name":"p","roleArn":"arn:aws:iam::123456789012:role/r","stages":` + stages + `}}`
	}
	action := func(rest string) string {
		return pipeline(`[{"name":"S","actions":[{"name":"A","actionTypeId":{"category":"Build","owner":"AWS","provider":"P","version":"1"},` + rest + `}]}]`)
	}
	const first = "pipeline.stages.1.member.actions.1.member"
	for _, tt := range []struct {
		name string
		in   Shape
		doc  string
		want []string // after the count; none: accepted
	}{
		{"required member absent", new(DeletePipelineInput), `{}`, []string{"Value null at 'name'" + failed + "Member must not be null"}},
		{"required member null", new(DeletePipelineInput), `{"name":null}`, []string{"Value null at 'name'" + failed + "Member must not be null"}},
		{"required structure absent", new(PollForJobsInput), `{}`, []string{"Value null at 'actionTypeId'" + failed + "Member must not be null"}},
		{"required list absent", new(UntagResourceInput), `{"resourceArn":"arn:aws:codepipeline:r:123456789012:p"}`, []string{"Value null at 'tagKeys'" + failed + "Member must not be null"}},
		{"string too long", new(AcknowledgeJobInput), `{"jobId":"` + uuid1 + `","nonce":"` + strings.Repeat("n", 51) + `"}`,
			[]string{"Value at 'nonce'" + failed + "Member must have length less than or equal to 50"}},
		{"string too short", new(AcknowledgeJobInput), `{"jobId":"` + uuid1 + `","nonce":""}`,
			[]string{"Value at 'nonce'" + failed + "Member must have length greater than or equal to 1"}},
		{"two errors on one member", new(DeletePipelineInput), `{"name":""}`, []string{
			"Value at 'name'" + failed + `Member must satisfy regular expression pattern: [A-Za-z0-9.@\-_]+`,
			"Value at 'name'" + failed + "Member must have length greater than or equal to 1"}},
		{"pattern alone", new(DeletePipelineInput), `{"name":"a b"}`, []string{
			"Value at 'name'" + failed + `Member must satisfy regular expression pattern: [A-Za-z0-9.@\-_]+`}},
		{"pattern holds for the whole string", new(DeletePipelineInput), `{"name":"ab\n"}`, []string{
			"Value at 'name'" + failed + `Member must satisfy regular expression pattern: [A-Za-z0-9.@\-_]+`}},
		{"number too small", new(PollForJobsInput), `{"actionTypeId":{"category":"Build","owner":"AWS","provider":"P","version":"1"},"maxBatchSize":0}`,
			[]string{"Value at 'maxBatchSize'" + failed + "Member must have value greater than or equal to 1"}},
		{"number too large", new(CreatePipelineInput), action(`"runOrder":1000`),
			[]string{"Value at '" + first + ".runOrder'" + failed + "Member must have value less than or equal to 999"}},
		{"number clamped, then too large", new(ListPipelinesInput), `{"maxResults":1e30}`,
			[]string{"Value at 'maxResults'" + failed + "Member must have value less than or equal to 1000"}},
		{"enum", new(ListRuleTypesInput), `{"ruleOwnerFilter":"aws"}`, []string{"Value at 'ruleOwnerFilter'" + failed + "Member must satisfy enum value set: [AWS]"}},
		{"enum in the captured order", new(ListActionExecutionsInput), `{"pipelineName":"p","filter":{"latestInPipelineExecution":{"pipelineExecutionId":"` + uuid1 + `","startTimeRange":"X"}}}`,
			[]string{"Value at 'filter.latestInPipelineExecution.startTimeRange'" + failed + "Member must satisfy enum value set: [All, Latest]"}},
		{"list elements, once a list", new(UntagResourceInput), `{"resourceArn":"arn:aws:codepipeline:r:123456789012:p","tagKeys":["","k",""]}`,
			[]string{"Value at 'tagKeys'" + failed + "Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]"}},
		{"null in a list of strings", new(UntagResourceInput), `{"resourceArn":"arn:aws:codepipeline:r:123456789012:p","tagKeys":["k",null]}`,
			[]string{"Value at 'tagKeys'" + failed + "Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must not be null]"}},
		{"null in a list of structures", new(TagResourceInput), `{"resourceArn":"arn:aws:codepipeline:r:123456789012:p","tags":[{"key":"k","value":""},null]}`,
			[]string{"Value null at 'tags.2.member'" + failed + "Member must not be null"}},
		{"list too long", new(StartPipelineExecutionInput), `{"name":"p","variables":[` + strings.TrimSuffix(strings.Repeat(`{"name":"n","value":"v"},`, 51), ",") + `]}`,
			[]string{"Value at 'variables'" + failed + "Member must have length less than or equal to 50"}},
		{"required list too short", new(CreatePipelineInput), pipeline(`[{"name":"S","actions":[],"onSuccess":{"conditions":[]}}]`),
			[]string{"Value at 'pipeline.stages.1.member.onSuccess.conditions'" + failed + "Member must have length greater than or equal to 1"}},
		{"optional list may be empty", new(StartPipelineExecutionInput), `{"name":"p","variables":[]}`, nil},
		{"captured text of an empty variable", new(StartPipelineExecutionInput), `{"name":"p","variables":[{"name":"n","value":""}]}`,
			[]string{"Value at 'variables.1.member.value'" + failed + "Member must have length greater than or equal to 1"}},
		{"captured text of a namespace", new(CreatePipelineInput), action(`"namespace":"a b"`),
			[]string{"Value at '" + first + ".namespace'" + failed + `Member must satisfy regular expression pattern: [A-Za-z0-9@\-_]+`}},
		{"captured text of a configuration", new(CreatePipelineInput), action(`"configuration":{"a":"","b":""}`),
			[]string{"Value at '" + first + ".configuration'" + failed + "Map value must satisfy constraint: [Member must have length less than or equal to 50000, Member must have length greater than or equal to 1]"}},
		{"long configuration value", new(CreatePipelineInput), action(`"configuration":{"a":"` + strings.Repeat("v", 50000) + `"}`), nil},
		{"null configuration value", new(CreatePipelineInput), action(`"configuration":{"a":null}`),
			[]string{"Value at '" + first + ".configuration'" + failed + "Map value must satisfy constraint: [Member must have length less than or equal to 50000, Member must have length greater than or equal to 1, Member must not be null]"}},
		{"map key", new(PutJobSuccessResultInput), `{"jobId":"` + uuid1 + `","outputVariables":{"a b":"v"}}`,
			[]string{"Value at 'outputVariables'" + failed + `Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [A-Za-z0-9@\-_]+]`}},
		{"map too large", new(PollForJobsInput), `{"actionTypeId":{"category":"Build","owner":"AWS","provider":"P","version":"1"},"queryParam":{"a":"b","c":"d"}}`,
			[]string{"Value at 'queryParam'" + failed + "Member must have length less than or equal to 1"}},
		{"structure in a map", new(UpdatePipelineInput), `{"pipeline":{"name":"p","roleArn":"arn:aws:iam::123456789012:role/r","stages":[],"artifactStores":{"eu":{"type":"S3","location":"bucket"},"us-east-1":{"type":"S3"},"us-west-1":null}}}`, []string{
			"Value at 'pipeline.artifactStores'" + failed + "Map keys must satisfy constraint: [Member must have length less than or equal to 30, Member must have length greater than or equal to 4]",
			"Value null at 'pipeline.artifactStores.us-east-1.member.location'" + failed + "Member must not be null",
			"Value null at 'pipeline.artifactStores.us-west-1.member'" + failed + "Member must not be null"}},
		{"lower-case first letter in paths", new(ListWebhooksInput), `{"NextToken":""}`, []string{"Value at 'nextToken'" + failed + "Member must have length greater than or equal to 1"}},
		{"lengths count UTF-16 units", new(StopPipelineExecutionInput), `{"pipelineName":"p","pipelineExecutionId":"` + uuid1 + `","reason":"` + strings.Repeat("😀", 101) + `"}`,
			[]string{"Value at 'reason'" + failed + "Member must have length less than or equal to 200"}},
		{"exactly the greatest length", new(StopPipelineExecutionInput), `{"pipelineName":"p","pipelineExecutionId":"` + uuid1 + `","reason":"` + strings.Repeat("😀", 100) + `"}`, nil},
		{"model order, not document order", new(PutJobFailureResultInput), `{"failureDetails":{"message":"","type":"X"}}`, []string{
			"Value null at 'jobId'" + failed + "Member must not be null",
			"Value at 'failureDetails.type'" + failed + "Member must satisfy enum value set: [JobFailed, ConfigurationError, PermissionError, RevisionOutOfSync, RevisionUnavailable, SystemUnavailable]",
			"Value at 'failureDetails.message'" + failed + "Member must have length greater than or equal to 1"}},
		{"a later member replaces its violations", new(PutJobFailureResultInput), `{"jobId":"","failureDetails":{"message":"","type":"X"},"failureDetails":{"message":"m","type":"JobFailed"},"jobId":"` + uuid1 + `"}`, nil},
		{"a later null replaces a structure", new(PutJobSuccessResultInput), `{"jobId":"` + uuid1 + `","currentRevision":{},"currentRevision":null}`, nil},
		{"a later map entry replaces its violations", new(UpdatePipelineInput), `{"pipeline":{"name":"p","roleArn":"arn:aws:iam::123456789012:role/r","stages":[],"artifactStores":{"us-east-1":{},"us-east-1":{"type":"S3","location":"bucket"}}}}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, message := decodeError(t, tt.in, tt.doc)
			if len(tt.want) == 0 {
				if code != "" {
					t.Errorf("%s: %s", code, message)
				}
				return
			}
			want := "1 validation error detected: " + tt.want[0]
			if n := len(tt.want); n > 1 {
				want = fmt.Sprintf("%d validation errors detected: %s", n, strings.Join(tt.want, "; "))
			}
			if code != "ValidationException" || message != want {
				t.Errorf("%s\n got %s\nwant %s", code, message, want)
			}
		})
	}
}

func TestAtMostTenReported(t *testing.T) {
	t.Parallel()
	for _, elements := range []int{9, 10, 11, floodedAt - 1, floodedAt, 3*floodedAt + 7} {
		t.Run(fmt.Sprint(elements), func(t *testing.T) {
			t.Parallel()
			// resourceArn comes last in the document and first in the model.
			doc := `{"tags":[` + strings.Repeat(`{"key":"k"},`, elements-1) + `{"key":"k"}],"resourceArn":"x"}`
			_, message := decodeError(t, new(TagResourceInput), doc)
			entries := []string{"Value at 'resourceArn'" + failed + `Member must satisfy regular expression pattern: arn:aws(-[\w]+)*:codepipeline:.+:[0-9]{12}:.+`}
			for i := 1; i <= elements && len(entries) < 10; i++ {
				entries = append(entries, fmt.Sprintf("Value null at 'tags.%d.member.value'%sMember must not be null", i, failed))
			}
			want := fmt.Sprintf("%d validation errors detected: %s", len(entries), strings.Join(entries, "; "))
			if message != want {
				t.Errorf("got %s\nwant %s", message, want)
			}
		})
	}
}

// TestFloodHoldsLittle holds a hostile list to a bounded number of elements.
func TestFloodHoldsLittle(t *testing.T) {
	t.Parallel()
	in := new(TagResourceInput)
	doc := `{"tags":[` + strings.Repeat(`{},`, 100_000) + `{}]}`
	code, _ := decodeError(t, in, doc)
	if code != "ValidationException" || cap(in.Tags) > 4*floodedAt {
		t.Errorf("%s, %d elements held", code, cap(in.Tags))
	}
}

// TestMatchers holds the hand-made matchers to the model's patterns.
func TestMatchers(t *testing.T) {
	t.Parallel()
	limits := map[string]*limit{
		"uuid": &limitJobId, "account": &limitAccountId, "class": &limitActionName, "anchored class": &limitClientRequestToken,
		"class with blanks": &limitDisabledReason, "any": &limitPipelineVariableValue, "arn": &limitRoleArn, "choice": &limitActionTypeOwner,
	}
	samples := []string{"", "a", "A-1_.@", uuid1, uuid1[:35], uuid1 + "a", strings.ToUpper(uuid1), strings.Replace(uuid1, "-", "_", 1),
		strings.Repeat("a", 36), "123456789012", "12345678901", "12345678901x", "a b", "a(b)*?!", "é", "a\n", "AWS", "AWSx", "ThirdParty",
		"arn:aws:iam::123456789012:role/a/b", "arn:aws-cn:iam::123456789012:role/", "xarn:aws:iam::123456789012:role/r", "\x7f", "\xff"}
	for name, l := range limits {
		re := regexp.MustCompile(`\A(?:` + l.pattern + `)\z`)
		for _, s := range samples {
			if got, want := l.match(s), re.MatchString(s); got != want {
				t.Errorf("%s: match(%q) = %t, pattern %s says %t", name, s, got, l.pattern, want)
			}
		}
	}
	for _, s := range []string{"a\nb", "a\r", "\u0085", "\u2028", "\u2029"} {
		if isOneLine(s) || limitRoleArn.match("arn:aws:iam::123456789012:role/"+s) {
			t.Errorf("%q passes for one line", s)
		}
	}
}
