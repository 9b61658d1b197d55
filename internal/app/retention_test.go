package app

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"penstock/internal/control"
	"penstock/internal/store/postgres/pgtest"
)

// TestRetention: history, artifacts and logs that are too old go, and their
// bytes with them; what the newest execution has stays, though it is as old.
func TestRetention(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			flags := []string{"--keep-history=2h", "--keep-artifacts=2h", "--keep-logs=2h", "--keep-audit=2h"}
			if kind == "postgres" {
				flags = append(flags, "--database="+pgtest.URL(t))
			}
			s := open(t, settings(t, flags...))
			s.custom(types.ActionCategorySource, "Git")
			s.custom(types.ActionCategoryBuild, "Make")
			out := func(name string) []types.OutputArtifact { return []types.OutputArtifact{{Name: &name}} }
			s.create("web",
				stage("Source", types.ActionDeclaration{Name: aws.String("Fetch"), ActionTypeId: typeID(types.ActionCategorySource, types.ActionOwnerCustom, "Git"), OutputArtifacts: out("src")}),
				stage("Build", types.ActionDeclaration{Name: aws.String("Make"), ActionTypeId: typeID(types.ActionCategoryBuild, types.ActionOwnerCustom, "Make"),
					InputArtifacts: []types.InputArtifact{{Name: aws.String("src")}}, OutputArtifacts: out("bin")}))
			first := s.produce()
			s.renew("web") // 2, which nothing runs
			s.renew("web")
			_, err := s.sdk.StartPipelineExecution(t.Context(), &codepipeline.StartPipelineExecutionInput{Name: aws.String("web")})
			s.ok(err)
			second := s.produce()
			full := s.files()

			s.ok(s.retention().Round(t.Context()))
			if got := s.executions(); got != 2 || s.files() != full {
				t.Fatalf("%d executions and %d files of %d are left, though nothing is old", got, s.files(), full)
			}
			s.clock.add(3 * time.Hour)
			usage := s.used()
			if usage["executions"].Expired != 2 || usage["executions"].Count != 2 || usage["bucket artifacts"].Count != 4 || usage["action logs"].Count != 4 || usage["action logs"].Expired != 4 || usage["bucket artifacts/web"].Count != 4 {
				t.Errorf("before: %+v", usage)
			}
			s.ok(s.retention().Round(t.Context()))
			if got := s.executions(); got != 1 {
				t.Errorf("%d executions are left, want the newest", got)
			}
			for _, key := range first {
				if s.there(key) {
					t.Errorf("artifact %s of the first execution is left", key)
				}
			}
			for _, key := range second {
				if !s.there(key) {
					t.Errorf("artifact %s of the newest execution is gone", key)
				}
			}
			s.until("the bytes are given back", func() bool { return s.files() == 2 })
			state, err := s.sdk.GetPipelineState(t.Context(), &codepipeline.GetPipelineStateInput{Name: aws.String("web")})
			s.ok(err)
			for _, st := range state.StageStates {
				if st.LatestExecution == nil || st.ActionStates[0].LatestExecution == nil {
					t.Errorf("stage %s has lost its newest execution", *st.StageName)
				}
			}
			for version, want := range map[int32]string{1: "PipelineVersionNotFoundException", 2: "PipelineVersionNotFoundException", 3: ""} {
				_, err := s.sdk.GetPipeline(t.Context(), &codepipeline.GetPipelineInput{Name: aws.String("web"), Version: &version})
				if codeOf(err) != want {
					t.Errorf("version %d: %v", version, err)
				}
			}
			if usage := s.used(); usage["executions"].Count != 1 || usage["action executions"].Count != 2 || usage["audit records"].Count != 0 {
				t.Errorf("after: %+v", usage)
			}
		})
	}
}

// produce takes an execution through both stages, with artifacts and logs, and
// returns the keys of its artifacts.
func (s *server) produce() (keys []string) {
	s.Helper()
	for _, category := range []types.ActionCategory{types.ActionCategorySource, types.ActionCategoryBuild} {
		j := s.take(category, map[types.ActionCategory]string{types.ActionCategorySource: "Git", types.ActionCategoryBuild: "Make"}[category])
		at := j.Data.OutputArtifacts[0].Location.S3Location
		_, err := s.worker(j.Data.ArtifactCredentials).PutObject(s.Context(), &s3.PutObjectInput{Bucket: at.BucketName, Key: at.ObjectKey, Body: strings.NewReader("bytes")})
		s.ok(err)
		keys = append(keys, *at.ObjectKey)
		log, err := s.logs.Writer(s.Context(), *j.Data.PipelineContext.Action.ActionExecutionId)
		s.ok(err)
		_, err = log.Write([]byte("made\n"))
		s.ok(err)
		s.ok(log.Close())
		s.succeed(j)
	}
	return keys
}

