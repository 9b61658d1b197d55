package e2e

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// history is the executions of actions of a pipeline, newest first.
func (s *server) history(ctx context.Context, name string) []types.ActionExecutionDetail {
	s.t.Helper()
	out, err := s.codepipeline().ListActionExecutions(ctx, &codepipeline.ListActionExecutionsInput{PipelineName: &name})
	if err != nil {
		s.t.Fatal(err)
	}
	return out.ActionExecutionDetails
}

// row waits until the newest attempt of an action has ended and returns it.
func (s *server) row(pipeline, action string) types.ActionExecutionDetail {
	s.t.Helper()
	var found types.ActionExecutionDetail
	until(s.t, pipeline+"/"+action+" to end", func(ctx context.Context) (string, bool) {
		for _, r := range s.history(ctx, pipeline) {
			if *r.ActionName == action {
				found = r
				return string(r.Status), r.Status != types.ActionExecutionStatusInProgress
			}
		}
		return "no run", false
	})
	return found
}

// v2 makes a declaration one of type V2, with more members.
func v2(d object, more object) object {
	d["pipelineType"] = "V2"
	maps.Copy(d, more)
	return d
}

// variableCheck is a condition that compares two texts.
func variableCheck(variable, value string) object {
	return object{"conditions": []object{{"result": "FAIL", "rules": []object{{
		"name": "Check", "ruleTypeId": object{"category": "Rule", "owner": "AWS", "provider": "VariableCheck", "version": "1"},
		"configuration": object{"Variable": variable, "Operator": "EQ", "Value": value}}}}}}
}

// TestVariablesEverywhere takes what a source, commands and a start say to each
// place where variables resolve.
func TestVariablesEverywhere(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.versioned("var-source")
	s.bucket("var-site")
	version := s.put("var-source", "app.zip", zipped(t, map[string]string{"main.txt": "hello"}))
	s.call("CreateCustomActionType", object{"category": "Test", "provider": "Said", "version": "1",
		"inputArtifactDetails": object{"minimumCount": 0, "maximumCount": 1}, "outputArtifactDetails": object{"minimumCount": 0, "maximumCount": 1},
		"configurationProperties": []object{{"name": "Say", "required": true, "key": false, "secret": false}}}, nil)
	source := action("Fetch", "AWS", "Source", "S3", object{"S3Bucket": "var-source", "S3ObjectKey": "app.zip", "PollForSourceChanges": "false"},
		outputs("Source"), object{"namespace": "Origin"})
	build := stage("Build", commands("Compile", []string{`LINE="#{Origin.ObjectKey} $ZONE #{variables.Env}"`, `SIZE=$(cat main.txt | wc -c | tr -d ' ')`, "export LINE SIZE"},
		inputs("Source"), object{"namespace": "Build", "outputVariables": []string{"LINE", "SIZE"},
			"outputArtifacts":      []object{{"name": "App", "files": []string{"main.txt"}}},
			"environmentVariables": []object{{"name": "ZONE", "value": "zone #{Origin.BucketName}"}}}))
	build["onSuccess"] = variableCheck("#{Build.SIZE} #{Origin.VersionId}", "5 "+version)
	s.call("CreatePipeline", object{"pipeline": v2(declaration("vars",
		stage("Source", source), build,
		stage("Say", action("Said", "Custom", "Test", "Said", object{"Say": `{"line":"#{Build.LINE}"}`}, object{"namespace": "Said"})),
		stage("Ask", action("Look", "AWS", "Approval", "Manual", object{"CustomData": "#{Said.word} #{codepipeline.PipelineExecutionId}"})),
		stage("Deploy", action("Site", "AWS", "Deploy", "S3", object{"BucketName": "var-site", "Extract": "false", "ObjectKey": "#{variables.Env}/#{Said.word}.zip"}, inputs("App")))),
		object{"variables": []object{{"name": "Env", "defaultValue": "test"}}})}, nil)
	id := s.newest("vars")

	fetched := s.row("vars", "Fetch").Output.OutputVariables
	etag := fetched["ETag"]
	if want := map[string]string{"BucketName": "var-source", "ObjectKey": "app.zip", "VersionId": version, "ETag": etag}; !maps.Equal(fetched, want) || etag == "" || strings.Contains(etag, `"`) {
		t.Errorf("the source says %v, want %v", fetched, want)
	}
	compiled := s.row("vars", "Compile")
	if got := compiled.Output.OutputVariables; got["LINE"] != "app.zip zone var-source test" || got["SIZE"] != "5" || len(got) != 2 {
		t.Errorf("the commands say %v: %s", got, s.actions("vars"))
	}
	j := s.take("Said")
	if got := j.Configuration["Say"]; got != `{"line":"app.zip zone var-source test"}` {
		t.Errorf("the job worker is told %q", got)
	}
	s.call("PutJobSuccessResult", object{"jobId": j.ID, "outputVariables": object{"word": "done"}}, nil)
	look := s.state("vars", "Look", "InProgress")
	if got := aws.ToString(look.Summary); got != "done "+id {
		t.Errorf("the approval asks %q", got)
	}
	s.call("PutApprovalResult", object{"pipelineName": "vars", "stageName": "Ask", "actionName": "Look", "token": *look.Token,
		"result": object{"status": "Approved", "summary": ""}}, nil)
	s.ends("vars", id, "Succeeded")
	if files := unzipped(t, s.get("var-site", "test/done.zip")); files["main.txt"] != "hello" {
		t.Errorf("deployed is %v", files)
	}
}

