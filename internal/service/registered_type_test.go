package service_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// provider is an account that registers action types and polls for their jobs,
// customer one that uses them.
const (
	provider = "222222222222"
	customer = "333333333333"
)

const acmeNamed = "ActionType (Category: 'Test', Owner: 'ThirdParty', Provider: 'Acme', Version: '1')"

// executorType is the declaration of a Test type of the owner. executor is what
// the executor has, extra are more members.
func executorType(owner, provider, executor, extra string) string {
	if executor == "" {
		executor = `"type":"JobWorker","configuration":{"jobWorkerExecutorConfiguration":{}}`
	}
	return fmt.Sprintf(`{"id":%s,"executor":{%s},"inputArtifactDetails":{"minimumCount":0,"maximumCount":10},"outputArtifactDetails":{"minimumCount":0,"maximumCount":10}%s}`,
		typeID("Test", owner, provider), executor, member(extra))
}

// workerOf is an executor that the accounts poll.
func workerOf(accounts, extra string) string {
	return `"type":"JobWorker","configuration":{"jobWorkerExecutorConfiguration":{"pollingAccounts":[` + accounts + `]}}` + member(extra)
}

func allowed(accounts string) string { return `"permissions":{"allowedAccounts":[` + accounts + `]}` }

// executorProperty is a property of the executor form; flags are the names of
// those that are true.
func executorProperty(name string, flags ...string) string {
	is := func(flag string) bool { return strings.Contains(strings.Join(flags, " "), flag) }
	return fmt.Sprintf(`{"name":%q,"optional":%t,"key":%t,"noEcho":%t,"queryable":%t}`, name, is("optional"), is("key"), is("noEcho"), is("queryable"))
}

func executorProperties(list ...string) string {
	return `"properties":[` + strings.Join(list, ",") + `]`
}

func (c caller) register(declaration string) string {
	c.s.Helper()
	return c.must("Penstock.RegisterActionType", `{"actionType":`+declaration+`}`)
}

const getAcme = `{"category":"Test","owner":"ThirdParty","provider":"Acme","version":"1"}`

// A declaration comes back as it was sent, and in the list in legacy form.
func TestGetActionType(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	full := `{"id":` + typeID("Deploy", "AWS", "Rocket") + `,"description":"To the moon",
		"executor":{"type":"Lambda","configuration":{"lambdaExecutorConfiguration":{"lambdaFunctionArn":"arn:aws:lambda:eu-west-1:222222222222:function:fly"}},"jobTimeout":900,"policyStatementsTemplate":"{\"Statement\":[]}"},
		"inputArtifactDetails":{"minimumCount":1,"maximumCount":10},"outputArtifactDetails":{"minimumCount":0,"maximumCount":7},
		"permissions":{"allowedAccounts":["` + account + `","` + customer + `"]},
		"properties":[{"name":"Pad","optional":false,"key":true,"noEcho":false,"queryable":true,"description":"where"},{"name":"Code","optional":true,"key":false,"noEcho":true,"queryable":false}],
		"urls":{"configurationUrl":"https://c","entityUrlTemplate":"{Config:Pad}/e","executionUrlTemplate":"https://x/{ExternalExecutionId}","revisionUrlTemplate":"https://r/{RevisionId}"}}`
	if got := s.root.register(full); got != `{"replaced":false}` {
		t.Errorf("registering answers %s", got)
	}
	get := `{"category":"Deploy","owner":"AWS","provider":"Rocket","version":"1"}`
	same(t, s.root.must("GetActionType", get), `{"actionType":`+full+`}`)
	same(t, s.as(customer).must("GetActionType", get), `{"actionType":`+full+`}`)
	same(t, listed(s.root, "AWS", "Rocket"), `{"id":`+typeID("Deploy", "AWS", "Rocket")+`,
		"settings":{"thirdPartyConfigurationUrl":"https://c","entityUrlTemplate":"{Config:Pad}/e","executionUrlTemplate":"https://x/{ExternalExecutionId}","revisionUrlTemplate":"https://r/{RevisionId}"},
		"actionConfigurationProperties":[{"name":"Pad","required":true,"key":true,"secret":false,"queryable":true,"description":"where"},{"name":"Code","required":false,"key":false,"secret":true,"queryable":false}],
		"inputArtifactDetails":{"minimumCount":1,"maximumCount":10},"outputArtifactDetails":{"minimumCount":0,"maximumCount":7}}`)

	least := executorType("ThirdParty", "Acme", "", "")
	s.root.register(least)
	same(t, s.root.must("GetActionType", getAcme), `{"actionType":`+least+`}`)

	for name, get := range map[string]string{"unknown": `{"category":"Test","owner":"ThirdParty","provider":"Acme","version":"2"}`, "built in": `{"category":"Build","owner":"AWS","provider":"CodeBuild","version":"1"}`} {
		t.Run(name, func(t *testing.T) { s.root.refuse("GetActionType", get, "ActionTypeNotFoundException", "") })
	}
	s.as(stranger).refuse("GetActionType", getAcme, "ActionTypeNotFoundException", acmeNamed+" is not available")
	s.root.refuse("GetActionType", `{"category":"Test","owner":"Custom","provider":"Acme","version":"1"}`, "ValidationException",
		"1 validation error detected: Value at 'owner' failed to satisfy constraint: Member must satisfy regular expression pattern: AWS|ThirdParty")
}

