package engine

import (
	"strings"
	"testing"

	"penstock/internal/core/job"
	"penstock/internal/core/pipeline"
)

func declared(name string, value *string) pipeline.Variable {
	return pipeline.Variable{Name: name, Default: value}
}

func dumpString(v any) string { return string(dump(v)) }

// Refusals that no story tells, with their texts.
func TestRefusals(t *testing.T) {
	const declaration = `SUPERSEDED
		S: app=source>App img=source>Img
		A: gate=approval sum=approval?IsSummaryRequired=true X=custom
		B: Y=custom`
	const override = "The action name provided in the source revision is not valid. The action must be a source action in your pipeline."
	start := func(overrides ...Override) Event {
		return Start{Trigger: Trigger{Type: "StartPipelineExecution"}, Overrides: overrides}
	}
	tests := []struct {
		name, code, text string
		event            func(*play) Event
	}{
		{"variable twice", "ValidationException", "Variable names must be unique. The following variable name is already in use: A",
			func(*play) Event { return Start{Variables: []Variable{{"A", "1"}, {"B", "1"}, {"A", "2"}}} }},
		{"variable twice on a replay", "ValidationException", "Variable names must be unique. The following variable name is already in use: A",
			func(*play) Event { return Start{Replay: "E1", Variables: []Variable{{"A", "1"}, {"A", "2"}}} }},
		{"override of no action", "ValidationException", override,
			func(*play) Event { return start(Override{"nobody", "COMMIT_ID", "1"}) }},
		{"override of an action that is no source", "ValidationException", override,
			func(*play) Event { return start(Override{"X", "COMMIT_ID", "1"}) }},
		{"override of no action on a replay", "ValidationException", override, // T-13
			func(*play) Event { return Start{Replay: "E1", Overrides: []Override{{"nobody", "COMMIT_ID", "1"}}} }},
		{"override of another provider's type", "ValidationException", "The revision type COMMIT_ID cannot be used for action 'app' with provider S3",
			func(*play) Event { return start(Override{"app", "COMMIT_ID", "1"}) }},
		{"override of a fixed key", "ValidationException", "The object key of action 'app' cannot be overridden unless its configuration AllowOverrideForS3ObjectKey is true",
			func(*play) Event { return start(Override{"app", "S3_OBJECT_KEY", "k"}) }},
		{"gate of no stage", "StageNotFoundException", "Stage 'Z' was not found in pipeline 'orders'",
			func(*play) Event { return SetTransition{Stage: "Z", Disable: true} }},
		{"retry of no stage", "StageNotFoundException", "Stage 'Z' was not found in pipeline 'orders'",
			func(p *play) Event { return RetryStage{"Z", p.exec("E1").ID, true} }},
		{"retry of no execution", "NotLatestPipelineExecutionException", "The execution 'nobody' is not the latest one in stage 'A' of pipeline 'orders'",
			func(*play) Event { return RetryStage{"A", "nobody", true} }},
		{"retry of a stage passed", "StageNotRetryableException", "Stage 'S' of execution 'E1' cannot be retried: the execution did not end in this stage",
			func(p *play) Event { return RetryStage{"S", p.exec("E1").ID, true} }},
		{"retry of a stage not reached", "NotLatestPipelineExecutionException", "The execution 'E1' is not the latest one in stage 'B' of pipeline 'orders'",
			func(p *play) Event { return RetryStage{"B", p.exec("E1").ID, false} }},
		{"retry without a failure", "StageNotRetryableException", "Stage 'A' of execution 'E1' cannot be retried: no action has failed",
			func(p *play) Event { return RetryStage{"A", p.exec("E1").ID, false} }},
		{"retry while stopping", "StageNotRetryableException", "Stage 'A' of execution 'E1' cannot be retried: the execution is being stopped",
			func(p *play) Event {
				p.ok(p.stops("E1", false, ""))
				return RetryStage{"A", p.exec("E1").ID, true}
			}},
		{"retry of a success", "StageNotRetryableException", "Stage 'B' of execution 'E1' cannot be retried: the execution is Succeeded",
			func(p *play) Event {
				p.ok(p.approves("E1", "A", "gate"))
				p.ok(p.approves("E1", "A", "sum"))
				p.done("E1", "X")
				p.done("E1", "Y")
				return RetryStage{"B", p.exec("E1").ID, true}
			}},
		{"stop of no execution", "PipelineExecutionNotStoppableException", "The pipeline execution with ID 'nobody' in 'orders' can't be stopped now. Either it does not exist in the pipeline, or the pipeline execution has no action executions in progress.",
			func(*play) Event { return StopExecution{Execution: "nobody"} }},
		{"answer in no stage", "StageNotFoundException", "Stage 'Z' was not found in pipeline 'orders'",
			func(*play) Event { return AnswerApproval{Stage: "Z", Action: "gate"} }},
		{"answer to no action", "ActionNotFoundException", "Approval action 'Z' was not found in stage 'A' of pipeline 'orders'",
			func(*play) Event { return AnswerApproval{Stage: "A", Action: "Z"} }},
		{"answer to an action that is no approval", "ActionNotFoundException", "Approval action 'X' was not found in stage 'A' of pipeline 'orders'",
			func(*play) Event { return AnswerApproval{Stage: "A", Action: "X"} }},
		{"answer with a wrong token", "InvalidApprovalTokenException", "The token does not belong to an open approval request of action 'gate' in stage 'A'",
			func(*play) Event { return AnswerApproval{Stage: "A", Action: "gate", Token: "nobody"} }},
		{"answer with another action's token", "InvalidApprovalTokenException", "The token does not belong to an open approval request of action 'gate' in stage 'A'",
			func(p *play) Event {
				return AnswerApproval{Stage: "A", Action: "gate", Token: p.request("E1", "A", "sum").token}
			}},
		{"answer without the summary that is required", "InvalidApprovalTokenException", "Action 'sum' in stage 'A' requires a summary. Provide a summary in the approval result and try again.",
			func(p *play) Event {
				return AnswerApproval{Stage: "A", Action: "sum", Token: p.request("E1", "A", "sum").token, Approve: true}
			}},
		{"variables with a continuation token", "ValidationException", "Output variables cannot be given together with a continuation token",
			func(p *play) Event {
				return JobSucceeded{Job: p.job("E1", "X"), ContinuationToken: "t", Outputs: map[string]string{"a": "1"}}
			}},
		{"too many variables", "OutputVariablesSizeExceededException", "The output variables take 122881 bytes which is more than the maximum size (122880)",
			func(p *play) Event {
				return JobSucceeded{Job: p.job("E1", "X"), Outputs: map[string]string{"a": strings.Repeat("x", 122_880)}}
			}},
		{"report for a job that is not the action's", "InvalidJobStateException", "The job 'old' is no longer in progress",
			func(p *play) Event {
				j := *p.job("E1", "X")
				j.ID = "old"
				return JobFailed{Job: &j, Type: "JobFailed", Message: "no"}
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := stage(t, declaration)
			p.starts(1)
			p.done("E1", "app")
			p.done("E1", "img")
			_, err := p.do(tt.event(p))
			p.refused(err, tt.code, tt.text)
		})
	}
}

