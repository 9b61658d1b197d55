package runlocal

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/pflag"

	"penstock/internal/api"
	"penstock/internal/app"
	"penstock/internal/config"
	"penstock/internal/sigv4"
	"penstock/jobworker"
)

// server is the run's own server and its clients.
type server struct {
	app    *app.App
	url    string
	key    sigv4.Credentials
	client *api.Client
	s3     *s3.Client
	stop   context.CancelFunc
	ended  chan error // of the server, then of each worker
	parts  int
}

// startServer opens a server on a free port of the loopback address, with a key
// that nobody else knows.
func (r *run) startServer(ctx context.Context) error {
	var cfg config.Config
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	cfg.Flags(flags)
	if err := cfg.Load(flags, func(string) string { return "" }); err != nil {
		return err
	}
	cfg.Listen, cfg.Data = "127.0.0.1:0", filepath.Join(r.dir, "data")
	cfg.RootAccessKeyID, cfg.RootSecretAccessKey = "AKIA"+rand.Text()[:16], rand.Text()+rand.Text()
	cfg.HostRunner, cfg.ContinuationDelay, cfg.Lambda.Functions = true, time.Second, r.Functions
	a, err := app.Open(ctx, cfg, r.Version, slog.New(slog.DiscardHandler), io.Discard)
	if err != nil {
		return err
	}
	s := &server{app: a, url: a.URL(), key: sigv4.Credentials{AccessKeyID: cfg.RootAccessKeyID, SecretAccessKey: cfg.RootSecretAccessKey}}
	s.client = &api.Client{Endpoint: s.url, HTTP: http.DefaultClient, Sign: func(req *http.Request, body []byte) error {
		sigv4.Sign(req, sigv4.PayloadHash(body), s.key, r.Region, "codepipeline", time.Now())
		return nil
	}}
	s.s3 = s3.New(s3.Options{
		Region: r.Region, BaseEndpoint: &s.url, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(s.key.AccessKeyID, s.key.SecretAccessKey, ""),
	})
	// An interrupt first ends the execution, then the server.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop, s.ended = stop, make(chan error, 1+len(r.types))
	r.server = s
	s.start(func() error { return a.Run(serving) })
	return nil
}

// start runs a part of the run until stop.
func (s *server) start(part func() error) {
	s.parts++
	go func() { s.ended <- part() }()
}

// stopServer ends the server and its workers and waits for them.
func (r *run) stopServer() error {
	r.stop()
	var errs []error
	late := time.NewTimer(stopTime)
	defer late.Stop()
	for range r.parts {
		select {
		case err := <-r.ended:
			errs = append(errs, err)
		case <-late.C:
			return errors.Join(append(errs, errors.New("the run's server does not end"))...)
		}
	}
	return errors.Join(append(errs, r.app.Close())...)
}

// abandon ends the execution of a run that is interrupted: its commands end
// instead of being waited for.
func (r *run) abandon(ctx context.Context, id string) {
	if id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	// It may have ended by itself; then there is nothing to abandon.
	_, _ = r.client.StopPipelineExecution(ctx, &api.StopPipelineExecutionInput{
		PipelineName: r.pipeline.Name, PipelineExecutionId: id, Abandon: aws.Bool(true), Reason: "The run was interrupted",
	})
}

// makeBuckets makes the buckets that the pipeline deploys to.
func (r *run) makeBuckets(ctx context.Context) error {
	for _, name := range r.buckets {
		if _, err := r.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name}); err != nil {
			return &Refusal{[]Reason{{"the bucket " + name + " cannot be made: " + err.Error(), "correct BucketName"}}}
		}
	}
	return nil
}

// caller is how workers reach the server.
func (r *run) caller() (jobworker.Caller, error) {
	return jobworker.NewCaller(jobworker.Config{
		Endpoint: r.url, Region: r.Region, HTTP: http.DefaultClient,
		Credentials: jobworker.Static(jobworker.Credentials{AccessKeyID: r.key.AccessKeyID, SecretAccessKey: r.key.SecretAccessKey}),
	})
}
