package service_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// The answer of CreateCustomActionType: properties under their other name,
// without their type, settings only when there are some.
func TestCreateCustomActionType(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const head = `"category":"Build","provider":"Make","version":"1"`
	got := s.root.must("CreateCustomActionType", `{`+head+`,"inputArtifactDetails":{"minimumCount":0,"maximumCount":1},"outputArtifactDetails":{"minimumCount":1,"maximumCount":5},
		"settings":{"entityUrlTemplate":"{Config:URL}/e","revisionUrlTemplate":"https://r/{RevisionId}","executionUrlTemplate":"{Config:URL}/{ExternalExecutionId}","thirdPartyConfigurationUrl":"https://c"},
		"configurationProperties":[{"name":"URL","required":true,"key":true,"secret":false,"queryable":true,"description":"where","type":"String"},{"name":"Token","required":false,"key":false,"secret":true}],
		"tags":[{"key":"team","value":"a b"}]}`)
	const shown = `{"id":{"category":"Build","owner":"Custom","provider":"Make","version":"1"},
		"settings":{"entityUrlTemplate":"{Config:URL}/e","revisionUrlTemplate":"https://r/{RevisionId}","executionUrlTemplate":"{Config:URL}/{ExternalExecutionId}","thirdPartyConfigurationUrl":"https://c"},
		"actionConfigurationProperties":[{"name":"URL","required":true,"key":true,"secret":false,"queryable":true,"description":"where"},{"name":"Token","required":false,"key":false,"secret":true,"queryable":false}],
		"inputArtifactDetails":{"minimumCount":0,"maximumCount":1},"outputArtifactDetails":{"minimumCount":1,"maximumCount":5}}`
	same(t, got, `{"actionType":`+shown+`,"tags":[{"key":"team","value":"a b"}]}`)
	same(t, s.root.must("ListActionTypes", `{"actionOwnerFilter":"Custom"}`), `{"actionTypes":[`+shown+`]}`)

	plain := s.root.must("CreateCustomActionType", `{"category":"Test","provider":"Plain","version":"1","inputArtifactDetails":{"minimumCount":0,"maximumCount":0},"outputArtifactDetails":{"minimumCount":0,"maximumCount":0}}`)
	same(t, plain, `{"actionType":{"id":{"category":"Test","owner":"Custom","provider":"Plain","version":"1"},"actionConfigurationProperties":[],
		"inputArtifactDetails":{"minimumCount":0,"maximumCount":0},"outputArtifactDetails":{"minimumCount":0,"maximumCount":0}}}`)
}

func TestCreateCustomActionTypeRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	body := func(category, details, extra string) string {
		if details == "" {
			details = `"inputArtifactDetails":{"minimumCount":0,"maximumCount":0},"outputArtifactDetails":{"minimumCount":0,"maximumCount":0}`
		}
		return fmt.Sprintf(`{"category":%q,"provider":"X","version":"1",%s%s}`, category, details, member(extra))
	}
	many := make([]string, 11)
	for i := range many {
		many[i] = property(fmt.Sprint("p", i))
	}
	tests := []struct{ name, body, text string }{
		{"approval", body("Approval", "", ""), "A custom action type cannot have the category 'Approval'"},
		{"compute", body("Compute", "", ""), "A custom action type cannot have the category 'Compute'"},
		{"no category", body("Cook", "", ""), ""},
		{"inputs the wrong way round", body("Build", `"inputArtifactDetails":{"minimumCount":2,"maximumCount":1},"outputArtifactDetails":{"minimumCount":0,"maximumCount":0}`, ""),
			"The minimum count of input artifacts (2) is more than the maximum count (1)"},
		{"outputs the wrong way round", body("Build", `"inputArtifactDetails":{"minimumCount":0,"maximumCount":0},"outputArtifactDetails":{"minimumCount":5,"maximumCount":4}`, ""),
			"The minimum count of output artifacts (5) is more than the maximum count (4)"},
		{"six artifacts", body("Build", `"inputArtifactDetails":{"minimumCount":0,"maximumCount":6},"outputArtifactDetails":{"minimumCount":0,"maximumCount":0}`, ""),
			"1 validation error detected: Value at 'inputArtifactDetails.maximumCount' failed to satisfy constraint: Member must have value less than or equal to 5"},
		{"eleven properties", body("Build", "", properties(many...)), "1 validation error detected: Value at 'configurationProperties' failed to satisfy constraint: Member must have length less than or equal to 10"},
		{"a name twice", body("Build", "", properties(property("A"), property("A"))), "Configuration property 'A' is declared more than once"},
		{"two to poll by", body("Build", "", properties(property("A", "queryable", "required"), property("B", "queryable", "required"))), "Only one configuration property can be queryable, but 'A' and 'B' are"},
		{"optional to poll by", body("Build", "", properties(property("A", "queryable"))), "Configuration property 'A' is queryable, so it must be required and cannot be secret"},
		{"secret to poll by", body("Build", "", properties(property("A", "queryable", "required", "secret"))), "Configuration property 'A' is queryable, so it must be required and cannot be secret"},
		{"URL of an unknown property", body("Build", "", `"settings":{"entityUrlTemplate":"{Config:A}"}`), "entityUrlTemplate refers to the configuration property 'A' which is not declared"},
		{"URL of a secret", body("Build", "", properties(property("A", "required", "secret"))+`,"settings":{"executionUrlTemplate":"{Config:A}"}`), "executionUrlTemplate refers to the configuration property 'A' which must be required and cannot be secret"},
		{"URL of an optional property", body("Build", "", properties(property("A"))+`,"settings":{"revisionUrlTemplate":"{Config:A}"}`), "revisionUrlTemplate refers to the configuration property 'A' which must be required and cannot be secret"},
		{"provider of 36 letters", strings.Replace(body("Build", "", ""), `"X"`, `"`+strings.Repeat("x", 36)+`"`, 1), "1 validation error detected: Value at 'provider' failed to satisfy constraint: Member must have length less than or equal to 35"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { s.root.refuse("CreateCustomActionType", tt.body, "ValidationException", tt.text) })
	}
	s.root.must("CreateCustomActionType", strings.Replace(body("Invoke", "", ""), `"X"`, `"`+strings.Repeat("x", 35)+`"`, 1))
}

