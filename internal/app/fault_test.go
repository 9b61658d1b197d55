package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"penstock/internal/api"
	"penstock/internal/control"
	"penstock/internal/git/gittest"
	"penstock/internal/scheduler"
	"penstock/internal/sigv4"
	"penstock/internal/store"
	"penstock/internal/store/postgres/pgtest"
	"penstock/internal/store/storetest"
)

// errDelivery is an answer to a delivery that makes its sender repeat it.
var errDelivery = errors.New("the delivery is refused")

// faulty is a step of the life of an installation that is repeated until its
// store no longer fails.
type faulty struct {
	name  string
	do    func() error
	again string // the error code of a repeat after a lost answer; "" = the repeat succeeds
	// quiet says that nobody is told: a loop that looks again later.
	quiet bool
	// spared says that the call looks at the store once more after its commit,
	// only to warn in the log.
	spared bool
}

// TestFaults has the store fail under all that starts pipelines and runs beside
// them: each of its calls, before its commit in one run and after it in
// another. Whoever called is told, and repeats; everything then is as it is
// without faults, and happened once. service.TestFaults does it to the
// operations of pipelines and jobs.
func TestFaults(t *testing.T) {
	t.Parallel()
	want := ""
	for _, when := range []storetest.When{storetest.Never, storetest.Before, storetest.After} {
		var flags []string
		if os.Getenv("PENSTOCK_FAULTS_ON_POSTGRES") != "" {
			flags = []string{"--database=" + pgtest.URL(t)}
		}
		s := open(t, settings(t, append(flags, "--keep-history=1h", "--keep-audit=1h", "--event-file="+filepath.Join(t.TempDir(), "events"))...))
		faults := &storetest.Faults{Driver: s.store.Driver}
		s.store.Driver = faults
		got := s.faultyLife(func(step faulty) {
			s.Helper()
			s.insist(faults, when, step)
		})
		if when == storetest.Never {
			want = got
			continue
		}
		if got != want {
			t.Errorf("with faults %s the commit:\n%s\nwithout:\n%s", when, got, want)
		}
		failed := faults.Failed(when)
		for _, method := range storetest.FailedBy("app") {
			if !slices.Contains(failed, method) {
				t.Errorf("no call that uses %s failed %s its commit", method, when)
			}
		}
	}
}

// insist repeats the step while calls of the store fail, each once.
func (s *server) insist(faults *storetest.Faults, when storetest.When, step faulty) {
	s.Helper()
	method, lost := "", false
	for n := 0; ; n++ {
		if when == storetest.After {
			method = "Update"
		}
		faults.Arm(method, n, when)
		err := step.do()
		fired := faults.Disarm()
		if fired == "" {
			if code := codeOf(err); err != nil && (!lost || step.again == "" || code != step.again && !strings.Contains(err.Error(), step.again)) {
				s.Fatalf("%s: %v", step.name, err)
			}
			return
		}
		lost = lost || when == storetest.After
		if err == nil && step.spared && fired == "View" {
			return
		}
		if err == nil && !step.quiet {
			s.Errorf("%s: nobody was told that %s failed %s its commit", step.name, fired, when)
		}
	}
}

