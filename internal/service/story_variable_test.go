package service_test

import (
	"fmt"
	"strings"
	"testing"
)

// makes is a custom action of the provider Make with the key Say, in the
// namespace of its name.
func makes(name, say string) string {
	return action(name, "Build", "Custom", "Make", fmt.Sprintf(`"namespace":%q,"configuration":{"Say":%q}`, name, say))
}

// variables is a server with the types Src and Make, and the V2 pipeline P of a
// source in the namespace Src and the given stages.
func variables(t *testing.T, members string, stages ...string) (s *server, first string) {
	t.Helper()
	s = newServer(t)
	s.customType("Source", "Src", "")
	s.customType("Build", "Make", properties(property("Say")))
	return s, s.create(withSource(members, stages...))
}

func withSource(members string, stages ...string) string {
	source := stage("Source", action("Fetch", "Source", "Custom", "Src", `"namespace":"Src","outputArtifacts":[{"name":"Code"}]`))
	return declare("P", `"pipelineType":"V2"`+member(members), append([]string{source}, stages...)...)
}

// said polls the next job of Make and returns what it is told to say.
func (s *server) said() (job, say string) {
	s.Helper()
	job = s.take("Build", "Make")
	return job, text(s.T, s.root.must("GetJobDetails", fmt.Sprintf(`{"jobId":%q}`, job)), "jobDetails.data.actionConfiguration.configuration.Say")
}

// latest is the newest action execution of P.
func (s *server) latest() string {
	s.Helper()
	return jsonOf(s.T, get(s.T, s.root.must("ListActionExecutions", `{"pipelineName":"P","maxResults":1}`), "actionExecutionDetails.0"))
}

// The three kinds of variables reach a job's configuration, several in a value,
// mixed with text, and later actions.
func TestVariablesReachActions(t *testing.T) {
	t.Parallel()
	s, e := variables(t, `"variables":[{"name":"Env","defaultValue":"test"},{"name":"Zone","defaultValue":"a"}]`,
		stage("Build", makes("One", `{"rev":"#{Src.Commit}@#{Src.Branch}","env":"#{variables.Env}","id":"#{codepipeline.PipelineExecutionId}"}`),
			strings.Replace(makes("Two", "#{One.Out} and #{One.Out}"), `"namespace"`, `"runOrder":2,"namespace"`, 1)),
		stage("Gate", approval("Ask", `"configuration":{"CustomData":"#{One.Out}/#{Two.Out}/#{variables.Zone}"}`)))
	s.succeed(s.take("Source", "Src"), `"outputVariables":{"Commit":"c0ffee","Branch":"main"}`)
	job, say := s.said()
	if want := `{"rev":"c0ffee@main","env":"test","id":"` + e + `"}`; say != want {
		t.Errorf("One says %s, want %s", say, want)
	}
	s.succeed(job, `"outputVariables":{"Out":"#{Src.Commit}"}`)
	job, say = s.said()
	if say != "#{Src.Commit} and #{Src.Commit}" { // a value is not read again
		t.Errorf("Two says %s", say)
	}
	row := s.latest()
	if got := text(t, row, "input.configuration.Say") + " > " + text(t, row, "input.resolvedConfiguration.Say"); got != "#{One.Out} and #{One.Out} > #{Src.Commit} and #{Src.Commit}" {
		t.Errorf("the history shows %s", got)
	}
	s.succeed(job, `"outputVariables":{"Out":"2"}`)
	if got := text(t, s.state(), "stageStates.2.actionStates.0.latestExecution.summary"); got != "#{Src.Commit}/2/a" {
		t.Errorf("the approval asks %q", got)
	}
	same(t, jsonOf(t, get(t, s.execution(e), "pipelineExecution.variables")), `[{"name":"Env","resolvedValue":"test"},{"name":"Zone","resolvedValue":"a"}]`)
}