func TestOverridesNeedV2(t *testing.T) {
	p := stage(t, "SUPERSEDED\nS: app=source>App")
	p.decls[1].Type = pipeline.V1
	p.saved["1"] = dump(p.decls[1])
	_, err := p.do(Start{Overrides: []Override{{"app", "S3_OBJECT_VERSION_ID", "v1"}}})
	p.refused(err, "ValidationException", "Source revisions can only be given when starting a V2 pipeline; 'orders' is a V1 pipeline")
	_, err = p.start(Variable{"A", "1"}) // V-27
	p.refused(err, "ValidationException", "Variables can only be given when starting a V2 pipeline; 'orders' is a V1 pipeline")
}

// An action that cannot start fails at once, with a row in the history.
func TestActionsThatCannotStart(t *testing.T) {
	tests := []struct{ name, declaration, code, text string }{
		{"unknown type", "SUPERSEDED\nS: X=unknown", "ConfigurationError",
			"ActionType (Category: 'Deploy', Owner: 'Custom', Provider: 'Gone', Version: '1') is not available"},
		{"type that this server does not run", "SUPERSEDED\nS: X=foreign", "ConfigurationError",
			"Penstock does not run actions of type ECS"},
		{"variable that was never set", "SUPERSEDED\nS: a=commands@ns X=custom/2?Ref=#{ns.never}", "InvalidActionConfiguration",
			"The variable reference #{ns.never} could not be resolved: no action that ended before has set this variable."},
		{"artifact that was never made", "SUPERSEDED\nS: X=custom<App", "ConfigurationError",
			"The input artifact 'App' of action 'X' has not been produced"},
		{"no such client", "SUPERSEDED\nS: X=partner?ClientId=c9", "ConfigurationError",
			"No client 'c9' is connected for action 'X'; see `penstock partner list`"},
		{"value nobody can poll for", "SUPERSEDED\nS: X=query?Project=a.b", "InvalidActionConfiguration",
			"The value of Project can be polled for only if it has 1 to 50 letters, digits, hyphens and underscores; no job worker would ever get this job"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := stage(t, tt.declaration)
			p.starts(1)
			for _, j := range p.openJobs() {
				p.done("E1", j.Action)
			}
			e := p.exec("E1")
			if e.Status != Failed || len(p.openJobs()) > 0 || len(p.timers) > 0 {
				p.Errorf("execution %s, jobs %v, timers %v", e.Status, p.openJobs(), p.timers)
			}
			r := p.records[e.Run("S").Action("X").ID]
			if r.Status != Failed || r.Result.ErrorCode != tt.code || r.Result.ErrorMessage != tt.text {
				p.Errorf("got %s %q: %s", r.Status, r.Result.ErrorCode, r.Result.ErrorMessage)
			}
		})
	}
}

