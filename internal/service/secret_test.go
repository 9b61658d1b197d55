package service_test

import (
	"fmt"
	"strings"
	"testing"
)

// What a **** that comes back means (design.md section 6, jobs.md section 13).
func TestMaskedSecretSentBack(t *testing.T) {
	t.Parallel()
	const newAction = `Action configuration for the new action "Compile" contains an invalid configuration for the secret property "Token". "****" may be used in secret properties only when updating an existing action.`
	const changed = `Action configuration for the action "Compile" was changed, so the value of the secret property "Token" must be sent again. "****" keeps a stored secret only while all other configuration values of the action stay as they are.`
	build := func(name, config, extra string) string {
		return action(name, "Build", "Custom", "Make", `"configuration":{`+config+`}`+member(extra))
	}
	github := func(config string) string {
		return action("Hub", "Source", "ThirdParty", "GitHub", `"outputArtifacts":[{"name":"Hub"}],"configuration":{"Owner":"o","Repo":"r","Branch":"main",`+config+`}`)
	}
	tests := []struct {
		name   string
		stage  string // of the updated pipeline
		hub    string
		refuse string // "" = accepted, and the secret is as before
	}{
		{"nothing else changed", stage("Build", build("Compile", `"URL":"https://a","Token":"****"`, "")), "", ""},
		{"another artifact, order and namespace", stage("Build", build("Compile", `"URL":"https://a","Token":"****"`, `"runOrder":7,"namespace":"N","inputArtifacts":[{"name":"Code"}]`)), "", ""},
		{"a changed value", stage("Build", build("Compile", `"URL":"https://evil","Token":"****"`, "")), "", changed},
		{"a value less", stage("Build", build("Compile", `"Token":"****"`, "")), "", changed},
		{"a value more", stage("Build", build("Compile", `"URL":"https://a","Note":"n","Token":"****"`, "")), "", changed},
		{"a renamed action", stage("Build", build("Other", `"URL":"https://a","Token":"****"`, "")), "", strings.ReplaceAll(newAction, "Compile", "Other")},
		{"a renamed stage", stage("Make", build("Compile", `"URL":"https://a","Token":"****"`, "")), "", newAction},
		{"another type", stage("Build", action("Compile", "Build", "Custom", "Fake", `"configuration":{"URL":"https://a","Token":"****"}`)), "", newAction},
		{"a built-in type keeps it with other values changed", stage("Build", build("Compile", `"URL":"https://a","Token":"****"`, "")),
			github(`"OAuthToken":"****","PollForSourceChanges":"false"`), ""},
	}
	declaration := func(stage, hub string) string {
		if hub == "" {
			hub = github(`"OAuthToken":"hub-secret"`)
		}
		return declare("P", "", `{"name":"Source","actions":[`+action("Fetch", "Source", "Custom", "Src", `"outputArtifacts":[{"name":"Code"}]`)+`,`+hub+`]}`, stage)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.customType("Source", "Src", "")
			for _, provider := range []string{"Make", "Fake"} {
				s.customType("Build", provider, properties(property("URL"), property("Note"), property("Token", "secret")))
			}
			s.create(declaration(stage("Build", build("Compile", `"URL":"https://a","Token":"first"`, "")), ""))
			update := `{"pipeline":` + declaration(tt.stage, tt.hub) + `}`
			if tt.refuse != "" {
				s.root.refuse("UpdatePipeline", update, "InvalidActionDeclarationException", tt.refuse)
				return
			}
			for range 2 {
				answer := s.root.must("UpdatePipeline", update)
				if got := text(t, answer, "pipeline.stages.1.actions.0.configuration.Token"); got != "****" {
					t.Errorf("UpdatePipeline answers %q", got)
				}
			}
			config := s.stored("P", 3)
			if config["Compile"]["Token"] != "first" || config["Hub"]["OAuthToken"] != "hub-secret" {
				t.Errorf("stored are %v", config)
			}
		})
	}
	t.Run("a new pipeline", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		s.customType("Source", "Src", "")
		s.customType("Build", "Make", properties(property("URL"), property("Token", "secret")))
		s.root.refuse("CreatePipeline", `{"pipeline":`+declaration(stage("Build", build("Compile", `"Token":"****"`, "")), "")+`}`, "InvalidActionDeclarationException", newAction)
		s.root.refuse("CreatePipeline", `{"pipeline":`+declaration(stage("Build", build("Compile", `"Token":"x"`, "")), github(`"OAuthToken":"****"`))+`}`, "InvalidActionDeclarationException",
			strings.NewReplacer("Compile", "Hub", `property "Token"`, `property "OAuthToken"`).Replace(newAction))
	})
	t.Run("what is not secret may look like it", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		s.customType("Source", "Src", "")
		s.customType("Build", "Make", properties(property("URL"), property("Token", "secret")))
		s.create(declaration(stage("Build", build("Compile", `"URL":"****","Token":"first"`, "")), ""))
		if got := s.stored("P", 1)["Compile"]["URL"]; got != "****" {
			t.Errorf("stored is %q", got)
		}
	})
}