// listed is a type as the caller's ListActionTypes shows it, "" if it does not.
func listed(c caller, owner, provider string) string {
	c.s.Helper()
	out := c.must("ListActionTypes", `{"actionOwnerFilter":"`+owner+`"}`)
	types, _ := get(c.s.T, out, "actionTypes").([]any)
	for i := range types {
		if text(c.s.T, out, fmt.Sprintf("actionTypes.%d.id.provider", i)) == provider {
			b, err := json.Marshal(types[i])
			c.s.ok(err)
			return string(b)
		}
	}
	return ""
}

func TestRegisterActionTypeRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const lambda = `"lambdaExecutorConfiguration":{"lambdaFunctionArn":"arn:aws:lambda:eu-west-1:222222222222:function:fly"}`
	const worker = `"jobWorkerExecutorConfiguration":{}`
	executor := func(kind, configuration string) string {
		return executorType("ThirdParty", "X", `"type":"`+kind+`","configuration":{`+configuration+`}`, "")
	}
	property := func(list ...string) string {
		return executorType("ThirdParty", "X", "", executorProperties(list...))
	}
	many := make([]string, 11)
	for i := range many {
		many[i] = executorProperty(fmt.Sprint("p", i))
	}
	const needs = "The configuration of an executor of type %s must have the member %s and no other"
	for _, tt := range []struct{ name, body, text string }{
		{"a worker without its member", executor("JobWorker", ""), fmt.Sprintf(needs, "JobWorker", "jobWorkerExecutorConfiguration")},
		{"a worker with the other's", executor("JobWorker", lambda), fmt.Sprintf(needs, "JobWorker", "jobWorkerExecutorConfiguration")},
		{"a worker with both", executor("JobWorker", lambda+","+worker), fmt.Sprintf(needs, "JobWorker", "jobWorkerExecutorConfiguration")},
		{"a function without its member", executor("Lambda", ""), fmt.Sprintf(needs, "Lambda", "lambdaExecutorConfiguration")},
		{"a function with the other's", executor("Lambda", worker), fmt.Sprintf(needs, "Lambda", "lambdaExecutorConfiguration")},
		{"a function with both", executor("Lambda", lambda+","+worker), fmt.Sprintf(needs, "Lambda", "lambdaExecutorConfiguration")},
		{"another executor", executor("Cook", worker), "1 validation error detected: Value at 'actionType.executor.type' failed to satisfy constraint: Member must satisfy enum value set: [JobWorker, Lambda]"},
		{"owner Custom", executorType("Custom", "X", "", ""), "1 validation error detected: Value at 'actionType.id.owner' failed to satisfy constraint: Member must satisfy regular expression pattern: AWS|ThirdParty"},
		{"built in", `{"id":` + typeID("Build", "AWS", "CodeBuild") + strings.TrimPrefix(executorType("AWS", "X", "", ""), `{"id":`+typeID("Test", "AWS", "X")),
			"ActionType (Category: 'Build', Owner: 'AWS', Provider: 'CodeBuild', Version: '1') comes with the service"},
		{"approval", `{"id":` + typeID("Approval", "AWS", "X") + strings.TrimPrefix(executorType("AWS", "X", "", ""), `{"id":`+typeID("Test", "AWS", "X")),
			"A registered action type cannot have the category 'Approval'"},
		{"a hasty job", executorType("AWS", "X", workerOf("", `"jobTimeout":59`), ""), ""},
		{"an endless job", executorType("AWS", "X", workerOf(`"`+provider+`"`, `"jobTimeout":43201`), ""), "1 validation error detected: Value at 'actionType.executor.jobTimeout' failed to satisfy constraint: Member must have value less than or equal to 43200"},
		{"no account to use it", executorType("AWS", "X", "", allowed("")), "1 validation error detected: Value at 'actionType.permissions.allowedAccounts' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"an account of 11 digits", executorType("AWS", "X", "", allowed(`"11111111111"`)), ""},
		{"eleven properties", property(many...), "1 validation error detected: Value at 'actionType.properties' failed to satisfy constraint: Member must have length less than or equal to 10"},
		{"a property twice", property(executorProperty("A"), executorProperty("A")), "Configuration property 'A' is declared more than once"},
		{"optional to poll by", property(executorProperty("A", "optional", "queryable")), "Configuration property 'A' is queryable, so it must be required and cannot be secret"},
		{"a link to a hidden property", executorType("AWS", "X", "", executorProperties(executorProperty("A", "noEcho"))+`,"urls":{"entityUrlTemplate":"{Config:A}"}`),
			"entityUrlTemplate refers to the configuration property 'A' which must be required and cannot be secret"},
		{"a link to no property", executorType("AWS", "X", "", `"urls":{"revisionUrlTemplate":"{Config:A}"}`), "revisionUrlTemplate refers to the configuration property 'A' which is not declared"},
		{"counts", strings.Replace(executorType("AWS", "X", "", ""), `"minimumCount":0,"maximumCount":10`, `"minimumCount":3,"maximumCount":2`, 1), "The minimum count of input artifacts (3) is more than the maximum count (2)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, op := range []string{"Penstock.RegisterActionType", "UpdateActionType"} {
				s.root.refuse(op, `{"actionType":`+tt.body+`}`, "ValidationException", tt.text)
			}
		})
	}
	s.root.refuse("Penstock.RegisterActionType", `{"actionType":7}`, "SerializationException", "")
}

