package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// front is a program that stands before servers with its configuration in deploy/.
type front struct {
	name, config string
	run          func(dir, config string) (args []string, err error)
}

var (
	haproxy = front{name: "haproxy", config: "haproxy/haproxy.cfg", run: func(_, config string) ([]string, error) {
		return []string{"-db", "-f", config}, nil
	}}
	nginx = front{name: "nginx", config: "nginx/penstock.conf", run: func(dir, config string) ([]string, error) {
		main := []string{"daemon off;", "pid " + dir + "/pid;", "events {}", "http {", "access_log off;"}
		for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			main = append(main, fmt.Sprintf("%s_temp_path %s/%s;", kind, dir, kind))
		}
		main = append(main, "include "+config+";", "}")
		if os.Geteuid() == 0 {
			main = append([]string{"user root;"}, main...) // others may not read the folder
		}
		file := filepath.Join(dir, "nginx.conf")
		return []string{"-e", "stderr", "-c", file}, os.WriteFile(file, []byte(strings.Join(main, "\n")), 0o600)
	}}
)

// program is where it is installed.
func (f front) program(t *testing.T) string {
	t.Helper()
	for _, name := range []string{f.name, "/usr/sbin/" + f.name} { // which is not on the PATH of users
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	needed(t, fmt.Errorf("%s is not installed: run `make tools`", f.name))
	return ""
}

// start runs it before the servers at three URLs and returns its own URL and
// what it says.
func (f front) start(t *testing.T, urls ...string) (string, *syncBuffer) {
	t.Helper()
	program := f.program(t)
	text, err := os.ReadFile(filepath.Join("../deploy", f.config))
	if err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	config := strings.Replace(string(text), "*:7480", address, 1)
	for i, node := range []string{"node-a:7480", "node-b:7480", "node-c:7480"} {
		config = strings.Replace(config, node, strings.TrimPrefix(urls[i], "http://"), 1)
	}
	if strings.Contains(config, "7480") {
		t.Fatalf("%s names addresses that the test does not know:\n%s", f.config, config)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, filepath.Base(f.config))
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var log syncBuffer
	args, err := f.run(dir, file)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s says:\n%s", f.name, log.String())
		}
	})
	until(t, f.name+" to listen", func(ctx context.Context) (string, bool) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return err.Error() + log.String(), false
		}
		return "", conn.Close() == nil
	})
	return "http://" + address, &log
}

// The configuration for containers differs in how it finds nodes; it is parsed.
func TestHAProxyOfContainers(t *testing.T) {
	t.Parallel()
	if out, err := exec.CommandContext(t.Context(), haproxy.program(t), "-c", "-f", "../deploy/docker/haproxy.cfg").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