// TestQueryParam is scenario 7.
func TestQueryParam(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Build", "Make", properties(property("Project", "required", "queryable"), property("Other")))
	s.customType("Build", "Plain", properties(property("Project", "required")))
	s.fetched(stage("Build",
		action("A", "Build", "Custom", "Make", `"configuration":{"Project":"alpha"}`),
		action("B", "Build", "Custom", "Make", `"configuration":{"Project":"Alpha"}`),
		action("C", "Build", "Custom", "Plain", `"configuration":{"Project":"alpha"}`)))
	poll := func(provider, param string) string {
		return `{"actionTypeId":` + typeID("Build", "Custom", provider) + `,"maxBatchSize":10` + member(param) + `}`
	}
	const must = "The queryParam must have exactly the queryable property 'Project' of the action type"
	refused := []struct{ name, body, text string }{
		{"none", poll("Make", ""), must},
		{"empty", poll("Make", `"queryParam":{}`), must},
		{"null", poll("Make", `"queryParam":null`), must},
		{"another key", poll("Make", `"queryParam":{"Other":"alpha"}`), must},
		{"another case", poll("Make", `"queryParam":{"project":"alpha"}`), must},
		{"for a type that has none", poll("Plain", `"queryParam":{"Project":"alpha"}`), "The queryParam must be empty: action type 'Build/Custom/Plain/1' has no queryable property"},
		{"two keys", poll("Make", `"queryParam":{"Project":"alpha","Other":"x"}`), "1 validation error detected: Value at 'queryParam' failed to satisfy constraint: Member must have length less than or equal to 1"},
		{"other letters", poll("Make", `"queryParam":{"Project":"a b"}`), ""},
	}
	for _, tt := range refused {
		t.Run(tt.name, func(t *testing.T) { s.root.refuse("PollForJobs", tt.body, "ValidationException", tt.text) })
	}
	for _, tt := range []struct{ provider, param, want string }{
		{"Make", `"queryParam":{"Project":"beta"}`, ""},
		{"Make", `"queryParam":{"Project":"alpha"}`, "A"},
		{"Make", `"queryParam":{"Project":"ALPHA"}`, ""},
		{"Make", `"queryParam":{"Project":"Alpha"}`, "B"},
		{"Plain", `"queryParam":{}`, "C"},
		{"Plain", ``, ""},
	} {
		out := s.root.must("PollForJobs", poll(tt.provider, tt.param))
		if got := text(t, out, "jobs.0.data.pipelineContext.action.name"); got != tt.want || get(t, out, "jobs.1") != nil {
			t.Errorf("%s %s: %s, want %q", tt.provider, tt.param, out, tt.want)
		}
	}
}

// The queryable value may hold a variable; what it resolves to is polled for.
// One that no poll can name fails the action.
func TestQueryableVariable(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.customType("Source", "Src", "")
	s.customType("Build", "Make", properties(property("Project", "required", "queryable")))
	id := s.create(declare("P", "", stage("Source", action("Fetch", "Source", "Custom", "Src", `"namespace":"S","outputArtifacts":[{"name":"Code"}]`)),
		stage("Build", action("A", "Build", "Custom", "Make", `"configuration":{"Project":"#{S.Branch}"}`))))
	s.succeed(s.take("Source", "Src"), `"outputVariables":{"Branch":"main"}`)
	out := s.root.must("PollForJobs", `{"actionTypeId":`+typeID("Build", "Custom", "Make")+`,"queryParam":{"Project":"main"}}`)
	if text(t, out, "jobs.0.data.actionConfiguration.configuration.Project") != "main" {
		t.Fatalf("polled %s", out)
	}
	s.root.must("StopPipelineExecution", fmt.Sprintf(`{"pipelineName":"P","pipelineExecutionId":%q,"abandon":true}`, id))
	s.start()
	s.succeed(s.take("Source", "Src"), `"outputVariables":{"Branch":"feature/x"}`)
	a := "stageStates.1.actionStates.0.latestExecution."
	if got := text(t, s.state(), a+"status") + " " + text(t, s.state(), a+"errorDetails.code"); got != "Failed InvalidActionConfiguration" {
		t.Errorf("with a value that cannot be polled for: %s", got)
	}
}