// Who may see, use, change and delete a type, by account.
func TestActionTypePermissions(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	theirs, ours, others := s.as(provider), s.as(customer), s.as(stranger)
	update := func(executor, permissions string) string {
		return `{"actionType":` + executorType("ThirdParty", "Acme", executor, permissions) + `}`
	}
	declaration := declare("P", "", stage("Source", action("Fetch", "Source", "AWS", "S3", `"outputArtifacts":[{"name":"Code"}],"configuration":{"S3Bucket":"b","S3ObjectKey":"k"}`)), stage("Test", action("Check", "Test", "ThirdParty", "Acme", "")))
	const unavailable = "ActionType (Category: 'Test', Provider: 'Acme', Owner: 'ThirdParty', Version: '1') in action 'Check' is not available in region 'EU_WEST_1'"
	// uses holds a caller to being able to use the type, or not.
	uses := func(c caller, may bool) {
		t.Helper()
		if got := listed(c, "ThirdParty", "Acme") != ""; got != may {
			t.Errorf("listed: %t", got)
		}
		if !may {
			c.refuse("CreatePipeline", `{"pipeline":`+declaration+`}`, "InvalidActionDeclarationException", unavailable)
			return
		}
		c.must("CreatePipeline", `{"pipeline":`+declaration+`}`)
		c.must("DeletePipeline", `{"name":"P"}`)
	}

	s.root.refuse("UpdateActionType", update("", ""), "ActionTypeNotFoundException", acmeNamed+" is not available")
	theirs.register(executorType("ThirdParty", "Acme", "", ""))
	uses(theirs, true)
	uses(ours, false)
	for _, c := range []caller{ours, others} {
		c.refuse("GetActionType", getAcme, "ActionTypeNotFoundException", acmeNamed+" is not available")
		c.refuse("UpdateActionType", update("", ""), "ActionTypeNotFoundException", acmeNamed+" is not available")
		c.refuse("Penstock.DeleteActionType", getAcme, "ActionTypeNotFoundException", "")
		c.refuse("Penstock.RegisterActionType", update("", ""), "ValidationException", acmeNamed+" is registered by another account")
		if got := c.must("Penstock.ListRegisteredActionTypes", `{}`); got != `{"actionTypes":[]}` {
			t.Errorf("others see %s", got)
		}
	}

	if got := theirs.must("UpdateActionType", update("", allowed(`"`+customer+`"`))); got != "" {
		t.Errorf("UpdateActionType answers %q, want an empty body", got)
	}
	uses(ours, true)
	uses(theirs, false) // the list says who may; it can still be seen and changed
	uses(others, false)
	theirs.must("GetActionType", getAcme)
	ours.must("GetActionType", getAcme)
	ours.refuse("UpdateActionType", update("", ""), "AccessDeniedException", "")
	ours.refuse("Penstock.RegisterActionType", update("", ""), "ValidationException", acmeNamed+" is registered by another account")
	ours.refuse("Penstock.DeleteActionType", getAcme, "ActionTypeNotFoundException", "")
	if got := ours.must("Penstock.ListRegisteredActionTypes", `{}`); text(t, got, "actionTypes.0.registeredBy") != provider || text(t, got, "actionTypes.0.actionType.id.provider") != "Acme" {
		t.Errorf("the customer sees %s", got)
	}
	if got := theirs.register(executorType("ThirdParty", "Acme", "", allowed(`"*"`))); got != `{"replaced":true}` {
		t.Errorf("the second time it answers %s", got)
	}
	for _, c := range []caller{theirs, ours, others, s.root} {
		uses(c, true)
	}

	// Polling shows the type, too.
	theirs.must("UpdateActionType", update(workerOf(`"`+stranger+`"`, ""), allowed(`"`+customer+`"`)))
	others.must("GetActionType", getAcme)
	uses(others, false)
	others.refuse("UpdateActionType", update("", ""), "AccessDeniedException", "")

	theirs.must("Penstock.DeleteActionType", getAcme)
	theirs.refuse("Penstock.DeleteActionType", getAcme, "ActionTypeNotFoundException", acmeNamed+" is not available")
	theirs.refuse("GetActionType", getAcme, "ActionTypeNotFoundException", acmeNamed+" is not available")
	uses(ours, false)
	ours.register(executorType("ThirdParty", "Acme", workerOf(`"`+customer+`"`, ""), "")) // the id is free again
	uses(ours, true)
	uses(theirs, false)
}

