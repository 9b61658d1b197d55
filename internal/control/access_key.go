package control

import (
	"context"
	"errors"
	"regexp"
	"time"

	"penstock/internal/audit"
	"penstock/internal/auth"
	"penstock/internal/core/fault"
	"penstock/internal/store"
)

// CreateAccessKeyInput says who the key is for. An account needs no other
// set-up.
type CreateAccessKeyInput struct {
	Account string `json:"account"` // 12 digits
	// User names the holder in ARNs; "" is admin.
	User string `json:"user,omitempty"`
	// ServicePrincipal makes the holder a service, as executors of action
	// types name it (pollingServicePrincipals).
	ServicePrincipal string `json:"servicePrincipal,omitempty"`
}

// AccessKey is an access key without its secret.
type AccessKey struct {
	AccessKeyID      string    `json:"accessKeyId"`
	ARN              string    `json:"arn"`
	Account          string    `json:"account"`
	ServicePrincipal string    `json:"servicePrincipal,omitempty"`
	Created          time.Time `json:"created"`
}

// CreateAccessKeyOutput carries the secret, which is shown this once.
type CreateAccessKeyOutput struct {
	AccessKey
	SecretAccessKey string `json:"secretAccessKey"`
}

var (
	accountPattern   = regexp.MustCompile(`^[0-9]{12}$`)
	userPattern      = regexp.MustCompile(`^[0-9A-Za-z_+=,.@-]{1,64}$`)
	principalPattern = regexp.MustCompile(`^[0-9A-Za-z.-]{1,128}$`)
)

// maxAccessKeys is how many keys there may be beside the root key.
const maxAccessKeys = 1000

// operatorOnly refuses all but the holder of the root key, who alone may reach
// into other accounts.
func operatorOnly(who auth.Principal, operation string) error {
	if !who.Root {
		return fault.New("AccessDeniedException", "User: %s is not authorized to perform: penstock:%s; only the root access key is", who.ARN, operation)
	}
	return nil
}

func (s *Service) createAccessKey(ctx context.Context, who auth.Principal, in *CreateAccessKeyInput) (*CreateAccessKeyOutput, error) {
	if err := operatorOnly(who, "CreateAccessKey"); err != nil {
		return nil, err
	}
	if in.User == "" {
		in.User = "admin"
	}
	switch {
	case !accountPattern.MatchString(in.Account):
		return nil, invalid("account must be 12 digits")
	case !userPattern.MatchString(in.User):
		return nil, invalid("user must be 1 to 64 letters, digits or any of _+=,.@-")
	case in.ServicePrincipal != "" && !principalPattern.MatchString(in.ServicePrincipal):
		return nil, invalid("servicePrincipal must be 1 to 128 letters, digits, dots or hyphens")
	}
	id, secret := auth.NewAccessKey()
	k := store.AccessKey{
		ID: id, Secret: string(secret), Account: in.Account, User: in.User, ServicePrincipal: in.ServicePrincipal, Created: s.Store.Now(),
	}
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		all, err := tx.AccessKeys()
		if err != nil {
			return err
		}
		if len(all) >= maxAccessKeys {
			return fault.New("LimitExceededException", "There are %d access keys, as many as there may be", len(all))
		}
		if err := tx.InsertAccessKey(k); err != nil {
			return err
		}
		return s.auditKey(ctx, tx, "CreateAccessKey", k.ID)
	})
	if err != nil {
		return nil, err
	}
	return &CreateAccessKeyOutput{AccessKey: accessKey(k), SecretAccessKey: k.Secret}, nil
}

func accessKey(k store.AccessKey) AccessKey {
	arn := auth.AccessKey{Account: k.Account, User: k.User}.ARN()
	return AccessKey{AccessKeyID: k.ID, ARN: arn, Account: k.Account, ServicePrincipal: k.ServicePrincipal, Created: k.Created}
}

// ListAccessKeysOutput lists the keys of all accounts, by account and oldest
// first, without the root key.
type ListAccessKeysOutput struct {
	AccessKeys []AccessKey `json:"accessKeys"`
}

func (s *Service) listAccessKeys(ctx context.Context, who auth.Principal, _ *struct{}) (*ListAccessKeysOutput, error) {
	if err := operatorOnly(who, "ListAccessKeys"); err != nil {
		return nil, err
	}
	out := &ListAccessKeysOutput{AccessKeys: []AccessKey{}}
	err := s.Store.View(ctx, func(r store.Reader) error {
		all, err := r.AccessKeys()
		for _, k := range all {
			out.AccessKeys = append(out.AccessKeys, accessKey(k))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteAccessKeyInput names a key.
type DeleteAccessKeyInput struct {
	AccessKeyID string `json:"accessKeyId"`
}

func (s *Service) deleteAccessKey(ctx context.Context, who auth.Principal, in *DeleteAccessKeyInput) (*struct{}, error) {
	if err := operatorOnly(who, "DeleteAccessKey"); err != nil {
		return nil, err
	}
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		if err := tx.DeleteAccessKey(in.AccessKeyID); err != nil {
			return err
		}
		return s.auditKey(ctx, tx, "DeleteAccessKey", in.AccessKeyID)
	})
	if errors.Is(err, store.ErrNotFound) {
		err = invalid("there is no access key '%s'; see `penstock access-key list`", in.AccessKeyID)
	}
	if err != nil {
		return nil, err
	}
	return &struct{}{}, nil
}

// auditKey records the call that made or ended an access key, in the
// transaction that does.
func (s *Service) auditKey(ctx context.Context, tx store.Tx, operation, id string) error {
	r := audit.Record(ctx, s.Store.Now(), operation, nil)
	r.KeyID = id
	return tx.PutAudit(r)
}
