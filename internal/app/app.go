// Package app puts the server together: Config → store, blobs, services,
// loops. It is what `penstock server` and the end-to-end tests start.
package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"penstock/internal/actionlog"
	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/blob"
	"penstock/internal/blob/fileblob"
	"penstock/internal/blob/s3blob"
	"penstock/internal/config"
	"penstock/internal/connection"
	"penstock/internal/control"
	"penstock/internal/core/pipeline"
	"penstock/internal/event"
	"penstock/internal/hostcert"
	"penstock/internal/obs"
	"penstock/internal/provider/lambda"
	"penstock/internal/s3"
	"penstock/internal/scheduler"
	"penstock/internal/service"
	"penstock/internal/store"
	"penstock/internal/sts"
)

// App is a server. Open it, Run it until its context ends, Close it.
type App struct {
	cfg         config.Config
	log         *slog.Logger
	listener    net.Listener
	secure      net.Listener // with TLS; nil without
	metricsAt   net.Listener // for metrics alone; nil when they are on listener
	certificate *hostcert.Keeper
	handler     http.Handler
	driver      store.Driver
	store       *store.Store
	embedded    *fileblob.Store // nil with an external S3
	external    *s3blob.Store   // nil without one
	sessions    *auth.Sessions
	logs        *actionlog.Logs
	svc         *service.Service
	sources     *scheduler.Sources
	poller      *connection.Poller
	rules       rules
	metrics     *obs.Metrics
	workers     []worker
	lambda      *lambda.Functions
	feeds       []*event.Feed
	ready       atomic.Bool
	now         func() time.Time // what pipelines and jobs live by
	clock       func() time.Time // what signatures and credentials are checked by
}

// Open opens everything that the server keeps and listens, but serves nothing
// yet. Notices for people (which credentials were made) go to notes.
func Open(ctx context.Context, cfg config.Config, version string, log *slog.Logger, notes io.Writer) (*App, error) {
	return openAt(ctx, cfg, version, log, notes, nil)
}

// openAt is Open with the clock that pipelines and jobs live by; nil is the
// host's, or that of a database which several nodes may share. Signatures and
// credentials are never checked by the given one.
func openAt(ctx context.Context, cfg config.Config, version string, log *slog.Logger, notes io.Writer, now func() time.Time) (*App, error) {
	a := &App{cfg: cfg, log: log, metrics: obs.New(version), now: now}
	if err := a.open(ctx, version, notes); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) open(ctx context.Context, version string, notes io.Writer) error {
	cfg := a.cfg
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return fmt.Errorf("the data folder cannot be made: %w; choose another with --data", err)
	}
	if err := refuseUnfinished(cfg.Data); err != nil {
		return err
	}
	master, err := auth.LoadOrCreateMasterKey(cfg.Data, cfg.MasterKey)
	if err != nil {
		return err
	}
	rootID, rootSecret, err := rootKey(cfg, notes)
	if err != nil {
		return err
	}
	driver, err := a.openDriver(ctx, master)
	if err != nil {
		return err
	}
	a.driver = driver
	a.sessions = auth.NewSessions(master, a.clock)
	authenticator := auth.NewAuthenticator(auth.Config{
		Account: cfg.Account, RootAccessKeyID: rootID, RootSecretAccessKey: rootSecret,
		AccessKey: a.accessKey, Sessions: a.sessions, Regions: cfg.Regions, JobActive: a.jobActive, Now: a.clock,
	})
	bucketStore, credentials, err := a.openBlobs(ctx, a.sessions)
	if err != nil {
		return err
	}
	bucketStore = counted{bucketStore, a.metrics}
	if a.logs, err = actionlog.Open(filepath.Join(cfg.Data, "action-logs"), bucketStore, logBucket(a.cfg)); err != nil {
		return err
	}
	if cfg.Database != "" {
		a.logs.Share(2 * time.Second)
	}
	providers, err := a.providers(ctx, bucketStore)
	if err != nil {
		return err
	}
	native := map[pipeline.ActionType]bool{}
	for _, p := range providers {
		native[pipeline.ActionType(p.Type())] = true
	}
	a.store = store.New(driver, store.Options{
		Now: a.now, NewID: (&ids{now: a.now}).next, NewKey: newKey, Native: func(t pipeline.ActionType) bool { return native[t] }, Pushed: a.pushed(),
		Timeouts: cfg.Limits.ActionTimeouts, ContinuationDelay: cfg.ContinuationDelay, AckWindow: cfg.AckWindow,
	})
	a.sources = scheduler.NewSources(scheduler.Sources{
		Store: a.store, Log: a.log, Interval: cfg.PollInterval,
		Revision: func(ctx context.Context, w store.Watch) (string, error) {
			r, err := revision(ctx, a.buckets(bucketStore), w)
			if !errors.Is(ctx.Err(), context.Canceled) {
				_, unreadable := errors.AsType[*scheduler.Unreadable](err)
				a.metrics.Polled("s3", err, unreadable)
			}
			return r, err
		},
		Changed: func(ctx context.Context, w store.Watch, r string) (bool, error) {
			return a.svc.SourceChanged(ctx, w, r)
		},
	})
	if err := a.openRules(ctx); err != nil {
		return err
	}
	if a.embedded != nil {
		a.embedded.OnPut(a.objectWritten)
	}
	starter, err := a.connect()
	if err != nil {
		return err
	}
	hooks, receiver, err := a.webhooks(starter)
	if err != nil {
		return err
	}
	a.svc = service.New(a.store, service.Options{
		Logger: a.log, Credentials: credentials, PageKey: master.Subkey("page token v1"),
		EnsureBucket: func(ctx context.Context, account, region, bucket string) error {
			return bucketStore.EnsureBucket(ctx, bucket, &blob.BucketOptions{Owner: account, Region: region})
		},
		SourcesChanged: func(pipelineID int64) {
			a.sources.PipelineChanged(pipelineID)
			a.poller.Changed()
		},
		MaxPipelines: cfg.MaxPipelines, MaxPolling: cfg.MaxPolling, MaxActionTypes: cfg.MaxActionTypes,
		CreateActionTypes: cfg.CreateActionTypes,
		Webhooks:          hooks,
	})
	a.addWorkers(providers)
	if err := a.addSinks(ctx); err != nil {
		return err
	}
	ctl := &control.Service{Store: a.store, Types: a.svc, Logs: a.logs, NewToken: newToken, Version: version,
		Connections: control.ConnectionOptions{BaseURL: a.publicURL, Check: a.checkBase, Changed: a.poller.Changed, Max: cfg.Git.Max},
		Keeping:     control.Keeping(cfg.Keep), Blobs: a.usage()}
	rt := &router{
		api: api.NewHandler(a.svc, authenticator, api.Options{Logger: a.log, Extra: a.extraOperations(ctl), Observe: a.metrics.Call}),
		sts: sts.New(authenticator, a.sessions, uuid.NewString, a.log),
		s3:  a.metrics.S3(a.s3Handler(authenticator)),
		own: a.ownPages(receiver),
	}
	if cfg.Database != "" {
		rt.dates = &dates{clock: a.clock}
	}
	a.handler = rt
	a.metrics.Read(a.reading)
	return a.listen()
}

