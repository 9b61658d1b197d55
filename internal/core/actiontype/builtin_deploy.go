package actiontype

import "time"

// Console pages of deploy providers.
const (
	codeDeploy = "https://console.aws.amazon.com/codedeploy/home?#/"
	beanstalk  = "https://console.aws.amazon.com/elasticbeanstalk/r/application/{Config:ApplicationName}"
)

var deployTypes = []Type{
	builtIn("Deploy", OwnerAWS, "S3",
		keys("BucketName: Bucket to deploy to"),
		required("Extract: Whether the artifact is unpacked"),
		optional("ObjectKey: Key of the object, or prefix of the unpacked objects", "KMSEncryptionKeyARN: Key to encrypt with",
			"CannedACL: Canned access control list of the objects", "CacheControl: Cache-Control header of the objects"),
	).inputs(1, 1).within(90 * time.Minute),

	builtIn("Deploy", OwnerAWS, "CloudFormation",
		keys("StackName: Stack to work on"),
		required("ActionMode: What to do with the stack"),
		optional("Capabilities: Capabilities granted, comma-separated", "ChangeSetName: Change set to make or run", "RoleArn: Role the stack is changed with",
			"TemplatePath: Template as Artifact::path", "TemplateConfiguration: Parameters and tags as Artifact::path",
			"ParameterOverrides: Parameters, a JSON object", "OutputFileName: File of the output artifact that gets the stack's outputs"),
	).inputs(0, 10).outputs(0, 1).within(3*24*time.Hour).links("https://console.aws.amazon.com/cloudformation/home?region={Region}#/", "", ""),

	builtIn("Deploy", OwnerAWS, "CloudFormationStackSet",
		keys("StackSetName: Stack set to create or update"),
		required("TemplatePath: Template as Artifact::path"),
		optional("Description: Text about the stack set", "Parameters: Parameters, or their file as Artifact::path",
			"Capabilities: Capabilities granted, comma-separated", "PermissionModel: SELF_MANAGED or SERVICE_MANAGED",
			"AdministrationRoleArn: Role of the administrator account", "ExecutionRoleName: Role in the target accounts",
			"OrganizationsAutoDeployment: Whether new accounts get the stacks"),
		stackSetOperation(),
		optional("Regions: Regions of the stacks, comma-separated"),
	).inputs(1, 3),

	builtIn("Deploy", OwnerAWS, "CloudFormationStackInstances",
		keys("StackSetName: Stack set to make instances of"),
		required("Regions: Regions of the stacks, comma-separated"),
		optional("ParameterOverrides: Parameters, or their file as Artifact::path"),
		stackSetOperation(),
	).inputs(0, 2),

	builtIn("Deploy", OwnerAWS, "CodeDeploy",
		keys("ApplicationName: Application to deploy", "DeploymentGroupName: Group to deploy to"),
	).inputs(1, 1).within(5*24*time.Hour).links(
		codeDeploy+"applications/{Config:ApplicationName}/deployment-groups/{Config:DeploymentGroupName}",
		codeDeploy+"deployments/{ExternalExecutionId}",
		""),

	builtIn("Deploy", OwnerAWS, "CodeDeployToECS",
		keys("ApplicationName: Application to deploy", "DeploymentGroupName: Group to deploy to"),
		required("TaskDefinitionTemplateArtifact: Input artifact with the task definition", "AppSpecTemplateArtifact: Input artifact with the AppSpec file"),
		optional("TaskDefinitionTemplatePath: File of the task definition, taskdef.json when absent", "AppSpecTemplatePath: AppSpec file, appspec.yaml when absent",
			"Image1ArtifactName: Input artifact with the first image", "Image1ContainerName: Placeholder of the first image",
			"Image2ArtifactName: Input artifact with the second image", "Image2ContainerName: Placeholder of the second image",
			"Image3ArtifactName: Input artifact with the third image", "Image3ContainerName: Placeholder of the third image",
			"Image4ArtifactName: Input artifact with the fourth image", "Image4ContainerName: Placeholder of the fourth image"),
	).inputs(1, 5).within(5 * 24 * time.Hour),

	builtIn("Deploy", OwnerAWS, "ECS",
		keys("ClusterName: Cluster of the service", "ServiceName: Service to update"),
		optional("FileName: Image definitions file, imagedefinitions.json when absent", "DeploymentTimeout: Minutes the deployment may take, at most 60"),
	).inputs(1, 1),

	builtIn("Deploy", OwnerAWS, "EKS",
		keys("ClusterName: Cluster to deploy to"),
		optional("ManifestFiles: Manifests to apply, comma-separated", "HelmReleaseName: Release to install", "HelmChartLocation: Place of the chart",
			"HelmValuesFiles: Values files, comma-separated", "Namespace: Kubernetes namespace", "Subnets: Subnets to run in, comma-separated",
			"SecurityGroupIds: Security groups, comma-separated"),
	).inputs(1, 1).v2(),

	builtIn("Deploy", OwnerAWS, "EC2",
		keys("InstanceTagKey: Tag key of the instances"),
		required("InstanceType: EC2 or SSM_MANAGED_NODE"),
		optional("InstanceTagValue: Tag value of the instances", "TargetDirectory: Directory to deploy to", "PreScript: Script to run before",
			"PostScript: Script to run after", "DeploySpec: Deploy specification in the artifact", "MaxBatch: Instances at a time, a number or n%",
			"MaxError: Failures that are tolerated, a number or n%", "TargetGroupNameList: Target groups to leave meanwhile, comma-separated"),
	).inputs(1, 1).v2(),

	// The limit exceeds the two days that a deployment may wait.
	builtIn("Deploy", OwnerAWS, "Lambda",
		keys("FunctionName: Function to update"),
		optional("FunctionAlias: Alias to shift traffic of", "PublishedTargetVersion: Version to shift traffic to", "DeployStrategy: How traffic is shifted",
			"Alarms: Alarms that undo the deployment, comma-separated"),
	).inputs(0, 1).within(3 * 24 * time.Hour).v2(),

	builtIn("Deploy", OwnerAWS, "ElasticBeanstalk",
		keys("ApplicationName: Application to deploy", "EnvironmentName: Environment to deploy to"),
	).inputs(1, 1).links(beanstalk, beanstalk, ""),

	builtIn("Deploy", OwnerAWS, "AppConfig",
		keys("Application: Application's id", "Environment: Environment's id", "ConfigurationProfile: Configuration profile's id"),
		required("InputArtifactConfigurationPath: Configuration file in the input artifact"),
		optional("DeploymentStrategy: Deployment strategy's id"),
	).inputs(1, 1),

	builtIn("Deploy", OwnerAWS, "ServiceCatalog",
		keys("ProductId: Product to add a version to"),
		optional("TemplateFilePath: Template in the input artifact", "ProductVersionName: Name of the version", "ProductType: CLOUD_FORMATION_TEMPLATE",
			"ProductVersionDescription: Text about the version", "ConfigurationFilePath: File that holds these values"),
	).inputs(1, 1),

	builtIn("Deploy", OwnerAWS, "OpsWorks",
		keys("Stack: Stack to deploy to", "App: App to deploy"),
		optional("Layer: Layer to deploy to"),
	).inputs(1, 1),

	builtIn("Deploy", OwnerThirdParty, "AlexaSkillsKit",
		keys("ClientId: Client of the developer's account", "SkillId: Skill to update"),
		secrets("ClientSecret: Secret of the client", "RefreshToken: Token of the developer's account"),
	).inputs(1, 2),
}

// stackSetOperation are the properties that both stack set types have.
func stackSetOperation() []Property {
	return optional("DeploymentTargets: Accounts or units, or their file as Artifact::path", "FailureTolerancePercentage: Failures tolerated in a region, in percent",
		"MaxConcurrentPercentage: Accounts at a time, in percent", "RegionConcurrencyType: Sequential or Parallel",
		"ConcurrencyMode: STRICT_FAILURE_TOLERANCE or SOFT_FAILURE_TOLERANCE", "CallAs: SELF or DELEGATED_ADMIN")
}
