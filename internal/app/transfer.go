package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"penstock/internal/auth"
	"penstock/internal/config"
	"penstock/internal/store"
	"penstock/internal/store/postgres"
	"penstock/internal/store/sqlite"
	"penstock/internal/transfer"
)

// Sum is the number of rows and the SHA-256 of a table, or of a whole file.
type Sum = transfer.Sum

// Export writes the state of the database that the configuration names, as of
// one moment; servers may be at work. progress, if set, is told how many rows
// there were.
func Export(ctx context.Context, cfg config.Config, out io.Writer, progress func(rows int64)) (Sum, error) {
	sealer, err := existingSealer(cfg)
	if err != nil {
		return Sum{}, err
	}
	if cfg.Database != "" {
		return postgres.Export(ctx, cfg.Database, sealer, out, progress)
	}
	sum, err := sqlite.Export(ctx, databaseFile(cfg), sealer, out, progress)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; --data names the folder of the server, --database its PostgreSQL", err)
	}
	return sum, err
}

// Import loads what Export wrote into the database that the configuration
// names, which must be empty: all of it or nothing. It returns what it has
// loaded, table by table, and the sum of the file.
func Import(ctx context.Context, cfg config.Config, in io.Reader, progress func(rows int64)) ([]Sum, Sum, error) {
	sealer, err := existingSealer(cfg)
	if err != nil {
		return nil, Sum{}, err
	}
	r, err := transfer.NewReader(in, store.StateKind, store.TransferTables)
	if err != nil {
		return nil, Sum{}, err
	}
	r.Progress = progress
	var tables []Sum
	if cfg.Database != "" {
		tables, err = postgres.Import(ctx, cfg.Database, sealer, r)
	} else {
		tables, err = sqlite.Import(ctx, databaseFile(cfg), sealer, r)
	}
	return tables, r.Whole(), err
}

// existingSealer is that of an installation that is there already.
func existingSealer(cfg config.Config) (*auth.Sealer, error) {
	if cfg.MasterKey == "" {
		file := filepath.Join(cfg.Data, "master.key")
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no %s; copy it from the data folder of the server that the state belongs to, or set PENSTOCK_MASTER_KEY", file)
		}
	}
	master, err := auth.LoadOrCreateMasterKey(cfg.Data, cfg.MasterKey)
	if err != nil {
		return nil, err
	}
	return auth.NewSealer(master), nil
}
