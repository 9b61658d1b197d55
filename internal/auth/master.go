package auth

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const masterKeySize = 32

// MasterKey is what all secrets of an installation are protected with. Only
// keys derived from it are ever used. It hides itself from formatting.
type MasterKey struct{ key [masterKeySize]byte }

// String implements fmt.Stringer.
func (MasterKey) String() string { return hidden }

// GoString implements fmt.GoStringer.
func (MasterKey) GoString() string { return hidden }

// LoadOrCreateMasterKey returns the master key that env holds, the value of
// PENSTOCK_MASTER_KEY, or else that of the file DATA/master.key, which it
// makes when it does not exist. Both hold 32 bytes in base64.
func LoadOrCreateMasterKey(dataDir, env string) (MasterKey, error) {
	if env != "" {
		key, err := parseMasterKey(env)
		if err != nil {
			return key, fmt.Errorf("PENSTOCK_MASTER_KEY: %w", err)
		}
		return key, nil
	}
	return loadOrCreate(filepath.Join(dataDir, masterKeyFile))
}

const masterKeyFile = "master.key"

func loadOrCreate(name string) (MasterKey, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		var key MasterKey
		rand.Read(key.key[:])
		text, err = createFile(name, key.text())
	}
	if err != nil {
		return MasterKey{}, fmt.Errorf("master key: %w", err)
	}
	key, err := parseMasterKey(string(text))
	if err != nil {
		return key, fmt.Errorf("%s: %w", name, err)
	}
	return key, nil
}

// text is what a file has of the key.
func (k MasterKey) text() []byte {
	return []byte(base64.StdEncoding.EncodeToString(k.key[:]) + "\n")
}

func parseMasterKey(s string) (key MasterKey, err error) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s))
	if err != nil || len(b) != masterKeySize {
		return key, errors.New("a master key is 32 bytes in base64 (for a new one: openssl rand -base64 32)")
	}
	copy(key.key[:], b)
	return key, nil
}

// Subkey derives the key for one purpose, for example "page tokens v1": 32
// bytes that say nothing about the keys for other purposes.
func (k MasterKey) Subkey(purpose string) []byte {
	sub, err := hkdf.Key(sha256.New, k.key[:], nil, "penstock "+purpose, masterKeySize)
	if err != nil {
		panic(err) // only for a length that HKDF cannot give
	}
	return sub
}

// createFile writes a new file of mode 0600, whole and durable or not at all,
// and returns its content: another process may have been first.
func createFile(name string, content []byte) ([]byte, error) {
	dir := filepath.Dir(name)
	tmp, err := os.CreateTemp(dir, filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(content)
	if err == nil {
		err = tmp.Sync()
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return nil, err
	}
	// Unlike a rename, a link does not replace what another process made; but
	// not every file system has links.
	err = os.Link(tmp.Name(), name)
	if errors.Is(err, os.ErrExist) {
		return os.ReadFile(name)
	}
	if err != nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		return nil, err
	}
	return content, syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
