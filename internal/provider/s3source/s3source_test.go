package s3source_test

import (
	"maps"
	"testing"

	"penstock/internal/provider"
	"penstock/internal/provider/providertest"
	"penstock/internal/provider/s3source"
	"penstock/jobworker"
)

func job() jobworker.Job {
	return jobworker.Job{
		Configuration: map[string]string{"S3Bucket": "drops", "S3ObjectKey": "app.zip"},
		Context:       jobworker.Context{ActionExecutionID: "ae"},
		Outputs:       []jobworker.Artifact{{Name: "App", Bucket: "store", Key: "p/App/x.zip"}},
		Native:        &jobworker.Native{Account: "1", Region: "r"},
	}
}

func TestSuite(t *testing.T) {
	t.Parallel()
	providertest.Run(t, func(t *testing.T, dir string) providertest.Harness {
		m := providertest.NewMemory("drops", "store")
		m.Store(t, "drops", "app.zip", []byte("zip"), nil)
		return providertest.Harness{Provider: s3source.New(m, 7), Memory: m, Job: job(), Dir: dir}
	})
}

func TestRun(t *testing.T) {
	t.Parallel()
	const newest, summary = "v2", "Amazon S3 version id: "
	for _, c := range []struct {
		name      string
		config    map[string]string
		overrides map[string]string
		version   string
		body      string
		summary   string
		key       string
	}{
		{"newest", nil, nil, newest, "second", "release 2", "app.zip"},
		{"older version", nil, map[string]string{"S3_OBJECT_VERSION_ID": "v1"}, "v1", "first", summary + "v1", "app.zip"},
		{"other key", map[string]string{"AllowOverrideForS3ObjectKey": "true"}, map[string]string{"S3_OBJECT_KEY": "b.zip"}, "v3", "other", summary + "v3", "b.zip"},
		{"other revision type", nil, map[string]string{"COMMIT_ID": "x"}, newest, "second", "release 2", "app.zip"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := providertest.NewMemory("drops", "store")
			m.Store(t, "drops", "app.zip", []byte("first"), nil)
			m.Store(t, "drops", "app.zip", []byte("second"), map[string]string{"codepipeline-artifact-revision-summary": "release 2"})
			m.Store(t, "drops", "b.zip", []byte("other"), nil)
			j := job()
			maps.Copy(j.Configuration, c.config)
			j.Native.RevisionOverrides = c.overrides
			s, err := s3source.New(m, 7).Run(t.Context(), jobworker.NewTask(nil, j, 0))
			if err != nil {
				t.Fatal(err)
			}
			out, _ := m.Object("store", "p/App/x.zip")
			if string(out.Body) != c.body {
				t.Errorf("stored %q, want %q", out.Body, c.body)
			}
			etag := out.ETag[1 : len(out.ETag)-1]
			if s.Revision.ID != c.version || s.Revision.ChangeID != etag || s.Revision.Summary != c.summary {
				t.Errorf("revision %+v", s.Revision)
			}
			if s.Details.ExternalID != c.version || s.Details.Summary != c.summary {
				t.Errorf("details %+v", s.Details)
			}
			want := map[string]string{"BucketName": "drops", "ETag": etag, "ObjectKey": c.key, "VersionId": c.version}
			if !maps.Equal(s.OutputVariables, want) {
				t.Errorf("variables %v, want %v", s.OutputVariables, want)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*jobworker.Job, *providertest.Memory)
		kind   string
		text   string
	}{
		{"no object", func(j *jobworker.Job, _ *providertest.Memory) { j.Configuration["S3ObjectKey"] = "absent" }, jobworker.RevisionUnavailable, "absent"},
		{"no version", func(j *jobworker.Job, _ *providertest.Memory) {
			j.Native.RevisionOverrides = map[string]string{"S3_OBJECT_VERSION_ID": "v9"}
		}, jobworker.RevisionUnavailable, "v9"},
		{"no bucket", func(j *jobworker.Job, _ *providertest.Memory) { j.Configuration["S3Bucket"] = "nowhere" }, jobworker.ConfigurationError, "nowhere"},
		{"denied", func(_ *jobworker.Job, m *providertest.Memory) { m.Denied["app.zip"] = true }, jobworker.PermissionError, "app.zip"},
		{"store denied", func(_ *jobworker.Job, m *providertest.Memory) { m.Denied["p/App/x.zip"] = true }, jobworker.PermissionError, "p/App/x.zip"},
		{"override not allowed", func(j *jobworker.Job, _ *providertest.Memory) {
			j.Native.RevisionOverrides = map[string]string{"S3_OBJECT_KEY": "b.zip"}
		}, jobworker.ConfigurationError, "AllowOverrideForS3ObjectKey"},
		{"no key configured", func(j *jobworker.Job, _ *providertest.Memory) { delete(j.Configuration, "S3ObjectKey") }, jobworker.ConfigurationError, "S3ObjectKey"},
		{"no outputs", func(j *jobworker.Job, _ *providertest.Memory) { j.Outputs = nil }, jobworker.ConfigurationError, "output"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := providertest.NewMemory("drops", "store")
			m.Store(t, "drops", "app.zip", []byte("zip"), nil)
			j := job()
			c.change(&j, m)
			_, err := s3source.New(m, 7).Run(t.Context(), jobworker.NewTask(nil, j, 0))
			providertest.Failure(t, err, c.kind, c.text)
		})
	}
}

func TestVersioningOff(t *testing.T) {
	t.Parallel()
	m := providertest.NewMemory("drops", "store")
	m.Unversioned = true
	m.Store(t, "drops", "app.zip", []byte("zip"), nil)
	_, err := s3source.New(m, 7).Run(t.Context(), jobworker.NewTask(nil, job(), 0))
	providertest.Failure(t, err, jobworker.ConfigurationError, "versioning")
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	for body, kind := range map[string]string{"1234567": "", "12345678": jobworker.JobFailed} {
		m := providertest.NewMemory("drops", "store")
		m.Store(t, "drops", "app.zip", []byte(body), nil)
		_, err := s3source.New(m, 7).Run(t.Context(), jobworker.NewTask(nil, job(), 0))
		if kind == "" && err != nil {
			t.Error(err)
		} else if kind != "" {
			providertest.Failure(t, err, kind, "has 8 bytes, more than a source may have (7)")
		}
	}
}

var _ provider.Provider = s3source.New(nil, 0)
