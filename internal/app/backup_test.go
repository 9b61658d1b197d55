package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"penstock/internal/backup"
	"penstock/internal/config"
	"penstock/internal/store/postgres/pgtest"
)

// taken is a backup that was made while a server ran, and what its clients know.
type taken struct {
	tar, keys []byte // without keys, and with
	data      string // the old data folder
	known     recorded
}

func take(t *testing.T, database string) taken {
	t.Helper()
	cfg := settings(t)
	cfg.Database = database
	s := open(t, cfg)
	b := taken{data: cfg.Data, known: s.leave()}
	_, err := s.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("source")})
	s.ok(err)
	_, err = s.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("source"), Key: aws.String("k"), Body: strings.NewReader("bytes")})
	s.ok(err)
	s.ok(os.WriteFile(filepath.Join(cfg.Data, logFolder, "0190a5a0-0000-7000-8000-000000000000"), []byte("begun\n"), 0o600))
	for keys, into := range map[bool]*[]byte{false: &b.tar, true: &b.keys} {
		var file bytes.Buffer
		_, err := BackupTar(t.Context(), cfg, "test", What{Keys: keys}, &file, t.TempDir(), nil)
		s.ok(err)
		*into = file.Bytes()
	}
	return b
}

func restore(t *testing.T, cfg config.Config, tar []byte) error {
	t.Helper()
	_, err := RestoreFrom(t.Context(), cfg, "-", bytes.NewReader(tar))
	return err
}

// TestRestoreGoesOn: what was backed up beside a server at work goes on where it
// was, in either database.
func TestRestoreGoesOn(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"sqlite", "postgres"} {
		t.Run("from "+from, func(t *testing.T) {
			t.Parallel()
			database := ""
			if from == "postgres" {
				database = pgtest.URL(t)
			}
			b := take(t, database)
			for _, to := range []string{"sqlite", "postgres"} {
				cfg := settings(t)
				if to == "postgres" {
					cfg.Database = pgtest.URL(t)
				}
				tar := b.keys
				if to == from { // the key comes on another way
					tar = b.tar
					copyFile(t, filepath.Join(b.data, "master.key"), filepath.Join(cfg.Data, "master.key"))
				}
				if err := restore(t, cfg, tar); err != nil {
					t.Fatal(err)
				}
				s := open(t, cfg)
				s.goOn(b.known)
				o, err := s.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("source"), Key: aws.String("k")})
				s.ok(err)
				body, err := io.ReadAll(o.Body)
				s.ok(err)
				s.ok(s.logs.Recover(t.Context()))
				log, err := s.logs.Read(t.Context(), "0190a5a0-0000-7000-8000-000000000000", 0, 100, time.Second)
				s.ok(err)
				if string(body) != "bytes" || string(log.Content) != "begun\n" {
					t.Errorf("to %s: object %q, log %q", to, body, log.Content)
				}
			}
		})
	}
}

// TestRestoreRefuses: when anything is wrong, nothing stays.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	b := take(t, "")
	if bytes.Contains(b.tar, []byte("aws_secret_access_key")) {
		t.Error("a backup without keys has one")
	}
	if !bytes.Contains(b.keys, []byte("keys/master.key")) {
		t.Error("a backup with keys has none")
	}
	key, err := os.ReadFile(filepath.Join(b.data, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b.tar, bytes.TrimSpace(key)) {
		t.Error("the master key is in a backup without keys")
	}
	for name, tt := range map[string]struct {
		tar  []byte
		want string
	}{
		"no master key":   {b.tar, "there is no"},
		"cut":             {b.keys[:len(b.keys)/2], backup.ErrDamaged.Error()},
		"without the end": {b.keys[:bytes.LastIndex(b.keys, []byte("SHA256SUMS"))], backup.ErrDamaged.Error()},
		"changed":         {bytes.Replace(b.keys, []byte("begun"), []byte("began"), 1), "0190a5a0"},
		"not a backup":    {[]byte("hello"), backup.ErrDamaged.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := settings(t)
			if err := restore(t, cfg, tt.tar); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			left, err := os.ReadDir(cfg.Data)
			if err != nil || len(left) > 0 {
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
	t.Run("a folder with something", func(t *testing.T) {
		t.Parallel()
		cfg := settings(t)
		if err := os.WriteFile(filepath.Join(cfg.Data, "mine"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := restore(t, cfg, b.keys); err == nil || !strings.Contains(err.Error(), "is not empty: it has mine") {
			t.Errorf("got %v", err)
		}
		if _, err := os.Stat(filepath.Join(cfg.Data, "mine")); err != nil {
			t.Error(err)
		}
	})
}

// TestUnfinishedRestore: a server does not start on a folder whose restore died.
func TestUnfinishedRestore(t *testing.T) {
	t.Parallel()
	b := take(t, "")
	cfg := settings(t)
	ctx, cancel := context.WithCancel(t.Context())
	seen := false
	from, err := backup.Open("-", t.TempDir(), &dying{from: bytes.NewReader(b.keys), left: len(b.keys) / 2, die: func() {
		_, err := openAt(t.Context(), cfg, "test", slog.New(slog.DiscardHandler), io.Discard, time.Now)
		if err == nil || !strings.Contains(err.Error(), "did not come to its end") {
			t.Errorf("started beside a restore: %v", err)
		}
		seen = true
		cancel()
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	if _, _, err := Restore(ctx, cfg, from); !errors.Is(err, context.Canceled) || !seen {
		t.Errorf("interrupted: %v, %v", err, seen)
	}
	if left, err := os.ReadDir(cfg.Data); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// dying calls die once when half is read.
type dying struct {
	from io.Reader
	left int
	die  func()
}

func (d *dying) Read(p []byte) (int, error) {
	n, err := d.from.Read(p)
	if d.left -= n; d.left < 0 && d.die != nil {
		d.die()
		d.die = nil
	}
	return n, err
}
