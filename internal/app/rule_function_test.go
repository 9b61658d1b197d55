package app

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// A function behind a URL decides a condition: it reads the rule's input by the
// credentials of its event, and nothing else.
func TestFunctionDecidesCondition(t *testing.T) {
	t.Parallel()
	var s *server
	type reading struct{ input, other func() error }
	called := make(chan reading, 2)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Job struct {
				Data struct {
					InputArtifacts []struct {
						Location struct {
							S3Location struct{ BucketName, ObjectKey string }
						}
					}
					ArtifactCredentials *struct{ AccessKeyID, SecretAccessKey, SessionToken string }
				}
			} `json:"CodePipeline.job"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Job.Data.ArtifactCredentials == nil || len(in.Job.Data.InputArtifacts) != 1 {
			t.Errorf("the event is %+v, %v", in, err)
			return
		}
		k, from := in.Job.Data.ArtifactCredentials, in.Job.Data.InputArtifacts[0].Location.S3Location
		c := s.worker(&types.AWSSessionCredentials{AccessKeyId: &k.AccessKeyID, SecretAccessKey: &k.SecretAccessKey, SessionToken: &k.SessionToken})
		read := func(key string) (string, error) {
			return s.get(c, types.S3ArtifactLocation{BucketName: &from.BucketName, ObjectKey: &key})
		}
		body, err := read(from.ObjectKey)
		if err != nil {
			t.Error(err)
		}
		called <- reading{func() error { _, err := read(from.ObjectKey); return err }, func() error { _, err := read("other"); return err }}
		if body == "bad code" {
			_, _ = io.WriteString(w, `{"result":"Fail","failureType":"JobFailed","message":"not this code"}`)
		}
	}))
	defer h.Close()
	s = shipping(t, types.StageDeclaration{BeforeEntry: &types.BeforeEntryConditions{Conditions: conditionOf(types.ResultFail,
		ruleOf("LambdaInvoke", "Code", map[string]string{"FunctionName": "may-deploy"}))}}, "--lambda-function", "may-deploy="+h.URL)
	s.fetched("bad code")
	rule := s.prod(types.StageExecutionStatusFailed).BeforeEntryConditionState.ConditionStates[0].RuleStates[0].LatestExecution
	if rule.Status != "Failed" || aws.ToString(rule.ErrorDetails.Message) != "not this code" {
		t.Errorf("rule %+v", *rule)
	}
	c := <-called
	if got := codeOf(c.other()); got != "AccessDenied" {
		t.Errorf("reading another object: %s", got)
	}
	s.clock.add(5 * time.Minute)
	if got := codeOf(c.input()); got != "ExpiredToken" {
		t.Errorf("after the rule's end: %s", got)
	}
	s.again()
	s.succeed(s.takenSoon(types.ActionCategoryDeploy, "Ship"))
	s.prod(types.StageExecutionStatusSucceeded)
}
