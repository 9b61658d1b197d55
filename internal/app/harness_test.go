package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/spf13/pflag"

	"penstock/internal/config"
	"penstock/internal/scheduler"
)

const (
	region    = "eu-west-1"
	rootID    = "AKIAIOSFODNN7EXAMPLE"
	rootToken = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// clock is the time that jobs and pipelines of a server live in.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// server is an App that answers; its loops run only when run was called.
type server struct {
	*testing.T
	*App
	clock *clock
	url   string
	text  *syncBuffer
	sdk   *codepipeline.Client
	s3    *s3.Client
	shut  func() // once; the end of the test calls it too
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *syncBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *syncBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// settings are what `penstock server` has with the flags.
func settings(t *testing.T, flags ...string) config.Config {
	t.Helper()
	var cfg config.Config
	f := pflag.NewFlagSet("server", pflag.ContinueOnError)
	cfg.Flags(f)
	if err := f.Parse(append([]string{"--listen", "127.0.0.1:0", "--data", t.TempDir()}, flags...)); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"PENSTOCK_ROOT_ACCESS_KEY_ID": rootID, "PENSTOCK_ROOT_SECRET_ACCESS_KEY": rootToken}
	if err := cfg.Load(f, func(k string) string { return env[k] }); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// open opens an App without running its loops.
func open(t *testing.T, cfg config.Config) *server {
	t.Helper()
	s := &server{T: t, clock: &clock{}, text: &syncBuffer{}}
	log := slog.New(slog.NewTextHandler(s.text, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if s.App, err = openAt(t.Context(), cfg, "test", log, s.text, s.clock.now); err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	s.url = h.URL
	s.shut = sync.OnceFunc(func() {
		h.Close()
		if err := s.App.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.shut)
	root := credentials.NewStaticCredentialsProvider(rootID, rootToken, "")
	s.sdk = codepipeline.New(codepipeline.Options{BaseEndpoint: &s.url, Region: region, Retryer: aws.NopRetryer{}, Credentials: root})
	s.s3 = s.bucketClient(root)
	return s
}

// run runs the loops until stop is called or the test ends.
func (s *server) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.App.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			s.Error(err)
		}
	})
	s.Cleanup(stop)
	return stop
}

func (s *server) bucketClient(c aws.CredentialsProvider) *s3.Client {
	at := s.url
	if s.cfg.S3Endpoint != "" {
		at = s.cfg.S3Endpoint
	}
	return s3.New(s3.Options{BaseEndpoint: &at, Region: region, UsePathStyle: true, Credentials: c, Retryer: aws.NopRetryer{}})
}

// worker is S3 with the credentials of a job.
func (s *server) worker(c *types.AWSSessionCredentials) *s3.Client {
	return s.bucketClient(jobCredentials(c))
}

func jobCredentials(c *types.AWSSessionCredentials) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

func (s *server) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// pass lets time go by and fires what is due.
func (s *server) pass(d time.Duration) {
	s.Helper()
	s.clock.add(d)
	_, err := (&scheduler.Timers{Store: s.store, Log: slog.New(slog.DiscardHandler)}).Fire(s.Context())
	s.ok(err)
}

// until waits for a condition that loops of the server bring about.
func (s *server) until(what string, ready func() bool) {
	s.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for !ready() {
		select {
		case <-tick.C:
		case <-late:
			s.Fatalf("not within 20 s: %s; the log:\n%s", what, s.text.String())
		}
	}
}

// codeOf is the error code that the SDK saw, "" for success.
func codeOf(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func typeID(category types.ActionCategory, owner types.ActionOwner, provider string) *types.ActionTypeId {
	return &types.ActionTypeId{Category: category, Owner: owner, Provider: &provider, Version: aws.String("1")}
}

// custom adds a custom action type.
func (s *server) custom(category types.ActionCategory, provider string) {
	s.Helper()
	some := &types.ArtifactDetails{MinimumCount: 0, MaximumCount: 5}
	_, err := s.sdk.CreateCustomActionType(s.Context(), &codepipeline.CreateCustomActionTypeInput{
		Category: category, Provider: &provider, Version: aws.String("1"), InputArtifactDetails: some, OutputArtifactDetails: some,
	})
	s.ok(err)
}

// create makes a pipeline of the stages.
func (s *server) create(name string, stages ...types.StageDeclaration) {
	s.Helper()
	_, err := s.sdk.CreatePipeline(s.Context(), &codepipeline.CreatePipelineInput{Pipeline: &types.PipelineDeclaration{
		Name: &name, RoleArn: aws.String("arn:aws:iam::000000000000:role/r"), Stages: stages,
		ArtifactStore: &types.ArtifactStore{Type: types.ArtifactStoreTypeS3, Location: aws.String("artifacts")},
	}})
	s.ok(err)
}

func stage(name string, actions ...types.ActionDeclaration) types.StageDeclaration {
	return types.StageDeclaration{Name: &name, Actions: actions}
}

func gate() types.StageDeclaration {
	return stage("Gate", types.ActionDeclaration{Name: aws.String("Ask"), ActionTypeId: typeID(types.ActionCategoryApproval, types.ActionOwnerAws, "Manual")})
}

// take polls a job and acknowledges it.
func (s *server) take(category types.ActionCategory, provider string) types.Job {
	s.Helper()
	out, err := s.sdk.PollForJobs(s.Context(), &codepipeline.PollForJobsInput{ActionTypeId: typeID(category, types.ActionOwnerCustom, provider)})
	s.ok(err)
	if len(out.Jobs) != 1 {
		s.Fatalf("%d jobs", len(out.Jobs))
	}
	_, err = s.sdk.AcknowledgeJob(s.Context(), &codepipeline.AcknowledgeJobInput{JobId: out.Jobs[0].Id, Nonce: out.Jobs[0].Nonce})
	s.ok(err)
	return out.Jobs[0]
}

func (s *server) succeed(job types.Job) {
	s.Helper()
	_, err := s.sdk.PutJobSuccessResult(s.Context(), &codepipeline.PutJobSuccessResultInput{JobId: job.Id})
	s.ok(err)
}