// Each execution has values of its own; they hold through retries, and a
// rollback takes those of its target.
func TestVariablesOfExecutions(t *testing.T) {
	t.Parallel()
	s, first := variables(t, `"variables":[{"name":"Env","defaultValue":"test"}]`, stage("Build", makes("One", "#{variables.Env} #{Src.Rev}")))
	fetch := func(rev string) { s.succeed(s.take("Source", "Src"), `"outputVariables":{"Rev":"`+rev+`"}`) }
	ends := func(want string, ok bool) {
		t.Helper()
		job, say := s.said()
		if say != want {
			t.Errorf("says %q, want %q", say, want)
		}
		if ok {
			s.succeed(job, "")
		} else {
			s.fail(job)
		}
	}
	fetch("r1")
	ends("test r1", true)
	second := text(t, s.root.must("StartPipelineExecution", `{"name":"P","variables":[{"name":"Env","value":"live"}]}`), "pipelineExecutionId")
	fetch("r2")
	ends("live r2", false)
	s.root.must("RetryStageExecution", fmt.Sprintf(`{"pipelineName":"P","stageName":"Build","pipelineExecutionId":%q,"retryMode":"FAILED_ACTIONS"}`, second))
	ends("live r2", false)
	back := text(t, s.root.must("RollbackStage", rollback("Build", first)), "pipelineExecutionId")
	ends("test r1", true)
	for id, want := range map[string]string{first: "test", second: "live", back: "test"} {
		if got := text(t, s.execution(id), "pipelineExecution.variables.0.resolvedValue"); got != want {
			t.Errorf("an execution shows %q, want %q", got, want)
		}
	}
}

// A retried action's output variables replace those of before.
func TestVariablesAfterARetry(t *testing.T) {
	t.Parallel()
	beside := func(name, say string) string {
		return strings.Replace(makes(name, say), `"namespace"`, `"runOrder":2,"namespace"`, 1)
	}
	s, e := variables(t, "", stage("Build", makes("One", "x"), beside("Two", "#{One.Out}")))
	s.succeed(s.take("Source", "Src"), "")
	for _, out := range []string{"first", "second"} {
		job, _ := s.said()
		s.succeed(job, `"outputVariables":{"Out":"`+out+`"}`)
		job, say := s.said()
		if say != out {
			t.Errorf("says %q, want %q", say, out)
		}
		s.fail(job)
		s.root.must("RetryStageExecution", fmt.Sprintf(`{"pipelineName":"P","stageName":"Build","pipelineExecutionId":%q,"retryMode":"ALL_ACTIONS"}`, e))
	}
}

// A reference that nobody has given a value when the action starts fails the
// action, which leaves a row that says so and can be retried.
func TestUnresolvedVariable(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ action, text string }{
		"configuration": {makes("One", "#{Src.Commit} #{Src.Nothing}"), "#{Src.Nothing}"},
		"custom data":   {approval("Ask", `"configuration":{"CustomData":"#{Src.commit}"}`), "#{Src.commit}"},
		"built in":      {makes("One", "#{codepipeline.Nothing}"), "#{codepipeline.Nothing}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, e := variables(t, "", stage("Build", tt.action))
			s.succeed(s.take("Source", "Src"), `"outputVariables":{"Commit":"c0ffee"}`)
			row := s.latest()
			at := "output.executionResult.errorDetails."
			if got := text(t, row, "status") + ": " + text(t, row, at+"code") + ": " + text(t, row, at+"message"); got !=
				"Failed: InvalidActionConfiguration: The variable reference "+tt.text+" could not be resolved: no action that ended before has set this variable." {
				t.Errorf("the action: %s", got)
			}
			if got := s.status(e) + text(t, s.state(), "stageStates.1.latestExecution.status"); got != "FailedFailed" {
				t.Errorf("execution and stage: %s", got)
			}
			s.root.must("RetryStageExecution", fmt.Sprintf(`{"pipelineName":"P","stageName":"Build","pipelineExecutionId":%q,"retryMode":"FAILED_ACTIONS"}`, e))
			if text(t, s.latest(), "actionExecutionId") == text(t, row, "actionExecutionId") || s.status(e) != "Failed" {
				t.Error("the retry left no row")
			}
		})
	}
}

