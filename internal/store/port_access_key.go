package store

import (
	"fmt"
	"time"
)

// AccessKey is a long-term access key beside the root key.
type AccessKey struct {
	ID               string
	Secret           string // in clear; stored sealed
	Account          string // that it acts in
	User             string
	ServicePrincipal string // "" = it is no service
	Created          time.Time
}

// AccessKeyReader reads access keys.
type AccessKeyReader interface {
	AccessKey(id string) (AccessKey, error)
	// AccessKeys lists the keys of all accounts, by account and oldest first.
	AccessKeys() ([]AccessKey, error)
}

// AccessKeyWriter writes access keys.
type AccessKeyWriter interface {
	// InsertAccessKey adds a key; its id must be new.
	InsertAccessKey(k AccessKey) error
	// DeleteAccessKey is ErrNotFound for a key that is not there.
	DeleteAccessKey(id string) error
}

// SealKey seals the secret of an access key.
func SealKey(k *AccessKey, s Sealer) string {
	return s.Seal([]byte(k.Secret), "access-key/"+k.ID)
}

// OpenKey undoes SealKey.
func OpenKey(id, sealed string, s Sealer) (string, error) {
	clear, err := s.Open(sealed, "access-key/"+id)
	if err != nil {
		return "", fmt.Errorf("store: the secret of access key %s cannot be opened; is this the master key it was sealed with? %w", id, err)
	}
	return string(clear), nil
}
