package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"penstock/internal/connection"
	"penstock/internal/core/trigger"
	"penstock/internal/git"
	"penstock/internal/provider"
	"penstock/internal/store"
)

// workFolder is where actions and repositories have their working folders.
func (a *App) workFolder() (string, error) {
	return filepath.Abs(filepath.Join(a.cfg.Data, "work"))
}

// connect makes what starts pipelines for Git events.
func (a *App) connect() (*connection.Starter, error) {
	work, err := a.workFolder()
	if err != nil {
		return nil, err
	}
	s := &connection.Starter{Store: a.store, Log: a.log, Git: connection.NewGit(work, a.checkBase, a.log)}
	a.poller = connection.NewPoller(s, a.cfg.PollInterval)
	a.poller.Polled = func(err error) { a.metrics.Polled("git", err, false) }
	return s, nil
}

// checkBase refuses a base URL of a connection that the operator did not allow:
// the server calls it, and who may make connections need not be the operator.
func (a *App) checkBase(base string) error {
	if a.cfg.Git.Any || connection.Allowed(base, connection.Bases()) || connection.Allowed(base, a.cfg.Git.Bases) {
		return nil
	}
	return fmt.Errorf("this server does not connect to %s; the operator allows it by --git-base", base)
}

// connections reaches repositories for source actions.
type connections struct{ a *App }

// Remote implements provider.Connections.
func (c connections) Remote(ctx context.Context, account, arn, repository string) (git.Remote, string, error) {
	id, ok := trigger.ConnectionID(arn)
	if !ok {
		return git.Remote{}, "", fmt.Errorf("%w: '%s' is no ARN of a connection", provider.ErrInvalid, arn)
	}
	var found store.Connection
	err := c.a.store.View(ctx, func(r store.Reader) (err error) {
		found, err = r.Connection(id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && found.Account != account {
		return git.Remote{}, "", fmt.Errorf("%w: there is no connection %s; see `penstock connection list`", provider.ErrInvalid, arn)
	}
	if err != nil {
		return git.Remote{}, "", err
	}
	if err := c.a.checkBase(found.BaseURL); err != nil {
		return git.Remote{}, "", fmt.Errorf("%w: %w", provider.ErrInvalid, err)
	}
	remote, err := connection.Remote(found, repository)
	if err != nil {
		return remote, "", fmt.Errorf("%w: %w", provider.ErrInvalid, err)
	}
	return remote, found.Provider, nil
}
