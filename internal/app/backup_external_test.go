package app

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"penstock/internal/store/postgres/pgtest"
)

// TestBackupOfExternalS3: artifacts and logs on an external S3 are in a backup
// if asked for, and come back: on another S3, on the same one, and in the
// embedded store.
func TestBackupOfExternalS3(t *testing.T) {
	t.Parallel()
	far := open(t, settings(t))
	cfg := onExternal(t, far)
	cfg.Database = pgtest.URL(t)
	s := open(t, cfg)
	first, second := s.produced()
	_, err := s.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("artifacts"), Key: &second[1]})
	s.ok(err)
	large := bytes.Repeat([]byte("0123456789abcdef"), 600_000) // in parts: 9.6 MB
	_, err = s.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("artifacts"), Key: &first[1], Body: bytes.NewReader(large), ContentType: aws.String("application/x-mine")})
	s.ok(err)
	_, err = s.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("artifacts"), Key: aws.String("mine"), Body: strings.NewReader("not named by the state")})
	s.ok(err)
	actions := s.logged()

	var without, with bytes.Buffer
	made, err := BackupTar(t.Context(), cfg, "test", What{}, &without, t.TempDir(), nil)
	s.ok(err)
	if !made.About.External || made.About.Objects || bytes.Contains(without.Bytes(), []byte(objectIndex)) {
		t.Errorf("without artifacts: %+v", made)
	}
	made, err = BackupTar(t.Context(), cfg, "test", What{Keys: true, Objects: true}, &with, t.TempDir(), nil)
	s.ok(err)
	if !made.About.Objects || made.Missing != 1 {
		t.Errorf("with artifacts: %+v", made)
	}
	s.shut()

	for name, other := range map[string]*server{"another S3": open(t, settings(t)), "the same S3": far, "the embedded store": nil} {
		t.Run(name, func(t *testing.T) {
			to := settings(t)
			if other != nil {
				to = onExternal(t, other)
			}
			if err := restore(t, to, with.Bytes()); err != nil {
				t.Fatal(err)
			}
			for _, left := range []string{objectFolder, unfinished} {
				if list, err := filepath.Glob(filepath.Join(to.Data, left)); err != nil || len(list) > 0 {
					t.Errorf("%q is left, %v", list, err)
				}
			}
			s := open(t, to)
			for key, want := range map[string]string{first[0]: "bytes", first[1]: string(large), second[0]: "bytes"} {
				o, err := s.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("artifacts"), Key: &key})
				s.ok(err)
				body, err := io.ReadAll(o.Body)
				s.ok(err)
				if string(body) != want || key == first[1] && aws.ToString(o.ContentType) != "application/x-mine" {
					t.Errorf("%s has %d bytes of %d, and is %s", key, len(body), len(want), aws.ToString(o.ContentType))
				}
			}
			if s.there(second[1]) {
				t.Error("what nobody backed up is there")
			}
			if got := s.there("mine"); got != (name == "the same S3") {
				t.Errorf("an object that is not ours: %v", got)
			}
			for _, id := range actions {
				log, err := s.logs.Read(t.Context(), id, 0, 100, time.Second)
				if err != nil || string(log.Content) != "made\n" || !log.Ended {
					t.Errorf("log %s: %q, %v", id, log.Content, err)
				}
			}
			if name == "the same S3" { // nothing was written again
				versions, err := s.s3.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String("artifacts"), Prefix: &first[0]})
				s.ok(err)
				if len(versions.Versions) != 1 {
					t.Errorf("%d versions of %s", len(versions.Versions), first[0])
				}
			}
		})
	}

	t.Run("an S3 that is away", func(t *testing.T) {
		to := onExternal(t, far)
		to.S3SecretAccessKey = "wrong"
		if err := restore(t, to, with.Bytes()); err == nil {
			t.Error("it was restored")
		}
		if list, err := filepath.Glob(filepath.Join(to.Data, "*")); err != nil || len(list) > 0 {
			t.Errorf("%q is left, %v", list, err)
		}
	})
}

// logged are the action executions of the pipeline web.
func (s *server) logged() (ids []string) {
	s.Helper()
	objects, err := s.s3.ListObjectsV2(s.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(logBucket(s.cfg))})
	s.ok(err)
	for _, o := range objects.Contents {
		ids = append(ids, *o.Key)
	}
	if len(ids) != 4 {
		s.Errorf("%d logs, want 4", len(ids))
	}
	return ids
}
