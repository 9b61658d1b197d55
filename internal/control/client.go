package control

import (
	"context"
	"errors"
	"time"

	"penstock/internal/audit"
	"penstock/internal/auth"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// ConnectPartnerInput names the action type to connect a client to. Category
// and version may be left out when the provider has one type only.
type ConnectPartnerInput struct{ TypeID }

// ConnectPartnerOutput carries the token, which is shown this once.
type ConnectPartnerOutput struct {
	ClientID    string `json:"clientId"`
	ClientToken string `json:"clientToken"`
}

// maxClients is how many clients an account may have connected.
const maxClients = 1000

func (s *Service) connectPartner(ctx context.Context, who auth.Principal, in *ConnectPartnerInput) (*ConnectPartnerOutput, error) {
	out := &ConnectPartnerOutput{ClientID: s.Store.NewID(), ClientToken: s.NewToken()}
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		types, err := partners(tx, who)
		if err != nil {
			return err
		}
		var found []pipeline.ActionType
		for _, t := range types {
			if t.ID.Provider == in.Provider && (in.Category == "" || in.Category == t.ID.Category) && (in.Version == "" || in.Version == t.ID.Version) {
				found = append(found, t.ID)
			}
		}
		switch {
		case len(found) == 0:
			return invalid("no partner action type of provider '%s' is registered; run `penstock partner register --category … --provider %s --version 1`", in.Provider, in.Provider)
		case len(found) > 1:
			return invalid("provider '%s' has %d action types; name one by category and version", in.Provider, len(found))
		}
		clients, err := tx.Clients(who.Account, who.Region)
		if err != nil {
			return err
		}
		if len(clients) >= maxClients {
			return invalid("the account has reached its limit of %d clients", maxClients)
		}
		c := store.Client{
			ID: out.ClientID, Account: who.Account, Region: who.Region, Type: found[0], Token: out.ClientToken, Created: s.Store.Now(),
		}
		return s.put(ctx, tx, c, "ConnectPartner")
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// RotateClientInput names a client that is to get a new token.
type RotateClientInput struct {
	ClientID string `json:"clientId"`
	// GraceSeconds is how long the token of before is accepted too, up to
	// 2592000 (30 days); nil is a day.
	GraceSeconds *int64 `json:"graceSeconds,omitempty"`
}

// RotateClientOutput carries the new token, which is shown this once.
type RotateClientOutput struct {
	ClientID           string    `json:"clientId"`
	ClientToken        string    `json:"clientToken"`
	PreviousTokenUntil time.Time `json:"previousTokenUntil"`
}

const (
	defaultGrace = 24 * time.Hour
	maxGrace     = 30 * 24 * time.Hour
)

// rotateClient replaces the client's token. The one of before is accepted for
// a while; the one before that, if its time is not over, no longer.
func (s *Service) rotateClient(ctx context.Context, who auth.Principal, in *RotateClientInput) (*RotateClientOutput, error) {
	grace := defaultGrace
	if g := in.GraceSeconds; g != nil {
		if *g < 0 || *g > int64(maxGrace/time.Second) {
			return nil, invalid("graceSeconds must be between 0 and %d", int64(maxGrace/time.Second))
		}
		grace = time.Duration(*g) * time.Second
	}
	out := &RotateClientOutput{ClientID: in.ClientID, ClientToken: s.NewToken()}
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		c, err := findClient(tx, who, in.ClientID)
		if err != nil {
			return err
		}
		if !c.Revoked.IsZero() {
			return invalid("client '%s' is revoked; make another with `penstock partner connect`", c.ID)
		}
		c.Previous, c.PreviousUntil, c.Token = c.Token, s.Store.Now().Add(grace), out.ClientToken
		if grace == 0 {
			c.Previous = ""
		}
		out.PreviousTokenUntil = c.PreviousUntil
		return s.put(ctx, tx, c, "RotateClient")
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// RevokeClientInput names a client whose token is to open nothing any more.
type RevokeClientInput struct {
	ClientID string `json:"clientId"`
}

// revokeClient ends a client: its tokens first, then its open jobs, which
// nobody can report any more. A revoked one has its jobs looked for again.
func (s *Service) revokeClient(ctx context.Context, who auth.Principal, in *RevokeClientInput) (*struct{}, error) {
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		c, err := findClient(tx, who, in.ClientID)
		if err != nil || !c.Revoked.IsZero() {
			return err
		}
		c.Revoked, c.Previous, c.PreviousUntil = s.Store.Now(), "", time.Time{}
		return s.put(ctx, tx, c, "RevokeClient")
	})
	if err != nil {
		return nil, err
	}
	if err := s.Store.EndRevoked(ctx); err != nil {
		return nil, err
	}
	return &struct{}{}, nil
}

// findClient returns the caller's client of the id.
func findClient(r store.Reader, who auth.Principal, id string) (store.Client, error) {
	c, err := r.Client(id)
	if errors.Is(err, store.ErrNotFound) || err == nil && (c.Account != who.Account || c.Region != who.Region) {
		return c, invalid("no client '%s' is connected; see `penstock partner list`", id)
	}
	return c, err
}

// put saves the client together with the record of the call that changed it.
func (s *Service) put(ctx context.Context, tx store.Tx, c store.Client, operation string) error {
	r := audit.Record(ctx, s.Store.Now(), operation, nil)
	r.ClientID = c.ID
	if err := tx.PutClient(c); err != nil {
		return err
	}
	return tx.PutAudit(r)
}
