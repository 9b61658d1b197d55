package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"penstock/internal/procgroup"
)

// shell runs commands one after the other, each in a process of its own, and
// carries the variables and the working folder from one to the next.
type shell struct {
	argv []string // the shell; the script's name follows
	dump string   // path of the program env
	f    folders
	env  map[string]string
	dir  string
}

// newShell looks for bash, which is what sh is on AWS's image, and takes the
// system's sh where there is none.
func newShell(path string, f folders, env map[string]string) (*shell, error) {
	s := &shell{f: f, env: env, dir: f.src, dump: look(path, "env")}
	if s.dump == "" {
		return nil, errors.New("the program env is not in PATH")
	}
	if bash := look(path, "bash"); bash != "" {
		s.argv = []string{bash, "--posix"}
		return s, nil
	}
	if sh := look(path, "sh"); sh != "" {
		s.argv = []string{sh}
		return s, nil
	}
	return nil, errors.New("neither bash nor sh is in PATH")
}

// look finds a program in a PATH that is not this process's.
func look(path, name string) string {
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return found
		}
	}
	return ""
}

// run runs one command. An error that is not the context's says how it ended.
func (s *shell) run(ctx context.Context, group *procgroup.Group, output *os.File, command string, grace time.Duration) error {
	script := filepath.Join(s.f.state, "script.sh")
	envFile, dirFile := filepath.Join(s.f.state, "env"), filepath.Join(s.f.state, "dir")
	for _, old := range []string{envFile, dirFile} {
		if err := os.Remove(old); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	// Allexport makes plain assignments carry over too; the trap also runs
	// when the command calls exit. A command that replaces trap or shell
	// hands nothing on.
	text := fmt.Sprintf("set -a\ntrap 'pwd >%s; %s -0 >%s' EXIT\n%s\n", inTrap(dirFile), inTrap(s.dump), inTrap(envFile), command)
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		return err
	}
	cmd := exec.Command(s.argv[0], append(s.argv[1:len(s.argv):len(s.argv)], script)...)
	cmd.Dir = s.dir
	cmd.Env = make([]string, 0, len(s.env)+1)
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, "PWD="+s.dir)
	cmd.Stdout, cmd.Stderr = output, output
	if err := group.Run(ctx, cmd, grace); err != nil {
		return err
	}
	return s.load(envFile, dirFile)
}

// inTrap quotes s for use inside the single-quoted text of the trap.
func inTrap(s string) string {
	return `'\''` + strings.ReplaceAll(s, `'`, `'\''\'\'''\''`) + `'\''`
}

// maxState bounds what a command may hand on; an environment is smaller than
// that on every system.
const maxState = 16 << 20

// load reads what the command handed on. Missing files change nothing.
func (s *shell) load(envFile, dirFile string) error {
	env, err := readState(envFile)
	if err != nil {
		return fmt.Errorf("read the variables that the command left: %w", err)
	}
	if len(env) > 0 {
		s.env = make(map[string]string)
		for kv := range strings.SplitSeq(strings.TrimSuffix(env, "\x00"), "\x00") {
			if name, value, ok := strings.Cut(kv, "="); ok && !shellsOwn(name) {
				s.env[name] = value
			}
		}
	}
	dir, err := readState(dirFile)
	if err != nil {
		return fmt.Errorf("read the working folder that the command left: %w", err)
	}
	if dir = strings.TrimSuffix(dir, "\n"); filepath.IsAbs(dir) {
		s.dir = dir
	}
	return nil
}

func readState(name string) (string, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxState))
	return string(text), err
}

// shellsOwn reports whether a variable is the shell's bookkeeping, or one of
// bash's exported functions, which do not carry over on AWS.
func shellsOwn(name string) bool {
	switch name {
	case "_", "PWD", "OLDPWD", "SHLVL":
		return true
	}
	return strings.HasPrefix(name, "BASH_FUNC_")
}