// faultyLife makes what starts pipelines, has it start them, and removes it. It
// returns what is left in the end.
func (s *server) faultyLife(step func(faulty)) string {
	s.Helper()
	ctx := s.Context()
	_, err := s.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("inputs")})
	s.ok(err)
	_, err = s.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: aws.String("inputs"),
		VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled}})
	s.ok(err)
	repo := gittest.New(s.T)
	repo.Commit("main", "first", "a")
	call := func(operation, body string) func() error {
		return func() error { return s.eventsErr(operation, body) }
	}

	// Pipelines: one of each kind of source.
	var c control.CreateConnectionOutput
	step(faulty{name: "CreateConnection", again: "ValidationException", do: func() error {
		in := control.CreateConnectionInput{Name: "github", Provider: "GitHub", BaseURL: repo.Serve(), Token: gittest.Token, Poll: true}
		var out control.CreateConnectionOutput
		err := s.control("CreateConnection", in, &out)
		if err == nil {
			c = out
		}
		return err
	}})
	if c.ARN == "" { // the answer with its secret was lost
		s.ok(s.control("DeleteConnection", map[string]string{"connection": "github"}, nil))
		c = s.connect(control.CreateConnectionInput{Name: "github", Provider: "GitHub", BaseURL: repo.Serve(), Token: gittest.Token, Poll: true})
	}
	c.WebhookURL = s.url + c.WebhookURL[strings.Index(c.WebhookURL, "/webhooks/"):]
	for name, source := range map[string]types.ActionDeclaration{"stored": fetch("A", "a", ""), "hooked": fetch("A", "b", "false"), "ruled": fetch("A", "c", "false")} {
		step(faulty{name: "CreatePipeline", again: "PipelineNameInUseException", spared: true, do: func() error {
			_, err := s.sdk.CreatePipeline(ctx, &codepipeline.CreatePipelineInput{Pipeline: &types.PipelineDeclaration{
				Name: &name, RoleArn: aws.String("arn:aws:iam::000000000000:role/r"), Stages: []types.StageDeclaration{stage("Source", source), gate()},
				ArtifactStore: &types.ArtifactStore{Type: types.ArtifactStoreTypeS3, Location: aws.String("artifacts")}}})
			return err
		}})
	}
	s.triggered("pushed", gitSource(c.ARN), types.GitConfiguration{Push: []types.GitPushFilter{{Branches: globs("main")}}})

	// Webhooks.
	var hook *url.URL
	step(faulty{name: "PutWebhook", do: func() error {
		out, err := s.sdk.PutWebhook(ctx, &codepipeline.PutWebhookInput{Webhook: &types.WebhookDefinition{
			Name: aws.String("w"), TargetPipeline: aws.String("hooked"), TargetAction: aws.String("A"), Filters: []types.WebhookFilterRule{},
			Authentication: types.WebhookAuthenticationTypeUnauthenticated, AuthenticationConfiguration: &types.WebhookAuthConfiguration{}}})
		if err != nil {
			return err
		}
		hook, err = url.Parse(*out.Webhook.Url)
		return err
	}})
	step(faulty{name: "a delivery to the webhook", do: func() error {
		return answered(s.post(s.url+hook.RequestURI(), "{}", "X-GitHub-Delivery", "one"))
	}})

	// Git.
	head := repo.Commit("main", "second", "b")
	body := fmt.Sprintf(`{"ref":"refs/heads/main","before":"%040d","after":%q,"repository":{"full_name":"acme/shop"},"commits":[{"id":%q,"added":["b"],"modified":[],"removed":[]}],"head_commit":{"id":%q,"message":"second"}}`, 0, head, head, head)
	step(faulty{name: "a delivery of the Git host", do: func() error { return answered(s.gitHub(c, "push", "d-1", body)) }})
	step(faulty{name: "a look at the repositories", quiet: true, do: func() error { s.poller.Look(ctx); return nil }})

	// Rules and schedules.
	step(faulty{name: "PutRule", do: call("PutRule", `{"Name":"mine","EventPattern":"{\"source\":[\"me\"]}"}`)})
	step(faulty{name: "PutRule", do: call("PutRule", `{"Name":"often","ScheduleExpression":"rate(5 minutes)"}`)})
	for _, rule := range []string{"mine", "often"} {
		step(faulty{name: "PutTargets", do: call("PutTargets", `{"Rule":"`+rule+`","Targets":[{"Id":"1","Arn":"`+arnOf("ruled")+`"}]}`)})
	}
	step(faulty{name: "DisableRule", do: call("DisableRule", `{"Name":"mine"}`)})
	step(faulty{name: "EnableRule", do: call("EnableRule", `{"Name":"mine"}`)})
	s.clock.add(5 * time.Minute)
	step(faulty{name: "schedules", quiet: true, do: func() error { _, err := s.rules.schedules.Fire(ctx); return err }})
	step(faulty{name: "the follower", do: func() error { return s.rules.follower.Load(ctx) }})
	for _, f := range s.feeds {
		step(faulty{name: "a sink", do: func() error { return f.Load(ctx) }})
	}
	step(faulty{name: "state changes", quiet: true, do: func() error {
		for more, err := true, error(nil); more; {
			if more, err = s.rules.follower.Step(ctx); err != nil {
				return err
			}
		}
		return nil
	}})
	for _, rule := range []string{"mine", "often"} {
		step(faulty{name: "RemoveTargets", do: call("RemoveTargets", `{"Rule":"`+rule+`","Ids":["1"]}`)})
		step(faulty{name: "DeleteRule", do: call("DeleteRule", `{"Name":"`+rule+`"}`)})
	}

	// Polling: the object is missing first, then it is there.
	look := func() error { s.sources.Round(ctx); return nil }
	step(faulty{name: "a source that is missing", quiet: true, do: look})
	s.upload("a", "one")
	step(faulty{name: "a source that changed", quiet: true, do: look})

	// Access keys, and the end of all.
	var key control.CreateAccessKeyOutput
	step(faulty{name: "CreateAccessKey", do: func() error {
		return s.control("CreateAccessKey", map[string]string{"account": "111111111111", "user": "u"}, &key)
	}})
	step(faulty{name: "DeleteAccessKey", again: "ValidationException", do: func() error {
		return s.control("DeleteAccessKey", map[string]string{"accessKeyId": key.AccessKeyID}, nil)
	}})
	step(faulty{name: "DeleteWebhook", do: func() error {
		_, err := s.sdk.DeleteWebhook(ctx, &codepipeline.DeleteWebhookInput{Name: aws.String("w")})
		return err
	}})
	step(faulty{name: "DeleteConnection", again: "ValidationException", do: func() error { return s.control("DeleteConnection", map[string]string{"connection": "github"}, nil) }})

	// What runs beside: time limits, the end of polling, retention, the purge.
	ruled := s.triggers("ruled")
	step(faulty{name: "DeletePipeline", do: func() error {
		_, err := s.sdk.DeletePipeline(ctx, &codepipeline.DeletePipelineInput{Name: aws.String("ruled")})
		return err
	}})
	s.clock.add(40 * 24 * time.Hour)
	timers := &scheduler.Timers{Store: s.store, Log: s.log}
	step(faulty{name: "timers", quiet: true, do: func() error { _, err := timers.Fire(ctx); return err }})
	step(faulty{name: "the end of polling", quiet: true, do: look})
	step(faulty{name: "retention", quiet: true, do: func() error { return s.retention().Round(ctx) }})
	step(faulty{name: "purge", do: func() error {
		return s.store.Update(ctx, func(tx store.Tx) error { _, err := tx.Purge(s.store.Now(), 1000); return err })
	}})

	left := []string{"ruled: " + strings.Join(ruled, ", ")}
	for _, name := range []string{"stored", "hooked", "pushed"} {
		left = append(left, name+": "+strings.Join(s.triggers(name), ", "))
	}
	return commit.ReplaceAllString(strings.Join(left, "\n"), "#")
}

var commit = regexp.MustCompile(`[0-9a-f]{40}`)

// answered is the error of a delivery that was not taken.
func answered(status int) error {
	if status/100 != 2 {
		return fmt.Errorf("%w: %d", errDelivery, status)
	}
	return nil
}

// eventsErr calls an operation of EventBridge.
func (s *server) eventsErr(operation, body string) error {
	client := &api.Client{Endpoint: s.url, Sign: func(r *http.Request, body []byte) error {
		sigv4.Sign(r, sigv4.PayloadHash(body), sigv4.Credentials{AccessKeyID: rootID, SecretAccessKey: rootToken}, region, "events", time.Now())
		return nil
	}}
	return client.CallRaw(s.Context(), "AWSEvents."+operation, json.RawMessage(body), nil)
}
