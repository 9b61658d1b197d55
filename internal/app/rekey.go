package app

import (
	"context"
	"errors"

	"penstock/internal/auth"
	"penstock/internal/config"
	"penstock/internal/store/postgres"
	"penstock/internal/store/sqlite"
)

// Rekey seals all secrets of the installation that the configuration names with
// another master key: next, or one that it makes itself. No server may be at
// work. Where the present key is a file of the data folder the new one takes its
// place, and the old one stays beside it. It returns how many records had
// secrets. It may be repeated after a crash.
func Rekey(ctx context.Context, cfg config.Config, next string) (changed int64, err error) {
	from, err := existingSealer(cfg)
	if err != nil {
		return 0, err
	}
	inFile := cfg.MasterKey == ""
	if !inFile && next == "" {
		return 0, errors.New("the master key is that of PENSTOCK_MASTER_KEY, which no command can change: " +
			"set PENSTOCK_NEW_MASTER_KEY to the one that you will give to the servers (openssl rand -base64 32)")
	}
	key, err := auth.NextMasterKey(cfg.Data, next, inFile)
	if err != nil {
		return 0, err
	}
	to := auth.NewSealer(key)
	if cfg.Database != "" {
		changed, err = postgres.Rekey(ctx, cfg.Database, from, to)
	} else {
		changed, err = sqlite.Rekey(ctx, databaseFile(cfg), from, to)
	}
	if err != nil || !inFile {
		return changed, err
	}
	return changed, auth.SwitchMasterKey(cfg.Data)
}
