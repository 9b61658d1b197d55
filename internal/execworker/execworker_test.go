//go:build unix

package execworker

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"penstock/jobworker"
)

// memory is an S3 that knows one set of credentials.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	kms     map[string]string
	fail    []error // the next answers
}

func (m *memory) next() error {
	if len(m.fail) == 0 {
		return nil
	}
	err := m.fail[0]
	m.fail = m.fail[1:]
	return err
}

func (m *memory) Download(_ context.Context, c jobworker.Credentials, bucket, key string, w io.Writer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.AccessKeyID != "ASIA" {
		return ErrDenied
	}
	if err := m.next(); err != nil {
		_, _ = w.Write([]byte("half of what")) // a transfer that broke
		return err
	}
	data, ok := m.objects[bucket+"/"+key]
	if !ok {
		return ErrNoObject
	}
	_, err := w.Write(data)
	return err
}

func (m *memory) Upload(_ context.Context, c jobworker.Credentials, bucket, key, kms string, r io.ReadSeeker, size int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, err := io.ReadAll(r)
	if err != nil || int64(len(data)) != size {
		return fmt.Errorf("got %d bytes of %d: %v", len(data), size, err)
	}
	if err := m.next(); err != nil {
		return err
	}
	m.objects[bucket+"/"+key], m.kms[key] = data, kms
	return nil
}

func zipped(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, body := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unzipped(t *testing.T, data []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(r)
		out[f.Name] = string(b)
	}
	return out
}

// bench is a store with two inputs, a job, and what its handler gave out.
type bench struct {
	s3     *memory
	job    jobworker.Job
	output bytes.Buffer
	dir    string
}

func newBench(t *testing.T) *bench {
	return &bench{
		s3: &memory{kms: map[string]string{}, objects: map[string][]byte{
			"b/src":  zipped(t, map[string]string{"hello.txt": "hello", "d/x": "y"}),
			"b/lib":  zipped(t, map[string]string{"lib.txt": "lib"}),
			"b/bare": []byte("no archive"),
		}},
		job: jobworker.Job{
			ID: "job-1", AccountID: "111122223333",
			Configuration: map[string]string{"Project-Name": "it's $HOME", "Secret": "s3cr3t"},
			Context:       jobworker.Context{Pipeline: "pipe", Stage: "Build", Action: "Make"},
			Inputs:        []jobworker.Artifact{{Name: "Src", Bucket: "b", Key: "src"}, {Name: "My-Lib", Bucket: "b", Key: "lib"}},
			Outputs:       []jobworker.Artifact{{Name: "Out", Bucket: "b", Key: "out"}},
			Credentials:   jobworker.Credentials{AccessKeyID: "ASIA"},
		},
		dir: t.TempDir(),
	}
}

