package eventbridge

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const pattern = `"EventPattern":"{\"source\":[\"me\"]}"`

// TestRules: what a rule says, from its making to its end.
func TestRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10)
	const ruleARN = "arn:aws:events:eu-central-1:111111111111:rule/r"
	w.answers("PutRule", `{"Name":"r","EventBusName":"default","ScheduleExpression":"rate(1 hour)","Description":"d <1>","RoleArn":"arn:role","Tags":[{"Key":"k","Value":"v"}],`+pattern+`}`, `{"RuleArn":"`+ruleARN+`"}`)
	w.answers("DescribeRule", `{"Name":"r","EventBusName":"arn:aws:events:eu-central-1:111111111111:event-bus/default"}`, `{"Name":"r","Arn":"`+ruleARN+`","EventPattern":"{\"source\":[\"me\"]}","ScheduleExpression":"rate(1 hour)","State":"ENABLED","Description":"d <1>","RoleArn":"arn:role","EventBusName":"default","CreatedBy":"111111111111"}`)
	w.answers("ListTagsForResource", `{"ResourceARN":"`+ruleARN+`"}`, `{"Tags":[{"Key":"k","Value":"v"}]}`)
	w.answers("TagResource", `{"ResourceARN":"`+ruleARN+`","Tags":[{"Key":"k","Value":"w"},{"Key":"l","Value":""}]}`, `null`)
	w.answers("UntagResource", `{"ResourceARN":"`+ruleARN+`","TagKeys":["none"]}`, `null`)
	w.answers("ListTagsForResource", `{"ResourceARN":"`+ruleARN+`"}`, `{"Tags":[{"Key":"k","Value":"w"},{"Key":"l","Value":""}]}`)
	w.answers("PutTargets", `{"Rule":"r","Targets":[{"Id":"1","Arn":"`+arn("P")+`","RetryPolicy":null},{"Id":"2","Arn":"`+arn("P")+`","Input":"7"}]}`, `{"FailedEntryCount":0,"FailedEntries":[]}`)
	w.must("PutTargets", `{"Rule":"r","Targets":[{"Id":"1","Arn":"`+arn("Q")+`","InputPath":"$.detail"},{"Id":"3","Arn":"`+arn("Q")+`","InputTransformer":{"InputPathsMap":{"a":"$.a"},"InputTemplate":"<a>"}}]}`)
	targets := `{"Id":"1","Arn":"` + arn("Q") + `","InputPath":"$.detail"},{"Id":"2","Arn":"` + arn("P") + `","Input":"7"}`
	w.answers("ListTargetsByRule", `{"Rule":"r"}`, `{"Targets":[`+targets+`,{"Id":"3","Arn":"`+arn("Q")+`","InputTransformer":{"InputPathsMap":{"a":"$.a"},"InputTemplate":"<a>"}}]}`)
	w.answers("ListTargetsByRule", `{"Rule":"r","Limit":2}`, `{"Targets":[`+targets+`],"NextToken":"`+nextToken("2")+`"}`)
	w.answers("ListTargetsByRule", `{"Rule":"r","Limit":2,"NextToken":"`+nextToken("2")+`"}`, `{"Targets":[{"Id":"3","Arn":"`+arn("Q")+`","InputTransformer":{"InputPathsMap":{"a":"$.a"},"InputTemplate":"<a>"}}]}`)

	first := w.rule("r")
	if want := w.time().Add(time.Hour); !first.Due.Equal(want) || !first.Since.Equal(w.time()) || w.hints == 0 {
		t.Errorf("due %s, since %s, %d hints", first.Due, first.Since, w.hints)
	}
	w.pass(10 * time.Minute)
	w.must("PutRule", `{"Name":"r","ScheduleExpression":"rate(1 hour)",`+pattern+`}`)
	if now := w.rule("r"); !now.Due.Equal(first.Due) || !now.Since.Equal(first.Since) || len(now.Targets) != 3 || now.Description != "" {
		t.Errorf("put again it is %+v", now)
	}
	w.must("DisableRule", `{"Name":"r"}`)
	if now := w.rule("r"); !now.Due.IsZero() || now.Enabled {
		t.Errorf("disabled it is %+v", now)
	}
	w.must("EnableRule", `{"Name":"r"}`)
	if now := w.rule("r"); !now.Due.Equal(w.time().Add(time.Hour)) || !now.Since.Equal(w.time()) {
		t.Errorf("enabled it is %+v", now)
	}
	w.must("PutRule", `{"Name":"r","State":"DISABLED","ScheduleExpression":"rate(2 hours)"}`)
	if now := w.rule("r"); !now.Due.IsZero() || now.Pattern != "" {
		t.Errorf("put as disabled it is %+v", now)
	}
	w.refuse("DeleteRule", `{"Name":"r"}`, "ValidationException", "it has targets")
	w.must("RemoveTargets", `{"Rule":"r","Ids":["1","2","3","none"]}`)
	w.answers("DeleteRule", `{"Name":"r"}`, `null`)
	w.answers("DeleteRule", `{"Name":"r"}`, `null`)
	w.refuse("DescribeRule", `{"Name":"r"}`, "ResourceNotFoundException", "Rule r does not exist on EventBus default.")
}

