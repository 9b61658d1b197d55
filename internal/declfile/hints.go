package declfile

import "strings"

// hints say what to do about a structure rule that is broken.
var hints = map[string]string{
	"V-03": "Add a stage: the first fetches the source, the next does something with it.",
	"V-04": "Put actions of several stages into one, ordered by runOrder, or split the pipeline.",
	"V-05": "Move the other actions of this stage to a later one.",
	"V-06": "Move the source action to the first stage; several may stand there.",
	"V-07": "Add a stage with an action that is not a source.",
	"V-08": "Give artifactStore for a pipeline in one region, artifactStores for one in several.",
	"V-09": "Replace artifactStore by artifactStores, with an entry for each region that actions name.",
	"V-10": "Add an entry for the region; the pipeline's own region needs one too (--region says which that is).",
	"V-12": "Split the pipeline; one can start another with an Invoke action of provider CodePipeline.",
	"V-13": "Remove blockers.",
	"V-14": "Rename one of the variables.",
	"V-15": "Write the value itself; source actions run before variables can be used.",
	"V-16": "Declare the variable under variables, or correct its name.",
	"V-17": "Choose another namespace for the action.",
	"V-18": "Let sourceActionName be the name of a CodeStarSourceConnection action of the first stage, once each.",
	"V-20": "Set pipelineType to V2, or leave executionMode out.",
	"V-21": "Set pipelineType to V2.",
	"V-22": "Set pipelineType to V2.",
	"V-23": "Set pipelineType to V2.",
	"V-25": "Set pipelineType to V2.",
	"V-30": "Rename one of the stages.",
	"V-31": "Add an action, or remove the stage.",
	"V-32": "Move actions to another stage.",
	"V-33": "Keep either result or conditions.",
	"V-34": "Use FAIL, or another execution mode: executions in PARALLEL mode have no earlier one to go back to.",
	"V-35": "beforeEntry takes FAIL and SKIP, onSuccess takes FAIL and ROLLBACK, conditions of onFailure take ROLLBACK; SKIP goes with LambdaInvoke and VariableCheck rules; the first stage cannot roll back.",
	"V-36": "Set the result of onFailure to RETRY, or remove retryConfiguration.",
	"V-40": "Check category, owner, provider and version; describe a custom type with --action-type FILE, or allow all with --allow-unknown-types.",
	"V-41": "Rename one of the actions.",
	"V-42": "Add the key to the action's configuration.",
	"V-43": "Remove the key, or correct its spelling; case counts.",
	"V-44": "Name the artifacts that the action reads in inputArtifacts.",
	"V-45": "Change the number of the action's artifacts.",
	"V-46": "Name an output artifact of an earlier action: one of an earlier stage, or of a lower runOrder in the same stage.",
	"V-47": "Rename one of the artifacts.",
	"V-48": "Give each action a namespace of its own.",
	"V-49": "Set the namespace of the action whose variable is meant, or correct the reference.",
	"V-50": "Refer to an action of an earlier stage or of a lower runOrder.",
	"V-51": "Choose another namespace.",
	"V-52": "List the shell commands in commands, beside configuration.",
	"V-53": "Remove commands and the files of output artifacts; only Commands actions take them.",
	"V-55": "The form is arn:aws:sns:REGION:ACCOUNT:TOPIC.",
	"V-56": "Name an SNS topic.",
	"V-57": "Name a topic in the pipeline's region (--region says which that is).",
	"V-58": "Remove timeoutInMinutes.",
	"V-59": "Remove the action's region.",
	"V-60": "Use letters, digits, - and _.",
}

// clauseHint is what to do about a constraint of the API model.
func clauseHint(clause string) string {
	switch {
	case clause == "Member must not be null":
		return "Add it."
	case strings.Contains(clause, "enum value set"):
		return "Use one of the values listed; case counts."
	}
	return ""
}
