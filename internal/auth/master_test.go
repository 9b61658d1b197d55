package auth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func testMasterKey(t testing.TB, fill byte) MasterKey {
	t.Helper()
	key, err := LoadOrCreateMasterKey("", base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, masterKeySize)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func wantMode0600(t *testing.T, dir, name string) {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("%s has mode %v", name, info.Mode())
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, want %s only (%v)", entries, name, err)
	}
}

func TestMasterKeyFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	made, err := LoadOrCreateMasterKey(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	wantMode0600(t, dir, "master.key")
	loaded, err := LoadOrCreateMasterKey(dir, "")
	if err != nil || loaded != made {
		t.Fatalf("the second start has another key (%v)", err)
	}
	other, err := LoadOrCreateMasterKey(t.TempDir(), "")
	if err != nil || other == made {
		t.Fatalf("two installations share a key (%v)", err)
	}
	if given := testMasterKey(t, 7); given == made || given.key[0] != 7 {
		t.Error("the environment does not win")
	}
}

func TestMasterKeyRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no base64": "####",
		"short":     base64.StdEncoding.EncodeToString(make([]byte, 31)),
		"long":      base64.StdEncoding.EncodeToString(make([]byte, 33)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := LoadOrCreateMasterKey("", text); err == nil || strings.Contains(err.Error(), text) {
				t.Errorf("from the environment: %v", err)
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "master.key"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := LoadOrCreateMasterKey(dir, ""); err == nil || strings.Contains(err.Error(), text) {
				t.Errorf("from the file: %v", err)
			}
		})
	}
	if _, err := LoadOrCreateMasterKey(filepath.Join(t.TempDir(), "missing"), ""); err == nil {
		t.Error("no error for a folder that does not exist")
	}
}

func TestCredentialsFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id, secret, created, err := LoadOrCreateCredentials(dir)
	if err != nil || !created {
		t.Fatalf("created %v, %v", created, err)
	}
	if len(id) != 20 || !strings.HasPrefix(id, "AKIA") || len(string(secret)) != 40 {
		t.Errorf("id %q, secret of %d characters", id, len(string(secret)))
	}
	wantMode0600(t, dir, "credentials")
	id2, secret2, created, err := LoadOrCreateCredentials(dir)
	if err != nil || created || id2 != id || secret2 != secret {
		t.Errorf("second start: %q, created %v, %v", id2, created, err)
	}
}

func TestCredentialsParsed(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, id, secret string }{
		{"plain", "[default]\naws_access_key_id=a\naws_secret_access_key=b=c\n", "a", "b=c"},
		{"other profiles", "[x]\naws_access_key_id = x\n[default]\n# note\naws_access_key_id = a\naws_secret_access_key = b\n[y]\naws_access_key_id = y\n", "a", "b"},
		{"no secret", "[default]\naws_access_key_id = a\n", "", ""},
		{"empty", "", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "credentials"), []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			id, secret, created, err := LoadOrCreateCredentials(dir)
			if id != test.id || string(secret) != test.secret || created || (err == nil) != (test.id != "") {
				t.Errorf("got %q, %q, %v, %v", id, string(secret), created, err)
			}
		})
	}
}

// TestSecretHides sends a secret down every way into a log.
func TestSecretHides(t *testing.T) {
	t.Parallel()
	s := Secret("hunter2")
	encoded, err := json.Marshal(map[string]any{"s": s, "c": Credentials{SecretAccessKey: s, SessionToken: s}})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "s", s, "c", Credentials{SecretAccessKey: s})
	key := testMasterKey(t, 'k')
	out := fmt.Sprintf("%v %+v %#v %s %q %v %+v %#v", s, s, s, s, s, key, key, key) + string(encoded) + log.String()
	for _, clear := range []string{"hunter2", "kkkk", "107"} {
		if strings.Contains(out, clear) {
			t.Errorf("%q shows in %s", clear, out)
		}
	}
}

func TestSealer(t *testing.T) {
	t.Parallel()
	s := NewSealer(testMasterKey(t, 1))
	sealed := s.Seal([]byte("token"), "client-token")
	if !strings.HasPrefix(sealed, "sealed:v1:") || strings.Contains(sealed, "token") {
		t.Errorf("sealed as %q", sealed)
	}
	if s.Seal([]byte("token"), "client-token") == sealed {
		t.Error("two seals of one value are equal")
	}
	if got, err := NewSealer(testMasterKey(t, 1)).Open(sealed, "client-token"); err != nil || string(got) != "token" {
		t.Fatalf("opened %q, %v", got, err)
	}
	last := sealed[len(sealed)-2:]
	changed := strings.TrimSuffix(sealed, last) + map[bool]string{true: "BA", false: "AA"}[last[0] == 'A']
	for name, open := range map[string]func() ([]byte, error){
		"other context": func() ([]byte, error) { return s.Open(sealed, "oauth-token") },
		"other key":     func() ([]byte, error) { return NewSealer(testMasterKey(t, 2)).Open(sealed, "client-token") },
		"changed":       func() ([]byte, error) { return s.Open(changed, "client-token") },
		"cut":           func() ([]byte, error) { return s.Open("sealed:v1:AAAA", "client-token") },
		"not sealed":    func() ([]byte, error) { return s.Open("token", "client-token") },
		"no base64":     func() ([]byte, error) { return s.Open("sealed:v1:####", "client-token") },
	} {
		if got, err := open(); !errors.Is(err, ErrSealed) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
