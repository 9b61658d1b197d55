package e2e

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// answer answers the approval with the AWS CLI.
func (s *server) answer(pipeline, stage, action, status, summary string) {
	s.t.Helper()
	token := *s.state(pipeline, action, "InProgress").Token
	s.aws("codepipeline", "put-approval-result", "--pipeline-name", pipeline, "--stage-name", stage, "--action-name", action,
		"--token", token, "--result", "status="+status+",summary="+summary)
	s.awsRefused("ApprovalAlreadyCompletedException", "codepipeline", "put-approval-result", "--pipeline-name", pipeline,
		"--stage-name", stage, "--action-name", action, "--token", token, "--result", "status=Approved,summary=again")
}

// TestDelivery takes an upload from the source bucket through a build, an
// approval and a deployment to the start of another pipeline; none of it needs a
// job worker.
func TestDelivery(t *testing.T) {
	t.Parallel()
	awsCLI(t)
	s := startServer(t)
	s.versioned("deliver-source")
	s.bucket("deliver-site")
	s.put("deliver-source", "app.zip", zipped(t, map[string]string{"main.txt": "hello", "version": "1"}))
	s.create(declaration("downstream", stage("Source", manualSource("deliver-source", "app.zip")), stage("Gate", approval("Hold"))))
	compile := []string{
		"mkdir out && tr a-z A-Z < main.txt > out/main.txt",
		"touch out/notes.tmp",
		"export RELEASE=r-$(cat version)",
		`echo "compiled release $RELEASE"`,
	}
	s.create(declaration("deliver",
		stage("Source", s3Source("deliver-source", "app.zip")),
		stage("Build", commands("Compile", compile, inputs("Source"), object{
			"outputArtifacts": []object{{"name": "App", "files": []string{"out/**/*.txt"}}},
			"outputVariables": []string{"RELEASE"}, "namespace": "Build",
		})),
		stage("Approve", action("Look", "AWS", "Approval", "Manual", object{"CustomData": "Release #{Build.RELEASE} of #{Origin.ObjectKey}"})),
		stage("Deploy",
			action("Site", "AWS", "Deploy", "S3", object{"BucketName": "deliver-site", "Extract": "true", "ObjectKey": "releases/#{Build.RELEASE}"}, inputs("App")),
			action("Next", "AWS", "Invoke", "CodePipeline", object{"PipelineName": "downstream"}, object{"runOrder": 2}))))

	// The polling source has started the first execution.
	if summary := aws.ToString(s.state("deliver", "Look", "InProgress").Summary); summary != "Release r-1 of app.zip" {
		t.Errorf("the approval asks %q", summary)
	}
	first := s.newest("deliver")
	downstream := len(s.executions(t.Context(), "downstream"))
	s.answer("deliver", "Approve", "Look", "Approved", "fine")
	s.ends("deliver", first, "Succeeded")
	if got := s.aws("s3", "cp", "s3://deliver-site/releases/r-1/out/main.txt", "-"); got != "HELLO" {
		t.Errorf("the deployed object holds %q", got)
	}
	if list := s.aws("s3", "ls", "--recursive", "s3://deliver-site/"); strings.Contains(list, "notes.tmp") || strings.Contains(list, "version") {
		t.Errorf("files that no pattern selects were deployed:\n%s", list)
	}
	started := s.executions(t.Context(), "downstream")
	if len(started) != downstream+1 || *s.state("deliver", "Next", "Succeeded").ExternalExecutionId != *started[0].PipelineExecutionId {
		t.Errorf("the invocation started %d executions", len(started)-downstream)
	}
	if log := s.penstock("logs", "deliver", "--action", "Compile"); !strings.Contains(log, "compiled release r-1") {
		t.Errorf("the log of the build is:\n%s", log)
	}

	// An upload starts the next one by itself.
	s.aws("s3", "cp", zipOf(t, map[string]string{"main.txt": "bye", "version": "2"}), "s3://deliver-source/app.zip")
	version := s.aws("s3api", "head-object", "--bucket", "deliver-source", "--key", "app.zip", "--query", "VersionId", "--output", "text")
	var second types.PipelineExecutionSummary
	until(t, "the upload to start an execution", func(ctx context.Context) (string, bool) {
		all := s.executions(ctx, "deliver")
		second = all[0]
		return *second.PipelineExecutionId, *second.PipelineExecutionId != first
	})
	if trigger := second.Trigger; trigger.TriggerType != types.TriggerTypePollForSourceChanges {
		t.Errorf("the execution was triggered by %s", trigger.TriggerType)
	}
	s.state("deliver", "Look", "InProgress")
	all := s.executions(t.Context(), "deliver")
	if len(all) != 2 || len(all[0].SourceRevisions) != 1 || *all[0].SourceRevisions[0].RevisionId != version {
		t.Errorf("the upload of version %s made the executions %s", version, asJSON(all))
	}
	s.answer("deliver", "Approve", "Look", "Rejected", "not this one")
	s.ends("deliver", *second.PipelineExecutionId, "Failed")
	if r := s.exec(awsCLI(t), "s3", "ls", "s3://deliver-site/releases/r-2/"); r.out != "" {
		t.Errorf("a rejected release was deployed: %s", r.out)
	}

	// The history of both is there.
	history, err := s.codepipeline().ListActionExecutions(t.Context(), &codepipeline.ListActionExecutionsInput{PipelineName: aws.String("deliver")})
	if err != nil {
		t.Fatal(err)
	}
	build := slices.IndexFunc(history.ActionExecutionDetails, func(d types.ActionExecutionDetail) bool { return *d.ActionName == "Compile" })
	if n := len(history.ActionExecutionDetails); n != 8 || history.ActionExecutionDetails[build].Output.OutputVariables["RELEASE"] != "r-2" {
		t.Errorf("%d action executions: %s", n, asJSON(history.ActionExecutionDetails))
	}
}

// asJSON shows a value in a message.
func asJSON(v any) string {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}
