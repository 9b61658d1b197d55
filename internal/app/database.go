package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"penstock/internal/auth"
	"penstock/internal/store"
	"penstock/internal/store/postgres"
	"penstock/internal/store/sqlite"
)

// openDriver opens the database that the configuration names. Where several
// nodes may work on it they live by its clock, and check signatures and expiry
// by it: a host whose own clock is wrong is a node like the others.
func (a *App) openDriver(ctx context.Context, master auth.MasterKey) (store.Driver, error) {
	sealer := auth.NewSealer(master)
	a.clock = time.Now
	if a.cfg.Database == "" {
		if a.now == nil {
			a.now = hostClock().now
		}
		return sqlite.Open(databaseFile(a.cfg), sqlite.Options{Sealer: sealer, Logger: a.log, Now: a.now})
	}
	if a.cfg.S3Endpoint == "" {
		a.log.Warn("artifacts lie in this node's data folder, which other nodes on the database cannot reach: set --s3-endpoint if there are any")
	}
	id, err := nodeID(a.cfg.Data)
	if err != nil {
		return nil, err
	}
	d, err := postgres.Open(ctx, a.cfg.Database, postgres.Options{
		Sealer: sealer, Logger: a.log, Now: a.now, Node: id, Address: a.cfg.Listen,
	})
	if err == nil && a.now == nil {
		a.now, a.clock = d.Now, d.Now
	}
	return d, err
}

// nodeID names this node by its data folder, so that it is the same one when
// it starts again.
func nodeID(data string) (string, error) {
	file := filepath.Join(data, "node-id")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		host, _ := os.Hostname() // a name for people; the rest makes it unique
		text = []byte(strings.Trim(host+"-"+strings.ToLower(rand.Text()[:8]), "-"))
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("the node's name: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}