// TestPages: lists go on where they ended, and keep to what was asked for.
func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 300)
	for i := range 130 {
		w.must("PutRule", fmt.Sprintf(`{"Name":"r%03d",%s}`, i, pattern))
	}
	w.must("PutRule", `{"Name":"other",`+pattern+`}`)
	for i := range 5 {
		w.must("PutTargets", fmt.Sprintf(`{"Rule":"r%03d","Targets":[{"Id":"1","Arn":%q},{"Id":"2","Arn":%q}]}`, 25*i, arn("P"), arn("P")))
	}
	walk := func(operation, request string) (names []string) {
		t.Helper()
		token := ""
		for range 1000 {
			var out struct {
				Rules     []Rule
				RuleNames []string
				NextToken string
			}
			if err := json.Unmarshal([]byte(w.must(operation, "{"+request+token+"}")), &out); err != nil {
				t.Fatal(err)
			}
			for _, r := range out.Rules {
				names = append(names, r.Name)
			}
			names = append(names, out.RuleNames...)
			if out.NextToken == "" {
				return names
			}
			token = `,"NextToken":"` + out.NextToken + `"`
		}
		t.Fatalf("%s does not end", operation)
		return nil
	}
	for _, limit := range []string{`"Limit":7`, `"Limit":100`} {
		got := walk("ListRules", `"NamePrefix":"r",`+limit)
		if len(got) != 130 || !slices.IsSorted(got) || got[129] != "r129" {
			t.Errorf("%s: %d rules: %q", limit, len(got), got)
		}
	}
	if got := walk("ListRuleNamesByTarget", `"Limit":2,"TargetArn":"`+arn("P")+`"`); !slices.Equal(got, []string{"r000", "r025", "r050", "r075", "r100"}) {
		t.Errorf("rules of a target: %q", got)
	}
	w.who.Region = "elsewhere"
	w.answers("ListRules", `{}`, `{"Rules":[]}`)
	w.refuse("ListRules", `{"NextToken":"x"}`, "ValidationException", "NextToken")
}

