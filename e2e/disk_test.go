//go:build linux

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// ownMounts is a command that runs another one with mounts of its own, which it
// makes by the script; $D is the data folder. The test is skipped where the
// machine does not give such a namespace.
func ownMounts(t *testing.T, data, script string) []string {
	t.Helper()
	own := []string{"unshare", "--mount"}
	if os.Geteuid() != 0 {
		own = append(own, "--map-root-user")
	}
	if out, err := exec.CommandContext(t.Context(), own[0], append(own[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("this machine gives us no namespace: %v\n%s", err, out)
	}
	return append(own, "sh", "-euc", "D=$0; "+script+`; exec "$@"`, data)
}

// onSmallDisk starts a server whose data folder is a file system of a few MB.
func onSmallDisk(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, data: filepath.Join(t.TempDir(), "data"), secrets: []string{secretKey}}
	if err := os.Mkdir(s.data, 0o700); err != nil {
		t.Fatal(err)
	}
	s.args = []string{"server", "--data", s.data, "--listen", "127.0.0.1:0"}
	s.under = ownMounts(t, s.data, `mount -t tmpfs -o size=8m,mode=700 penstock "$D"`)
	t.Cleanup(s.close)
	if err := s.start(); err != nil {
		t.Fatalf("start: %v\n%s", err, s.log.String())
	}
	return s
}

// inside is where the test sees a path of the server's mounts.
func (s *server) inside(path string) string {
	return fmt.Sprintf("/proc/%d/root%s", s.cmd.Process.Pid, path)
}

// mount runs mount or umount among the server's mounts.
func (s *server) mount(program string, args ...string) {
	s.t.Helper()
	enter := []string{"-t", fmt.Sprint(s.cmd.Process.Pid), "-m"}
	if os.Geteuid() != 0 {
		enter = append(enter, "-U", "--preserve-credentials")
	}
	if out, err := exec.CommandContext(s.t.Context(), "nsenter", append(append(enter, program), args...)...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
}

// troubled makes a start of the pipeline and returns the text of the 503 that
// answers it, "" when it succeeds.
func (s *server) troubled(out any) string {
	s.t.Helper()
	err := s.caller().Call(s.t.Context(), "StartPipelineExecution", object{"name": "disk"}, out)
	return s.unavailable(err, "ServiceUnavailableException")
}

// upload is the same with an object of a size.
func (s *server) upload(key string, size int) string {
	s.t.Helper()
	client := awss3.New(s.s3().Options(), func(o *awss3.Options) { o.Retryer = aws.NopRetryer{} })
	_, err := client.PutObject(s.t.Context(), &awss3.PutObjectInput{Bucket: aws.String("disk"), Key: &key, Body: bytes.NewReader(make([]byte, size))})
	return s.unavailable(err, "ServiceUnavailable")
}

const diskFull = "The disk that holds the server's data is full."

// TestDiskFull fills the disk of a server: it says so, loses nothing that it
// acknowledged, keeps nothing that it refused, still answers questions, and goes
// on by itself when there is room.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := onSmallDisk(t)
	s.bucket("disk")
	s.call("CreateCustomActionType", object{"category": "Source", "provider": "Disk", "version": "1",
		"inputArtifactDetails": object{"minimumCount": 0, "maximumCount": 0}, "outputArtifactDetails": object{"minimumCount": 1, "maximumCount": 1}}, nil)
	d := declaration("disk", stage("Source", action("Fetch", "Custom", "Source", "Disk", nil, outputs("Source"))), stage("Gate", approval("Look")))
	d["pipelineType"], d["executionMode"] = "V2", "PARALLEL"
	s.call("CreatePipeline", object{"pipeline": d}, nil)
	started := map[string]bool{s.newest("disk"): true}
	var out struct{ PipelineExecutionID string }

	filler, err := os.Create(filepath.Join(s.inside(s.data), "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer filler.Close()
	if n, err := io.Copy(filler, io.LimitReader(zero{}, 16<<20)); err == nil {
		t.Fatalf("%d bytes did not fill the disk", n)
	}
	if got := s.upload("large", 1<<20); !strings.HasPrefix(got, diskFull) {
		t.Errorf("an upload to the full disk is answered with %q", got)
	}
	refused := ""
	for i := 0; refused == ""; i++ { // there may be room in what the database has already
		if refused = s.troubled(&out); refused == "" {
			started[out.PipelineExecutionID] = true
		}
		if i == 5000 {
			t.Fatal("the full disk does not keep executions from starting")
		}
	}
	if !strings.HasPrefix(refused, diskFull) {
		t.Errorf("a start on the full disk is answered with %q", refused)
	}
	until(t, "the log to say that the disk is full", func(context.Context) (string, bool) { // its lines come through a pipe
		log := s.log.String()
		return log, strings.Contains(log, "operation failed") && strings.Contains(log, "disk is full")
	})
	s.all("disk", started)

	if err := filler.Truncate(0); err != nil {
		t.Fatal(err)
	}
	until(t, "the server to go on", func(context.Context) (string, bool) {
		text := s.troubled(&out)
		if text == "" {
			started[out.PipelineExecutionID] = true
		}
		return text, text == ""
	})
	if got := s.upload("large", 1<<20); got != "" {
		t.Errorf("an upload with room on the disk is answered with %q", got)
	}
	s.all("disk", started)
}

type zero struct{}

// Read implements io.Reader.
func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestReadOnlyData makes the folder of uploads read-only while the server runs,
// and starts one whose data folder is.
func TestReadOnlyData(t *testing.T) {
	t.Parallel()
	s := onSmallDisk(t)
	s.bucket("disk")
	found, err := filepath.Glob(filepath.Join(s.inside(s.data), "*", "tmp")) // where uploads begin
	if err != nil || len(found) != 1 {
		t.Fatalf("folders for uploads: %q, %v", found, err)
	}
	folder := strings.TrimPrefix(found[0], s.inside(""))
	s.mount("mount", "--bind", folder, folder)
	s.mount("mount", "-o", "remount,bind,ro", folder)
	if got := s.upload("a", 10); !strings.HasPrefix(got, "The server's data cannot be changed: the file system is read-only.") {
		t.Errorf("an upload to the read-only folder is answered with %q", got)
	}
	resp, err := http.Get(s.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the server answers reads and /readyz says %s", resp.Status)
	}
	s.mount("umount", folder)
	if got := s.upload("a", 10); got != "" {
		t.Errorf("an upload to the folder that is writable again is answered with %q", got)
	}

	other := startServer(t)
	if err := other.stop(); err != nil {
		t.Fatal(err)
	}
	other.under = ownMounts(t, other.data, `mount --bind "$D" "$D"; mount -o remount,bind,ro "$D"`)
	before := len(other.log.String())
	if err := other.start(); err == nil {
		t.Error("a server starts on a read-only folder")
	}
	<-other.exited
	said := other.log.String()[before:]
	if want := "penstock.db.lock: read-only file system"; !strings.Contains(said, want) {
		t.Errorf("on a read-only folder the server says:\n%s", said)
	}
	other.under, other.cmd = nil, nil
	if err := other.start(); err != nil {
		t.Errorf("on the folder that is writable again: %v", err)
	}
}
