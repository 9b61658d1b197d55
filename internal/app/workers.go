package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"penstock/internal/actionlog"
	"penstock/internal/auth"
	"penstock/internal/blob"
	"penstock/internal/core/engine"
	"penstock/internal/core/fault"
	"penstock/internal/git"
	"penstock/internal/provider"
	"penstock/internal/provider/alarm"
	"penstock/internal/provider/commands"
	"penstock/internal/provider/connectionsource"
	"penstock/internal/provider/invokepipeline"
	"penstock/internal/provider/lambda"
	"penstock/internal/provider/rulecommands"
	"penstock/internal/provider/s3deploy"
	"penstock/internal/provider/s3source"
	"penstock/internal/trouble"
	"penstock/jobworker"
)

// reservedBucket is no account's to reach.
const reservedBucket = actionlog.Bucket

// noHostRunner is why Commands actions fail on a server that others can reach.
const noHostRunner = "This server runs no commands: they would run on its host without isolation. " +
	"Start it with --host-runner to allow that, or give the work to a job worker (`penstock worker --help`)"

// providers are the actions that the server runs itself.
func (a *App) providers(ctx context.Context, s blob.Store) ([]provider.Provider, error) {
	b := a.buckets(s)
	work, err := a.workFolder()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(work, 0o700); err != nil {
		return nil, err
	}
	disabled := ""
	if !a.cfg.HostRunner {
		disabled = noHostRunner
	} else {
		a.log.Warn("Commands actions run on this host WITHOUT ISOLATION: whoever may change a pipeline can run any command as this user")
	}
	run := commands.New(commands.Config{Buckets: b, Logs: a.logs, Dir: work, Path: os.Getenv("PATH"), Disabled: disabled, Log: a.log})
	if err := run.Sweep(); err != nil {
		return nil, fmt.Errorf("working folders of an earlier run cannot be removed: %w", err)
	}
	if err := git.Sweep(work); err != nil {
		return nil, fmt.Errorf("repositories of an earlier run cannot be removed: %w", err)
	}
	cloud, err := a.cloud(ctx)
	if err != nil {
		return nil, err
	}
	a.lambda = a.functions(cloud)
	return []provider.Provider{
		s3source.New(b, a.cfg.Limits.MaxSourceBytes),
		connectionsource.New(connectionsource.Config{Buckets: b, Connections: connections{a}, Dir: work, Pause: 2 * time.Second}),
		run,
		s3deploy.New(s3deploy.Config{Buckets: b, Dir: work}),
		invokepipeline.New(pipelines{a}),
		rulecommands.New(run),
		lambda.NewInvoke(a.lambda),
		lambda.NewRule(a.lambda),
		alarm.New(alarm.Config{Endpoint: a.cfg.CloudWatchEndpoint, Enabled: a.cfg.CloudWatchEndpoint != "" || a.cfg.CloudWatchAWS, AWS: cloud}),
	}, nil
}

// cloud are the credentials for AWS, or for what stands in for it; they are only
// looked for when rules or approvals may need them.
func (a *App) cloud(ctx context.Context) (aws.Config, error) {
	if a.cfg.Lambda.Endpoint == "" && a.cfg.CloudWatchEndpoint == "" && !a.cfg.CloudWatchAWS && !a.cfg.Approval.SNS() {
		return aws.Config{}, nil
	}
	return config.LoadDefaultConfig(ctx)
}

// worker is the worker of one built-in action type.
type worker struct {
	name string
	*jobworker.Worker
}

func (a *App) addWorkers(providers []provider.Provider) {
	for _, p := range providers {
		name := p.Type().Category + "/" + p.Type().Provider
		options := a.workerOptions(name)
		client := a.jobs(p, &options)
		a.workers = append(a.workers, worker{name, jobworker.New(client, p.Run, options)})
	}
	a.workers = append(a.workers, a.executors())
}

func (a *App) workerOptions(name string) jobworker.Options {
	a.metrics.Jobs(name)
	return jobworker.Options{
		Concurrency: a.cfg.Concurrency, Grace: drain / 2, CheckEvery: 2 * time.Second, KeepOnDrain: true, Log: a.log.With("provider", name),
		Hooks: jobworker.Hooks{Reported: func(_ jobworker.Job, err error) { a.metrics.Job(name, err) }},
	}
}

// pipelines starts pipelines for Invoke/CodePipeline actions.
type pipelines struct{ a *App }

// outage is how long a start waits for a database that is away.
const outage = 2 * time.Minute

// Start implements provider.Pipelines. While the server itself is in trouble it
// tries again: the token keeps that from starting anything twice.
func (p pipelines) Start(ctx context.Context, in provider.Start) (string, error) {
	ev := engine.Start{Trigger: engine.Trigger{Type: "StartPipelineExecution", Detail: in.Caller}}
	for _, v := range in.Variables {
		ev.Variables = append(ev.Variables, engine.Variable(v))
	}
	for _, r := range in.Revisions {
		ev.Overrides = append(ev.Overrides, engine.Override(r))
	}
	start := func() (string, error) {
		return p.a.svc.StartAs(ctx, auth.Principal{Account: in.Account, Region: in.Region, ARN: in.Caller}, in.Pipeline, in.Token, ev)
	}
	id, err := start()
	for began, pause := time.Now(), 50*time.Millisecond; trouble.Text(err) != "" && time.Since(began) < outage; pause = min(2*pause, 5*time.Second) {
		select {
		case <-ctx.Done():
			return "", err
		case <-time.After(pause):
		}
		id, err = start()
	}
	refused, ok := errors.AsType[*fault.Error](err)
	switch {
	case !ok:
		return id, err
	case refused.Code == "PipelineNotFoundException":
		return "", fmt.Errorf("%w: %s", provider.ErrNoPipeline, refused.Message)
	default:
		return "", fmt.Errorf("%w: %s", provider.ErrInvalid, refused.Message)
	}
}