// TestUnresolvedCommands starts commands that refer to what nobody has said.
func TestUnresolvedCommands(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.versioned("gone-source")
	s.put("gone-source", "app.zip", zipped(t, map[string]string{"main.txt": "hello"}))
	for name, a := range map[string]object{
		"line":        commands("Run", []string{"echo #{Origin.Gone}"}, inputs("Source")),
		"environment": commands("Run", []string{"true"}, inputs("Source"), object{"environmentVariables": []object{{"name": "E", "value": "#{Origin.Gone}"}}}),
	} {
		s.call("CreatePipeline", object{"pipeline": v2(declaration(name, stage("Source", s3Source("gone-source", "app.zip")), stage("Build", a)), nil)}, nil)
		until(t, "the source of "+name+" to be seen", func(ctx context.Context) (string, bool) { return "", len(s.executions(ctx, name)) == 1 })
		s.ends(name, s.newest(name), "Failed")
		e := s.row(name, "Run").Output.ExecutionResult.ErrorDetails
		if *e.Code != "InvalidActionConfiguration" || !strings.Contains(*e.Message, "#{Origin.Gone}") {
			t.Errorf("%s: %s: %s", name, *e.Code, *e.Message)
		}
	}
}

// TestParallelRuns lets three executions wait side by side, answers them in
// another order by what ListActionExecutions tells, and restarts the server
// between.
func TestParallelRuns(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.versioned("par-source")
	s.bucket("par-site")
	var versions []string
	gated := func(last string) object {
		return v2(declaration("par", stage("Source", manualSource("par-source", "app.zip")), stage("Gate", approval("Ask")),
			stage("Deploy", action("Site", "AWS", "Deploy", "S3", object{"BucketName": "par-site", "Extract": "false", "ObjectKey": last + "/#{codepipeline.PipelineExecutionId}.zip"}, inputs("Source")))),
			object{"executionMode": "PARALLEL"})
	}
	var ids []string
	for i := range 3 {
		versions = append(versions, s.put("par-source", "app.zip", zipped(t, map[string]string{"main.txt": fmt.Sprint(i)})))
		if i == 0 {
			s.call("CreatePipeline", object{"pipeline": gated("old")}, nil)
			ids = append(ids, s.newest("par"))
		} else {
			var out struct{ PipelineExecutionID string }
			s.call("StartPipelineExecution", object{"name": "par"}, &out)
			ids = append(ids, out.PipelineExecutionID)
		}
		until(t, "an open approval", func(ctx context.Context) (string, bool) { return "", len(s.open(ctx, "par")) == i+1 })
	}
	if got := s.actions("par"); got != "" {
		t.Errorf("the state shows %s", got)
	}
	s.call("UpdatePipeline", object{"pipeline": v2(gated("new"), object{"executionMode": "QUEUED"})}, nil)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	var last struct{ PipelineExecutionID string }
	s.call("StartPipelineExecution", object{"name": "par"}, &last)
	fresh := s.state("par", "Ask", "InProgress")
	for _, i := range []int{2, 0, 1} {
		s.call("PutApprovalResult", object{"pipelineName": "par", "stageName": "Gate", "actionName": "Ask", "token": s.open(t.Context(), "par")[ids[i]],
			"result": object{"status": "Approved", "summary": ""}}, nil)
		s.ends("par", ids[i], "Succeeded")
		if files := unzipped(t, s.get("par-site", "old/"+ids[i]+".zip")); files["main.txt"] != fmt.Sprint(i) {
			t.Errorf("execution %d, of version %s, deployed %v", i, versions[i], files)
		}
	}
	s.call("PutApprovalResult", object{"pipelineName": "par", "stageName": "Gate", "actionName": "Ask", "token": *fresh.Token,
		"result": object{"status": "Approved", "summary": ""}}, nil)
	s.ends("par", last.PipelineExecutionID, "Succeeded")
	if files := unzipped(t, s.get("par-site", "new/"+last.PipelineExecutionID+".zip")); files["main.txt"] != "2" {
		t.Errorf("the execution of the new version deployed %v", files)
	}
}