// What Create- and UpdatePipeline refuse of references (V-14 to V-17, V-48 to
// V-51).
func TestReferencesRefused(t *testing.T) {
	t.Parallel()
	s, _ := variables(t, "", stage("Gate", approval("Ask", "")))
	const (
		vars    = `"variables":[{"name":"A","defaultValue":"a"}]`
		unknown = "Valid format for a pipeline execution variable reference is a namespace and a key separated by a period (.). The following pipeline execution variables are referencing a namespace that does not exist.\n"
		here    = "StageName=[Build], ActionName=[One], ActionConfigurationKey=[Say], VariableReferenceText="
	)
	source := func(say string) string {
		return declare("P", `"pipelineType":"V2",`+vars, stage("Source", action("Fetch", "Source", "Custom", "Said", `"namespace":"Src","outputArtifacts":[{"name":"Code"}],"configuration":{"Say":"`+say+`"}`)), stage("Gate", approval("Ask", "")))
	}
	s.customType("Source", "Said", properties(property("Say")))
	for name, tt := range map[string]struct{ declaration, code, text string }{
		"V-14 twice": {withSource(`"variables":[{"name":"A"},{"name":"A"}]`, stage("Build", makes("One", "x"))), "InvalidStructureException",
			"Variable names must be unique. The following variable name is already in use: A"},
		"V-15 in a source": {source("#{variables.A}"), "InvalidStructureException",
			"Variables at the pipeline level cannot be used in source actions.\nStageName=[Source], ActionName=[Fetch], ActionConfigurationKey=[Say], VariableReferenceText=[#{variables.A}]"},
		"V-16 not declared": {withSource(vars, stage("Build", makes("One", "#{variables.A} #{variables.a}"))), "InvalidStructureException",
			"The referenced variables haven't been declared.\n" + here + "[#{variables.a}]"},
		"V-17 reserved":      {withSource(vars, stage("Build", makes("variables", "x"))), "InvalidStructureException", ""},
		"V-48 twice":         {withSource("", stage("Build", makes("Src", "x"))), "InvalidActionDeclarationException", ""},
		"V-49 nobody":        {withSource("", stage("Build", makes("One", "#{Nobody.X}"))), "InvalidActionDeclarationException", unknown + here + "[#{Nobody.X}]"},
		"V-49 no period":     {withSource("", stage("Build", makes("One", "#{Src}"))), "InvalidActionDeclarationException", unknown + here + "[#{Src}]"},
		"V-49 lone opening":  {withSource("", stage("Build", makes("One", "#{"))), "InvalidActionDeclarationException", unknown + here + "[#{]"},
		"V-50 itself":        {withSource("", stage("Build", makes("One", "#{One.X}"))), "InvalidActionDeclarationException", ""},
		"V-50 side by side":  {withSource("", stage("Build", makes("One", "#{Two.X}"), makes("Two", "x"))), "InvalidActionDeclarationException", ""},
		"V-50 later":         {withSource("", stage("Build", makes("One", "#{Two.X}")), stage("Then", makes("Two", "x"))), "InvalidActionDeclarationException", ""},
		"V-51 codepipeline":  {withSource("", stage("Build", makes("codepipeline", "x"))), "InvalidActionDeclarationException", ""},
		"V-51 artifact name": {withSource("", stage("Build", makes("Code", "x"))), "InvalidActionDeclarationException", ""},
		"V-50 in a rule before the actions": {withSource("", guarded("Build", condition("beforeEntry", "FAIL", variableCheck("R", "#{One.X}", "EQ", "x")), makes("One", "x"))),
			"InvalidActionDeclarationException", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s.root.refuse("UpdatePipeline", `{"pipeline":`+tt.declaration+`}`, tt.code, tt.text)
			s.root.refuse("CreatePipeline", `{"pipeline":`+strings.Replace(tt.declaration, `"P"`, `"N"`, 1)+`}`, tt.code, tt.text)
		})
	}
	s.update(withSource("", guarded("Build", condition("onSuccess", "FAIL", variableCheck("R", "#{One.X}", "EQ", "x")), makes("One", "x"))))
}

// A rule reads what the stage's own actions have said.
func TestVariablesInRules(t *testing.T) {
	t.Parallel()
	for out, want := range map[string]string{"good": "Succeeded", "bad": "Failed"} {
		t.Run(out, func(t *testing.T) {
			t.Parallel()
			s, e := variables(t, `"variables":[{"name":"Wanted","defaultValue":"good"}]`,
				guarded("Build", condition("onSuccess", "FAIL", variableCheck("R", "#{One.Out}", "EQ", "#{variables.Wanted}")), makes("One", "x")))
			s.succeed(s.take("Source", "Src"), "")
			job, _ := s.said()
			s.succeed(job, `"outputVariables":{"Out":"`+out+`"}`)
			if got := s.status(e); got != want {
				t.Errorf("the execution is %s, want %s", got, want)
			}
			list := s.root.must("ListRuleExecutions", `{"pipelineName":"P"}`)
			same(t, jsonOf(t, get(t, list, "ruleExecutionDetails.0.input.resolvedConfiguration")), `{"Variable":"`+out+`","Operator":"EQ","Value":"good"}`)
		})
	}
}
