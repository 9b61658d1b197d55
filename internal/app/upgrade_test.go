package app

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"penstock/internal/config"
	"penstock/internal/store/postgres/pgtest"
)

// version is the release whose data -record writes. Data of a release that is
// out is never written again: a new release gets a folder of its own.
const version = "v0"

var record = flag.Bool("record", false, "write testdata/upgrade/"+version+" with the present program: go test ./internal/app -run TestRecordUpgrade -record")

// recorded is what clients of an old server know.
type recorded struct {
	Now          time.Time // when it was left
	Acknowledged string    // a job that is in work, of pipeline Working
	Stopping     string    // the same, of pipeline Stopping
	Polled       string    // a job that was handed out, of pipeline Polled
	Nonce        string
	Hook         string // URL of a webhook of pipeline Hooked
	Partner      struct {
		ClientID    string `json:"clientId"`
		ClientToken string `json:"clientToken"`
	}
}

// pipelines that are left in flight, each with a source and a build of its own.
var inFlight = []string{"Working", "Stopping", "Polled", "Queued", "Held", "Asked", "Late", "Hooked", "Ruled", "Ended", "Partnered"}

func source(name string) types.StageDeclaration {
	return stage("Source", types.ActionDeclaration{Name: aws.String("Fetch"), ActionTypeId: typeID("Source", "Custom", "Src"+name), OutputArtifacts: []types.OutputArtifact{{Name: aws.String("src")}}})
}

func build(name string) types.StageDeclaration {
	id := typeID("Build", "Custom", "Make"+name)
	if name == "Partnered" {
		id = typeID("Test", "ThirdParty", "Acme")
	}
	return stage("Build", types.ActionDeclaration{Name: aws.String("Make"), ActionTypeId: id, InputArtifacts: []types.InputArtifact{{Name: aws.String("src")}}})
}

// leave brings a server into a state with something of everything.
func (s *server) leave() (r recorded) {
	ctx := s.Context()
	s.ok(s.control("RegisterPartner", map[string]any{"category": "Test", "provider": "Acme", "version": "1", "inputs": map[string]int{"maximum": 5}}, nil))
	s.ok(s.control("ConnectPartner", map[string]any{"category": "Test", "provider": "Acme", "version": "1"}, &r.Partner))
	for _, name := range inFlight {
		s.custom("Source", "Src"+name)
		s.custom("Build", "Make"+name)
		stages := []types.StageDeclaration{source(name), build(name)}
		if name == "Asked" || name == "Late" {
			stages[1] = gate()
		}
		s.create(name, stages...)
	}
	_, err := s.sdk.DisableStageTransition(ctx, &codepipeline.DisableStageTransitionInput{PipelineName: aws.String("Held"), StageName: aws.String("Build"),
		TransitionType: types.StageTransitionTypeInbound, Reason: aws.String("for the upgrade")})
	s.ok(err)
	for _, name := range []string{"Working", "Stopping", "Held", "Asked", "Late", "Ended", "Partnered"} {
		s.succeed(s.take("Source", "Src"+name))
	}
	r.Acknowledged = *s.take("Build", "MakeWorking").Id
	r.Stopping = *s.take("Build", "MakeStopping").Id
	_, err = s.sdk.StopPipelineExecution(ctx, &codepipeline.StopPipelineExecutionInput{PipelineName: aws.String("Stopping"), PipelineExecutionId: aws.String(s.newest("Stopping").id)})
	s.ok(err)
	s.succeed(s.take("Build", "MakeEnded"))
	polled, err := s.sdk.PollForJobs(ctx, &codepipeline.PollForJobsInput{ActionTypeId: typeID("Source", "Custom", "SrcPolled")})
	s.ok(err)
	r.Polled, r.Nonce = *polled.Jobs[0].Id, *polled.Jobs[0].Nonce
	hook, err := s.sdk.PutWebhook(ctx, &codepipeline.PutWebhookInput{Webhook: &types.WebhookDefinition{
		Name: aws.String("push"), TargetPipeline: aws.String("Hooked"), TargetAction: aws.String("Fetch"), Filters: []types.WebhookFilterRule{},
		Authentication: types.WebhookAuthenticationTypeUnauthenticated, AuthenticationConfiguration: &types.WebhookAuthConfiguration{},
	}})
	s.ok(err)
	r.Hook = *hook.Webhook.Url
	_, err = s.sdk.TagResource(ctx, &codepipeline.TagResourceInput{ResourceArn: aws.String(arnOf("Ended")), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}}})
	s.ok(err)
	s.rule("mine", `{"source":["me"]}`, "Ruled")
	r.Now = s.clock.now().UTC().Truncate(time.Millisecond)
	return r
}