// open are the tokens of open approvals that only ListActionExecutions tells,
// by execution.
func (s *server) open(ctx context.Context, name string) map[string]string {
	s.t.Helper()
	tokens := map[string]string{}
	for _, r := range s.history(ctx, name) {
		if r.Input.ActionTypeId.Category == types.ActionCategoryApproval && r.Status == types.ActionExecutionStatusInProgress && r.Output.ExecutionResult != nil {
			tokens[*r.PipelineExecutionId] = *r.Output.ExecutionResult.ExternalExecutionId
		}
	}
	return tokens
}

// TestQuotaFlags holds the server to the quotas that its flags set.
func TestQuotaFlags(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--max-pipelines", "1", "--max-action-types", "1", "--max-webhooks", "1")
	custom := func(provider string) object {
		return object{"category": "Build", "provider": provider, "version": "1",
			"inputArtifactDetails": object{"minimumCount": 0, "maximumCount": 1}, "outputArtifactDetails": object{"minimumCount": 0, "maximumCount": 1}}
	}
	pipeline := func(name string) object {
		return object{"pipeline": declaration(name, stage("Source", manualSource("quota", "app.zip")), stage("Gate", approval("Hold")))}
	}
	hook := func(name string) object {
		return object{"webhook": object{"name": name, "targetPipeline": "one", "targetAction": "Fetch", "authentication": "UNAUTHENTICATED",
			"authenticationConfiguration": object{}, "filters": []object{{"jsonPath": "$.ref", "matchEquals": "main"}}}}
	}
	for _, q := range []struct {
		operation string
		in        func(string) object
	}{{"CreateCustomActionType", custom}, {"CreatePipeline", pipeline}, {"PutWebhook", hook}} {
		s.call(q.operation, q.in("one"), nil)
		s.refused("LimitExceededException", q.operation, q.in("two"))
	}
	s.call("PutWebhook", hook("one"), nil) // is there already
}

