package actiontype

import "penstock/internal/core/pipeline"

// connections is the console page that leads to the repository of a connection.
const connections = "https://{Region}.console.aws.amazon.com/codesuite/settings/connections/redirect?connectionArn={Config:ConnectionArn}"

var sourceTypes = []Type{
	builtIn("Source", OwnerAWS, "S3",
		keys("S3Bucket: Bucket that holds the source object, with versioning on", "S3ObjectKey: Key of the source object"),
		optional("PollForSourceChanges: Whether the object is looked at regularly, true when absent",
			"AllowOverrideForS3ObjectKey: Whether a start of the pipeline may name another key"),
	).outputs(1, 1),

	builtIn("Source", OwnerAWS, "CodeCommit",
		keys("RepositoryName: Repository to read", "BranchName: Branch to follow"),
		optional("PollForSourceChanges: Whether the branch is looked at regularly, true when absent",
			"OutputArtifactFormat: CODE_ZIP or CODEBUILD_CLONE_REF"),
	).outputs(1, 1).links(
		"https://{Region}.console.aws.amazon.com/codecommit/home#/repository/{Config:RepositoryName}/browse/{Config:BranchName}/--/",
		"",
		"https://{Region}.console.aws.amazon.com/codecommit/home#/repository/{Config:RepositoryName}/commit/{RevisionId}"),

	builtIn("Source", OwnerAWS, "CodeStarSourceConnection",
		keys("ConnectionArn: Connection to the Git host", "FullRepositoryId: Repository as owner/name", "BranchName: Branch to follow"),
		optional("OutputArtifactFormat: CODE_ZIP or CODEBUILD_CLONE_REF", "DetectChanges: Whether a push starts the pipeline, true when absent"),
	).outputs(1, 1).links(
		connections+"&referenceType=BRANCH&FullRepositoryId={Config:FullRepositoryId}&Branch={Config:BranchName}",
		"",
		connections+"&referenceType=COMMIT&FullRepositoryId={Config:FullRepositoryId}&Commit={RevisionId}"),

	builtIn("Source", OwnerThirdParty, "GitHub",
		keys("Owner: User or organization that owns the repository", "Repo: Repository to read", "Branch: Branch to follow"),
		secrets("OAuthToken: Token that may read the repository"),
		optional("PollForSourceChanges: Whether the branch is looked at regularly, true when absent"),
	).outputs(1, 1).links(
		"https://github.com/{Config:Owner}/{Config:Repo}/tree/{Config:Branch}",
		"",
		"https://github.com/{Config:Owner}/{Config:Repo}/commit/{RevisionId}"),

	builtIn("Source", OwnerAWS, "ECR",
		keys("RepositoryName: Image repository to read"),
		optional("ImageTag: Tag to follow, latest when absent"),
	).outputs(1, 1),
}

// IsGitHub reports whether actions of the type read a repository of GitHub by
// themselves (GitHub version 1), so that hooks can be registered for them.
func IsGitHub(id pipeline.ActionType) bool {
	return id.Category == "Source" && id.Owner == OwnerThirdParty && id.Provider == "GitHub"
}
