package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/smithy-go/encoding/cbor"
)

// cloudWatch is a CloudWatch API with one alarm, shop-5xx.
type cloudWatch struct {
	mu    sync.Mutex
	state string
}

func (w *cloudWatch) set(state string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state = state
}

func (w *cloudWatch) ServeHTTP(rw http.ResponseWriter, _ *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rw.Header().Set("Content-Type", "application/cbor")
	rw.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	_, _ = rw.Write(cbor.Encode(cbor.Map{"MetricAlarms": cbor.List{cbor.Map{"AlarmName": cbor.String("shop-5xx"), "StateValue": cbor.String(w.state)}}}))
}

func ruleOf(provider, artifact string, configuration map[string]string) types.RuleDeclaration {
	return types.RuleDeclaration{
		Name: aws.String("Ask"), RuleTypeId: &types.RuleTypeId{Category: types.RuleCategoryRule, Owner: types.RuleOwnerAws, Provider: &provider, Version: aws.String("1")},
		Configuration: configuration, InputArtifacts: []types.InputArtifact{{Name: &artifact}},
	}
}

func conditionOf(result types.Result, rule types.RuleDeclaration) []types.Condition {
	return []types.Condition{{Result: result, Rules: []types.RuleDeclaration{rule}}}
}

// shipping is the running pipeline P: a source of the artifact Code, and the
// stage Prod with conditions and an action that custom workers do.
func shipping(t *testing.T, prod types.StageDeclaration, flags ...string) *server {
	s := open(t, settings(t, flags...))
	s.run()
	s.custom(types.ActionCategorySource, "Src")
	s.custom(types.ActionCategoryDeploy, "Ship")
	prod.Name = aws.String("Prod")
	prod.Actions = []types.ActionDeclaration{{Name: aws.String("Deploy"), ActionTypeId: typeID(types.ActionCategoryDeploy, types.ActionOwnerCustom, "Ship")}}
	s.create("P", stage("Source", types.ActionDeclaration{
		Name: aws.String("Fetch"), ActionTypeId: typeID(types.ActionCategorySource, types.ActionOwnerCustom, "Src"),
		OutputArtifacts: []types.OutputArtifact{{Name: aws.String("Code")}},
	}), prod)
	return s
}

// fetched lets the source put its artifact.
func (s *server) fetched(body string) {
	s.Helper()
	job := s.take(types.ActionCategorySource, "Src")
	s.ok(s.put(s.worker(job.Data.ArtifactCredentials), at(job.Data.OutputArtifacts[0]), body))
	s.succeed(job)
}

// prod is the state of the stage Prod when its latest execution has ended.
func (s *server) prod(status types.StageExecutionStatus) (st types.StageState) {
	s.Helper()
	s.until("the stage is "+string(status), func() bool {
		out, err := s.sdk.GetPipelineState(s.Context(), &codepipeline.GetPipelineStateInput{Name: aws.String("P")})
		s.ok(err)
		st = out.StageStates[1]
		return st.LatestExecution != nil && st.LatestExecution.Status == status
	})
	return st
}

// again starts an execution and lets its source succeed.
func (s *server) again() {
	s.Helper()
	_, err := s.sdk.StartPipelineExecution(s.Context(), &codepipeline.StartPipelineExecutionInput{Name: aws.String("P")})
	s.ok(err)
	s.fetched("the code")
}

// An alarm that a real client of CloudWatch asks for decides a condition of
// each place (engine.md section 4.7).
func TestAlarmsDecideConditions(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIA")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	alarm := ruleOf("CloudWatchAlarm", "", map[string]string{"AlarmName": "shop-5xx"})
	alarm.InputArtifacts = nil

	t.Run("beforeEntry FAIL", func(t *testing.T) {
		watch := &cloudWatch{state: "ALARM"}
		h := httptest.NewServer(watch)
		defer h.Close()
		s := shipping(t, types.StageDeclaration{BeforeEntry: &types.BeforeEntryConditions{Conditions: conditionOf(types.ResultFail, alarm)}}, "--cloudwatch-endpoint", h.URL)
		s.fetched("the code")
		c := s.prod(types.StageExecutionStatusFailed).BeforeEntryConditionState
		rule := c.ConditionStates[0].RuleStates[0].LatestExecution
		if c.LatestExecution.Status != "Failed" || rule.Status != "Failed" || aws.ToString(rule.ErrorDetails.Message) != "The alarm shop-5xx is in state ALARM." {
			t.Errorf("condition %+v, rule %+v", *c.LatestExecution, *rule)
		}
		watch.set("OK")
		s.again()
		s.succeed(s.takenSoon(types.ActionCategoryDeploy, "Ship"))
		s.prod(types.StageExecutionStatusSucceeded)
	})
	t.Run("onSuccess ROLLBACK", func(t *testing.T) {
		watch := &cloudWatch{state: "OK"}
		h := httptest.NewServer(watch)
		defer h.Close()
		s := shipping(t, types.StageDeclaration{OnSuccess: &types.SuccessConditions{Conditions: conditionOf(types.ResultRollback, alarm)}}, "--cloudwatch-endpoint", h.URL)
		s.fetched("the code")
		s.succeed(s.takenSoon(types.ActionCategoryDeploy, "Ship"))
		s.prod(types.StageExecutionStatusSucceeded)
		watch.set("ALARM")
		s.again()
		s.succeed(s.takenSoon(types.ActionCategoryDeploy, "Ship"))
		s.succeed(s.takenSoon(types.ActionCategoryDeploy, "Ship")) // of the rollback
		if st := s.prod(types.StageExecutionStatusSucceeded); st.LatestExecution.Type != types.ExecutionTypeRollback {
			t.Errorf("the stage was left by %+v", *st.LatestExecution)
		}
		if got := s.triggers("P"); len(got) != 3 || !strings.HasPrefix(got[2], "AutomatedRollback ") {
			t.Errorf("executions by %q", got)
		}
	})
}

// takenSoon takes a job that the loops of the server bring about.
func (s *server) takenSoon(category types.ActionCategory, provider string) (job types.Job) {
	s.Helper()
	s.until("there is a job of "+provider, func() bool {
		out, err := s.sdk.PollForJobs(s.Context(), &codepipeline.PollForJobsInput{ActionTypeId: typeID(category, types.ActionOwnerCustom, provider)})
		s.ok(err)
		if len(out.Jobs) == 0 {
			return false
		}
		job = out.Jobs[0]
		_, err = s.sdk.AcknowledgeJob(s.Context(), &codepipeline.AcknowledgeJobInput{JobId: job.Id, Nonce: job.Nonce})
		s.ok(err)
		return true
	})
	return job
}