// TestRefused: requests that break a rule, and what they are told.
func TestRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.must("PutRule", `{"Name":"r",`+pattern+`}`)
	w.must("PutRule", `{"Name":"s",`+pattern+`}`)
	target := func(extra string) string {
		return `{"Rule":"r","Targets":[{"Id":"1","Arn":"` + arn("P") + `"` + extra + `}]}`
	}
	many := strings.Repeat(`{"Id":"%","Arn":"`+arn("P")+`"},`, 6)
	for i := range 6 {
		many = strings.Replace(many, "%", fmt.Sprint(i), 1)
	}
	deep := strings.Repeat("[", 20000) + strings.Repeat("]", 20000)
	for _, tt := range []struct{ operation, body, code, text string }{
		{"PutRule", `{` + pattern + `}`, "ValidationException", "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null"},
		{"PutRule", `{"Name":"a/b","State":"ON",` + pattern + `}`, "ValidationException", "2 validation errors detected: Value at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern"},
		{"PutRule", `{"Name":"` + strings.Repeat("x", 65) + `",` + pattern + `}`, "ValidationException", "less than or equal to 64"},
		{"PutRule", `{"Name":"x"}`, "ValidationException", "EventPattern and/or ScheduleExpression"},
		{"PutRule", `{"Name":"x","ScheduleExpression":"rate(1 minutes)"}`, "ValidationException", "Parameter ScheduleExpression is not valid. Reason: the unit"},
		{"PutRule", `{"Name":"x","EventPattern":"{"}`, "InvalidEventPatternException", "Event pattern is not valid. Reason: unexpected end"},
		{"PutRule", `{"Name":"x","EventPattern":"{\"a\":5}"}`, "InvalidEventPatternException", "a must be an object or an array"},
		{"PutRule", `{"Name":"x","EventPattern":"{\"a\":[\"` + strings.Repeat("x", 2048) + `\"]}"}`, "InvalidEventPatternException", "2048 characters"},
		{"PutRule", `{"Name":"x","EventPattern":"{\"a\":[\"` + strings.Repeat("x", 4096) + `\"]}"}`, "ValidationException", "4096"},
		{"PutRule", `{"Name":"x","EventBusName":"mine",` + pattern + `}`, "ResourceNotFoundException", "Penstock has the default event bus only"},
		{"PutRule", `{"Name":"x","State":"ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",` + pattern + `}`, "ValidationException", "enum value set: [ENABLED, DISABLED]"},
		{"PutRule", `{"Name":"x","Tags":[{"Key":"aws:x","Value":""}],` + pattern + `}`, "ValidationException", "belong to the system"},
		{"PutRule", `{"Name":"x","Tags":[{"Value":""}],` + pattern + `}`, "ValidationException", "'tags.1.member.key'"},
		{"PutRule", `{"Name":"x",` + pattern + `}`, "LimitExceededException", "limit of 2 rules in region eu-central-1"},
		{"DescribeRule", `{"Name":"none"}`, "ResourceNotFoundException", "Rule none does not exist"},
		{"DescribeRule", `{"Name":"r","EventBusName":"mine"}`, "ResourceNotFoundException", "default event bus only"},
		{"EnableRule", `{"Name":"none"}`, "ResourceNotFoundException", ""},
		{"DisableRule", `{"Name":"none"}`, "ResourceNotFoundException", ""},
		{"DisableRule", `{"Name":"r","EventBusName":"mine"}`, "ResourceNotFoundException", ""},
		{"DeleteRule", `{"Name":"r","EventBusName":"mine"}`, "ResourceNotFoundException", ""},
		{"ListRules", `{"Limit":0}`, "ValidationException", "'limit'"},
		{"ListRules", `{"Limit":101}`, "ValidationException", "'limit'"},
		{"PutTargets", `{"Rule":"none","Targets":[{"Id":"1","Arn":"` + arn("P") + `"}]}`, "ResourceNotFoundException", ""},
		{"PutTargets", `{"Rule":"r","Targets":[]}`, "ValidationException", "'targets' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"PutTargets", `{"Rule":"r","Targets":[{}]}`, "ValidationException", "'targets.1.member.arn'"},
		{"PutTargets", `{"Rule":"r","Targets":[` + strings.TrimSuffix(many, ",") + `]}`, "LimitExceededException", "6 targets; a rule can have 5"},
		{"PutTargets", `{"Rule":"r","Targets":[{"Id":"1","Arn":"arn:aws:lambda:eu-central-1:111111111111:function:f"}]}`, "ValidationException", "arn:aws:codepipeline:eu-central-1:111111111111:NAME"},
		{"PutTargets", `{"Rule":"r","Targets":[{"Id":"1","Arn":"arn:aws:codepipeline:us-east-1:111111111111:P"}]}`, "ValidationException", "this account and region"},
		{"PutTargets", `{"Rule":"r","Targets":[{"Id":"1","Arn":"arn:aws:codepipeline:eu-central-1:222222222222:P"}]}`, "ValidationException", "this account and region"},
		{"PutTargets", `{"Rule":"r","Targets":[{"Id":"1","Arn":"arn:aws:codepipeline:eu-central-1:111111111111:webhook:w"}]}`, "ValidationException", "this account and region"},
		{"PutTargets", target(`,"EcsParameters":{},"DeadLetterConfig":{}`), "ValidationException", "DeadLetterConfig, EcsParameters is not available"},
		{"PutTargets", target(`,"Input":"{}","InputPath":"$"`), "ValidationException", "only one of Input"},
		{"PutTargets", target(`,"Input":"{"`), "ValidationException", "Input is not JSON"},
		{"PutTargets", target(`,"InputPath":"$.["`), "ValidationException", "InputPath cannot be understood"},
		{"PutTargets", target(`,"InputTransformer":{}`), "ValidationException", "inputTransformer.inputTemplate"},
		{"PutTargets", target(`,"InputTransformer":{"InputTemplate":"x","InputPathsMap":{"aws.x":"$"}}`), "ValidationException", "a key of InputPathsMap"},
		{"PutTargets", target(`,"InputTransformer":{"InputTemplate":"x","InputPathsMap":{"x":"$["}}`), "ValidationException", "InputPathsMap x"},
		{"RemoveTargets", `{"Rule":"none","Ids":["1"]}`, "ResourceNotFoundException", ""},
		{"RemoveTargets", `{"Rule":"r","Ids":[]}`, "ValidationException", "'ids'"},
		{"ListTargetsByRule", `{"Rule":"none"}`, "ResourceNotFoundException", ""},
		{"ListTargetsByRule", `{"Rule":"r","NextToken":"!"}`, "ValidationException", "NextToken"},
		{"ListRuleNamesByTarget", `{}`, "ValidationException", "'targetArn'"},
		{"PutEvents", `{"Entries":[]}`, "ValidationException", "'entries'"},
		{"PutEvents", `{"Entries":[{}],"EndpointId":"x.y"}`, "ValidationException", "global endpoints"},
		{"PutEvents", `{"Entries":[{"Detail":"` + strings.Repeat("x", maxInput) + `x"}]}`, "ValidationException", "Total size"},
		{"TestEventPattern", `{"EventPattern":"{}","Event":"{}"}`, "InvalidEventPatternException", "empty object"},
		{"TestEventPattern", `{"EventPattern":"{\"a\":[1]}","Event":"[]"}`, "ValidationException", "must be a JSON object"},
		{"TestEventPattern", `{"EventPattern":"{\"a\":[1]}","Event":"{\"id\":1}"}`, "ValidationException", "it must have account"},
		{"TestEventPattern", `{"EventPattern":"{\"a\":[1]}","Event":"x"}`, "ValidationException", "Parameter Event is not valid"},
		{"TestEventPattern", `{"EventPattern":"{\"a\":[1]}","Event":"` + deep + `"}`, "ValidationException", "Parameter Event is not valid"},
		{"TagResource", `{"ResourceARN":"arn:aws:events:eu-central-1:222222222222:rule/r","Tags":[]}`, "ResourceNotFoundException", "does not name a rule"},
		{"TagResource", `{"ResourceARN":"arn:aws:events:eu-central-1:111111111111:rule/none","Tags":[]}`, "ResourceNotFoundException", "Rule none"},
		{"UntagResource", `{"ResourceARN":"arn:aws:events:eu-central-1:111111111111:rule/none","TagKeys":["k"]}`, "ResourceNotFoundException", ""},
		{"UntagResource", `{"ResourceARN":"arn:aws:events:eu-central-1:111111111111:rule/r","TagKeys":[""]}`, "ValidationException", "'tagKeys.1.member'"},
		{"ListTagsForResource", `{}`, "ValidationException", "'resourceARN'"},
	} {
		w.refuse(tt.operation, tt.body, tt.code, tt.text)
	}
	w.must("PutRule", `{"Name":"r",`+pattern+`}`) // changing a rule needs no room
	var tags strings.Builder
	for i := range 51 {
		fmt.Fprintf(&tags, `{"Key":"k%d","Value":""},`, i)
	}
	w.refuse("TagResource", `{"ResourceARN":"arn:aws:events:eu-central-1:111111111111:rule/r","Tags":[`+strings.TrimSuffix(tags.String(), ",")+`]}`, "LimitExceededException", "50 tags")
}

