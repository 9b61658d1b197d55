package store

import (
	"time"

	"penstock/internal/core/engine"
)

// Connection is how source actions reach the repositories of a Git host
// (CodeStarSourceConnection).
type Connection struct {
	ID                    string    `json:"-"` // UUID: the last part of the ARN
	Account, Region, Name string    `json:"-"`
	Created               time.Time `json:"-"`
	Provider              string    // GitHub, GitLab, …: see package connection
	BaseURL               string    // what stands before the names of repositories
	User                  string    `json:",omitempty"` // goes with Token
	Token                 string    `json:",omitempty"` // in clear; stored sealed. With an ssh URL a private key
	Secret                string    // of deliveries, in clear; stored sealed
	CA                    string    `json:",omitempty"` // certificates to trust, in PEM
	KnownHosts            string    `json:",omitempty"` // keys of ssh hosts
	// Poll asks the host for changes, since no webhook reaches this server.
	Poll bool `json:",omitempty"`
}

// ARN is the connection's Amazon resource name.
func (c Connection) ARN() string {
	return "arn:aws:codestar-connections:" + c.Region + ":" + c.Account + ":connection/" + c.ID
}

// Repository is one behind a connection, by its id.
type Repository struct{ Connection, Name string }

// GitSource is a source action that reads a repository.
type GitSource struct {
	Pipeline engine.Pipeline
	Action   string
	Repository
}

// ConnectionReader reads connections and who uses them.
type ConnectionReader interface {
	Connection(id string) (Connection, error)
	// Connections lists by name.
	Connections(account, region string) ([]Connection, error)
	// PipelinesOf lists the pipelines with source actions that read the
	// repository, each once.
	PipelinesOf(r Repository) ([]engine.Pipeline, error)
	// Repositories lists those that source actions read, each once.
	Repositories() ([]Repository, error)
	// References returns the references of a repository, with the commits
	// that they pointed to when it was last asked for them; ErrNotFound when
	// it never was.
	References(r Repository) (map[string]string, error)
}

// ConnectionWriter writes connections and who uses them.
type ConnectionWriter interface {
	// PutConnection adds the connection or replaces the one of its id. The
	// name must be free: check before.
	PutConnection(c Connection) error
	// DeleteConnection removes the connection and what is remembered of its
	// deliveries and repositories.
	DeleteConnection(id string) error
	// SetGitSources replaces the Git sources of a pipeline. References of
	// repositories that nobody reads any more are forgotten.
	SetGitSources(pipelineID int64, s []GitSource) error
	SetReferences(r Repository, refs map[string]string) error
	// ConnectionDelivered remembers a delivery for DeliveryRetention. It
	// reports false for one that is remembered already.
	ConnectionDelivered(connection, delivery string, now time.Time) (fresh bool, err error)
}