func (b *bench) run(t *testing.T, ctx context.Context, c Config) (jobworker.Success, error) {
	t.Helper()
	c.S3, c.Dir, c.Output = b.s3, b.dir, &b.output
	c.Env = append(c.Env, "PATH="+os.Getenv("PATH"), "PENSTOCK_CLIENT_TOKEN=worker-secret")
	if c.Grace == 0 {
		c.Grace = 50 * time.Millisecond
	}
	s, err := New(c)(ctx, jobworker.NewTask(nil, b.job, 0))
	if left, _ := os.ReadDir(b.dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	return s, err
}

func TestCommandSeesItsJob(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.job.ContinuationToken = "round-2"
	b.job.EncryptionKeyID = "key"
	s, err := b.run(t, t.Context(), Config{Command: `
		set -e
		o=$PENSTOCK_OUTPUT_Out
		cat hello.txt d/x "$PENSTOCK_INPUT_My_Lib/lib.txt" >$o/inputs
		echo "$PENSTOCK_JOB_ID $PENSTOCK_PIPELINE $PENSTOCK_STAGE $PENSTOCK_ACTION $PENSTOCK_CONTINUATION_TOKEN" >$o/env
		echo "$PENSTOCK_CONFIG_Project_Name|${PENSTOCK_CLIENT_TOKEN-unset}" >$o/config
		test "$PWD" = "$PENSTOCK_INPUT_Src"
		cp $PENSTOCK_JOB_FILE $o/job.json
		echo one; echo "  all done  " >&2; echo
	`})
	if err != nil {
		t.Fatalf("%v\n%s", err, &b.output)
	}
	if s.Details.Summary != "all done" {
		t.Errorf("summary %q", s.Details.Summary)
	}
	got := unzipped(t, b.s3.objects["b/out"])
	for name, want := range map[string]string{
		"inputs": "helloylib", "env": "job-1 pipe Build Make round-2\n", "config": "it's $HOME|unset\n",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	var f JobFile
	if err := json.Unmarshal([]byte(got["job.json"]), &f); err != nil {
		t.Fatal(err)
	}
	if f.Configuration["Secret"] != "s3cr3t" || f.Context.Pipeline != "pipe" || len(f.Inputs) != 2 || f.Inputs[1].Key != "lib" || !strings.HasSuffix(f.Outputs[0].Path, "/outputs/Out") {
		t.Errorf("job file %+v", f)
	}
	if strings.Contains(got["job.json"], "ASIA") {
		t.Error("the job file holds credentials")
	}
	if b.s3.kms["out"] != "key" {
		t.Errorf("encrypted with %q", b.s3.kms["out"])
	}
}

func TestResultFile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s, err := b.run(t, t.Context(), Config{Command: `echo x >$PENSTOCK_OUTPUT_Out/x; cat >$PENSTOCK_RESULT <<-'E'
		{"outputVariables":{"Tag":"v1"},"externalExecutionId":"run-7","summary":"built","percentComplete":50,
		 "revision":{"id":"abc","summary":"fix","created":"2026-01-02T03:04:05Z"}}
	E`})
	if err != nil {
		t.Fatalf("%v\n%s", err, &b.output)
	}
	d := s.Details
	if s.OutputVariables["Tag"] != "v1" || d.ExternalID != "run-7" || d.Summary != "built" || *d.PercentComplete != 50 {
		t.Errorf("success %+v, details %+v", s, d)
	}
	if r := s.Revision; r == nil || r.ID != "abc" || r.ChangeID != "abc" || r.Summary != "fix" || r.Created.Year() != 2026 {
		t.Errorf("revision %+v", r)
	}
}

func TestContinuationNeedsNoOutputs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s, err := b.run(t, t.Context(), Config{Command: `echo '{"continuationToken":"later"}' >$PENSTOCK_RESULT`})
	if err != nil || s.ContinuationToken != "later" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, stored := b.s3.objects["b/out"]; stored {
		t.Error("an empty output was stored")
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	temporary := errors.New("connection reset")
	for _, c := range []struct {
		name, command string
		change        func(*bench)
		kind          string
		text          string
	}{
		{"exit status", "echo first; echo second; exit 3", nil, "", "exit status 3"},
		{"last lines", "echo first; echo second; exit 3", nil, "", "Last lines:\nfirst\nsecond"},
		{"killed", "kill -9 $$", nil, "", "signal: killed"},
		{"type from the result file", `echo '{"failureType":"ConfigurationError","externalExecutionId":"x"}' >$PENSTOCK_RESULT; exit 1`, nil, "ConfigurationError", "exit status 1"},
		{"bad result file", `echo x >$PENSTOCK_OUTPUT_Out/x; echo nonsense >$PENSTOCK_RESULT`, nil, "JobFailed", "PENSTOCK_RESULT"},
		{"result file is a link", `ln -s /etc/passwd $PENSTOCK_RESULT`, nil, "JobFailed", "not a regular file"},
		{"empty output", "true", nil, "JobFailed", "PENSTOCK_OUTPUT_Out"},
		{"no input", "true", func(b *bench) { b.job.Inputs[0].Key = "absent" }, "JobFailed", "object key 'absent' located in the Amazon S3 artifact bucket 'b'"},
		{"denied", "true", func(b *bench) { b.job.Credentials.AccessKeyID = "other" }, "PermissionError", "sufficient permissions"},
		{"S3 stays down", "true", func(b *bench) { b.s3.fail = []error{temporary, temporary, temporary} }, "SystemUnavailable", "connection reset"},
		{"damaged zip", "true", func(b *bench) { b.s3.objects["b/src"] = b.s3.objects["b/src"][:40] }, "JobFailed", "cannot be unpacked"},
		{"artifact named as a path", "true", func(b *bench) { b.job.Outputs[0].Name = "../../x" }, "ConfigurationError", "artifact name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if c.change != nil {
				c.change(b)
			}
			_, err := b.run(t, t.Context(), Config{Command: c.command})
			f, ok := errors.AsType[*jobworker.Failure](err)
			if !ok {
				t.Fatalf("got %v, want a failure", err)
			}
			if f.Type != c.kind && c.kind != "" || !strings.Contains(f.Message, c.text) {
				t.Errorf("%s: %s; want %s with %q", f.Type, f.Message, c.kind, c.text)
			}
		})
	}
}

