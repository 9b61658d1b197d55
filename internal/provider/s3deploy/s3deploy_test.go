package s3deploy_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"testing"
	"time"

	"penstock/internal/archive"
	"penstock/internal/provider/providertest"
	"penstock/internal/provider/s3deploy"
	"penstock/jobworker"
)

func job(config map[string]string) jobworker.Job {
	c := map[string]string{"BucketName": "www", "Extract": "true"}
	maps.Copy(c, config)
	return jobworker.Job{
		Configuration: c, Context: jobworker.Context{ActionExecutionID: "ae"},
		Inputs: []jobworker.Artifact{{Name: "Bin", Bucket: "store", Key: "in"}},
		Native: &jobworker.Native{Account: "1", Region: "r"},
	}
}

var site = map[string]string{"index.html": "<html>", "css/site.CSS": "body{}", "data/x": "?", ".well-known/a.json": "{}"}

func deploy(t *testing.T, m *providertest.Memory, j jobworker.Job) (jobworker.Success, error) {
	t.Helper()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.FixedZone("x", 3600))
	return s3deploy.New(s3deploy.Config{Buckets: m, Dir: t.TempDir(), Now: func() time.Time { return now }}).Run(t.Context(), jobworker.NewTask(nil, j, 0))
}

func TestSuite(t *testing.T) {
	t.Parallel()
	providertest.Run(t, func(t *testing.T, dir string) providertest.Harness {
		m := providertest.NewMemory("www", "store")
		m.Store(t, "store", "in", providertest.Zip(t, site), nil)
		return providertest.Harness{Provider: s3deploy.New(s3deploy.Config{Buckets: m, Dir: dir}), Memory: m,
			Job: job(map[string]string{"ObjectKey": "{uuid}"}), Dir: dir}
	})
}

func TestExtract(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, key, prefix string }{
		{"no prefix", "", ""},
		{"prefix", "shop", "shop/"},
		{"slashes around", "/shop/v1/", "shop/v1/"},
		{"one slash of two", "//shop//", "/shop//"},
		{"date", "{datetime}/x", "2026-03-04_04-06-07/x/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := providertest.NewMemory("www", "store")
			m.Store(t, "store", "in", providertest.Zip(t, site), nil)
			m.Store(t, "www", "old", []byte("stays"), nil)
			s, err := deploy(t, m, job(map[string]string{"ObjectKey": c.key, "CannedACL": "public-read", "CacheControl": "max-age=60", "KMSEncryptionKeyARN": "key"}))
			if err != nil {
				t.Fatal(err)
			}
			if s.Details.Summary != "Deployment Succeeded" || s.Details.ExternalID == "" {
				t.Errorf("details %+v", s.Details)
			}
			want := []string{"old"}
			for name, body := range site {
				want = append(want, c.prefix+name)
				o, _ := m.Object("www", c.prefix+name)
				if string(o.Body) != body {
					t.Errorf("%s holds %q", c.prefix+name, o.Body)
				}
				if p := o.Options; p.ACL != "public-read" || p.CacheControl != "max-age=60" || p.KMSKeyID != "key" || p.Size != int64(len(body)) {
					t.Errorf("%s was put with %+v", name, p)
				}
			}
			if got := slices.Sorted(maps.Keys(m.Keys("www"))); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
				t.Errorf("keys %q, want %q", got, want)
			}
			for name, kind := range map[string]string{"index.html": "text/html", "css/site.CSS": "text/css", "data/x": "application/octet-stream", ".well-known/a.json": "application/json"} {
				if o, _ := m.Object("www", c.prefix+name); o.ContentType != kind {
					t.Errorf("%s is %s, want %s", name, o.ContentType, kind)
				}
			}
		})
	}
}

func TestUUIDIsOneForTheAction(t *testing.T) {
	t.Parallel()
	m := providertest.NewMemory("www", "store")
	m.Store(t, "store", "in", providertest.Zip(t, site), nil)
	if _, err := deploy(t, m, job(map[string]string{"ObjectKey": "{uuid}"})); err != nil {
		t.Fatal(err)
	}
	folders := map[string]bool{}
	form := regexp.MustCompile(`^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/`)
	for key := range m.Keys("www") {
		match := form.FindStringSubmatch(key)
		if match == nil {
			t.Fatalf("key %q", key)
		}
		folders[match[1]] = true
	}
	if len(folders) != 1 {
		t.Errorf("%d uuids, want 1", len(folders))
	}
}