// What UpdateActionType may change of a type that is public.
func TestUpdatePublicActionType(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	declaration := func(accounts string, properties ...string) string {
		return `{"actionType":` + executorType("ThirdParty", "Acme", "", allowed(accounts)+","+executorProperties(properties...)) + `}`
	}
	const everyone = `"*"`
	s.root.must("Penstock.RegisterActionType", declaration(`"`+account+`"`, executorProperty("Old"), executorProperty("Note", "optional")))
	s.root.must("UpdateActionType", declaration(`"`+account+`"`, executorProperty("Suite"), executorProperty("Note", "optional"))) // private: anything goes
	s.root.must("UpdateActionType", declaration(everyone, executorProperty("Suite"), executorProperty("Note", "optional")))
	for _, op := range []string{"UpdateActionType", "Penstock.RegisterActionType"} {
		s.root.refuse(op, declaration(everyone, executorProperty("Suite")), "ValidationException", acmeNamed+" is public: its property 'Note' cannot be removed")
		s.root.refuse(op, declaration(everyone, executorProperty("Suite"), executorProperty("Note")), "ValidationException", acmeNamed+" is public: its optional property 'Note' cannot become required")
		s.root.refuse(op, declaration(everyone, executorProperty("Suite"), executorProperty("Note", "optional"), executorProperty("New")), "ValidationException", acmeNamed+" is public: its new property 'New' must be optional")
		s.root.refuse(op, declaration(`"`+account+`"`, executorProperty("Suite")), "ValidationException", acmeNamed+" is public: its property 'Note' cannot be removed")
	}
	s.root.must("UpdateActionType", declaration(everyone, executorProperty("New", "optional"), executorProperty("Suite", "optional"), executorProperty("Note", "optional")))
}

