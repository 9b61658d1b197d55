package control

import (
	"context"
	"errors"
	"regexp"
	"time"

	"penstock/internal/auth"
	"penstock/internal/connection"
	"penstock/internal/core/trigger"
	"penstock/internal/store"
	"penstock/internal/webhook"
)

// ConnectionOptions are what the operations of connections need.
type ConnectionOptions struct {
	// BaseURL is where Git hosts reach this server.
	BaseURL func() string
	// Check refuses base URLs that the server may not call.
	Check func(base string) error
	// Changed is told that there is a new connection.
	Changed func()
	// Max is how many an account may have in a region.
	Max int
}

// Connection is a connection to a Git host, as it is shown: without secrets.
type Connection struct {
	ARN        string    `json:"connectionArn"`
	Name       string    `json:"connectionName"`
	Provider   string    `json:"providerType"`
	BaseURL    string    `json:"baseUrl"`
	HasToken   bool      `json:"hasToken"`
	Poll       bool      `json:"poll"`
	WebhookURL string    `json:"webhookUrl"`
	Created    time.Time `json:"created"`
}

func (s *Service) connectionTo(c store.Connection) Connection {
	return Connection{
		ARN: c.ARN(), Name: c.Name, Provider: c.Provider, BaseURL: c.BaseURL, HasToken: c.Token != "", Poll: c.Poll,
		WebhookURL: webhook.ConnectionURL(s.Connections.BaseURL(), c.ID), Created: c.Created,
	}
}

// CreateConnectionInput describes a connection. What is left out comes from the
// provider type.
type CreateConnectionInput struct {
	Name       string `json:"connectionName"`
	Provider   string `json:"providerType"`
	BaseURL    string `json:"baseUrl,omitempty"`
	User       string `json:"user,omitempty"`
	Token      string `json:"token,omitempty"` // with an ssh URL a private key
	CA         string `json:"ca,omitempty"`    // certificates in PEM
	KnownHosts string `json:"knownHosts,omitempty"`
	Poll       bool   `json:"poll,omitempty"`
	// Replace changes the connection of the name instead of making one. It
	// keeps its ARN, and the secret of its deliveries.
	Replace bool `json:"replace,omitempty"`
}

// CreateConnectionOutput carries the secret of the webhook, which is shown this
// once.
type CreateConnectionOutput struct {
	Connection
	WebhookSecret string `json:"webhookSecret,omitempty"`
}

// connectionName is the model's pattern of ConnectionName.
var connectionName = regexp.MustCompile(`^[\w.@:/-]{1,100}$`)

func (s *Service) createConnection(ctx context.Context, who auth.Principal, in *CreateConnectionInput) (*CreateConnectionOutput, error) {
	if !connectionName.MatchString(in.Name) {
		return nil, invalid("connectionName must have 1 to 100 letters, digits and _ . @ : / -")
	}
	c := store.Connection{
		ID: s.Store.NewID(), Account: who.Account, Region: who.Region, Name: in.Name, Created: s.Store.Now(),
		Provider: in.Provider, BaseURL: in.BaseURL, User: in.User, Token: in.Token, Secret: s.NewToken(),
		CA: in.CA, KnownHosts: in.KnownHosts, Poll: in.Poll,
	}
	if err := connection.Complete(&c); err != nil {
		return nil, invalid("%v", err)
	}
	if err := s.Connections.Check(c.BaseURL); err != nil {
		return nil, invalid("%v", err)
	}
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		list, err := tx.Connections(who.Account, who.Region)
		if err != nil {
			return err
		}
		for _, old := range list {
			if old.Name != in.Name {
				continue
			}
			if !in.Replace {
				return invalid("there is a connection '%s' already; delete it, or change it with --replace", in.Name)
			}
			c.ID, c.Created, c.Secret = old.ID, old.Created, old.Secret
			return tx.PutConnection(c)
		}
		if in.Replace {
			return noConnection(in.Name)
		}
		if len(list) >= s.Connections.Max {
			return invalid("the account has reached its limit of %d connections in region %s", s.Connections.Max, who.Region)
		}
		return tx.PutConnection(c)
	})
	if err != nil {
		return nil, err
	}
	s.Connections.Changed()
	out := &CreateConnectionOutput{Connection: s.connectionTo(c)}
	if !in.Replace {
		out.WebhookSecret = c.Secret
	}
	return out, nil
}

func noConnection(name string) error {
	return invalid("there is no connection '%s'; see `penstock connection list`", name)
}

// ListConnectionsOutput lists the connections of an account by name.
type ListConnectionsOutput struct {
	Connections []Connection `json:"connections"`
}

func (s *Service) listConnections(ctx context.Context, who auth.Principal, _ *struct{}) (*ListConnectionsOutput, error) {
	out := &ListConnectionsOutput{Connections: []Connection{}}
	err := s.Store.View(ctx, func(r store.Reader) error {
		list, err := r.Connections(who.Account, who.Region)
		for _, c := range list {
			out.Connections = append(out.Connections, s.connectionTo(c))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ConnectionName names a connection: by its name or its ARN.
type ConnectionName struct {
	Name string `json:"connection"`
}

func findConnection(r store.Reader, who auth.Principal, name string) (store.Connection, error) {
	if id, ok := trigger.ConnectionID(name); ok {
		c, err := r.Connection(id)
		if errors.Is(err, store.ErrNotFound) || err == nil && (c.Account != who.Account || c.Region != who.Region) {
			err = noConnection(name)
		}
		return c, err
	}
	list, err := r.Connections(who.Account, who.Region)
	if err != nil {
		return store.Connection{}, err
	}
	for _, c := range list {
		if c.Name == name {
			return c, nil
		}
	}
	return store.Connection{}, noConnection(name)
}

func (s *Service) getConnection(ctx context.Context, who auth.Principal, in *ConnectionName) (*Connection, error) {
	var out Connection
	err := s.Store.View(ctx, func(r store.Reader) error {
		c, err := findConnection(r, who, in.Name)
		if err == nil {
			out = s.connectionTo(c)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// deleteConnection leaves the pipelines that name the connection: their source
// actions fail until it is made anew and they name the new one.
func (s *Service) deleteConnection(ctx context.Context, who auth.Principal, in *ConnectionName) (*struct{}, error) {
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		c, err := findConnection(tx, who, in.Name)
		if err != nil {
			return err
		}
		return tx.DeleteConnection(c.ID)
	})
	if err != nil {
		return nil, err
	}
	return &struct{}{}, nil
}
