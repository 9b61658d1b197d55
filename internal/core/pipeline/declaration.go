// Package pipeline holds the declaration of a pipeline and the rules a
// declaration must obey. It is pure: no clock, no I/O.
package pipeline

// Modes in which a pipeline runs its executions (PipelineDeclaration.executionMode).
const (
	Superseded = "SUPERSEDED"
	Queued     = "QUEUED"
	Parallel   = "PARALLEL"
)

// Pipeline types (PipelineDeclaration.pipelineType).
const (
	V1 = "V1"
	V2 = "V2"
)

// Declaration is one version of a pipeline's structure, normalised: defaults
// filled in, order as sent.
type Declaration struct {
	Name           string
	RoleARN        string
	Version        int
	Mode           string
	Type           string
	ArtifactStore  *ArtifactStore
	ArtifactStores map[string]ArtifactStore // by region; nil when ArtifactStore is set
	Stages         []Stage
	Variables      []Variable
	Triggers       []Trigger
}

// ArtifactStore is the bucket that holds a pipeline's artifacts in a region.
type ArtifactStore struct {
	Bucket string
	Key    *EncryptionKey
}

// EncryptionKey names the KMS key of an artifact store.
type EncryptionKey struct{ ID, Type string }

// Stage is one stage of a declaration.
type Stage struct {
	Name        string
	Blockers    []Blocker
	Actions     []Action
	BeforeEntry []Condition
	OnSuccess   []Condition
	OnFailure   *OnFailure
}

// Blocker is a reserved member of a stage (BlockerDeclaration).
type Blocker struct{ Name, Type string }

// OnFailure says what happens when a stage has failed (FailureConditions).
type OnFailure struct {
	Result     string
	RetryMode  string
	Conditions []Condition
}

// Condition is a set of rules with the result that follows when they fail.
type Condition struct {
	Result string
	Rules  []Rule
}

// Rule is one rule of a condition (RuleDeclaration).
type Rule struct {
	Name             string
	Type             ActionType // category "Rule"
	Configuration    map[string]string
	Commands         []string
	InputArtifacts   []string
	RoleARN          string
	Region           string
	TimeoutInMinutes int // 0 = default
}

// ActionType identifies an action type or, with category Rule, a rule type.
type ActionType struct{ Category, Owner, Provider, Version string }

// Action is one action of a stage.
type Action struct {
	Name             string
	Type             ActionType
	RunOrder         int
	Configuration    map[string]string
	Secrets          []string // configuration keys whose values are stored sealed
	Inputs           []string
	Outputs          []OutputArtifact
	OutputVariables  []string
	Commands         []string
	Environment      []EnvironmentVariable
	RoleARN          string
	Region           string // "" = the pipeline's
	Namespace        string
	TimeoutInMinutes int // 0 = default
}

// OutputArtifact is an artifact an action produces; Files are the patterns
// that a Commands action collects.
type OutputArtifact struct {
	Name  string
	Files []string
}

// EnvironmentVariable is set for a Commands action. Type is "" (PLAINTEXT),
// PLAINTEXT or SECRETS_MANAGER.
type EnvironmentVariable struct{ Name, Value, Type string }

// Variable is a pipeline-level variable. A nil Default makes it required at
// start.
type Variable struct {
	Name        string
	Default     *string
	Description string
}

// Trigger starts a pipeline from a connection's Git events.
type Trigger struct {
	ProviderType string
	SourceAction string
	Push         []GitFilter
	PullRequest  []GitFilter
}

// GitFilter is a push or pull-request filter; Events belongs to pull requests,
// Tags to pushes.
type GitFilter struct {
	Events    []string
	Tags      *Patterns
	Branches  *Patterns
	FilePaths *Patterns
}

// Patterns are glob patterns that include and exclude names.
type Patterns struct{ Includes, Excludes []string }