// execution is the newest one of a pipeline.
type execution struct{ id, status string }

func (s *server) newest(name string) execution {
	s.Helper()
	list, err := s.sdk.ListPipelineExecutions(s.Context(), &codepipeline.ListPipelineExecutionsInput{PipelineName: &name})
	s.ok(err)
	e := list.PipelineExecutionSummaries[0]
	return execution{*e.PipelineExecutionId, string(e.Status)}
}

// goOn takes up all that was left.
func (s *server) goOn(r recorded) {
	ctx := s.Context()
	s.clock.add(r.Now.Sub(s.clock.now()))
	done := func(id string) {
		_, err := s.sdk.PutJobSuccessResult(ctx, &codepipeline.PutJobSuccessResultInput{JobId: &id})
		s.ok(err)
	}
	done(r.Acknowledged)
	done(r.Stopping)
	_, err := s.sdk.AcknowledgeJob(ctx, &codepipeline.AcknowledgeJobInput{JobId: &r.Polled, Nonce: &r.Nonce})
	s.ok(err)
	done(r.Polled)
	s.succeed(s.take("Build", "MakePolled"))
	_, err = s.sdk.EnableStageTransition(ctx, &codepipeline.EnableStageTransitionInput{PipelineName: aws.String("Held"), StageName: aws.String("Build"), TransitionType: types.StageTransitionTypeInbound})
	s.ok(err)
	s.succeed(s.take("Build", "MakeHeld"))
	state, err := s.sdk.GetPipelineState(ctx, &codepipeline.GetPipelineStateInput{Name: aws.String("Asked")})
	s.ok(err)
	_, err = s.sdk.PutApprovalResult(ctx, &codepipeline.PutApprovalResultInput{PipelineName: aws.String("Asked"), StageName: aws.String("Gate"), ActionName: aws.String("Ask"),
		Token: state.StageStates[1].ActionStates[0].LatestExecution.Token, Result: &types.ApprovalResult{Status: types.ApprovalStatusApproved, Summary: aws.String("yes")}})
	s.ok(err)
	hook, err := url.Parse(r.Hook)
	s.ok(err)
	if status := s.post(s.url+hook.RequestURI(), "{}"); status != 200 {
		s.Errorf("the webhook answered %d", status)
	}
	s.events("PutEvents", `{"Entries":[{"Source":"me","DetailType":"t","Detail":"{}"}]}`)
	for _, name := range []string{"Queued", "Hooked", "Hooked", "Ruled", "Ruled"} { // the one that waited, and the one that was started now
		s.succeed(s.take("Source", "Src"+name))
		s.succeed(s.take("Build", "Make"+name))
	}
	jobs, err := s.sdk.PollForThirdPartyJobs(ctx, &codepipeline.PollForThirdPartyJobsInput{ActionTypeId: typeID("Test", "ThirdParty", "Acme")})
	s.ok(err)
	if len(jobs.Jobs) != 1 || *jobs.Jobs[0].ClientId != r.Partner.ClientID {
		s.Fatalf("jobs of the partner: %+v", jobs.Jobs)
	}
	details, err := s.sdk.GetThirdPartyJobDetails(ctx, &codepipeline.GetThirdPartyJobDetailsInput{JobId: jobs.Jobs[0].JobId, ClientToken: &r.Partner.ClientToken})
	s.ok(err)
	_, err = s.sdk.AcknowledgeThirdPartyJob(ctx, &codepipeline.AcknowledgeThirdPartyJobInput{JobId: jobs.Jobs[0].JobId, ClientToken: &r.Partner.ClientToken, Nonce: details.JobDetails.Nonce})
	s.ok(err)
	_, err = s.sdk.PutThirdPartyJobSuccessResult(ctx, &codepipeline.PutThirdPartyJobSuccessResultInput{JobId: jobs.Jobs[0].JobId, ClientToken: &r.Partner.ClientToken})
	s.ok(err)
	s.pass(8 * 24 * time.Hour) // the approval that nobody gave

	want := map[string]string{"Stopping": "Stopped", "Late": "Failed"}
	for _, name := range inFlight {
		status := want[name]
		if status == "" {
			status = "Succeeded"
		}
		if got := s.newest(name).status; got != status {
			s.Errorf("pipeline %s: %s, want %s", name, got, status)
		}
	}
	tags, err := s.sdk.ListTagsForResource(ctx, &codepipeline.ListTagsForResourceInput{ResourceArn: aws.String(arnOf("Ended"))})
	s.ok(err)
	if len(tags.Tags) != 1 || *tags.Tags[0].Value != "web" {
		s.Errorf("tags %+v", tags.Tags)
	}
}