// TestCommandsDecide has commands decide whether a stage may be entered, by what
// is in the artifact: they fail, are overridden while they run, and succeed.
func TestCommandsDecide(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.versioned("rule-source")
	work := stage("Work", approval("Look"))
	work["beforeEntry"] = object{"conditions": []object{{"result": "FAIL", "rules": []object{{
		"name": "Ready", "ruleTypeId": object{"category": "Rule", "owner": "AWS", "provider": "Commands", "version": "1"},
		"inputArtifacts": named([]string{"Source"}), "commands": []string{"sh ready.sh #{Origin.VersionId}"}}}}}}
	s.put("rule-source", "app.zip", zipped(t, map[string]string{"ready.sh": "echo not yet; exit 1"}))
	source := manualSource("rule-source", "app.zip")
	source["namespace"] = "Origin"
	s.call("CreatePipeline", object{"pipeline": v2(declaration("rule", stage("Source", source), work), nil)}, nil)
	s.ends("rule", s.newest("rule"), "Failed")

	run := func(script string) (id, version string) {
		version = s.put("rule-source", "app.zip", zipped(t, map[string]string{"ready.sh": script}))
		var out struct{ PipelineExecutionID string }
		s.call("StartPipelineExecution", object{"name": "rule"}, &out)
		return out.PipelineExecutionID, version
	}
	rule := func(want types.RuleExecutionStatus) types.RuleExecutionDetail {
		t.Helper()
		var found types.RuleExecutionDetail
		until(t, "the rule to be "+string(want), func(ctx context.Context) (string, bool) {
			out, err := s.codepipeline().ListRuleExecutions(ctx, &codepipeline.ListRuleExecutionsInput{PipelineName: aws.String("rule"), MaxResults: aws.Int32(1)})
			if err != nil {
				t.Fatal(err)
			}
			found = out.RuleExecutionDetails[0]
			return string(found.Status), found.Status == want
		})
		return found
	}
	if d := rule("Failed").Output.ExecutionResult.ErrorDetails; d == nil || aws.ToString(d.Message) == "" {
		t.Error("a rule that failed does not say why")
	}
	slow, _ := run("sleep 600")
	until(t, "the rule to run", func(ctx context.Context) (string, bool) {
		return "", *rule("InProgress").PipelineExecutionId == slow
	})
	s.call("OverrideStageCondition", object{"pipelineName": "rule", "stageName": "Work", "pipelineExecutionId": slow, "conditionType": "BEFORE_ENTRY"}, nil)
	s.state("rule", "Look", "InProgress")
	rule("Abandoned")
	s.call("StopPipelineExecution", object{"pipelineName": "rule", "pipelineExecutionId": slow, "abandon": true}, nil)

	good, version := run(`test -n "$1"`)
	until(t, "the stage to be entered", func(ctx context.Context) (string, bool) {
		all := s.history(ctx, "rule")
		return s.actions("rule"), *all[0].PipelineExecutionId == good && *all[0].ActionName == "Look"
	})
	passed := rule("Succeeded")
	if got := passed.Input.InputArtifacts; len(got) != 1 || aws.ToString(got[0].Name) != "Source" {
		t.Errorf("the rule of version %s had the artifacts %s", version, asJSON(got))
	}
}

// TestSourceOverridesTaken starts executions on another version and another
// object than the source's.
func TestSourceOverridesTaken(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.versioned("over-source")
	s.bucket("over-site")
	content := func(text string) []byte { return zipped(t, map[string]string{"main.txt": text}) }
	old := s.put("over-source", "app.zip", content("old"))
	s.put("over-source", "app.zip", content("new"))
	s.put("over-source", "other.zip", content("other"))
	source := manualSource("over-source", "app.zip")
	source["configuration"].(object)["AllowOverrideForS3ObjectKey"] = "true"
	s.call("CreatePipeline", object{"pipeline": v2(declaration("over", stage("Source", source),
		stage("Deploy", action("Site", "AWS", "Deploy", "S3", object{"BucketName": "over-site", "Extract": "true", "ObjectKey": "#{codepipeline.PipelineExecutionId}"}, inputs("Source")))), nil)}, nil)
	start := func(kind, value string) string {
		var out struct{ PipelineExecutionID string }
		s.call("StartPipelineExecution", object{"name": "over", "sourceRevisions": []object{{"actionName": "Fetch", "revisionType": kind, "revisionValue": value}}}, &out)
		return out.PipelineExecutionID
	}
	first := s.newest("over")
	s.ends("over", first, "Succeeded")
	for want, id := range map[string]string{"new": first, "old": start("S3_OBJECT_VERSION_ID", old)} {
		s.ends("over", id, "Succeeded")
		if got := string(s.get("over-site", id+"/main.txt")); got != want {
			t.Errorf("deployed is %q, want %q", got, want)
		}
	}
	id := start("S3_OBJECT_KEY", "other.zip")
	s.ends("over", id, "Succeeded")
	if got := string(s.get("over-site", id+"/main.txt")); got != "other" {
		t.Errorf("deployed is %q, want the other object", got)
	}
	s.ends("over", start("S3_OBJECT_KEY", "none.zip"), "Failed")
	s.ends("over", start("S3_OBJECT_VERSION_ID", "none"), "Failed")
}
