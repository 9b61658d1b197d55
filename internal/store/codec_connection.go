package store

import (
	"encoding/json"
	"fmt"
)

// EncodeConnection returns the document of a connection, with its token and its
// secret sealed for its id.
func EncodeConnection(c Connection, s Sealer) ([]byte, error) {
	if c.Token != "" {
		c.Token = s.Seal([]byte(c.Token), connectionContext(&c)+"token")
	}
	c.Secret = s.Seal([]byte(c.Secret), connectionContext(&c)+"secret")
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("store: the connection %s cannot be written: %w", c.ID, err)
	}
	return b, nil
}

// DecodeConnection reads what EncodeConnection wrote into c, which has the
// members that are stored apart.
func DecodeConnection(c *Connection, b []byte, s Sealer) error {
	doc, err := decode[Connection](b)
	if err != nil {
		return err
	}
	doc.ID, doc.Account, doc.Region, doc.Name, doc.Created = c.ID, c.Account, c.Region, c.Name, c.Created
	*c = *doc
	secret, err := s.Open(c.Secret, connectionContext(c)+"secret")
	token := []byte(nil)
	if err == nil && c.Token != "" {
		token, err = s.Open(c.Token, connectionContext(c)+"token")
	}
	if err != nil {
		return fmt.Errorf("store: the secrets of connection %s cannot be opened; is this the master key they were sealed with? %w", c.ID, err)
	}
	c.Token, c.Secret = string(token), string(secret)
	return nil
}

func connectionContext(c *Connection) string { return "connection/" + c.ID + "/" }

// EncodeReferences returns the document of a repository's references.
func EncodeReferences(refs map[string]string) ([]byte, error) {
	b, err := json.Marshal(refs)
	if err != nil {
		return nil, fmt.Errorf("store: references cannot be written: %w", err)
	}
	return b, nil
}

// DecodeReferences reads what EncodeReferences wrote.
func DecodeReferences(b []byte) (map[string]string, error) {
	refs, err := decode[map[string]string](b)
	if err != nil {
		return nil, err
	}
	return *refs, nil
}