// With its setting, UpdateActionType makes what is not there.
func TestUpdateActionTypeCreates(t *testing.T) {
	t.Parallel()
	s := newServer(t, options{maxPipelines: 1, maxActionTypes: 1, createActionTypes: true})
	acme := `{"actionType":` + executorType("ThirdParty", "Acme", "", "") + `}`
	s.root.must("UpdateActionType", acme)
	s.root.must("UpdateActionType", acme)
	s.root.must("GetActionType", getAcme)
	s.as(stranger).refuse("UpdateActionType", acme, "ActionTypeNotFoundException", acmeNamed+" is not available")
	other := `{"actionType":` + executorType("AWS", "Other", "", "") + `}`
	s.root.refuse("UpdateActionType", other, "RequestFailedException", "The account has reached its limit of 1 registered action types in region eu-west-1")
	s.root.refuse("Penstock.RegisterActionType", other, "LimitExceededException", "The account has reached its limit of 1 registered action types in region eu-west-1")
	s.as(stranger).must("UpdateActionType", other)
	s.customType("Build", "Make", "") // counted apart
	s.root.must("Penstock.DeleteActionType", getAcme)
	s.root.must("UpdateActionType", acme)
}

// service is a caller in the account that is a service.
func (s *server) service(account, principal string) caller {
	s.Helper()
	k := s.root.must("Penstock.CreateAccessKey", fmt.Sprintf(`{"account":%q,"servicePrincipal":%q}`, account, principal))
	return caller{s: s, id: text(s.T, k, "accessKeyId"), secret: text(s.T, k, "secretAccessKey")}
}

// pollFor polls for jobs of the type Test/OWNER/Acme.
func (c caller) pollFor(owner string) (answer, code string) {
	c.s.Helper()
	op := map[string]string{"AWS": "PollForJobs", "ThirdParty": "PollForThirdPartyJobs"}[owner]
	answer, code, _ = c.raw(op, `{"actionTypeId":`+typeID("Test", owner, "Acme")+`}`)
	return answer, code
}

// fetched makes the pipeline P of a custom source and a stage in the caller's
// account, and does the source's job.
func (c caller) fetched(stages string) {
	c.s.Helper()
	c.must("CreateCustomActionType", `{"category":"Source","provider":"Src","version":"1","inputArtifactDetails":{"minimumCount":0,"maximumCount":0},"outputArtifactDetails":{"minimumCount":0,"maximumCount":5}}`)
	c.must("CreatePipeline", `{"pipeline":`+declare("P", "", stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)), stages)+`}`)
	out := c.must("PollForJobs", `{"actionTypeId":`+typeID("Source", "Custom", "Src")+`}`)
	id := text(c.s.T, out, "jobs.0.id")
	c.must("AcknowledgeJob", fmt.Sprintf(`{"jobId":%q,"nonce":%q}`, id, text(c.s.T, out, "jobs.0.nonce")))
	c.must("PutJobSuccessResult", fmt.Sprintf(`{"jobId":%q}`, id))
}

