package service_test

import (
	"fmt"
	"strings"
	"testing"
)

// workedType is the input of UpdateActionType for a type of job workers.
func workedType(provider string) string {
	return `{"actionType":{"id":` + typeID("Test", "ThirdParty", provider) + `,"executor":{"type":"JobWorker","configuration":{"jobWorkerExecutorConfiguration":{"pollingAccounts":["000000000000"]}}},
		"inputArtifactDetails":{"minimumCount":0,"maximumCount":1},"outputArtifactDetails":{"minimumCount":0,"maximumCount":1}}}`
}

// TestJobErrors provokes each error that the model declares for the operations
// on jobs and action types.
func TestJobErrors(t *testing.T) {
	t.Parallel()
	const unknown = "00000000-0000-4000-8000-000000000000"
	s, job, nonce, token := partnerPipeline(t)
	s.simpleNamed("Q")
	custom := text(t, s.poll("Source", "Src"), "id")
	s.create(declare("R", "", stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)), stage("Gate", approval("Ask", ""))))
	begun := s.take("Source", "Src")
	second := newServer(t, options{maxActionTypes: 1, maxPipelines: 1})
	second.customType("Build", "One", "")
	third := newServer(t, options{maxActionTypes: 1, createActionTypes: true})
	third.root.must("UpdateActionType", workedType("One"))

	fail := `,"failureDetails":{"type":"JobFailed","message":"m"}`
	create := func(extra string) string {
		return `{"category":"Build","provider":"Other","version":"1","inputArtifactDetails":{"minimumCount":0,"maximumCount":0},"outputArtifactDetails":{"minimumCount":0,"maximumCount":0}` + extra + `}`
	}
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprintf(`{"key":"k%d","value":""}`, i)
	}
	tests := []struct {
		op, code string
		on       *server
		body     string
		text     string // "" = any
	}{
		{"PollForJobs", "ActionTypeNotFoundException", s, `{"actionTypeId":` + typeID("Build", "Custom", "Nobody") + `}`,
			"ActionType (Category: 'Build', Owner: 'Custom', Provider: 'Nobody', Version: '1') is not available"},
		{"PollForJobs", "ValidationException", s, `{"actionTypeId":` + typeID("Build", "AWS", "CodeBuild") + `}`, "ActionType with owner 'AWS' is not supported"},
		{"PollForJobs", "ValidationException", s, `{"actionTypeId":` + typeID("Source", "ThirdParty", "Ptn") + `}`, "ActionType with owner 'ThirdParty' is not supported"},
		{"PollForJobs", "ValidationException", s, `{}`, "1 validation error detected: Value null at 'actionTypeId' failed to satisfy constraint: Member must not be null"},
		{"AcknowledgeJob", "JobNotFoundException", s, `{"jobId":"` + unknown + `","nonce":"1"}`, "The job '" + unknown + "' was not found"},
		{"AcknowledgeJob", "InvalidNonceException", s, `{"jobId":"` + custom + `","nonce":"x"}`, "The nonce 'x' is not valid for job '" + custom + "'"},
		{"AcknowledgeJob", "ValidationException", s, `{"jobId":"` + custom + `"}`, "1 validation error detected: Value null at 'nonce' failed to satisfy constraint: Member must not be null"},
		{"GetJobDetails", "JobNotFoundException", s, `{"jobId":"` + unknown + `"}`, ""},
		{"GetJobDetails", "ValidationException", s, `{"jobId":"` + strings.ToUpper(custom) + `"}`, "1 validation error detected: Value at 'jobId' failed to satisfy constraint: Member must satisfy regular expression pattern: [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"},
		{"PutJobSuccessResult", "JobNotFoundException", s, `{"jobId":"` + unknown + `"}`, ""},
		{"PutJobSuccessResult", "InvalidJobStateException", s, `{"jobId":"` + custom + `"}`, "The job '" + custom + "' is in state Dispatched; a result is taken only while it is InProgress"},
		{"PutJobSuccessResult", "OutputVariablesSizeExceededException", s, `{"jobId":"` + begun + `","outputVariables":{"a":"` + strings.Repeat("x", 122880) + `"}}`, ""},
		{"PutJobSuccessResult", "ValidationException", s, `{"jobId":"` + custom + `","continuationToken":""}`, "1 validation error detected: Value at 'continuationToken' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"PutJobSuccessResult", "ValidationException", s, `{"jobId":"` + custom + `","outputVariables":{"a b":""}}`, "1 validation error detected: Value at 'outputVariables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [A-Za-z0-9@\\-_]+]"},
		{"PutJobFailureResult", "JobNotFoundException", s, `{"jobId":"` + unknown + `"` + fail + `}`, ""},
		{"PutJobFailureResult", "InvalidJobStateException", s, `{"jobId":"` + custom + `"` + fail + `}`, ""},
		{"PutJobFailureResult", "ValidationException", s, `{"jobId":"` + custom + `","failureDetails":{"type":"JobFailed","message":"` + strings.Repeat("m", 5001) + `"}}`, "1 validation error detected: Value at 'failureDetails.message' failed to satisfy constraint: Member must have length less than or equal to 5000"},
		{"PollForThirdPartyJobs", "ActionTypeNotFoundException", s, `{"actionTypeId":` + typeID("Build", "ThirdParty", "Nobody") + `}`, ""},
		{"PollForThirdPartyJobs", "ValidationException", s, `{"actionTypeId":` + typeID("Source", "Custom", "Src") + `}`, "ActionType with owner 'Custom' is not supported"},
		{"GetThirdPartyJobDetails", "JobNotFoundException", s, `{"jobId":"unknown","clientToken":"t"}`, ""},
		{"GetThirdPartyJobDetails", "JobNotFoundException", s, `{"jobId":"\u0000","clientToken":"t"}`, ""},
		{"GetThirdPartyJobDetails", "InvalidJobException", s, `{"jobId":"` + custom + `","clientToken":"t"}`, ""},
		{"GetThirdPartyJobDetails", "InvalidClientTokenException", s, `{"jobId":"` + job + `","clientToken":"t"}`, "The client token is not valid for job '" + job + "'"},
		{"GetThirdPartyJobDetails", "ValidationException", s, `{"jobId":"` + job + `","clientToken":""}`, ""},
		{"AcknowledgeThirdPartyJob", "JobNotFoundException", s, `{"jobId":"unknown","nonce":"1","clientToken":"t"}`, ""},
		{"AcknowledgeThirdPartyJob", "InvalidClientTokenException", s, `{"jobId":"` + job + `","nonce":"` + nonce + `","clientToken":"t"}`, ""},
		{"AcknowledgeThirdPartyJob", "InvalidNonceException", s, `{"jobId":"` + job + `","nonce":"x","clientToken":"` + token + `"}`, ""},
		{"AcknowledgeThirdPartyJob", "ValidationException", s, `{"jobId":"` + job + `","nonce":"` + strings.Repeat("1", 51) + `","clientToken":"t"}`, ""},
		{"PutThirdPartyJobSuccessResult", "JobNotFoundException", s, `{"jobId":"unknown","clientToken":"t"}`, ""},
		{"PutThirdPartyJobSuccessResult", "InvalidClientTokenException", s, `{"jobId":"` + job + `","clientToken":"t"}`, ""},
		{"PutThirdPartyJobSuccessResult", "InvalidJobStateException", s, `{"jobId":"` + job + `","clientToken":"` + token + `"}`, ""},
		{"PutThirdPartyJobSuccessResult", "ValidationException", s, `{"jobId":"` + job + `"}`, ""},
		{"PutThirdPartyJobFailureResult", "JobNotFoundException", s, `{"jobId":"unknown","clientToken":"t"` + fail + `}`, ""},
		{"PutThirdPartyJobFailureResult", "InvalidClientTokenException", s, `{"jobId":"` + job + `","clientToken":"t"` + fail + `}`, ""},
		{"PutThirdPartyJobFailureResult", "InvalidJobStateException", s, `{"jobId":"` + job + `","clientToken":"` + token + `"` + fail + `}`, ""},
		{"PutThirdPartyJobFailureResult", "ValidationException", s, `{"jobId":"` + job + `","clientToken":"t"}`, ""},
		{"CreateCustomActionType", "ValidationException", s, create(`,"configurationProperties":[` + property("A", "queryable") + `]`), ""},
		{"CreateCustomActionType", "LimitExceededException", second, create(""), "The account has reached its limit of 1 custom action types in region eu-west-1"},
		{"CreateCustomActionType", "TooManyTagsException", s, create(`,"tags":[` + strings.Join(many, ",") + `]`), "Tag limit exceeded for resource [arn:aws:codepipeline:eu-west-1:000000000000:actiontype:Custom/Build/Other/1]."},
		{"CreateCustomActionType", "InvalidTagsException", s, create(`,"tags":[{"key":"AWS:x","value":""}]`), "Not allowed to modify system tags. System tags start with 'aws:'. msg=[Caller is an end user and not allowed to mutate system tags]"},
		{"DeleteCustomActionType", "ValidationException", s, `{"category":"Build","provider":"","version":"1"}`, ""},
		{"GetActionType", "ActionTypeNotFoundException", s, typeID("Test", "ThirdParty", "Nobody"), "ActionType (Category: 'Test', Owner: 'ThirdParty', Provider: 'Nobody', Version: '1') is not available"},
		{"GetActionType", "ValidationException", s, typeID("Test", "Me", "Nobody"), ""},
		{"UpdateActionType", "ActionTypeNotFoundException", s, workedType("Nobody"), "ActionType (Category: 'Test', Owner: 'ThirdParty', Provider: 'Nobody', Version: '1') is not available"},
		{"UpdateActionType", "RequestFailedException", third, workedType("Two"), "The account has reached its limit of 1 registered action types in region eu-west-1"},
		{"UpdateActionType", "ValidationException", third, `{"actionType":{}}`, ""},
		{"ListActionTypes", "ValidationException", s, `{"actionOwnerFilter":"Me"}`, ""},
		{"ListActionTypes", "InvalidNextTokenException", s, `{"nextToken":"x"}`, "The next token is not valid for this request"},
	}
	provoked := map[string]bool{}
	for _, tt := range tests {
		tt.on.root.refuse(tt.op, tt.body, tt.code, tt.text)
		provoked[tt.op+" "+tt.code] = true
	}
	allProvoked(t, provoked, ofJobs)
}
