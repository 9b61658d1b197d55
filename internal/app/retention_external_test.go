package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"penstock/internal/config"
)

// onExternal are the settings of a server whose artifacts lie in another's S3.
func onExternal(t *testing.T, s3 *server, flags ...string) config.Config {
	t.Helper()
	cfg := settings(t, append(flags, "--s3-endpoint="+s3.url, "--s3-share-keys")...)
	cfg.S3AccessKeyID, cfg.S3SecretAccessKey = rootID, rootToken
	return cfg
}

// produced makes a pipeline and two executions of it, and returns the keys of
// their artifacts.
func (s *server) produced() (first, second []string) {
	s.Helper()
	s.custom(types.ActionCategorySource, "Git")
	s.custom(types.ActionCategoryBuild, "Make")
	out := func(name string) []types.OutputArtifact { return []types.OutputArtifact{{Name: &name}} }
	s.create("web",
		stage("Source", types.ActionDeclaration{Name: aws.String("Fetch"), ActionTypeId: typeID(types.ActionCategorySource, types.ActionOwnerCustom, "Git"), OutputArtifacts: out("src")}),
		stage("Build", types.ActionDeclaration{Name: aws.String("Make"), ActionTypeId: typeID(types.ActionCategoryBuild, types.ActionOwnerCustom, "Make"),
			InputArtifacts: []types.InputArtifact{{Name: aws.String("src")}}, OutputArtifacts: out("bin")}))
	first = s.produce()
	_, err := s.sdk.StartPipelineExecution(s.Context(), &codepipeline.StartPipelineExecutionInput{Name: aws.String("web")})
	s.ok(err)
	return first, s.produce()
}

// TestRetentionOnExternalS3: artifacts and logs go from an external S3 too, with
// all their versions, and nothing else does.
func TestRetentionOnExternalS3(t *testing.T) {
	t.Parallel()
	far := open(t, settings(t))
	s := open(t, onExternal(t, far, "--keep-history=2h", "--keep-artifacts=2h", "--keep-logs=2h"))
	first, second := s.produced()
	for bucket, key := range map[string]string{"artifacts": first[0] + ".mine", "penstock-logs": "0/mine"} {
		_, err := s.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("mine")})
		s.ok(err)
	}
	_, err := s.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("artifacts"), Key: &first[0], Body: strings.NewReader("uploaded twice")})
	s.ok(err)
	s.clock.add(3 * time.Hour)
	usage := s.used()
	if usage["bucket artifacts"].Count != 6 || usage["bucket artifacts/web"].Bytes != 4*5+4+14 || usage["action logs"].Count != 4 || usage["action logs"].Expired != 4 {
		t.Errorf("before: %+v", usage)
	}
	s.ok(s.retention().Round(t.Context()))
	if got := s.executions(); got != 1 {
		t.Errorf("%d executions are left, want the newest", got)
	}
	for bucket, want := range map[string]int{"artifacts": 3, "penstock-logs": 1} {
		versions, err := s.s3.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &bucket})
		s.ok(err)
		if len(versions.Versions) != want || len(versions.DeleteMarkers) != 0 {
			t.Errorf("%d versions and %d markers are left in %s", len(versions.Versions), len(versions.DeleteMarkers), bucket)
		}
	}
	for _, key := range append(second, first[0]+".mine") {
		if !s.there(key) {
			t.Errorf("%s is gone", key)
		}
	}
}

// TestRetentionIsDenied: what the server may not remove is told once, keeps its
// history for a while, and nothing else from being removed.
func TestRetentionIsDenied(t *testing.T) {
	t.Parallel()
	far := open(t, settings(t))
	var key struct{ AccessKeyID, SecretAccessKey string }
	far.ok(far.control("CreateAccessKey", map[string]any{"account": "111122223333", "user": "node"}, &key))
	cfg := onExternal(t, far, "--keep-history=2h", "--keep-audit=2h")
	s := open(t, cfg)
	s.produced()
	s.shut()
	cfg.S3AccessKeyID, cfg.S3SecretAccessKey = key.AccessKeyID, key.SecretAccessKey
	s = open(t, cfg)
	r := s.retention()
	s.clock.add(3 * time.Hour)
	for range 2 {
		s.ok(r.Round(t.Context()))
	}
	if got := s.executions(); got != 2 {
		t.Errorf("%d executions are left of 2 whose artifacts are there", got)
	}
	for _, what := range []string{"artifacts in bucket artifacts", "action logs"} {
		if n := strings.Count(s.text.String(), `what="`+what+`"`); n != 1 {
			t.Errorf("told %d times of %s:\n%s", n, what, s.text.String())
		}
	}
	if !strings.Contains(s.text.String(), "s3:DeleteObjectVersion") {
		t.Error("nobody says what it takes")
	}
	answer, err := http.Get(s.url + "/metrics")
	s.ok(err)
	text, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	s.ok(err)
	if !strings.Contains(string(text), `penstock_artifact_store_calls_total{operation="Remove",result="refused"} 4`) {
		t.Error("the metric does not tell")
	}
	if u := s.used()["bucket artifacts (may not be listed)"]; u.Count != 0 {
		t.Errorf("%+v", s.used())
	}
	s.clock.add(31 * 24 * time.Hour)
	s.ok(r.Round(t.Context()))
	if got := s.executions(); got != 1 {
		t.Errorf("%d executions are left after the grace", got)
	}
}

// TestRetentionGoesOn: when the S3 is away, the rest is removed, and the
// artifacts when it is back.
func TestRetentionGoesOn(t *testing.T) {
	t.Parallel()
	far := open(t, settings(t))
	cfg := onExternal(t, far, "--keep-history=2h", "--keep-logs=2h", "--keep-audit=2h")
	s := open(t, cfg)
	first, _ := s.produced()
	away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	t.Cleanup(away.Close)
	s.shut()
	there := cfg.S3Endpoint
	cfg.S3Endpoint = away.URL
	s = open(t, cfg)
	s.clock.add(3 * time.Hour)
	if err := s.retention().Round(t.Context()); err == nil {
		t.Error("nobody is told that the logs could not be removed")
	}
	if got := s.executions(); got != 2 {
		t.Errorf("%d executions are left of 2 whose artifacts are there", got)
	}
	list := &codepipeline.GetPipelineInput{Name: aws.String("web")}
	_, err := s.sdk.GetPipeline(t.Context(), list)
	s.ok(err)
	if usage, err := s.usage()(t.Context(), false); err == nil {
		t.Errorf("the usage of an S3 that is away is %+v", usage)
	}
	s.shut()
	cfg.S3Endpoint = there
	s = open(t, cfg)
	s.clock.add(3 * time.Hour)
	s.ok(s.retention().Round(t.Context()))
	if got := s.executions(); got != 1 || s.there(first[0]) {
		t.Errorf("%d executions are left, the first artifact: %v", got, s.there(first[0]))
	}
}
