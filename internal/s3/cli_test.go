package s3

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"penstock/internal/awscli"
	"penstock/internal/blob"
)

// cli runs the real AWS CLI against the endpoint; it skips when there is none.
func (e *endpoint) cli(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := e.tryCLI(t, dir, args...)
	if err != nil {
		t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (e *endpoint) tryCLI(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	program, err := awscli.Install(t.TempDir())
	if errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") != "true" {
		t.Skip("the AWS CLI is not installed (CI=true makes this a failure)")
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"AWS_ENDPOINT_URL="+e.url, "AWS_ACCESS_KEY_ID="+testKey, "AWS_SECRET_ACCESS_KEY="+testSecret,
		"AWS_DEFAULT_REGION="+testRegion, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=",
		"AWS_CONFIG_FILE="+filepath.Join(dir, "none"), "AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(dir, "none"))
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	err = cmd.Run()
	return out.String() + problems.String(), err
}

func TestCLICopyUpAndDown(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	dir := t.TempDir()
	// 100 MB with something to compare in every block.
	const size = 100_000_000
	file, err := os.Create(filepath.Join(dir, "up"))
	if err != nil {
		t.Fatal(err)
	}
	for offset := int64(0); offset < size; offset += 1 << 20 {
		if _, err := file.WriteAt([]byte{byte(offset >> 20), 1, 2, 3}, offset); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Truncate(size); err != nil {
		t.Fatal(err)
	}
	file.Close()
	e.cli(t, dir, "s3", "mb", "s3://big-bucket")
	e.cli(t, dir, "s3", "cp", "up", "s3://big-bucket/some/big file", "--sse", "aws:kms", "--only-show-errors")
	info, err := e.store.Head(t.Context(), "big-bucket", "some/big file", nil)
	if err != nil || info.Size != size || len(info.Parts) < 2 || info.Encryption.Algorithm != "aws:kms" {
		t.Fatalf("stored %+v, %v: want a multipart object of the whole size", info, err)
	}
	e.cli(t, dir, "s3", "cp", "s3://big-bucket/some/big file", "down", "--only-show-errors")
	if up, down := digest(t, filepath.Join(dir, "up")), digest(t, filepath.Join(dir, "down")); up != down {
		t.Error("what came down is not what went up")
	}
}

func digest(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return string(h.Sum(nil))
}

func TestCLISyncListPresignRemove(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	dir := t.TempDir()
	names := []string{"index.html", "css/site.css", "css/print.css", "deep/er/file with space", "plus+and%percent"}
	for _, name := range names {
		path := filepath.Join(dir, "site", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("content of "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e.cli(t, dir, "s3", "mb", "s3://sync-bucket")
	e.cli(t, dir, "s3", "sync", "site", "s3://sync-bucket/www")
	if again := e.cli(t, dir, "s3", "sync", "site", "s3://sync-bucket/www"); strings.Contains(again, "upload:") {
		t.Errorf("the second sync uploads again:\n%s", again)
	}
	e.cli(t, dir, "s3", "sync", "s3://sync-bucket/www", "copy")
	for _, name := range names {
		got, err := os.ReadFile(filepath.Join(dir, "copy", name))
		if err != nil || string(got) != "content of "+name {
			t.Errorf("%s came back as %q, %v", name, got, err)
		}
	}
	if out := e.cli(t, dir, "s3", "ls", "s3://sync-bucket/www/"); !strings.Contains(out, "PRE css/") || !strings.Contains(out, "index.html") || strings.Contains(out, "site.css") {
		t.Errorf("ls with a delimiter:\n%s", out)
	}
	if out := e.cli(t, dir, "s3", "ls", "--recursive", "s3://sync-bucket"); strings.Count(out, "www/") != len(names) {
		t.Errorf("ls --recursive:\n%s", out)
	}

	link := strings.TrimSpace(e.cli(t, dir, "s3", "presign", "s3://sync-bucket/www/plus+and%percent"))
	got, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if text, _ := io.ReadAll(got.Body); got.StatusCode != 200 || string(text) != "content of plus+and%percent" {
		t.Errorf("presigned: %s %s", got.Status, text)
	}

	e.cli(t, dir, "s3", "mv", "s3://sync-bucket/www/index.html", "s3://sync-bucket/moved.html")
	e.cli(t, dir, "s3", "rm", "--recursive", "s3://sync-bucket")
	page, err := e.store.List(t.Context(), "sync-bucket", nil)
	if err != nil || len(page.Objects) != 0 {
		t.Errorf("after rm --recursive: %+v, %v", page, err)
	}
	// Versions are still there, so the bucket is not empty.
	if out, err := e.tryCLI(t, dir, "s3", "rb", "s3://sync-bucket"); err == nil || !strings.Contains(out, "BucketNotEmpty") {
		t.Errorf("rb of a bucket with versions: %v %s", err, out)
	}
}

func TestCLIAPICalls(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	dir := t.TempDir()
	call := func(args ...string) map[string]any {
		t.Helper()
		out := e.cli(t, dir, append([]string{"s3api", "--output", "json"}, args...)...)
		var m map[string]any
		if strings.TrimSpace(out) != "" {
			if err := json.Unmarshal([]byte(out), &m); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		return m
	}
	call("create-bucket", "--bucket", "api-bucket", "--create-bucket-configuration", "LocationConstraint=eu-central-1")
	if m := call("get-bucket-location", "--bucket", "api-bucket"); m["LocationConstraint"] != "eu-central-1" {
		t.Errorf("location: %v", m)
	}
	if m := call("get-bucket-versioning", "--bucket", "api-bucket"); m["Status"] != string(blob.Enabled) {
		t.Errorf("versioning: %v", m)
	}
	if err := os.WriteFile(filepath.Join(dir, "body"), []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	first := call("put-object", "--bucket", "api-bucket", "--key", "k", "--body", "body", "--metadata", "a=b", "--tagging", "x=y&z=1")
	call("put-object", "--bucket", "api-bucket", "--key", "k", "--body", "body", "--checksum-algorithm", "SHA256")
	if m := call("head-object", "--bucket", "api-bucket", "--key", "k", "--version-id", first["VersionId"].(string)); m["Metadata"].(map[string]any)["a"] != "b" {
		t.Errorf("metadata: %v", m)
	}
	if m := call("get-object-tagging", "--bucket", "api-bucket", "--key", "k", "--version-id", first["VersionId"].(string)); len(m["TagSet"].([]any)) != 2 {
		t.Errorf("tags: %v", m)
	}
	call("delete-object", "--bucket", "api-bucket", "--key", "k")
	m := call("list-object-versions", "--bucket", "api-bucket")
	if len(m["Versions"].([]any)) != 2 || len(m["DeleteMarkers"].([]any)) != 1 {
		t.Errorf("versions: %v", m)
	}
	if out, err := e.tryCLI(t, dir, "s3api", "get-bucket-policy", "--bucket", "api-bucket"); err == nil || !strings.Contains(out, "NotImplemented") {
		t.Errorf("an operation that is not served: %v %s", err, out)
	}
}
