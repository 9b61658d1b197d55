package actiontype

import "time"

var invokeTypes = []Type{
	builtIn("Invoke", OwnerAWS, "Lambda",
		keys("FunctionName: Function to call"),
		optional("UserParameters: Text passed to the function"),
	).inputs(0, 5).outputs(0, 5).within(24 * time.Hour),

	builtIn("Invoke", OwnerAWS, "StepFunctions",
		keys("StateMachineArn: State machine to run"),
		optional("ExecutionNamePrefix: Head of the execution's name", "InputType: Literal or FilePath", "Input: Input, or its path in the input artifact"),
	).inputs(0, 1).outputs(0, 1).within(7 * 24 * time.Hour),

	builtIn("Invoke", OwnerAWS, "CodePipeline",
		keys("PipelineName: Pipeline to start"),
		optional("SourceRevisions: Revisions to start with, a JSON array", "Variables: Variables to start with, a JSON array"),
	).v2(),

	builtIn("Invoke", OwnerAWS, "InspectorScan",
		required("InspectorRunMode: SourceCodeScan or ECRImageScan"),
		optional("ECRRepositoryName: Repository of the image", "ImageTag: Tag of the image",
			"CriticalThreshold: Critical findings that are tolerated", "HighThreshold: High findings that are tolerated",
			"MediumThreshold: Medium findings that are tolerated", "LowThreshold: Low findings that are tolerated"),
	).inputs(0, 1).outputs(1, 1).v2(),

	// Configured on the partner's site, under names nobody has published.
	builtIn("Invoke", OwnerThirdParty, "Snyk").inputs(1, 1).outputs(1, 1).anyConfiguration(),
}

// ruleTypes are what the conditions of a stage may consist of. They have no
// outputs.
var ruleTypes = []Type{
	builtIn("Rule", OwnerAWS, "LambdaInvoke",
		keys("FunctionName: Function to call"),
		optional("UserParameters: Text passed to the function"),
	).inputs(0, 5),

	builtIn("Rule", OwnerAWS, "CloudWatchAlarm",
		keys("AlarmName: Alarm to watch"),
		optional("AlarmStates: States that count as trouble, comma-separated, ALARM when absent", "WaitTime: Minutes to watch"),
	),

	builtIn("Rule", OwnerAWS, "DeploymentWindow",
		required("Cron: Minutes of the window, as a cron expression"),
		optional("TimeZone: Time zone of the expression, UTC when absent"),
	),

	builtIn("Rule", OwnerAWS, "VariableCheck",
		required("Variable: Reference to the variable", "Operator: EQ, NE, CONTAINS or MATCHES", "Value: Value to compare with"),
	),

	builtIn("Rule", OwnerAWS, "CodeBuild",
		keys("ProjectName: Build project to run"),
		optional("PrimarySource: Input artifact that holds the build specification", "BatchEnabled: Whether builds run as a batch",
			"CombineArtifacts: Whether the artifacts of a batch become one", "EnvironmentVariables: Variables of the build, a JSON array"),
	).inputs(1, 5),

	builtIn("Rule", OwnerAWS, "Commands").inputs(1, 10).within(commandsTimeout),
}
