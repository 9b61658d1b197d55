package sqlite

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"penstock/internal/store"
	"penstock/internal/store/storetest"
)

// testSealer is no encryption, but shows what was sealed, and where.
type testSealer struct{}

func (testSealer) Seal(plaintext []byte, context string) string {
	return base64.StdEncoding.EncodeToString(append([]byte(context+"\x00"), plaintext...))
}

func (testSealer) Open(sealed, context string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, err
	}
	plaintext, ok := bytes.CutPrefix(b, []byte(context+"\x00"))
	if !ok {
		return nil, errors.New("sealed elsewhere")
	}
	return plaintext, nil
}

// empty is the file of a database in which nothing has happened yet: to make the
// tables takes longer than most tests.
var empty = sync.OnceValues(func() (file []byte, err error) {
	folder, err := os.MkdirTemp("", "penstock-empty-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	path := filepath.Join(folder, "penstock.db")
	d, err := Open(path, Options{Sealer: testSealer{}})
	if err != nil {
		return nil, err
	}
	if err := d.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// open opens a database, which begins empty.
func open(t testing.TB, path string) *Driver {
	t.Helper()
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		file, err := empty()
		if err == nil {
			err = os.WriteFile(path, file, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	d, err := Open(path, Options{Sealer: testSealer{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() }) // a second close reports the first's error
	return d
}

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, reopenable)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	storetest.RunFaults(t, reopenable)
}

func reopenable(t *testing.T) (store.Driver, func() store.Driver) {
	path := filepath.Join(t.TempDir(), "penstock.db")
	d := open(t, path)
	return d, func() store.Driver {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d = open(t, path)
		return d
	}
}

func TestSecretsAtRest(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "penstock.db")
	d := open(t, path)
	storetest.SecretsAtRest(t, d, func() []byte {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}

func TestOpenNeedsSealer(t *testing.T) {
	t.Parallel()
	if _, err := Open(filepath.Join(t.TempDir(), "x.db"), Options{}); err == nil {
		t.Error("opened without a sealer")
	}
}
