//go:build linux

package doctest

import (
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

var goBuild = regexp.MustCompile(`CGO_ENABLED=0 \S+ build .*`)

// about is what a Dockerfile says of its last stage beside the files in it.
func about(t *testing.T, name string) (lines []string) {
	t.Helper()
	text := read(t, filepath.Join(deployDir, "docker", name))
	for line := range strings.Lines(text[strings.LastIndex(text, "\nFROM "):]) {
		if !strings.HasPrefix(line, "COPY ") && !strings.HasPrefix(line, "RUN ") && line != "\n" {
			lines = append(lines, line)
		}
	}
	return lines
}

// The binary is built in the image as on the host, and the image from a binary
// that is there is the one that is built in containers.
func TestDockerfiles(t *testing.T) {
	t.Parallel()
	dockerfile := read(t, deployDir+"/docker/Dockerfile")
	line, made := goBuild.FindString(dockerfile), goBuild.FindString(read(t, "../../Makefile"))
	same := strings.NewReplacer("$(GO)", "go", "$(BIN)", "bin", "$(VERSION)", "VERSION", "${VERSION}", "VERSION", `"`, "'")
	if same.Replace(line) != same.Replace(made) || line == "" {
		t.Errorf("the Dockerfile has\n%s\nand the Makefile\n%s", line, made)
	}
	for _, stage := range strings.Split(dockerfile, "\nFROM ")[2:] {
		for _, want := range []string{"\nUSER 65532:65532\n", "\nHEALTHCHECK ", `CMD ["/usr/local/bin/penstock", "health"]`, `ENTRYPOINT ["/usr/local/bin/penstock"]`} {
			if !strings.Contains(stage, want) {
				t.Errorf("a stage lacks %q:\n%s", want, stage)
			}
		}
	}
	if small, ready := about(t, "Dockerfile"), about(t, "Dockerfile.binary"); !slices.Equal(small, ready) {
		t.Errorf("the image is\n%q\nand from a binary\n%q", small, ready)
	}
}

// TestImage makes the image by `make image` and buildah, and runs what is in it
// as an engine would: as its user, with its environment, nothing to write to but
// a volume and /tmp. It serves, is healthy by its own check, ends on SIGTERM, and
// a second one goes on with the volume.
func TestImage(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("without -short")
	}
	dir := t.TempDir()
	tool := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		var problems strings.Builder
		cmd.Dir, cmd.Stderr = "../..", &problems
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s%s", name, args, err, out, problems.String())
		}
		return strings.TrimSpace(string(out))
	}
	tool("make", "image", "BIN="+dir, "VERSION=1.2.3")
	binary := filepath.Join(dir, "image/root/usr/local/bin/penstock")
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) > 0 || f.Section(".interp") != nil {
		t.Errorf("the binary is not static: %v, %v", libraries, err)
	}
	if out := tool(binary, "version"); !strings.HasPrefix(out, "penstock 1.2.3 ") {
		t.Errorf("version: %s", out)
	}

	if os.Geteuid() != 0 {
		t.Skip("only root may make an image here, and change the root folder")
	}
	need(t, "buildah", "unshare", "chroot")
	buildah := func(args ...string) string {
		t.Helper()
		return tool("buildah", append([]string{"--storage-driver", "vfs", "--root", dir + "/store", "--runroot", dir + "/run"}, args...)...)
	}
	buildah("build", "--isolation", "chroot", "--format", "docker", "-t", "penstock", "-f", "deploy/docker/Dockerfile.binary", dir+"/image")
	container := buildah("from", "penstock")
	root := buildah("mount", container)
	t.Cleanup(func() {
		_ = exec.Command("buildah", "--storage-driver", "vfs", "--root", dir+"/store", "--runroot", dir+"/run", "umount", container).Run()
	})
	var found struct {
		Docker struct {
			Config struct {
				User, StopSignal     string
				Env, Entrypoint, Cmd []string
				Volumes              map[string]struct{}
				Healthcheck          struct{ Test []string }
			}
		}
	}
	if err := json.Unmarshal([]byte(buildah("inspect", "--type", "image", "penstock")), &found); err != nil {
		t.Fatal(err)
	}
	image := found.Docker.Config
	const data = "/var/lib/penstock"
	if _, ok := image.Volumes[data]; !ok || image.StopSignal != "SIGTERM" || image.User != "65532:65532" {
		t.Errorf("the image is %+v", image)
	}
	volume := filepath.Join(dir, "volume")
	tool("cp", "-a", root+data, volume) // as engines fill a new volume
	if len(image.Healthcheck.Test) != 3 || image.Healthcheck.Test[0] != "CMD" {
		t.Fatalf("the check is %v", image.Healthcheck.Test)
	}

	listen := "127.0.0.1:" + freePort(t) // the image's own port may be taken here
	s := &scene{dir: "/", env: append(image.Env, "PENSTOCK_LISTEN="+listen, "AWS_ENDPOINT_URL=http://"+listen)}
	inside := func(command []string) *exec.Cmd {
		return s.command(t.Context(), "unshare", append([]string{"--mount", "--", "bash", "-euc", `
			mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"
			mount --bind "$1" "$0$2" && mount -t tmpfs -o mode=1777 none "$0/tmp"
			exec chroot --userspec="$3" "$0" "${@:4}"`, root, volume, data, image.User}, command...)...)
	}
	serve := func() *exec.Cmd {
		server := inside(append(image.Entrypoint, image.Cmd...))
		s.begin(t, server, 1)
		if out, err := inside(image.Healthcheck.Test[1:]).CombinedOutput(); err != nil || string(out) != "ready\n" {
			t.Errorf("health: %v\n%s", err, out)
		}
		return server
	}
	server := serve()
	keys, err := os.ReadFile(filepath.Join(volume, "credentials"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "credentials"), keys, 0o600); err != nil {
		t.Fatal(err)
	}
	client := func(args ...string) string {
		t.Helper()
		return tool("env", append([]string{"AWS_SHARED_CREDENTIALS_FILE=" + dir + "/credentials", "AWS_ENDPOINT_URL=http://" + listen,
			"AWS_DEFAULT_REGION=us-east-1", binary}, args...)...)
	}
	client("access-key", "create", "--account", "111122223333", "--user", "image")
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	serve()
	if out := client("access-key", "list"); !strings.Contains(out, "user/image") {
		t.Errorf("the second one does not know of the first one's key:\n%s", out)
	}
}
