package app

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"penstock/internal/api"
	"penstock/internal/eventbridge"
	"penstock/internal/sigv4"
)

// events calls an operation of EventBridge, signed as its clients sign.
func (s *server) events(operation, body string) (out map[string]any) {
	s.Helper()
	client := &api.Client{Endpoint: s.url, Sign: func(r *http.Request, body []byte) error {
		sigv4.Sign(r, sigv4.PayloadHash(body), sigv4.Credentials{AccessKeyID: rootID, SecretAccessKey: rootToken}, region, "events", time.Now())
		return nil
	}}
	s.ok(client.CallRaw(s.Context(), "AWSEvents."+operation, json.RawMessage(body), &out))
	return out
}

// rule makes a rule with targets.
func (s *server) rule(name, pattern string, pipelines ...string) {
	s.Helper()
	text, err := json.Marshal(pattern)
	s.ok(err)
	s.events("PutRule", `{"Name":"`+name+`","EventPattern":`+string(text)+`}`)
	var targets []string
	for _, p := range pipelines {
		targets = append(targets, `{"Id":"`+p+`","Arn":"`+arnOf(p)+`"}`)
	}
	s.events("PutTargets", `{"Rule":"`+name+`","Targets":[`+strings.Join(targets, ",")+`]}`)
}

// follow brings all state changes to the rules.
func (s *server) follow(f *eventbridge.Follower) {
	s.Helper()
	for more := true; more; {
		var err error
		if more, err = f.Step(s.Context()); err != nil {
			s.Fatal(err)
		}
	}
}

// PutEvents has started what it starts when it answers.
func TestPutEvents(t *testing.T) {
	t.Parallel()
	s := open(t, settings(t))
	s.create("P", stage("Source", fetch("A", "a", "false")), gate())
	s.create("Q", stage("Source", fetch("A", "a", "false")), gate())
	s.rule("mine", `{"source":["me"],"detail":{"n":[{"numeric":[">",1]}]}}`, "P", "Q", "Gone")
	s.rule("any", `{"account":["000000000000"],"region":["`+region+`"],"detail-type":[{"exists":true}]}`, "Q")
	s.events("DisableRule", `{"Name":"any"}`)
	out := s.events("PutEvents", `{"Entries":[
		{"Source":"me","DetailType":"t","Detail":"{\"n\":2}","Time":1790000000,"Resources":["arn:x"]},
		{"Source":"me","DetailType":"t","Detail":"{\"n\":1}"},
		{"Source":"you","DetailType":"t","Detail":"{\"n\":2}"}]}`)
	if n := out["FailedEntryCount"]; n != 0.0 {
		t.Errorf("answered %v", out)
	}
	s.wantStarts("an event", "P", byRule("mine"))
	s.wantStarts("an event", "Q", byRule("mine"))
	if text := s.text.String(); !strings.Contains(text, "a rule could not start its target") {
		t.Error("the log does not tell of the target that is gone")
	}
	s.events("EnableRule", `{"Name":"any"}`)
	s.events("PutEvents", `{"Entries":[{"Source":"you","DetailType":"t","Detail":"{}"}]}`)
	s.wantStarts("another rule", "Q", byRule("mine"), byRule("any"))
}

// State changes of pipelines reach rules, each once, whoever brings them, and
// those from before a rule do not.
func TestStateChangesStart(t *testing.T) {
	t.Parallel()
	s := open(t, settings(t))
	s.custom(types.ActionCategorySource, "Src")
	source := stage("Source", types.ActionDeclaration{Name: aws.String("Fetch"), ActionTypeId: typeID("Source", "Custom", "Src"), OutputArtifacts: []types.OutputArtifact{{Name: aws.String("Code")}}})
	s.create("Up", source, gate())
	s.clock.add(time.Second)
	s.create("Down", stage("Source", fetch("A", "a", "false")), gate())
	s.rule("chained", `{"source":["aws.codepipeline"],"detail-type":["CodePipeline Stage Execution State Change"],"detail":{"pipeline":["Up"],"stage":["Source"],"state":["STARTED","SUCCEEDED"]}}`, "Down")
	other := eventbridge.NewFollower(s.rules.bus) // as a second server on the database
	s.follow(s.rules.follower)
	s.wantStarts("from before the rule", "Down")
	s.clock.add(time.Second)
	s.succeed(s.take("Source", "Src"))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 20 {
			if _, err := other.Step(context.Background()); err != nil {
				t.Error(err)
			}
		}
	}()
	s.follow(s.rules.follower)
	<-done
	s.wantStarts("the stage succeeded", "Down", byRule("chained"))
	s.follow(eventbridge.NewFollower(s.rules.bus))
	s.wantStarts("after a restart", "Down", byRule("chained"))
}

// Pipelines that start each other by their own state changes come to an end.
func TestLoopEnds(t *testing.T) {
	t.Parallel()
	s := open(t, settings(t))
	s.create("Ping", stage("Source", fetch("A", "a", "false")), gate())
	s.create("Pong", stage("Source", fetch("A", "a", "false")), gate())
	s.follow(s.rules.follower)
	s.clock.add(time.Second)
	const started = `{"source":["aws.codepipeline"],"detail-type":["CodePipeline Pipeline Execution State Change"],"detail":{"state":["STARTED"],"pipeline":["%"]}}`
	s.rule("ping", strings.ReplaceAll(started, "%", "Pong"), "Ping")
	s.rule("pong", strings.ReplaceAll(started, "%", "Ping"), "Pong")
	s.clock.add(time.Second)
	s.rule("begin", `{"source":["me"]}`, "Ping")
	s.events("PutEvents", `{"Entries":[{"Source":"me","DetailType":"t","Detail":"{}"}]}`)
	s.follow(s.rules.follower)
	if n := len(s.starts("Ping")) + len(s.starts("Pong")); n != 17 {
		t.Errorf("%d executions were started, want the first and 16 more", n)
	}
	if got := s.starts("Pong"); !slices.Equal(got[:1], []string{byRule("pong")}) {
		t.Errorf("started by %q", got)
	}
	if text := s.text.String(); !strings.Contains(text, "this looks like a loop") {
		t.Error("the log does not tell of the loop")
	}
}
