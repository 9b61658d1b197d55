package e2e

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFreshServer starts a server as the README does, with nothing configured
// but a free port. It makes its credentials, a client in the same folder finds
// them, a restart keeps them, and SIGTERM ends it.
func TestFreshServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := &server{t: t, data: filepath.Join(dir, "penstock-data"), dir: dir, fresh: true, args: []string{"server", "--listen", "127.0.0.1:0"}}
	t.Cleanup(s.close)
	for round := range 2 {
		began := time.Now()
		if err := s.start(); err != nil {
			t.Fatalf("start: %v\n%s", err, s.log.String())
		}
		t.Logf("start %d took %v", round+1, time.Since(began))
		file := filepath.Join(s.data, "credentials")
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("credentials: %v, %v", info, err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, secret, ok := strings.Cut(string(text), "aws_secret_access_key = ")
		if secret = strings.TrimSpace(secret); !ok || len(secret) < 20 {
			t.Fatalf("%s holds no secret access key", file)
		}
		s.secret(secret)
		cmd := exec.Command(binary, "status", "--endpoint-url", s.url)
		cmd.Dir, cmd.Env = dir, append(cleanEnv(), "AWS_EC2_METADATA_DISABLED=true", "HOME="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("penstock status in the server's folder: %v\n%s", err, out)
		}
		if err := s.stop(); err != nil {
			t.Errorf("SIGTERM: %v", err)
		}
	}
	if !strings.Contains(s.log.String(), "made the root access key") {
		t.Error("the server does not say that it made a key")
	}
}

// TestOtherMasterKey starts a server with a master key that is not the one its
// data was written with: it says so and changes nothing.
func TestOtherMasterKey(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	env := s.env
	s.env = append(s.env, "PENSTOCK_MASTER_KEY="+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 32))))
	if err := s.start(); err == nil {
		t.Fatal("a server starts with a master key that is not its data's")
	}
	if err := <-s.exited; err == nil {
		t.Error("it ends as if all were well")
	}
	s.cmd = nil
	if said := s.log.String(); !strings.Contains(said, "the master key is not the one that the secrets in this database are sealed with") {
		t.Errorf("it says:\n%s", said)
	}
	s.env = env
	if err := s.start(); err != nil {
		t.Errorf("with its own key: %v", err)
	}
}
