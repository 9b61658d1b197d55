//go:build linux

package e2e

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// device is a file system over another folder whose reads, writes and syncs fail
// when the test says so, as on a disk that dies: the kernel stands between it
// and the server.
type device struct{ reads, writes, syncs atomic.Bool }

// fails is the errno of an operation that fails, if it does.
func (d *device) fails(operation *atomic.Bool) syscall.Errno {
	if operation.Load() {
		return syscall.EIO
	}
	return 0
}

// mount mounts the device at a new folder; it skips the test where the machine
// has no FUSE for us.
func (d *device) mount(t *testing.T) string {
	t.Helper()
	below, at := t.TempDir(), t.TempDir()
	root, err := fs.NewLoopbackRoot(below)
	if err != nil {
		t.Fatal(err)
	}
	loopback := root.(*fs.LoopbackNode)
	own := &deviceNode{LoopbackNode: fs.LoopbackNode{RootData: loopback.RootData}, device: d}
	loopback.RootData.RootNode = own
	server, err := fs.Mount(at, own, &fs.Options{MountOptions: fuse.MountOptions{DirectMountStrict: os.Geteuid() == 0, DirectMount: true, FsName: "penstock-test"}})
	if err != nil {
		t.Skipf("this machine mounts no FUSE for us: %v", err)
	}
	t.Cleanup(func() {
		for _, operation := range []*atomic.Bool{&d.reads, &d.writes, &d.syncs} {
			operation.Store(false)
		}
		if err := server.Unmount(); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return at
}

// deviceNode is a file or folder of a device.
type deviceNode struct {
	fs.LoopbackNode
	device *device
}

// WrapChild implements fs.NodeWrapChilder.
func (n *deviceNode) WrapChild(_ context.Context, child fs.InodeEmbedder) fs.InodeEmbedder {
	return &deviceNode{LoopbackNode: fs.LoopbackNode{RootData: child.(*fs.LoopbackNode).RootData}, device: n.device}
}

// Open implements fs.NodeOpener.
func (n *deviceNode) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	f, mode, errno := n.LoopbackNode.Open(ctx, flags)
	return n.wrap(f), mode, errno
}

// Create implements fs.NodeCreater.
func (n *deviceNode) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	inode, f, how, errno := n.LoopbackNode.Create(ctx, name, flags, mode, out)
	return inode, n.wrap(f), how, errno
}

func (n *deviceNode) wrap(f fs.FileHandle) fs.FileHandle {
	if file, ok := f.(*fs.LoopbackFile); ok {
		return &deviceFile{file, n.device}
	}
	return f
}

// deviceFile is an open file.
type deviceFile struct {
	*fs.LoopbackFile
	device *device
}

// PassthroughFd keeps the kernel from going around the device.
func (f *deviceFile) PassthroughFd() (int, bool) { return 0, false }

// Read implements fs.FileReader.
func (f *deviceFile) Read(ctx context.Context, b []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	if errno := f.device.fails(&f.device.reads); errno != 0 {
		return nil, errno
	}
	return f.LoopbackFile.Read(ctx, b, at)
}

// Write implements fs.FileWriter.
func (f *deviceFile) Write(ctx context.Context, b []byte, at int64) (uint32, syscall.Errno) {
	if errno := f.device.fails(&f.device.writes); errno != 0 {
		return 0, errno
	}
	return f.LoopbackFile.Write(ctx, b, at)
}

// Fsync implements fs.FileFsyncer.
func (f *deviceFile) Fsync(ctx context.Context, flags uint32) syscall.Errno {
	if errno := f.device.fails(&f.device.syncs); errno != 0 {
		return errno
	}
	return f.LoopbackFile.Fsync(ctx, flags)
}

const diskFails = "The disk that holds the server's data fails."

// TestDyingDisk has a server's disk return errors, of writes, of syncs, and of
// reads. It says so, keeps what it has acknowledged and nothing that it refused,
// goes on by itself when the disk does, and finds all of it after a crash.
func TestDyingDisk(t *testing.T) {
	t.Parallel()
	d := &device{}
	data := filepath.Join(d.mount(t), "data")
	s := &server{t: t, data: data, secrets: []string{secretKey}}
	s.args = []string{"server", "--data", data, "--listen", freeAddress(t)}
	t.Cleanup(s.close)
	if err := s.start(); err != nil {
		t.Fatalf("start: %v\n%s", err, s.log.String())
	}
	s.bucket("disk")
	s.call("CreateCustomActionType", object{"category": "Source", "provider": "Disk", "version": "1",
		"inputArtifactDetails": object{"minimumCount": 0, "maximumCount": 0}, "outputArtifactDetails": object{"minimumCount": 1, "maximumCount": 1}}, nil)
	p := declaration("disk", stage("Source", action("Fetch", "Custom", "Source", "Disk", nil, outputs("Source"))), stage("Gate", approval("Look")))
	p["pipelineType"], p["executionMode"] = "V2", "PARALLEL"
	s.call("CreatePipeline", object{"pipeline": p}, nil)
	if text := s.upload("before", 100_000); text != "" {
		t.Fatalf("an upload is answered with %q", text)
	}
	started := map[string]bool{s.newest("disk"): true}
	var out struct{ PipelineExecutionID string }
	start := func() string {
		text := s.troubled(&out)
		if text == "" {
			started[out.PipelineExecutionID] = true
		}
		return text
	}
	goesOn := func(after string) {
		t.Helper()
		until(t, "the server to go on after "+after, func(context.Context) (string, bool) {
			text := start()
			return text, text == ""
		})
		if text := s.upload("after", 1000); text != "" {
			t.Errorf("after %s an upload is answered with %q", after, text)
		}
		s.all("disk", started)
	}

	for name, operation := range map[string]*atomic.Bool{"failed writes": &d.writes, "failed syncs": &d.syncs} {
		for round := range 3 {
			if text := start(); text != "" {
				t.Fatalf("before %s a start is answered with %q", name, text)
			}
			operation.Store(true)
			if text := start(); !strings.HasPrefix(text, diskFails) {
				t.Errorf("with %s, round %d, a start is answered with %q", name, round, text)
			}
			if text := s.upload("refused", 1000); !strings.HasPrefix(text, diskFails) {
				t.Errorf("with %s an upload is answered with %q", name, text)
			}
			s.all("disk", started) // reads work
			operation.Store(false)
			goesOn(name)
		}
	}

	d.reads.Store(true)
	if content, err := s.download("before"); err == nil {
		t.Errorf("with failed reads an object has %d bytes", len(content))
	}
	d.reads.Store(false)
	if content, err := s.download("before"); err != nil || len(content) != 100_000 {
		t.Errorf("after failed reads an object has %d bytes, %v", len(content), err)
	}

	s.kill()
	if err := s.start(); err != nil {
		t.Fatalf("after a crash: %v\n%s", err, s.log.String())
	}
	s.all("disk", started)
	if log := s.log.String(); !strings.Contains(log, "operation failed") || !strings.Contains(log, "input/output error") {
		t.Errorf("the log does not speak of it:\n%s", log)
	}
}

// download reads an object of the bucket disk, without repeats.
func (s *server) download(key string) ([]byte, error) {
	s.t.Helper()
	client := awss3.New(s.s3().Options(), func(o *awss3.Options) { o.Retryer = aws.NopRetryer{} })
	object, err := client.GetObject(s.t.Context(), &awss3.GetObjectInput{Bucket: aws.String("disk"), Key: &key})
	if err != nil {
		return nil, fmt.Errorf("GetObject: %w", err)
	}
	defer object.Body.Close()
	return io.ReadAll(object.Body)
}
