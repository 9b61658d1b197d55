package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"penstock/internal/backup"
	"penstock/internal/blob/fileblob"
	"penstock/internal/config"
	"penstock/internal/transfer"
)

// unfinished is the file in a data folder that a restore removes last. No
// server starts beside it.
const unfinished = "restore-unfinished"

// refuseUnfinished returns an error for the folder of a restore that did not
// come to its end.
func refuseUnfinished(data string) error {
	if _, err := os.Stat(filepath.Join(data, unfinished)); err != nil {
		return nil
	}
	return fmt.Errorf("the data folder %s is that of a restore that did not come to its end; empty it and restore again", data)
}

// Restore puts a backup into the data folder that the configuration names,
// which must hold nothing but keys, and its state into the database, which must
// be empty: all of it, or nothing stays. It returns what the backup says of
// itself, and the number of rows of the state.
func Restore(ctx context.Context, cfg config.Config, from *backup.Reader) (about About, rows int64, err error) {
	there, err := prepareFolder(cfg.Data)
	if err != nil {
		return about, 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, clearFolder(cfg.Data, there))
		}
	}()
	if about, err = unpack(ctx, cfg.Data, from); err != nil {
		return about, 0, err
	}
	state, err := os.Open(filepath.Join(cfg.Data, backupState))
	if err != nil {
		return about, 0, fmt.Errorf("%w: %w", backup.ErrDamaged, err)
	}
	defer state.Close()
	if about.Objects { // before the state that names them
		if err := restoreObjects(ctx, cfg); err != nil {
			return about, 0, err
		}
	}
	_, whole, err := Import(ctx, cfg, state, nil)
	if err != nil {
		return about, 0, err
	}
	return about, whole.Rows, errors.Join(os.Remove(state.Name()), syncFolder(cfg.Data), os.Remove(filepath.Join(cfg.Data, unfinished)))
}

// prepareFolder makes the folder, or makes sure that it holds keys only, and
// returns their names.
func prepareFolder(data string) (there []string, err error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	list, err := os.ReadDir(data)
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		if !slices.Contains(append(keyFiles, tlsFolder), f.Name()) {
			return nil, fmt.Errorf("the data folder %s is not empty: it has %s; a restore needs a new one", data, f.Name())
		}
		there = append(there, f.Name())
	}
	return there, os.WriteFile(filepath.Join(data, unfinished), nil, 0o600)
}

// clearFolder removes all but the names from the folder, the mark of an
// unfinished restore last.
func clearFolder(data string, but []string) error {
	list, err := os.ReadDir(data)
	if err != nil {
		return err
	}
	for _, f := range list {
		if f.Name() == unfinished || slices.Contains(but, f.Name()) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(data, f.Name())); err != nil {
			return err
		}
	}
	return os.Remove(filepath.Join(data, unfinished))
}

// unpack puts the files into the folder and compares their digests.
func unpack(ctx context.Context, data string, from *backup.Reader) (about About, err error) {
	artifacts, err := fileblob.NewRestorer(filepath.Join(data, artifactFolder))
	if err != nil {
		return about, err
	}
	defer artifacts.Close()
	root, err := os.OpenRoot(data)
	if err != nil {
		return about, err
	}
	defer root.Close()
	for first := true; ; first = false {
		if err := ctx.Err(); err != nil {
			return about, err
		}
		name, content, err := from.Next()
		if err != nil {
			return about, err
		}
		if name == "" {
			break
		}
		if first {
			if about, err = readAbout(name, content); err != nil {
				return about, err
			}
			continue
		}
		object, isObject := strings.CutPrefix(name, artifactFolder+"/")
		key, isKey := strings.CutPrefix(name, keyFolder+"/")
		switch {
		case isObject:
			err = artifacts.Put(object, content)
		case isKey:
			err = putFile(root, key, content)
		case name == backupState, strings.HasPrefix(name, logFolder+"/"), strings.HasPrefix(name, objectFolder+"/"):
			err = putFile(root, name, content)
		default:
			err = fmt.Errorf("%w: the backup has a file %q, which this one does not know", transfer.ErrNewer, name)
		}
		if err != nil {
			return about, err
		}
	}
	if !about.Artifacts {
		return about, nil
	}
	return about, artifacts.Finish(ctx)
}

func readAbout(name string, content io.Reader) (about About, err error) {
	if name != backupAbout {
		return about, fmt.Errorf("this is no backup of penstock: it begins with %q", name)
	}
	if err := json.NewDecoder(io.LimitReader(content, 1<<20)).Decode(&about); err != nil {
		return about, fmt.Errorf("%w: %s: %w", backup.ErrDamaged, name, err)
	}
	if about.Format > backupFormat {
		return about, fmt.Errorf("the backup was made by a newer version of penstock (%s)", about.Version)
	}
	return about, nil
}

func putFile(root *os.Root, name string, from io.Reader) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is in the data folder already, and in the backup too: remove one of them", name)
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncFolder(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// RestoreFrom is Restore of the tar file or folder at path; "-" is in.
func RestoreFrom(ctx context.Context, cfg config.Config, path string, in io.Reader) (made Copied, err error) {
	from, err := backup.Open(path, "", in)
	if err != nil {
		return made, err
	}
	made.About, made.Rows, err = Restore(ctx, cfg, from)
	made.SHA256 = from.Digest()
	return made, errors.Join(err, from.Close())
}
