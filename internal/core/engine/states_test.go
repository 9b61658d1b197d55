package engine

import (
	"flag"
	"os"
	"strings"
	"testing"
)

// transition is a change of state of one of the machines; from "" is the
// beginning.
type transition struct{ machine, from, to string }

type row struct {
	transition
	cause string
}

// statusOf is the status that an event of section 8 of the AWS event
// reference announces; a CANCELED action is shown as Failed.
var statusOf = map[string]Status{
	"STARTED": InProgress, "RESUMED": InProgress, "STOPPING": Stopping, "STOPPED": Stopped,
	"SUCCEEDED": Succeeded, "FAILED": Failed, "SUPERSEDED": Superseded, "CANCELED": Cancelled, "ABANDONED": Abandoned,
}

// machines is the table of all transitions. Each test of a world fails on one
// that is missing here, TestStories on one that no story takes, and a long
// random run on one that never happens.
var machines = []row{
	{transition{"execution", "", "InProgress"}, "started"},
	{transition{"execution", "InProgress", "Succeeded"}, "the last stage has succeeded"},
	{transition{"execution", "InProgress", "Failed"}, "a stage has failed; a required variable was not given; an automatic start found 50 executions in progress"},
	{transition{"execution", "InProgress", "Superseded"}, "SUPERSEDED mode: a newer execution arrived in front of the stage where it waited"},
	{transition{"execution", "InProgress", "Stopping"}, "StopPipelineExecution"},
	{transition{"execution", "InProgress", "Cancelled"}, "UpdatePipeline, and nothing of it runs any more"},
	{transition{"execution", "Stopping", "Stopped"}, "nothing of it runs any more"},
	{transition{"execution", "Failed", "InProgress"}, "RetryStageExecution; OverrideStageCondition"},
	{transition{"execution", "Stopped", "InProgress"}, "RetryStageExecution"},

	{transition{"stage", "", "InProgress"}, "an execution has entered"},
	{transition{"stage", "InProgress", "Succeeded"}, "all actions have succeeded, and the onSuccess condition or its override"},
	{transition{"stage", "InProgress", "Failed"}, "an action has failed and no other runs any more; the beforeEntry or onSuccess condition has failed"},
	{transition{"stage", "InProgress", "Skipped"}, "the beforeEntry condition has failed and its result is SKIP"},
	{transition{"stage", "InProgress", "Stopping"}, "StopPipelineExecution"},
	{transition{"stage", "InProgress", "Cancelled"}, "UpdatePipeline, and no action runs any more"},
	{transition{"stage", "Stopping", "Stopped"}, "no action runs any more"},
	{transition{"stage", "Failed", "InProgress"}, "RetryStageExecution; automatic retry; OverrideStageCondition"},
	{transition{"stage", "Stopped", "InProgress"}, "RetryStageExecution"},

	{transition{"action", "", "InProgress"}, "started; each attempt is an action execution of its own"},
	{transition{"action", "InProgress", "Succeeded"}, "its job or its reviewer reported success"},
	{transition{"action", "InProgress", "Failed"}, "its job or its reviewer reported failure; its time is over; it could not start; an approval when the pipeline was updated (event CANCELED)"},
	{transition{"action", "InProgress", "Abandoned"}, "StopPipelineExecution with abandon"},

	{transition{"condition", "", "InProgress"}, "the stage has come to it; its rules have started"},
	{transition{"condition", "InProgress", "Succeeded"}, "all rules have succeeded"},
	{transition{"condition", "InProgress", "Failed"}, "all rules have ended and one has failed"},
	{transition{"condition", "InProgress", "Errored"}, "all rules have ended, none has failed and one could not be evaluated"},
	{transition{"condition", "InProgress", "Abandoned"}, "StopPipelineExecution with abandon"},
	{transition{"condition", "InProgress", "Cancelled"}, "UpdatePipeline"},
	{transition{"condition", "InProgress", "Overridden"}, "OverrideStageCondition"},
	{transition{"condition", "Failed", "Overridden"}, "OverrideStageCondition"},
	{transition{"condition", "Errored", "Overridden"}, "OverrideStageCondition"},

	{transition{"rule", "", "InProgress"}, "started; each evaluation is a rule execution of its own"},
	{transition{"rule", "InProgress", "Succeeded"}, "its criterion is met"},
	{transition{"rule", "InProgress", "Failed"}, "its criterion is not met; it could not be evaluated; its time is over"},
	{transition{"rule", "InProgress", "Abandoned"}, "its condition ended without it: abandoned, cancelled or overridden"},

	{transition{"job", "", "Created"}, "continuation of a job, not due yet"},
	{transition{"job", "", "Queued"}, "its action or rule has started; continuation without delay"},
	{transition{"job", "", "InProgress"}, "that of a function, which nobody polls for: its action or rule has started; continuation without delay"},
	{transition{"job", "Created", "Queued"}, "the continuation is due"},
	{transition{"job", "Created", "InProgress"}, "that of a function: the continuation is due"},
	{transition{"job", "Queued", "Dispatched"}, "handed out by a poll, with a new nonce"},
	{transition{"job", "Dispatched", "Queued"}, "not acknowledged within the window; the nonce stays valid"},
	{transition{"job", "Dispatched", "InProgress"}, "acknowledged"},
	{transition{"job", "Queued", "InProgress"}, "acknowledged late, not handed out since"},
	{transition{"job", "InProgress", "Succeeded"}, "success reported, with or without a continuation token"},
	{transition{"job", "InProgress", "Failed"}, "failure reported; execution stopped with abandon; condition cancelled or overridden"},
	{transition{"job", "InProgress", "TimedOut"}, "the time of the job, or of its action or rule, is over"},
	{transition{"job", "Created", "Failed"}, "execution stopped with abandon; condition cancelled or overridden"},
	{transition{"job", "Queued", "Failed"}, "execution stopped with abandon; condition cancelled or overridden"},
	{transition{"job", "Dispatched", "Failed"}, "execution stopped with abandon; condition cancelled or overridden"},
	{transition{"job", "Created", "TimedOut"}, "the time of its action or rule is over"},
	{transition{"job", "Queued", "TimedOut"}, "the time of its action or rule is over"},
	{transition{"job", "Dispatched", "TimedOut"}, "the time of its action or rule is over"},
}