const (
	recordedAbout = "about.json"
	recordedDB    = "penstock.db.gz"
	recordedState = "state.jsonl.gz"
)

// TestRecordUpgrade writes the data of the present version.
func TestRecordUpgrade(t *testing.T) {
	if !*record {
		t.Skip("only with -record")
	}
	cfg := settings(t)
	s := open(t, cfg)
	r := s.leave()
	var state bytes.Buffer
	_, err := Export(t.Context(), cfg, &state, nil)
	s.ok(err)
	s.shut()
	db, err := os.ReadFile(databaseFile(cfg))
	s.ok(err)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err = w.Write(db)
	s.ok(err)
	s.ok(w.Close())
	about, err := json.MarshalIndent(r, "", "  ")
	s.ok(err)
	key, err := os.ReadFile(filepath.Join(cfg.Data, "master.key"))
	s.ok(err)
	folder := filepath.Join("testdata", "upgrade", version)
	s.ok(os.MkdirAll(folder, 0o755))
	for name, content := range map[string][]byte{recordedAbout: about, recordedDB: packed.Bytes(), recordedState: state.Bytes(), "master.key": key} {
		s.ok(os.WriteFile(filepath.Join(folder, name), content, 0o644))
	}
}

// TestUpgrade opens the data of each version with the present program, and goes
// on with the executions that were in flight: the SQLite file, and the export in
// both databases.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	versions, err := filepath.Glob("testdata/upgrade/*")
	if err != nil || len(versions) == 0 {
		t.Fatal(versions, err)
	}
	ways := map[string]func(t *testing.T, folder string, cfg *config.Config){
		"SQLite file": func(t *testing.T, folder string, cfg *config.Config) {
			packed, err := os.Open(filepath.Join(folder, recordedDB))
			if err != nil {
				t.Fatal(err)
			}
			defer packed.Close()
			r, err := gzip.NewReader(packed)
			if err != nil {
				t.Fatal(err)
			}
			db, err := io.ReadAll(r)
			if err == nil {
				err = os.WriteFile(databaseFile(*cfg), db, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		},
		"export into SQLite": importRecorded,
		"export into PostgreSQL": func(t *testing.T, folder string, cfg *config.Config) {
			cfg.Database = pgtest.URL(t)
			importRecorded(t, folder, cfg)
		},
	}
	for _, folder := range versions {
		for _, way := range slices.Sorted(maps.Keys(ways)) {
			t.Run(filepath.Base(folder)+"/"+way, func(t *testing.T) {
				t.Parallel()
				text, err := os.ReadFile(filepath.Join(folder, recordedAbout))
				if err != nil {
					t.Fatal(err)
				}
				var r recorded
				if err := json.Unmarshal(text, &r); err != nil {
					t.Fatal(err)
				}
				cfg := settings(t)
				copyFile(t, filepath.Join(folder, "master.key"), filepath.Join(cfg.Data, "master.key"))
				ways[way](t, folder, &cfg)
				open(t, cfg).goOn(r)
			})
		}
	}
}

func importRecorded(t *testing.T, folder string, cfg *config.Config) {
	t.Helper()
	f, err := os.Open(filepath.Join(folder, recordedState))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, _, err := Import(t.Context(), *cfg, f, nil); err != nil {
		t.Fatal(err)
	}
}
