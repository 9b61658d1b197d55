package app

import (
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"penstock/internal/auth"
	"penstock/internal/core/pipeline"
	"penstock/internal/provider"
	"penstock/internal/provider/lambda"
	"penstock/jobworker"
)

// functions are those of the settings.
func (a *App) functions(cloud aws.Config) *lambda.Functions {
	l := a.cfg.Lambda
	return lambda.NewFunctions(lambda.Config{
		Functions: l.Functions, Endpoint: l.Endpoint, AWS: cloud, TimeLimit: l.TimeLimit,
		Environment: a.functionEnvironment, Logs: a.logs, Commands: a.cfg.Concurrency,
	})
}

// pushed are the types whose jobs functions report on, with the time they have
// for it.
func (a *App) pushed() map[pipeline.ActionType]time.Duration {
	return map[pipeline.ActionType]time.Duration{
		pipeline.ActionType(provider.Type("Invoke", "Lambda")):     a.cfg.Lambda.Silence,
		pipeline.ActionType(provider.Type("Rule", "LambdaInvoke")): 0,
	}
}

// callsWaiting is how many actions wait for their turn or for another try.
const callsWaiting = 1000

// jobs is where the worker of a provider takes its jobs from.
func (a *App) jobs(p provider.Provider, o *jobworker.Options) jobworker.Client {
	switch p.(type) {
	case *lambda.Invoke:
		// A function may go on when it has reported. The provider looks
		// itself whether a job is open, whenever it asks for credentials.
		o.Concurrency, o.CheckEvery, o.RenewAfter = callsWaiting, -1, time.Nanosecond
		return a.svc.PushedJobs(p.Type(), false)
	case *lambda.Rule:
		o.Concurrency, o.CheckEvery, o.RenewAfter = callsWaiting, -1, time.Nanosecond
		return a.svc.PushedJobs(p.Type(), true)
	}
	return a.svc.LocalJobs(p.Type())
}

// executors is the worker of all action types with a Lambda executor.
func (a *App) executors() worker {
	const name = "Executor/Lambda"
	options := a.workerOptions(name)
	options.Concurrency, options.CheckEvery, options.RenewAfter = callsWaiting, 30*time.Second, time.Nanosecond
	return worker{name, jobworker.New(a.svc.CalledJobs(), lambda.NewExecutor(a.lambda).Run, options)}
}

// functionEnvironment is what a function that is a command sees: this process's
// own environment without its secrets, and where the server is. With an account
// it gets a key for it, so that it can report.
func (a *App) functionEnvironment(account, region, function string) []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "PENSTOCK_") && !strings.HasPrefix(kv, "AWS_") {
			env = append(env, kv)
		}
	}
	env = append(env, "AWS_ENDPOINT_URL="+a.URL(), "AWS_REGION="+region, "AWS_DEFAULT_REGION="+region,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_LAMBDA_FUNCTION_NAME="+function)
	if account == "" {
		return env
	}
	c := a.sessions.Mint(auth.SessionScope{
		Account: account, ARN: "arn:aws:sts::" + account + ":assumed-role/penstock-function/" + function,
	}, a.cfg.Lambda.TimeLimit+time.Minute)
	return append(env, "AWS_ACCESS_KEY_ID="+c.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+string(c.SecretAccessKey), "AWS_SESSION_TOKEN="+string(c.SessionToken))
}