// A pipeline of one account, an action type of another, and a worker of a third
// that does the work with the job calls of custom actions.
func TestJobsAcrossAccounts(t *testing.T) {
	t.Parallel()
	const principal = "worker.acme.example"
	for _, tt := range []struct {
		name   string
		worker func(*server) caller
	}{
		{"by its account", func(s *server) caller { return s.as(stranger) }},
		{"as a service", func(s *server) caller { return s.service("444444444444", principal) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			worker, theirs, ours := tt.worker(s), s.as(provider), s.as(customer)
			theirs.register(executorType("AWS", "Acme", `"type":"JobWorker","configuration":{"jobWorkerExecutorConfiguration":{"pollingAccounts":["`+stranger+`"],"pollingServicePrincipals":["`+principal+`"]}},"jobTimeout":60`,
				allowed(`"`+customer+`","`+account+`"`)+","+executorProperties(executorProperty("Suite"), executorProperty("Token", "noEcho"))+`,"urls":{"executionUrlTemplate":"https://acme/{Config:Suite}/{ExternalExecutionId}"}`))
			for _, c := range []caller{theirs, ours, s.root} {
				if _, code := c.pollFor("AWS"); code != "ActionTypeNotFoundException" {
					t.Errorf("who may not poll gets %q", code)
				}
			}
			// Jobs of two accounts stand in one queue, oldest first.
			test := stage("Test", action("Check", "Test", "AWS", "Acme", `"configuration":{"Suite":"smoke","Token":"hunter2"}`))
			for _, c := range []caller{ours, s.root} {
				c.fetched(test)
				s.pass(time.Second)
			}
			if got := text(t, ours.must("GetPipeline", `{"name":"P"}`), "pipeline.stages.1.actions.0.configuration.Token"); got != "****" {
				t.Errorf("GetPipeline shows %q", got)
			}
			out, _ := worker.pollFor("AWS")
			id, nonce := text(t, out, "jobs.0.id"), text(t, out, "jobs.0.nonce")
			if text(t, out, "jobs.0.accountId") != customer || text(t, out, "jobs.0.data.actionConfiguration.configuration.Token") != "hunter2" {
				t.Fatalf("the first job is %s", out)
			}
			if got := s.granted.made[len(s.granted.made)-1]; got.account != customer || got.job != id {
				t.Errorf("credentials are for %+v", got)
			}
			if out, _ := worker.pollFor("AWS"); text(t, out, "jobs.0.accountId") != account {
				t.Errorf("the second job is %s", out)
			}

			job := fmt.Sprintf(`{"jobId":%q}`, id)
			ack := fmt.Sprintf(`{"jobId":%q,"nonce":%q}`, id, nonce)
			failure := fmt.Sprintf(`{"jobId":%q,"failureDetails":{"type":"JobFailed","message":"m"}}`, id)
			for name, c := range map[string]caller{"the pipeline's account": ours, "the type's account": theirs, "an account": s.as("555555555555"), "another service": s.service("444444444444", "other.example")} {
				t.Run(name, func(t *testing.T) {
					c.refuse("AcknowledgeJob", ack, "JobNotFoundException", "")
					c.refuse("GetJobDetails", job, "JobNotFoundException", "")
					c.refuse("PutJobSuccessResult", job, "JobNotFoundException", "")
					c.refuse("PutJobFailureResult", failure, "JobNotFoundException", "")
				})
			}
			worker.must("AcknowledgeJob", ack)
			if got := text(t, worker.must("GetJobDetails", job), "jobDetails.accountId"); got != customer {
				t.Errorf("the details name account %q", got)
			}
			worker.must("PutJobSuccessResult", fmt.Sprintf(`{"jobId":%q,"executionDetails":{"externalExecutionId":"7"}}`, id))
			latest := "stageStates.1.actionStates.0.latestExecution."
			if state := ours.must("GetPipelineState", `{"name":"P"}`); text(t, state, latest+"status") != "Succeeded" || text(t, state, latest+"externalExecutionUrl") != "https://acme/smoke/7" {
				t.Errorf("the action ends as %s", state)
			}
		})
	}
}

