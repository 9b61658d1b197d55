package actiontype

import "time"

// commandsTimeout is the limit of builds on compute that the service manages.
const commandsTimeout = 55 * time.Minute

var buildTypes = []Type{
	codeBuild("Build").within(36 * time.Hour),

	builtIn("Build", OwnerAWS, "ECRBuildAndPublish",
		keys("ECRRepositoryName: Repository the image is pushed to"),
		optional("DockerFilePath: Place of the Dockerfile in the input artifact", "ImageTags: Tags of the image, comma-separated, latest when absent",
			"RegistryType: private or public"),
	).inputs(1, 1).v2(),

	commands("Build"),
	codeBuild("Test").within(8 * time.Hour),

	builtIn("Test", OwnerAWS, "DeviceFarm",
		keys("ProjectId: Project that runs the test", "DevicePoolArn: Devices to test on"),
		required("AppType: iOS, Android or Web", "TestType: Kind of test to run"),
		optional("App: File of the app in the input artifact", "AppiumVersion: Ignored", "Test: Path of the test package",
			"FuzzEventCount: Number of events of a fuzz test", "FuzzEventThrottle: Milliseconds between events of a fuzz test",
			"FuzzRandomizerSeed: Seed of a fuzz test", "RadioBluetoothEnabled: Whether Bluetooth is on", "RadioWifiEnabled: Whether Wi-Fi is on",
			"RadioNfcEnabled: Whether NFC is on", "RadioGpsEnabled: Whether GPS is on", "RecordVideo: Whether a video is recorded",
			"RecordAppPerformanceData: Whether performance is recorded", "UnmeteredDevicesOnly: Whether only unmetered devices are used",
			"CustomHostMachineArtifacts: Place on the host to collect from", "CustomDeviceArtifacts: Place on the device to collect from",
			"JobTimeoutMinutes: Time limit on each device", "Latitude: Latitude of the device", "Longitude: Longitude of the device"),
	).inputs(1, 1).within(8 * time.Hour),

	commands("Compute"),

	builtIn("Approval", OwnerAWS, "Manual",
		optional("NotificationArn: Topic that is told about the request", "CustomData: Text for the reviewer", "ExternalEntityLink: Link for the reviewer",
			"IsSummaryRequired: Whether the reviewer must give a summary"),
	).within(7 * 24 * time.Hour),
}

func codeBuild(category string) Type {
	return builtIn(category, OwnerAWS, "CodeBuild",
		keys("ProjectName: Build project to run"),
		optional("PrimarySource: Input artifact that holds the build specification", "BatchEnabled: Whether builds run as a batch",
			"CombineArtifacts: Whether the artifacts of a batch become one", "EnvironmentVariables: Variables of the build, a JSON array",
			"BuildspecOverride: Build specification in place of the project's"),
	).inputs(1, 5).outputs(0, 5).links(
		"https://console.aws.amazon.com/codebuild/home?region={Region}#/projects/{Config:ProjectName}/view",
		"https://console.aws.amazon.com/codebuild/home?region={Region}#/builds/{ExternalExecutionId}/view/new",
		"")
}

func commands(category string) Type {
	return builtIn(category, OwnerAWS, "Commands",
		optional("EnvironmentType: Kind of machine", "ComputeType: Size of the machine", "VpcId: Network to run in",
			"Subnets: Subnets to run in, comma-separated", "SecurityGroupIds: Security groups, comma-separated"),
	).inputs(1, 10).outputs(0, 1).within(commandsTimeout).v2()
}
