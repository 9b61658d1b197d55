package app

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"penstock/internal/awscli"
)

// cli runs the AWS CLI against the server; it skips the test where there is none.
func (s *server) cli(args ...string) string {
	s.Helper()
	folder := s.TempDir()
	command, err := awscli.Install(folder)
	if err != nil {
		s.Skip("there is no AWS CLI")
	}
	keys := filepath.Join(folder, "credentials")
	s.ok(os.WriteFile(keys, fmt.Appendf(nil, "[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", rootID, rootToken), 0o600))
	cmd := exec.CommandContext(s.Context(), command, args...)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+s.url, "AWS_DEFAULT_REGION="+region, "AWS_SHARED_CREDENTIALS_FILE="+keys, "AWS_PAGER=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.Fatalf("aws %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func arnOf(pipeline string) string {
	return "arn:aws:codepipeline:" + region + ":000000000000:" + pipeline
}

func byRule(rule string) string {
	return "CloudWatchEvent arn:aws:events:" + region + ":000000000000:rule/" + rule
}

// starts are the triggers of a pipeline's executions but the first, which
// CreatePipeline started.
func (s *server) starts(name string) []string {
	s.Helper()
	all := s.triggers(name)
	if len(all) == 0 || !strings.HasPrefix(all[0], "CreatePipeline ") {
		s.Fatalf("executions %q", all)
	}
	return all[1:]
}

func (s *server) wantStarts(when, name string, want ...string) {
	s.Helper()
	if got := s.starts(name); !slices.Equal(got, want) {
		s.Errorf("%s: %s was started by %q, want %q", when, name, got, want)
	}
}

// tick lets time go by and schedules take their turns.
func (s *server) tick(d time.Duration) {
	s.Helper()
	s.clock.add(d)
	_, err := s.rules.schedules.Fire(s.Context())
	s.ok(err)
}

// A rule with a schedule, made by the AWS CLI, starts its pipeline in time, and
// once for all turns that were missed; a restart forgets nothing.
func TestSchedule(t *testing.T) {
	t.Parallel()
	cfg := settings(t)
	s := open(t, cfg)
	s.create("P", stage("Source", fetch("A", "a", "false")), gate())
	s.cli("events", "put-rule", "--name", "often", "--schedule-expression", "rate(5 minutes)")
	s.cli("events", "put-targets", "--rule", "often", "--targets", "Id=1,Arn="+arnOf("P"))
	s.tick(4 * time.Minute)
	s.wantStarts("before the turn", "P")
	s.tick(time.Minute)
	s.wantStarts("at the turn", "P", byRule("often"))
	s.tick(4 * time.Minute)
	s.wantStarts("before the next turn", "P", byRule("often"))
	s.shut()
	ahead := s.clock
	s = open(t, cfg)
	s.clock.add(ahead.ahead + time.Hour)
	var nodes sync.WaitGroup
	for range 8 { // as several servers on one database would
		nodes.Go(func() {
			if _, err := s.rules.schedules.Fire(s.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	nodes.Wait()
	s.wantStarts("after an hour without a server", "P", byRule("often"), byRule("often"))
	s.cli("events", "disable-rule", "--name", "often")
	s.tick(time.Hour)
	s.cli("events", "enable-rule", "--name", "often")
	s.tick(4 * time.Minute)
	s.wantStarts("disabled for an hour", "P", byRule("often"), byRule("often"))
	s.tick(time.Minute)
	s.wantStarts("enabled again", "P", byRule("often"), byRule("often"), byRule("often"))
	s.cli("events", "remove-targets", "--rule", "often", "--ids", "1")
	s.tick(time.Hour)
	s.cli("events", "delete-rule", "--name", "often")
	s.tick(time.Hour)
	s.wantStarts("in the end", "P", byRule("often"), byRule("often"), byRule("often"))
}

// The loop of the server has schedules take their turns by itself.
func TestScheduleLoop(t *testing.T) {
	t.Parallel()
	s := open(t, settings(t))
	s.create("P", stage("Source", fetch("A", "a", "false")), gate())
	s.run()
	s.events("PutRule", `{"Name":"often","ScheduleExpression":"rate(1 minute)"}`)
	s.events("PutTargets", `{"Rule":"often","Targets":[{"Id":"1","Arn":"`+arnOf("P")+`"}]}`)
	s.clock.add(time.Minute)
	s.events("PutRule", `{"Name":"rare","ScheduleExpression":"cron(0 0 1 1 ? 2199)"}`) // the loop looks at the clock again
	s.until("the schedule starts the pipeline", func() bool { return slices.Equal(s.starts("P"), []string{byRule("often")}) })
}

// An object that is put with `aws s3 cp` starts the pipelines whose rules are
// for it, in S3's form or in CloudTrail's, with what the transformer makes of
// the event.
func TestObjectStarts(t *testing.T) {
	t.Parallel()
	s := open(t, settings(t))
	_, err := s.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("inputs"),
		CreateBucketConfiguration: nil})
	s.ok(err)
	source := fetch("A", "a", "false")
	_, err = s.sdk.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: &types.PipelineDeclaration{
		Name: aws.String("P"), RoleArn: aws.String("arn:aws:iam::000000000000:role/r"), PipelineType: types.PipelineTypeV2,
		ArtifactStore: &types.ArtifactStore{Type: types.ArtifactStoreTypeS3, Location: aws.String("artifacts")},
		Variables:     []types.PipelineVariableDeclaration{{Name: aws.String("Who"), DefaultValue: aws.String("nobody")}},
		Stages:        []types.StageDeclaration{stage("Source", source), gate()},
	}})
	s.ok(err)
	s.create("Q", stage("Source", fetch("A", "a", "false")), gate())
	rules := filepath.Join(t.TempDir(), "targets.json")
	targets, err := json.Marshal([]map[string]any{{"Id": "p", "Arn": arnOf("P"), "RoleArn": "arn:aws:iam::000000000000:role/events", "InputTransformer": map[string]any{
		"InputPathsMap": map[string]string{"version": "$.detail.object.version-id", "key": "$.detail.object.key"},
		"InputTemplate": `{"sourceRevisions": {"actionName": "A", "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": <version>},
			"variables": [{"name": "Who", "value": "<key> \"by\" <aws.events.rule-name>"}]}`,
	}}})
	s.ok(err)
	s.ok(os.WriteFile(rules, targets, 0o600))
	s.cli("events", "put-rule", "--name", "created", "--event-pattern",
		`{"source":["aws.s3"],"detail-type":["Object Created"],"detail":{"bucket":{"name":["inputs"]},"object":{"key":["a"]}}}`)
	s.cli("events", "put-targets", "--rule", "created", "--targets", "file://"+rules)
	s.events("PutRule", `{"Name":"trail","EventPattern":"{\"source\":[\"aws.s3\"],\"detail-type\":[\"AWS API Call via CloudTrail\"],\"detail\":{\"eventSource\":[\"s3.amazonaws.com\"],\"eventName\":[\"PutObject\",\"CopyObject\",\"CompleteMultipartUpload\"],\"requestParameters\":{\"bucketName\":[\"inputs\"],\"key\":[\"a\"]}}}"}`)
	s.events("PutTargets", `{"Rule":"trail","Targets":[{"Id":"q","Arn":"`+arnOf("Q")+`"}]}`)

	file := filepath.Join(t.TempDir(), "a")
	s.ok(os.WriteFile(file, []byte("one"), 0o600))
	s.cli("s3", "cp", file, "s3://inputs/a")
	s.cli("s3", "cp", file, "s3://inputs/b")
	s.wantStarts("an upload", "P", byRule("created"))
	s.wantStarts("an upload", "Q", byRule("trail"))
	head, err := s.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("inputs"), Key: aws.String("a")})
	s.ok(err)
	s.upload("a", "two") // the execution keeps to the first version
	list, err := s.sdk.ListPipelineExecutions(t.Context(), &codepipeline.ListPipelineExecutionsInput{PipelineName: aws.String("P")})
	s.ok(err)
	first := list.PipelineExecutionSummaries[len(list.PipelineExecutionSummaries)-2]
	s.run()
	s.until("the source has run", func() bool {
		e, err := s.sdk.GetPipelineExecution(t.Context(), &codepipeline.GetPipelineExecutionInput{PipelineName: aws.String("P"), PipelineExecutionId: first.PipelineExecutionId})
		s.ok(err)
		if v := e.PipelineExecution.Variables; len(v) != 1 || aws.ToString(v[0].ResolvedValue) != `a "by" created` {
			t.Fatalf("variables %+v", v)
		}
		r := e.PipelineExecution.ArtifactRevisions
		return e.PipelineExecution.Status == "Superseded" || len(r) == 1 && aws.ToString(r[0].RevisionId) == aws.ToString(head.VersionId)
	})
}