// A partner's jobs in another account: a client there, a worker here.
func TestPartnerJobsAcrossAccounts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	theirs, ours := s.as(provider), s.as(customer)
	ours.refuse("Penstock.ConnectPartner", `{"provider":"Acme"}`, "ValidationException", "")
	theirs.register(executorType("ThirdParty", "Acme", "", allowed(`"`+customer+`"`)+","+executorProperties(executorProperty("Suite", "queryable"))))
	client := ours.must("Penstock.ConnectPartner", `{"provider":"Acme"}`)
	if got := ours.must("Penstock.ListPartners", `{}`); text(t, got, "partners.0.clients.0.clientId") != text(t, client, "clientId") {
		t.Errorf("the customer's partners are %s", got)
	}
	ours.fetched(stage("Test", action("Check", "Test", "ThirdParty", "Acme", `"configuration":{"Suite":"smoke"}`)))
	for _, c := range []caller{ours, s.root} {
		if _, code := c.pollFor("ThirdParty"); code != "ActionTypeNotFoundException" {
			t.Errorf("who may not poll gets %q", code)
		}
	}
	out, code := theirs.pollFor("ThirdParty")
	id := text(t, out, "jobs.0.jobId")
	if id == "" || text(t, out, "jobs.0.clientId") != text(t, client, "clientId") {
		t.Fatalf("the partner is given %s, %s", out, code)
	}
	job := fmt.Sprintf(`{"jobId":%q,"clientToken":%q}`, id, text(t, client, "clientToken"))
	ours.refuse("GetThirdPartyJobDetails", job, "JobNotFoundException", "")
	details := theirs.must("GetThirdPartyJobDetails", job)
	theirs.must("AcknowledgeThirdPartyJob", fmt.Sprintf(`{"jobId":%q,"clientToken":%q,"nonce":%q}`, id, text(t, client, "clientToken"), text(t, details, "jobDetails.nonce")))
	// The type's end does not end what is under way.
	theirs.must("Penstock.DeleteActionType", getAcme)
	if _, code := theirs.pollFor("ThirdParty"); code != "ActionTypeNotFoundException" {
		t.Errorf("a poll for a deleted type answers %q", code)
	}
	theirs.must("GetThirdPartyJobDetails", job)
	theirs.must("PutThirdPartyJobSuccessResult", job)
	if got := text(t, ours.must("GetPipelineState", `{"name":"P"}`), "stageStates.1.actionStates.0.latestExecution.status"); got != "Succeeded" {
		t.Errorf("the action is %s", got)
	}
}

// Which poll goes with which owner and executor.
func TestPollByOwner(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const function = `"type":"Lambda","configuration":{"lambdaExecutorConfiguration":{"lambdaFunctionArn":"arn:aws:lambda:eu-west-1:222222222222:function:fly"}}`
	s.root.register(executorType("AWS", "Worker", "", executorProperties(executorProperty("Suite", "queryable"))))
	s.root.register(executorType("AWS", "Function", function, ""))
	s.root.register(executorType("ThirdParty", "Worker", "", executorProperties(executorProperty("Suite", "queryable"))))
	s.root.register(executorType("ThirdParty", "Function", function, ""))
	poll := func(owner, provider, extra string) string {
		return `{"actionTypeId":` + typeID("Test", owner, provider) + member(extra) + `}`
	}
	s.root.must("PollForJobs", poll("AWS", "Worker", `"queryParam":{"Suite":"smoke"}`))
	s.root.refuse("PollForJobs", poll("AWS", "Worker", ""), "ValidationException", "The queryParam must have exactly the queryable property 'Suite' of the action type")
	s.root.refuse("PollForJobs", poll("AWS", "Function", ""), "ActionTypeNotFoundException", "")
	s.root.refuse("PollForJobs", poll("AWS", "Nobody", ""), "ActionTypeNotFoundException", "ActionType (Category: 'Test', Owner: 'AWS', Provider: 'Nobody', Version: '1') is not available")
	s.root.refuse("PollForJobs", poll("AWS", "CodeBuild", ""), "ValidationException", "ActionType with owner 'AWS' is not supported")
	s.root.refuse("PollForJobs", poll("ThirdParty", "Worker", ""), "ValidationException", "ActionType with owner 'ThirdParty' is not supported")
	s.root.must("PollForThirdPartyJobs", poll("ThirdParty", "Worker", ""))
	s.root.refuse("PollForThirdPartyJobs", poll("ThirdParty", "Function", ""), "ActionTypeNotFoundException", "")
	s.root.refuse("PollForThirdPartyJobs", poll("AWS", "Worker", ""), "ValidationException", "ActionType with owner 'AWS' is not supported")
}

