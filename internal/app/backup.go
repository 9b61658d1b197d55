package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"penstock/internal/backup"
	"penstock/internal/blob/fileblob"
	"penstock/internal/config"
)

// The files of a backup. That of artifacts and of logs lie in folders.
const (
	backupAbout    = "penstock-backup.json"
	backupState    = "state.jsonl.gz"
	backupFormat   = 1
	artifactFolder = "artifacts"
	logFolder      = "action-logs"
	keyFolder      = "keys"
	objectFolder   = "objects" // of an external S3
	tlsFolder      = "tls"
)

// keyFiles are the files of the data folder that give power over it.
var keyFiles = []string{"master.key", "credentials"}

// About is the first file of a backup.
type About struct {
	Format    int       `json:"format"`
	Created   time.Time `json:"created"`
	Version   string    `json:"version"`            // of the program that made it
	Artifacts bool      `json:"artifacts"`          // those of the embedded store are in it
	External  bool      `json:"external,omitempty"` // artifacts lay on an external S3
	Objects   bool      `json:"objects,omitempty"`  // and are in it
	Keys      bool      `json:"keys"`
}

// What a backup is to hold beside state, logs and the embedded store.
type What struct {
	Keys    bool // master.key, credentials, tls
	Objects bool // artifacts and logs on an external S3
}

// Backup copies state, artifacts, logs and, if asked to, keys of the
// installation that the configuration names; servers may be at work.
//
// The state is read before the artifacts. An object is durable before a
// transaction of the state names it, and is never written again under its
// version, so that all that the state of that moment names is there when the
// artifacts are copied later; what is there beyond harms nobody. Logs of actions
// that run are copied between the two: one that has vanished from its folder by
// then is an object already.
func Backup(ctx context.Context, cfg config.Config, version string, what What, to *backup.Writer) (about About, missing int64, err error) {
	artifacts := filepath.Join(cfg.Data, artifactFolder)
	_, err = os.Stat(filepath.Join(artifacts, "index.db"))
	external := cfg.S3Endpoint != ""
	about = About{
		Format: backupFormat, Created: time.Now().UTC().Truncate(time.Second), Version: version,
		Artifacts: err == nil, External: external, Objects: external && what.Objects, Keys: what.Keys,
	}
	if err := addJSON(to, backupAbout, about); err != nil {
		return about, 0, err
	}
	var named *objectNames
	if about.Objects {
		if named, err = newObjectNames(); err != nil {
			return about, 0, err
		}
		defer named.close()
	}
	err = to.Fill(backupState, func(w io.Writer) error { return exportAnd(ctx, cfg, w, named) })
	if err != nil {
		return about, 0, err
	}
	if err := addFolder(to, filepath.Join(cfg.Data, logFolder), logFolder); err != nil {
		return about, 0, err
	}
	if about.Artifacts {
		if err := fileblob.Backup(ctx, artifacts, under{to, artifactFolder + "/"}); err != nil {
			return about, 0, err
		}
	}
	if named != nil {
		if missing, err = copyObjects(ctx, cfg, named, to); err != nil {
			return about, 0, err
		}
	}
	if !what.Keys {
		return about, missing, nil
	}
	for _, name := range keyFiles {
		if err := addFile(to, filepath.Join(cfg.Data, name), keyFolder+"/"+name); err != nil {
			return about, 0, err
		}
	}
	return about, missing, addFolder(to, filepath.Join(cfg.Data, tlsFolder), keyFolder+"/"+tlsFolder)
}

func addJSON(to *backup.Writer, name string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	return to.Add(name, int64(len(text)), bytes.NewReader(text))
}

// addFolder adds the files of a folder, which may be absent.
func addFolder(to *backup.Writer, folder, as string) error {
	list, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, f := range list {
		if !f.Type().IsRegular() {
			continue
		}
		if err := addFile(to, filepath.Join(folder, f.Name()), as+"/"+f.Name()); err != nil {
			return err
		}
	}
	return nil
}

// addFile adds a file at its present length, which may grow meanwhile. One that
// is absent is left out.
func addFile(to *backup.Writer, file, as string) error {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return err
	}
	return to.Add(as, stat.Size(), f)
}

// under is an archive whose names begin with a folder.
type under struct {
	to     *backup.Writer
	folder string
}

// Add implements fileblob.Archive.
func (u under) Add(name string, size int64, from io.Reader) error {
	return u.to.Add(u.folder+name, size, from)
}

// Fill implements fileblob.Archive.
func (u under) Fill(name string, fill func(io.Writer) error) error {
	return u.to.Fill(u.folder+name, fill)
}

// Copied tells of a backup that was made, or put back.
type Copied struct {
	About About `json:"backup"`
	Files int64 `json:"files,omitempty"`
	Bytes int64 `json:"bytes,omitempty"`
	Rows  int64 `json:"rows,omitempty"` // of the state
	// Missing counts the artifacts that the state names and that are not on
	// the external S3: nobody uploaded them, or somebody removed them.
	Missing int64  `json:"missing,omitempty"`
	SHA256  string `json:"sha256"` // of the file of digests
}

// BackupTar makes a backup of one tar file. What has to wait for its length
// does so in the folder temp. progress, if set, is told how many files there
// were.
func BackupTar(ctx context.Context, cfg config.Config, version string, what What, to io.Writer, temp string, progress func(int64)) (Copied, error) {
	w, err := backup.NewTar(to, temp)
	return finishBackup(ctx, cfg, version, what, w, err, progress)
}

// BackupFolder makes a backup of a new folder, which is removed when it fails.
func BackupFolder(ctx context.Context, cfg config.Config, version string, what What, folder string, progress func(int64)) (Copied, error) {
	w, err := backup.NewFolder(folder)
	made, err := finishBackup(ctx, cfg, version, what, w, err, progress)
	if err != nil && w != nil {
		err = errors.Join(err, os.RemoveAll(folder))
	}
	return made, err
}

func finishBackup(ctx context.Context, cfg config.Config, version string, what What, w *backup.Writer, err error, progress func(int64)) (made Copied, _ error) {
	if err != nil {
		return made, err
	}
	w.Progress = progress
	made.About, made.Missing, err = Backup(ctx, cfg, version, what, w)
	if err == nil {
		made.SHA256, err = w.Close()
	}
	made.Files, made.Bytes = w.Files, w.Bytes
	return made, errors.Join(err, w.Discard())
}