// renew updates a pipeline to what it is, which makes a version.
func (s *server) renew(name string) {
	s.Helper()
	p, err := s.sdk.GetPipeline(s.Context(), &codepipeline.GetPipelineInput{Name: &name})
	s.ok(err)
	_, err = s.sdk.UpdatePipeline(s.Context(), &codepipeline.UpdatePipelineInput{Pipeline: p.Pipeline})
	s.ok(err)
}

func (s *server) there(key string) bool {
	_, err := s.s3.HeadObject(s.Context(), &s3.HeadObjectInput{Bucket: aws.String("artifacts"), Key: &key})
	return err == nil
}

func (s *server) executions() int {
	s.Helper()
	list, err := s.sdk.ListPipelineExecutions(s.Context(), &codepipeline.ListPipelineExecutionsInput{PipelineName: aws.String("web")})
	s.ok(err)
	return len(list.PipelineExecutionSummaries)
}

// files counts the files of the embedded store.
func (s *server) files() (n int) {
	s.Helper()
	s.ok(filepath.WalkDir(filepath.Join(s.cfg.Data, "artifacts", "objects"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		if os.IsNotExist(err) {
			return nil // removed at this moment
		}
		return err
	}))
	return n
}

// used is the answer of Penstock.GetUsage by kind.
func (s *server) used() map[string]control.Usage {
	s.Helper()
	ctl := &control.Service{Store: s.store, Keeping: control.Keeping(s.cfg.Keep), Blobs: s.usage()}
	out, err := ctl.Usage(s.Context(), true)
	s.ok(err)
	if out.DatabaseBytes < 1 {
		s.Error("the database has no size")
	}
	kinds := map[string]control.Usage{}
	for _, u := range out.Usage {
		kinds[u.Kind] = u
	}
	return kinds
}

// TestRetentionKeepsWhatARollbackReads: an old execution goes, but not the
// artifact that a rollback to it reads.
func TestRetentionKeepsWhatARollbackReads(t *testing.T) {
	t.Parallel()
	s := open(t, settings(t, "--keep-history=2h", "--keep-artifacts=2h"))
	s.custom(types.ActionCategorySource, "Git")
	s.custom(types.ActionCategoryBuild, "Make")
	stages := []types.StageDeclaration{
		stage("Source", types.ActionDeclaration{Name: aws.String("Fetch"), ActionTypeId: typeID(types.ActionCategorySource, types.ActionOwnerCustom, "Git"),
			OutputArtifacts: []types.OutputArtifact{{Name: aws.String("src")}}}),
		stage("Build", types.ActionDeclaration{Name: aws.String("Make"), ActionTypeId: typeID(types.ActionCategoryBuild, types.ActionOwnerCustom, "Make"),
			InputArtifacts: []types.InputArtifact{{Name: aws.String("src")}}, OutputArtifacts: []types.OutputArtifact{{Name: aws.String("bin")}}}),
	}
	_, err := s.sdk.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: &types.PipelineDeclaration{
		Name: aws.String("web"), RoleArn: aws.String("arn:aws:iam::000000000000:role/r"), PipelineType: types.PipelineTypeV2, Stages: stages,
		ArtifactStore: &types.ArtifactStore{Type: types.ArtifactStoreTypeS3, Location: aws.String("artifacts")},
	}})
	s.ok(err)
	first := s.produce()
	start := &codepipeline.StartPipelineExecutionInput{Name: aws.String("web")}
	_, err = s.sdk.StartPipelineExecution(t.Context(), start)
	s.ok(err)
	s.produce()
	list, err := s.sdk.ListPipelineExecutions(t.Context(), &codepipeline.ListPipelineExecutionsInput{PipelineName: aws.String("web")})
	s.ok(err)
	target := list.PipelineExecutionSummaries[1].PipelineExecutionId
	_, err = s.sdk.RollbackStage(t.Context(), &codepipeline.RollbackStageInput{PipelineName: aws.String("web"), StageName: aws.String("Build"), TargetPipelineExecutionId: target})
	s.ok(err)
	s.clock.add(3 * time.Hour)
	s.ok(s.retention().Round(t.Context()))
	if !s.there(first[0]) {
		t.Error("the artifact that the rollback reads is gone")
	}
	if got := s.executions(); got != 2 {
		t.Errorf("%d executions are left, want the newest of the source and the rollback", got)
	}
	j := s.take(types.ActionCategoryBuild, "Make")
	if _, err := s.worker(j.Data.ArtifactCredentials).GetObject(t.Context(), &s3.GetObjectInput{
		Bucket: j.Data.InputArtifacts[0].Location.S3Location.BucketName, Key: j.Data.InputArtifacts[0].Location.S3Location.ObjectKey}); err != nil {
		t.Errorf("the rollback cannot read its input: %v", err)
	}
	s.succeed(j)
}
