// Package node lets tests use the AWS SDKs for JavaScript. package.json and
// package-lock.json name them, npm fetches them, once for each lock file.
package node

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed package.json
var manifest []byte

//go:embed package-lock.json
var lock []byte

// ErrMissing says that Node.js or npm is not installed.
var ErrMissing = errors.New("node 18 or newer and npm are not installed (Debian: apt-get install nodejs npm)")

// Prepare makes dir a place for JavaScript programs: they are modules, and what
// package.json depends on can be imported. The packages lie in the user's cache
// and dir links to them.
func Prepare(ctx context.Context, dir string) error {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return ErrMissing
		}
	}
	modules, err := install(ctx)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), manifest, 0o600); err != nil {
		return err
	}
	return os.Symlink(modules, filepath.Join(dir, "node_modules"))
}

// install returns the folder node_modules that belongs to the lock file. Tests
// of several packages may come at the same time: each installs into a folder of
// its own, and the first to be done gives its folder the name that all use.
func install(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append(append([]byte(nil), manifest...), lock...))
	home := filepath.Join(cache, "penstock-e2e-node")
	done := filepath.Join(home, hex.EncodeToString(sum[:8]))
	modules := filepath.Join(done, "node_modules")
	if _, err := os.Stat(modules); err == nil {
		return modules, nil
	}
	if err := os.MkdirAll(home, 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(home, "installing-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	for name, text := range map[string][]byte{"package.json": manifest, "package-lock.json": lock} {
		if err := os.WriteFile(filepath.Join(work, name), text, 0o600); err != nil {
			return "", err
		}
	}
	// No package needs a script of its own to be installed, so none is run.
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = work
	if out, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the AWS SDKs for JavaScript could not be installed: is the npm registry reachable? `npm ci` ended with %w\n%s", err, out)
	}
	if err := os.Rename(work, done); err != nil {
		if _, found := os.Stat(modules); found == nil {
			return modules, nil // somebody else was first
		}
		return "", err
	}
	return modules, nil
}