func TestWholeObject(t *testing.T) {
	t.Parallel()
	m := providertest.NewMemory("www", "store")
	m.Store(t, "store", "in", []byte("not even a zip"), nil)
	if _, err := deploy(t, m, job(map[string]string{"Extract": "false", "ObjectKey": "a/{datetime}.zip"})); err != nil {
		t.Fatal(err)
	}
	o, ok := m.Object("www", "a/2026-03-04_04-06-07.zip")
	if !ok || string(o.Body) != "not even a zip" || o.ContentType != "application/zip" {
		t.Errorf("%v, %q as %s; keys %v", ok, o.Body, o.ContentType, m.Keys("www"))
	}
}

// TestLinks: a link to a file deploys the file's content, others are left out.
func TestLinks(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range []struct {
		name, body string
		mode       fs.FileMode
	}{{"d/real.txt", "content", 0o644}, {"link.txt", "d/real.txt", fs.ModeSymlink | 0o777}, {"folder", "d", fs.ModeSymlink | 0o777}, {"dangling", "x", fs.ModeSymlink | 0o777}} {
		h := &zip.FileHeader{Name: e.name}
		h.SetMode(e.mode)
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = w.Write([]byte(e.body))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	m := providertest.NewMemory("www", "store")
	m.Store(t, "store", "in", b.Bytes(), nil)
	if _, err := deploy(t, m, job(nil)); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(m.Keys("www"))); fmt.Sprint(got) != "[d/real.txt link.txt]" {
		t.Errorf("keys %v", got)
	}
	if o, _ := m.Object("www", "link.txt"); string(o.Body) != "content" {
		t.Errorf("link.txt holds %q", o.Body)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	var tarball bytes.Buffer
	a := tar.NewWriter(&tarball)
	if err := a.WriteHeader(&tar.Header{Name: "f", Typeflag: tar.TypeReg, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		config map[string]string
		input  []byte
		change func(*providertest.Memory, *jobworker.Job)
		kind   string
		text   string
	}{
		{"no bucket named", map[string]string{"BucketName": ""}, nil, nil, jobworker.ConfigurationError, "BucketName"},
		{"bucket absent", map[string]string{"BucketName": "nowhere"}, nil, nil, jobworker.ConfigurationError, "nowhere"},
		{"no Extract", map[string]string{"Extract": ""}, nil, nil, jobworker.ConfigurationError, "Extract"},
		{"no ObjectKey", map[string]string{"Extract": "false"}, nil, nil, jobworker.ConfigurationError, "ObjectKey"},
		{"bad ACL", map[string]string{"CannedACL": "PublicRead"}, nil, nil, jobworker.ConfigurationError, "bucket-owner-full-control"},
		{"header injection", map[string]string{"CacheControl": "a\r\nX: y"}, nil, nil, jobworker.ConfigurationError, "CacheControl"},
		{"no zip", nil, []byte("text"), nil, jobworker.ConfigurationError, "cannot be unpacked"},
		{"tar", nil, tarball.Bytes(), nil, jobworker.ConfigurationError, "zip file"},
		{"evil zip", nil, providertest.Zip(t, map[string]string{"../x": "x"}), nil, jobworker.ConfigurationError, "leaves the folder"},
		{"too large", nil, nil, nil, jobworker.ConfigurationError, "archive too large"},
		{"no input", nil, nil, func(_ *providertest.Memory, j *jobworker.Job) { j.Inputs[0].Key = "absent" }, jobworker.JobFailed, "'absent'"},
		{"input denied", nil, nil, func(m *providertest.Memory, _ *jobworker.Job) { m.Denied["in"] = true }, jobworker.PermissionError, "'in'"},
		{"object denied", nil, nil, func(m *providertest.Memory, _ *jobworker.Job) { m.Denied["index.html"] = true }, jobworker.PermissionError, "index.html"},
		{"two inputs", nil, nil, func(_ *providertest.Memory, j *jobworker.Job) { j.Inputs = append(j.Inputs, j.Inputs[0]) }, jobworker.ConfigurationError, "one input"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := providertest.NewMemory("www", "store")
			if c.input == nil {
				c.input = providertest.Zip(t, site)
			}
			m.Store(t, "store", "in", c.input, nil)
			j := job(c.config)
			if c.change != nil {
				c.change(m, &j)
			}
			o := s3deploy.Config{Buckets: m, Dir: t.TempDir()}
			if c.name == "too large" {
				o.Unpack = archive.Limits{Entries: 2, Bytes: 1 << 20}
			}
			_, err := s3deploy.New(o).Run(t.Context(), jobworker.NewTask(nil, j, 0))
			providertest.Failure(t, err, c.kind, c.text)
		})
	}
}