func rootKey(cfg config.Config, notes io.Writer) (string, auth.Secret, error) {
	if cfg.RootAccessKeyID != "" {
		return cfg.RootAccessKeyID, auth.Secret(cfg.RootSecretAccessKey), nil
	}
	id, secret, created, err := auth.LoadOrCreateCredentials(cfg.Data)
	file := filepath.Join(cfg.Data, "credentials")
	if created {
		fmt.Fprintf(notes, "penstock: made the root access key %s; it is in %s (use it with AWS_SHARED_CREDENTIALS_FILE=%s)\n", id, file, file)
	}
	return id, secret, err
}

func (a *App) s3Handler(authenticator *auth.Authenticator) http.Handler {
	if a.embedded == nil {
		return externalS3(a.cfg.S3Endpoint)
	}
	return s3.NewHandler(a.embedded, authenticator, &s3.Options{BaseHosts: a.cfg.S3Hosts, Logger: a.log})
}

// Handler serves everything that the server answers.
func (a *App) Handler() http.Handler { return a.handler }

// drain is how long running requests and jobs may take to end.
const drain = 20 * time.Second

// Run serves until ctx ends, then drains and returns. An error means that the
// server could not go on.
func (a *App) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	tuneHeap()
	if err := a.logs.Recover(ctx); err != nil {
		a.log.Warn("action logs of an earlier run could not be stored", "error", err)
	}
	requests, over := context.WithCancel(context.WithoutCancel(ctx)) // they go on while the server drains
	defer over()
	srv := &http.Server{
		Handler: endWaits(ctx, a.handler), ReadHeaderTimeout: 20 * time.Second, IdleTimeout: 3 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return requests },
	}
	var loops sync.WaitGroup
	loops.Go(func() { (&scheduler.Timers{Store: a.store, Log: a.log}).Run(ctx) })
	loops.Go(func() { a.sources.Run(ctx) })
	loops.Go(func() { a.rules.schedules.Run(ctx) })
	loops.Go(func() { a.rules.follower.Run(ctx) })
	loops.Go(func() { a.poller.Run(ctx) })
	loops.Go(func() { (&scheduler.Purge{Store: a.store, Log: a.log, Interval: 10 * time.Minute}).Run(ctx) })
	loops.Go(func() { a.retention().Run(ctx) })
	for _, f := range a.feeds {
		loops.Go(func() { f.Run(ctx) })
	}
	for _, w := range a.workers {
		loops.Go(func() {
			if err := w.Run(ctx); err != nil {
				a.log.Error("the worker of a built-in action stopped", "provider", w.name, "error", err)
			}
		})
	}
	own := a.metricsServer()
	loops.Go(func() {
		if err := a.serve(srv, own); err != nil {
			cancel(err)
		}
	})
	a.ready.Store(true)
	<-ctx.Done()
	a.ready.Store(false)
	stop, done := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer done()
	err := errors.Join(srv.Shutdown(stop), own.Shutdown(stop))
	loops.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// Close closes what Open opened.
func (a *App) Close() error {
	var errs []error
	errs = append(errs, closeListener(a.listener), closeListener(a.secure), closeListener(a.metricsAt))
	for _, f := range a.feeds {
		errs = append(errs, f.Sink.Close())
	}
	if a.logs != nil {
		errs = append(errs, a.logs.Close())
	}
	if a.embedded != nil {
		errs = append(errs, a.embedded.Close())
	}
	if a.driver != nil {
		errs = append(errs, a.driver.Close())
	}
	return errors.Join(errs...)
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// newKey returns seven random letters and digits for an object key.
func newKey() string {
	var b [7]byte
	for i := 0; i < len(b); {
		var r [16]byte
		rand.Read(r[:])
		for _, x := range r {
			if x < 248 && i < len(b) { // 248 = 4 × 62: no letter is likelier than another
				b[i] = letters[x%62]
				i++
			}
		}
	}
	return string(b[:])
}

// newToken returns a client token: more than 256 bits of randomness.
func newToken() string { return rand.Text() + rand.Text() }
