package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"penstock/internal/awscli"
	"penstock/internal/store/postgres/pgtest"
)

// binary is the penstock that the tests drive, cli the AWS CLI; "" when none is
// installed.
var binary, cli string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "penstock-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "penstock")
	if cli, err = awscli.Install(dir); err != nil && !errors.Is(err, exec.ErrNotFound) {
		return 0, err
	}
	args := []string{"build", "-o", binary}
	env := append(os.Environ(), "CGO_ENABLED=0")
	if os.Getenv("PENSTOCK_E2E_RACE") == "1" {
		args, env = append(args, "-race"), append(env, "CGO_ENABLED=1")
	}
	cmd := exec.Command("go", append(args, "penstock/cmd/penstock")...)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("the binary cannot be built: %w\n%s", err, out)
	}
	defer pgtest.Stop()
	return m.Run(), nil
}