var update = flag.Bool("update", false, "write docs/states.md anew")

const statesFile = "../../../docs/states.md"

// The document is made from the table above, and the table is checked against
// what stories and random runs do.
func TestStatesDocument(t *testing.T) {
	want := statesDocument()
	if *update {
		if err := os.WriteFile(statesFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(statesFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/states.md is out of date; run: go test ./internal/core/engine -run TestStatesDocument -update")
	}
}

func statesDocument() string {
	var b strings.Builder
	b.WriteString("<!-- Made by go test ./internal/core/engine -run TestStatesDocument -update; do not edit. -->\n\n# States\n\n" +
		"Every change of state that the engine makes, and why. Other changes do not exist:\nthe tests of `internal/core/engine` fail on one that is not listed here, and on\none that is listed and that no story of theirs takes.\n")
	titles := map[string]string{
		"execution": "Pipeline executions", "stage": "Stages of an execution",
		"action": "Action executions", "condition": "Conditions of a stage", "rule": "Rule executions", "job": "Jobs",
	}
	machine := ""
	for _, r := range machines {
		if r.machine != machine {
			machine = r.machine
			b.WriteString("\n## " + titles[machine] + "\n\n| From | To | Cause |\n| --- | --- | --- |\n")
		}
		from := r.from
		if from == "" {
			from = "–"
		}
		b.WriteString("| " + from + " | " + r.to + " | " + r.cause + " |\n")
	}
	return b.String()
}