// TestDeletedActionType is scenario 12, with the pipeline that uses the type.
func TestDeletedActionType(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	define := func(extra string) string {
		return `{"category":"Build","provider":"Make","version":"1","inputArtifactDetails":{"minimumCount":0,"maximumCount":1},"outputArtifactDetails":{"minimumCount":0,"maximumCount":1}` + member(extra) + `}`
	}
	const (
		id    = `{"category":"Build","provider":"Make","version":"1"}`
		named = "ActionType (Category: 'Build', Owner: 'Custom', Provider: 'Make', Version: '1')"
	)
	poll := `{"actionTypeId":` + typeID("Build", "Custom", "Make") + `}`
	s.root.must("DeleteCustomActionType", id) // there is none: no matter
	s.root.must("CreateCustomActionType", define(properties(property("A"))))
	s.root.refuse("CreateCustomActionType", define(properties(property("A"))), "ValidationException", named+" already exists")
	s.root.refuse("CreateCustomActionType", define(""), "ValidationException", named+" already exists")

	s.fetched(stage("Build", action("Compile", "Build", "Custom", "Make", "")), stage("Gate", approval("Ask", "")))
	dispatched := s.poll("Build", "Make")
	if got := s.root.must("DeleteCustomActionType", id); got != "" {
		t.Errorf("delete answers %q, want an empty body", got)
	}
	s.root.refuse("PollForJobs", poll, "ActionTypeNotFoundException", named+" is not available")
	if got := s.root.must("ListActionTypes", `{"actionOwnerFilter":"Custom"}`); strings.Contains(got, "Make") {
		t.Errorf("a deleted type is listed: %s", got)
	}
	s.root.refuse("CreatePipeline", `{"pipeline":`+declare("Q", "", stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)),
		stage("Build", action("Compile", "Build", "Custom", "Make", "")))+`}`, "InvalidActionDeclarationException",
		"ActionType (Category: 'Build', Provider: 'Make', Owner: 'Custom', Version: '1') in action 'Compile' is not available in region 'EU_WEST_1'")
	s.root.must("AcknowledgeJob", fmt.Sprintf(`{"jobId":%q,"nonce":%q}`, text(t, dispatched, "id"), text(t, dispatched, "nonce")))
	s.succeed(text(t, dispatched, "id"), "")
	s.start()
	s.succeed(s.take("Source", "Src"), "")
	latest := "stageStates.1.actionStates.0.latestExecution."
	state := s.state()
	if got := text(t, state, latest+"status") + " " + text(t, state, latest+"errorDetails.code") + " " + text(t, state, latest+"errorDetails.message"); got != "Failed ConfigurationError "+named+" is not available" {
		t.Errorf("an action of a deleted type: %s", got)
	}

	s.root.refuse("CreateCustomActionType", define(properties(property("B"))), "ValidationException", named+" was deleted and had a different definition. Use a version that was never used before")
	s.root.must("CreateCustomActionType", define(properties(property("A"))))
	s.root.must("PollForJobs", poll)
}