// TestEntries: an entry of PutEvents that is refused holds up no other.
func TestEntries(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	out := w.must("PutEvents", `{"Entries":[{"Source":"me","DetailType":"t","Detail":"{}"},{"DetailType":"t","Detail":"{}"},{"Source":"me","Detail":"{}"},{"Source":"me","DetailType":"t"},
		{"Source":"aws.s3","DetailType":"t","Detail":"{}"},{"Source":"me","DetailType":"t","Detail":"[]"},{"Source":"me","DetailType":"t","Detail":"{"},{"Source":"me","DetailType":"t","Detail":"{}","EventBusName":"mine"}]}`)
	if !strings.HasPrefix(out, `{"FailedEntryCount":7,"Entries":[{"EventId":"`) {
		t.Errorf("answers %s", out)
	}
	for _, code := range []string{"InvalidArgument", "NotAuthorizedForSource", "MalformedDetail", "ResourceNotFoundException"} {
		if !strings.Contains(out, `"ErrorCode":"`+code+`"`) {
			t.Errorf("no %s in %s", code, out)
		}
	}
	w.answers("TestEventPattern", `{"EventPattern":"{\"detail\":{\"n\":[{\"numeric\":[\">\",1]}]}}","Event":"{\"id\":\"1\",\"account\":\"1\",\"source\":\"me\",\"time\":\"t\",\"region\":\"r\",\"resources\":[],\"detail-type\":\"t\",\"detail\":{\"n\":2}}"}`, `{"Result":true}`)
}
