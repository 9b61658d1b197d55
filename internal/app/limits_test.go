package app

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// The settings say how long actions of a type may take.
func TestActionTimeout(t *testing.T) {
	t.Parallel()
	s := open(t, settings(t, "--action-timeout", "Approval/AWS/Manual=10m", "--action-timeout", "Source/Custom/Src=20m"))
	s.custom(types.ActionCategorySource, "Src")
	s.create("P", stage("Source", types.ActionDeclaration{
		Name: aws.String("Fetch"), ActionTypeId: typeID(types.ActionCategorySource, types.ActionOwnerCustom, "Src"),
		OutputArtifacts: []types.OutputArtifact{{Name: aws.String("Code")}},
	}), gate())
	newest := func() (types.ActionExecutionStatus, *types.ErrorDetails) {
		t.Helper()
		out, err := s.sdk.ListActionExecutions(t.Context(), &codepipeline.ListActionExecutionsInput{PipelineName: aws.String("P")})
		s.ok(err)
		return out.ActionExecutionDetails[0].Status, out.ActionExecutionDetails[0].Output.ExecutionResult.ErrorDetails
	}
	s.pass(15 * time.Minute)
	s.succeed(s.take(types.ActionCategorySource, "Src"))
	s.pass(11 * time.Minute)
	status, details := newest()
	if status != types.ActionExecutionStatusFailed || aws.ToString(details.Message) != "The action 'Ask' did not finish within its time limit of 10 minutes" {
		t.Errorf("the approval is %s", status)
	}
	_, err := s.sdk.StartPipelineExecution(t.Context(), &codepipeline.StartPipelineExecutionInput{Name: aws.String("P")})
	s.ok(err)
	s.pass(21 * time.Minute)
	status, details = newest()
	if status != types.ActionExecutionStatusFailed || aws.ToString(details.Message) != "The action 'Fetch' did not finish within its time limit of 20 minutes" {
		t.Errorf("the source is %s", status)
	}
}