func TestPartnerClients(t *testing.T) {
	tests := []struct {
		name, declaration string
		clients           []string
		want, text        string
	}{
		{"the only one", "X=partner", []string{"c1"}, "c1", ""},
		{"the one that is named", "X=partner?ClientId=c2", []string{"c1", "c2"}, "c2", ""},
		{"none", "X=partner", nil, "", "No client is connected for action 'X'; run `penstock partner connect --provider Probe`"},
		{"several", "X=partner", []string{"c1", "c2"}, "", "2 clients are connected for action 'X'; name one by the configuration key ClientId"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := stage(t, "SUPERSEDED\nS: "+tt.declaration)
			info := p.types[kinds["partner"]]
			info.Clients = tt.clients
			p.types[kinds["partner"]] = info
			p.starts(1)
			if tt.want != "" {
				if j := p.job("E1", "X"); j.ClientID != tt.want || j.Kind != job.Partner {
					p.Errorf("the job is of kind %s for client %q", j.Kind, j.ClientID)
				}
				return
			}
			if r := p.records[p.exec("E1").Run("S").Action("X").ID].Result; r.ErrorMessage != tt.text {
				p.Errorf("got %q", r.ErrorMessage)
			}
		})
	}
}

// The history shows configuration without secrets; the job has them in clear.
func TestSecretsInHistory(t *testing.T) {
	p := stage(t, "SUPERSEDED\nS: X=custom?Token=hunter2")
	p.decls[1].Stages[0].Actions[0].Secrets = []string{"Token"}
	p.saved["1"] = dump(p.decls[1])
	p.starts(1)
	r := p.records[p.exec("E1").Run("S").Action("X").ID]
	if r.Declared["Token"] != "****" || r.Resolved["Token"] != "****" {
		p.Errorf("the history shows %v, %v", r.Declared, r.Resolved)
	}
	if j := p.job("E1", "X"); j.Data.Configuration["Token"] != "hunter2" || j.Data.Secrets[0] != "Token" {
		p.Errorf("the job has %+v", j.Data)
	}
}
