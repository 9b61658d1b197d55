package app

import (
	"context"
	"errors"

	"penstock/internal/auth"
	"penstock/internal/store"
)

// accessKey finds a key for the authenticator. It is read each time, so that a
// deleted key ends at once.
func (a *App) accessKey(id string) (k auth.AccessKey, ok bool, err error) {
	err = a.driver.View(context.Background(), func(r store.Reader) error {
		found, err := r.AccessKey(id)
		k = auth.AccessKey{ID: found.ID, Secret: auth.Secret(found.Secret), Account: found.Account, User: found.User, ServicePrincipal: found.ServicePrincipal}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return auth.AccessKey{}, false, nil
	}
	return k, err == nil, err
}