func TestTransfersAreRepeatedFromTheirStart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.job.Inputs = b.job.Inputs[:1]
	temporary := errors.New("connection reset")
	b.s3.fail = []error{temporary, temporary, nil, temporary}
	if _, err := b.run(t, t.Context(), Config{Command: "cp hello.txt $PENSTOCK_OUTPUT_Out"}); err != nil {
		t.Fatal(err)
	}
	if got := unzipped(t, b.s3.objects["b/out"]); got["hello.txt"] != "hello" {
		t.Errorf("stored %v", got)
	}
}

func TestInputThatIsNoArchive(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.job.Inputs[0].Key = "bare"
	if _, err := b.run(t, t.Context(), Config{Command: "cp Src $PENSTOCK_OUTPUT_Out/copy"}); err != nil {
		t.Fatal(err)
	}
	if got := unzipped(t, b.s3.objects["b/out"]); got["copy"] != "no archive" {
		t.Errorf("stored %v", got)
	}
}

func TestTimeLimit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.run(t, t.Context(), Config{Command: "echo working; sleep 1000", Limit: 200 * time.Millisecond})
	f, ok := errors.AsType[*jobworker.Failure](err)
	if !ok || !strings.Contains(f.Message, "longer than its limit of 200ms") || !strings.Contains(f.Message, "working") {
		t.Errorf("got %v", err)
	}
}

// signal cancels a context when something is written.
type signal struct{ cancel func() }

func (s signal) Write(p []byte) (int, error) { s.cancel(); return len(p), nil }

func TestCancelKillsTheCommand(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	cause := errors.New("lost")
	ctx, cancel := context.WithCancelCause(t.Context())
	h := New(Config{S3: b.s3, Dir: b.dir, Command: "echo up; sleep 1000", Grace: 50 * time.Millisecond, Output: signal{func() { cancel(cause) }}})
	_, err := h(ctx, jobworker.NewTask(nil, b.job, 0))
	if _, isFailure := errors.AsType[*jobworker.Failure](err); isFailure || !errors.Is(err, cause) {
		t.Errorf("got %v, want the cause", err)
	}
	if left, _ := filepath.Glob(b.dir + "/*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestOutputLimit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.job.Outputs = nil
	s, err := b.run(t, t.Context(), Config{Command: "yes 0123456789 | head -c 100000; echo; echo last", OutputLimit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if n := b.output.Len(); n < 1000 || n > 1200 || !strings.Contains(b.output.String(), "output limit reached") {
		t.Errorf("%d bytes: …%s", n, b.output.String()[max(0, n-100):])
	}
	if s.Details.Summary != "last" {
		t.Errorf("summary %q: the tail has to see all", s.Details.Summary)
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 30 {
		many = append(many, fmt.Sprint("line ", i))
	}
	for _, c := range []struct {
		name   string
		writes []string
		lines  string
		line   string
	}{
		{"nothing", nil, "", ""},
		{"blank end", []string{"a\nb\n\n \n"}, "a\nb", "b"},
		{"pieces", []string{"a", "b\nc", "d\n"}, "ab\ncd", "cd"},
		{"many", []string{strings.Join(many, "\n")}, strings.Join(many[10:], "\n"), "line 29"},
		{"long", slices.Repeat([]string{strings.Repeat("x", 1000)}, 9), strings.Repeat("x", tailBytes), strings.Repeat("x", tailBytes)},
	} {
		var l tail
		for _, w := range c.writes {
			if n, err := l.Write([]byte(w)); n != len(w) || err != nil {
				t.Errorf("%s: wrote %d, %v", c.name, n, err)
			}
		}
		if l.lines() != c.lines || l.line() != c.line {
			t.Errorf("%s: lines %q, line %q", c.name, l.lines(), l.line())
		}
	}
}
