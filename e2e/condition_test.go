package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// ruleOf declares a rule of a condition.
func ruleOf(name, provider string, configuration object, more object) object {
	r := object{"name": name, "ruleTypeId": object{"category": "Rule", "owner": "AWS", "provider": provider, "version": "1"}}
	if configuration != nil {
		r["configuration"] = configuration
	}
	for k, v := range more {
		r[k] = v
	}
	return r
}

// TestConditions lets rules decide about a stage, one of them by commands, and
// a failure go back to what worked.
func TestConditions(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.versioned("guard-source")
	version := func(text string) {
		s.put("guard-source", "app.zip", zipped(t, map[string]string{"version": text}))
	}
	prod := stage("Prod", commands("Ship", []string{"cat version", "! grep broken version"}, inputs("Source")))
	prod["beforeEntry"] = object{"conditions": []object{{"result": "FAIL", "rules": []object{
		ruleOf("Probe", "Commands", nil, object{"commands": []string{"grep good version"}, "inputArtifacts": []object{{"name": "Source"}}}),
		ruleOf("Same", "VariableCheck", object{"Variable": "#{Origin.ObjectKey}", "Operator": "MATCHES", "Value": `app\.(zip|tar)`}, nil),
	}}}}
	prod["onFailure"] = object{"result": "ROLLBACK"}
	d := declaration("guard", stage("Source", s3Source("guard-source", "app.zip")), prod)
	d["pipelineType"] = "V2"
	version("good 1")
	s.call("CreatePipeline", object{"pipeline": d}, nil)
	var first string
	until(t, "the first execution", func(ctx context.Context) (string, bool) {
		all := s.executions(ctx, "guard")
		if len(all) > 0 {
			first = aws.ToString(all[0].PipelineExecutionId)
		}
		return "none", first != ""
	})
	s.ends("guard", first, "Succeeded")

	// What the upload leads to, newest first: a failure and a way back.
	goesBack := func(n int) (failed, back string) {
		until(t, "the way back", func(ctx context.Context) (string, bool) {
			all := s.executions(ctx, "guard")
			if len(all) != n {
				return s.actions("guard"), false
			}
			failed, back = aws.ToString(all[1].PipelineExecutionId), aws.ToString(all[0].PipelineExecutionId)
			if all[0].ExecutionType != types.ExecutionTypeRollback || aws.ToString(all[0].RollbackMetadata.RollbackTargetPipelineExecutionId) != first {
				t.Fatalf("the newest execution is %+v", all[0])
			}
			return "", true
		})
		s.ends("guard", failed, "Failed")
		s.ends("guard", back, "Succeeded")
		return failed, back
	}
	version("good 2, but broken")
	failed, back := goesBack(3)
	s.refused("NotLatestPipelineExecutionException", "OverrideStageCondition", object{
		"pipelineName": "guard", "stageName": "Prod", "pipelineExecutionId": failed, "conditionType": "BEFORE_ENTRY",
	})
	version("bad 3")
	refused, _ := goesBack(5)

	rules := func(execution string) string {
		out, err := s.codepipeline().ListRuleExecutions(t.Context(), &codepipeline.ListRuleExecutionsInput{
			PipelineName: aws.String("guard"), Filter: &types.RuleExecutionFilter{PipelineExecutionId: &execution},
		})
		if err != nil {
			t.Fatal(err)
		}
		var seen []string
		for _, r := range out.RuleExecutionDetails {
			seen = append(seen, aws.ToString(r.RuleName)+" "+string(r.Status))
		}
		return strings.Join(seen, ", ")
	}
	for execution, want := range map[string]string{
		first: "Same Succeeded, Probe Succeeded", failed: "Same Succeeded, Probe Succeeded", refused: "Same Succeeded, Probe Failed", back: "",
	} {
		if got := rules(execution); got != want {
			t.Errorf("rules of %s: %q, want %q", execution, got, want)
		}
	}
}