// Clients take the first type of a page, so order and size matter: by
// provider, category and newest first, all on one page.
func TestListActionTypes(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	list := func(body string) (ids []string, answer string) {
		answer = s.root.must("ListActionTypes", body)
		types, _ := get(t, answer, "actionTypes").([]any)
		for i := range types {
			at := fmt.Sprintf("actionTypes.%d.id.", i)
			ids = append(ids, text(t, answer, at+"owner")+"/"+text(t, answer, at+"provider")+"/"+text(t, answer, at+"category")+"/"+text(t, answer, at+"version"))
		}
		return ids, answer
	}
	if _, answer := list(`{"actionOwnerFilter":"Custom"}`); answer != `{"actionTypes":[]}` {
		t.Errorf("no types are %s", answer)
	}
	for _, id := range []string{"TeamCity/Build/1", "TeamCity/Build/2", "Jenkins/Test/1", "Jenkins/Build/9", "TeamCity/Build/10"} {
		p := strings.Split(id, "/")
		s.root.must("CreateCustomActionType", fmt.Sprintf(`{"category":%q,"provider":%q,"version":%q,"inputArtifactDetails":{"minimumCount":0,"maximumCount":0},"outputArtifactDetails":{"minimumCount":0,"maximumCount":0}}`, p[1], p[0], p[2]))
		s.pass(time.Second)
	}
	s.root.must("Penstock.RegisterPartner", `{"category":"Test","provider":"Acme","version":"1","inputs":{},"outputs":{}}`)
	custom, answer := list(`{"actionOwnerFilter":"Custom"}`)
	if got := strings.Join(custom, " "); got != "Custom/Jenkins/Build/9 Custom/Jenkins/Test/1 Custom/TeamCity/Build/10 Custom/TeamCity/Build/2 Custom/TeamCity/Build/1" {
		t.Errorf("custom types: %s", got)
	}
	if strings.Contains(answer, "nextToken") {
		t.Error("custom types fill more than a page")
	}
	all, _ := list(`{}`)
	byOwner := map[string]int{}
	for _, id := range all {
		owner, _, _ := strings.Cut(id, "/")
		byOwner[owner]++
	}
	for _, owner := range []string{"AWS", "ThirdParty", "Custom"} {
		some, _ := list(`{"actionOwnerFilter":"` + owner + `"}`)
		if len(some) != byOwner[owner] || len(some) == 0 {
			t.Errorf("%d types of owner %s, %d in the whole list", len(some), owner, byOwner[owner])
		}
		for _, id := range some {
			if !strings.HasPrefix(id, owner+"/") {
				t.Errorf("%s among those of %s", id, owner)
			}
		}
	}
	if elsewhere, _ := list(`{"actionOwnerFilter":"Custom","regionFilter":"us-east-1"}`); len(elsewhere) != 0 {
		t.Errorf("types of another region: %v", elsewhere)
	}
	if theirs, _, _ := s.as(stranger).raw("ListActionTypes", `{"actionOwnerFilter":"Custom"}`); theirs != `{"actionTypes":[]}` {
		t.Errorf("types of another account: %s", theirs)
	}
}

// The list of a region with more than a page of types continues without a gap.
func TestListActionTypesPaging(t *testing.T) {
	t.Parallel()
	const types = 1001
	s := newServer(t, options{maxActionTypes: types, maxPipelines: 1})
	s.ok(s.store.Update(t.Context(), func(tx store.Tx) error {
		for i := range types {
			id := pipeline.ActionType{Category: "Build", Owner: "Custom", Provider: fmt.Sprintf("P%04d", i), Version: "1"}
			if err := tx.PutActionType(store.ActionType{Account: account, Region: region, Type: actiontype.Type{ID: id}}); err != nil {
				return err
			}
		}
		return nil
	}))
	first := s.root.must("ListActionTypes", `{"actionOwnerFilter":"Custom"}`)
	token := text(t, first, "nextToken")
	second := s.root.must("ListActionTypes", fmt.Sprintf(`{"actionOwnerFilter":"Custom","nextToken":%q}`, token))
	if a, b := len(get(t, first, "actionTypes").([]any)), len(get(t, second, "actionTypes").([]any)); a != 1000 || b != 1 || strings.Contains(second, "nextToken") {
		t.Errorf("pages of %d and %d", a, b)
	}
	if a, b := text(t, first, "actionTypes.999.id.provider"), text(t, second, "actionTypes.0.id.provider"); a != "P0999" || b != "P1000" {
		t.Errorf("the page ends with %s, the next begins with %s", a, b)
	}
	s.root.refuse("ListActionTypes", fmt.Sprintf(`{"nextToken":%q}`, token), "InvalidNextTokenException", "")
	s.root.must("DeleteCustomActionType", `{"category":"Build","provider":"P0999","version":"1"}`) // the end of the first page
	s.root.refuse("ListActionTypes", fmt.Sprintf(`{"actionOwnerFilter":"Custom","nextToken":%q}`, token), "InvalidNextTokenException", "")
	s.customType("Build", "P9999", "") // and none is free
	s.root.refuse("CreateCustomActionType", `{"category":"Build","provider":"X","version":"1","inputArtifactDetails":{"minimumCount":0,"maximumCount":0},"outputArtifactDetails":{"minimumCount":0,"maximumCount":0}}`, "LimitExceededException", "")
}
