package auth

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// The master key that takes the place of the present one, until it does, and
// the one that was replaced.
const (
	newMasterKeyFile = masterKeyFile + ".new"
	oldMasterKeyFile = masterKeyFile + ".old"
)

// NextMasterKey returns the master key that is to replace that of the folder:
// the one of env, the value of PENSTOCK_NEW_MASTER_KEY, or else a new one. It is
// durable in DATA/master.key.new before anything is sealed with it; one that an
// earlier attempt has left there is used again. With keep false nothing is kept
// and env must be set.
func NextMasterKey(dataDir, env string, keep bool) (MasterKey, error) {
	var given MasterKey
	if env != "" || !keep {
		var err error
		if given, err = parseMasterKey(env); err != nil {
			return given, fmt.Errorf("PENSTOCK_NEW_MASTER_KEY: %w", err)
		}
	}
	if !keep {
		return given, nil
	}
	next, old := filepath.Join(dataDir, newMasterKeyFile), filepath.Join(dataDir, oldMasterKeyFile)
	if _, err := os.Stat(next); errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(old); err == nil {
			return given, fmt.Errorf("%s is still there from an earlier change; move it to where you keep the keys of old backups, or remove it", old)
		}
		if env != "" {
			if _, err := createFile(next, given.text()); err != nil {
				return given, fmt.Errorf("new master key: %w", err)
			}
		}
	}
	key, err := loadOrCreate(next)
	if err == nil && env != "" && key != given {
		err = fmt.Errorf("%s has another key than PENSTOCK_NEW_MASTER_KEY, of a change that did not come to its end; "+
			"leave out PENSTOCK_NEW_MASTER_KEY to end that one", next)
	}
	return key, err
}

// SwitchMasterKey makes master.key.new the master key of the folder, and keeps
// the present one as master.key.old.
func SwitchMasterKey(dataDir string) error {
	name := func(file string) string { return filepath.Join(dataDir, file) }
	text, err := os.ReadFile(name(masterKeyFile))
	if err != nil {
		return err
	}
	// There is a master key at every moment: a server would make itself one.
	if _, err := createFile(name(oldMasterKeyFile), text); err != nil {
		return err
	}
	if err := os.Rename(name(newMasterKeyFile), name(masterKeyFile)); err != nil {
		return err
	}
	return syncDir(dataDir)
}
