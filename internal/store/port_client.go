package store

import (
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"penstock/internal/core/pipeline"
)

// Client is a customer connection of a partner action type.
type Client struct {
	ID              string
	Account, Region string
	Type            pipeline.ActionType
	Token           string // in clear; stored sealed
	// Previous is the token before the last rotation, in clear and stored
	// sealed; it is accepted before PreviousUntil. "" = there is none.
	Previous      string
	PreviousUntil time.Time
	Created       time.Time
	Revoked       time.Time // zero = connected
}

// Opens reports whether the token opens the client's jobs at the given time.
// How long it takes tells nothing of the tokens.
func (c *Client) Opens(token string, now time.Time) bool {
	given := sha256.Sum256([]byte(token))
	same := func(known string) int {
		sum := sha256.Sum256([]byte(known))
		return subtle.ConstantTimeCompare(sum[:], given[:])
	}
	current, previous := same(c.Token), same(c.Previous)
	if c.Previous == "" || !now.Before(c.PreviousUntil) {
		previous = 0
	}
	return current|previous == 1 && c.Token != "" && c.Revoked.IsZero()
}

// ClientReader reads partner clients.
type ClientReader interface {
	Client(id string) (Client, error)
	// Clients lists the clients of an account, oldest first, revoked ones
	// included.
	Clients(account, region string) ([]Client, error)
	// RevokedJobs lists ids of jobs of revoked clients that have not ended.
	RevokedJobs(limit int) ([]string, error)
}

// ClientWriter writes partner clients.
type ClientWriter interface {
	// PutClient adds a client, or replaces tokens and revocation of the one
	// of its id.
	PutClient(c Client) error
}