// jobTimeout bounds each job from its acknowledgement; the action may take an
// hour, or longer when a job may.
func TestExecutorTimeouts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		job     int
		pause   time.Duration // until the acknowledgement
		runs    time.Duration // that the job may take after it
		message string
	}{
		{"of a job", 60, 10 * time.Minute, time.Minute, "did not report within the time limit of its action type"},
		{"of the action", 1800, 40 * time.Minute, 20 * time.Minute, "The action 'Check' did not finish within its time limit of 60 minutes"},
		{"of an action with long jobs", 43200, 90 * time.Minute, 12*time.Hour - 90*time.Minute, "The action 'Check' did not finish within its time limit of 12 hours"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.root.register(executorType("AWS", "Acme", `"type":"JobWorker","configuration":{"jobWorkerExecutorConfiguration":{}},"jobTimeout":`+fmt.Sprint(tt.job), ""))
			s.fetched(stage("Test", action("Check", "Test", "AWS", "Acme", "")))
			s.pass(tt.pause)
			out, _ := s.root.pollFor("AWS")
			s.root.must("AcknowledgeJob", fmt.Sprintf(`{"jobId":%q,"nonce":%q}`, text(t, out, "jobs.0.id"), text(t, out, "jobs.0.nonce")))
			s.pass(tt.runs - time.Second)
			latest := "stageStates.1.actionStates.0.latestExecution."
			if got := text(t, s.state(), latest+"status"); got != "InProgress" {
				t.Fatalf("a second too early the action is %s", got)
			}
			s.pass(time.Second)
			if state := s.state(); text(t, state, latest+"status") != "Failed" || !strings.Contains(text(t, state, latest+"errorDetails.message"), tt.message) {
				t.Errorf("the action ends as %s", state)
			}
			s.root.refuse("PutJobSuccessResult", fmt.Sprintf(`{"jobId":%q}`, text(t, out, "jobs.0.id")), "InvalidJobStateException", "")
		})
	}
}

// A property that comes to be hidden is hidden in what was stored before, too.
func TestPropertyHiddenLater(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	declaration := func(flags ...string) string {
		return `{"actionType":` + executorType("AWS", "Acme", "", executorProperties(executorProperty("Server"), executorProperty("Token", flags...))) + `}`
	}
	s.root.must("Penstock.RegisterActionType", declaration())
	test := func(config string) string {
		return stage("Test", action("Check", "Test", "AWS", "Acme", `"configuration":{`+config+`}`))
	}
	s.fetched(test(`"Server":"a","Token":"hunter2"`))
	const token = "pipeline.stages.1.actions.0.configuration.Token"
	if got := text(t, s.root.must("GetPipeline", `{"name":"P"}`), token); got != "hunter2" {
		t.Errorf("before, GetPipeline shows %q", got)
	}
	first, _ := s.root.pollFor("AWS")
	s.root.must("AcknowledgeJob", fmt.Sprintf(`{"jobId":%q,"nonce":%q}`, text(t, first, "jobs.0.id"), text(t, first, "jobs.0.nonce")))
	s.fail(text(t, first, "jobs.0.id"))
	s.root.must("UpdateActionType", declaration("noEcho"))
	if got := text(t, s.root.must("GetPipeline", `{"name":"P"}`), token); got != "****" {
		t.Errorf("GetPipeline shows %q", got)
	}
	s.start()
	s.succeed(s.take("Source", "Src"), "")
	if got := s.root.must("ListActionExecutions", `{"pipelineName":"P","maxResults":1}`); strings.Contains(got, "hunter2") || strings.Count(got, `"Token":"****"`) != 2 {
		t.Errorf("the history shows %s", got)
	}
	update := func(config string) string {
		return `{"pipeline":` + declare("P", "", stage("Source", action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)), test(config)) + `}`
	}
	s.root.refuse("UpdatePipeline", update(`"Server":"evil","Token":"****"`), "InvalidActionDeclarationException", "")
	s.root.must("UpdatePipeline", update(`"Server":"a","Token":"****"`))
	if got := s.stored("P", 2)["Check"]["Token"]; got != "hunter2" {
		t.Errorf("the secret that was kept is %q", got)
	}
}
