package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"penstock/internal/clientcfg"
	"penstock/internal/execworker"
	"penstock/jobworker"
)

// workerOptions are the flags of the command.
type workerOptions struct {
	actionType  jobworker.ActionType
	command     string
	query       []string
	clientID    string
	clientToken string
	concurrency int
	dir         string
	timeout     time.Duration
	grace       time.Duration
	once        bool
	maxJobs     int
}

func (c *cli) workerCommand() *cobra.Command {
	var o workerOptions
	cmd := &cobra.Command{
		Use:   "worker --category CATEGORY --provider NAME --version VERSION --exec COMMAND",
		Short: "Run a shell command for each job of an action type",
		Long: `Worker takes the jobs of a custom action type, or with a client token those of a
partner's, and runs a command for each. The command starts in a fresh folder
with the first input artifact unpacked. Its environment tells the rest:

  PENSTOCK_JOB_ID, PENSTOCK_PIPELINE, PENSTOCK_STAGE, PENSTOCK_ACTION
  PENSTOCK_CONFIG_KEY     each configuration value, secrets in clear text
  PENSTOCK_INPUT_NAME     folder of each input artifact
  PENSTOCK_OUTPUT_NAME    folder that becomes the output artifact
  PENSTOCK_JOB_FILE       the whole job as JSON, without credentials
  PENSTOCK_RESULT         file to write a result to, as JSON: outputVariables,
                          summary, externalExecutionId, percentComplete,
                          revision, continuationToken, failureType
  PENSTOCK_CONTINUATION_TOKEN   what the run before asked to be given

Exit status 0 reports success with the last line printed as the summary, any
other failure with the last lines as the message. The command's output goes to
standard output and progress to standard error; with --output json progress goes
to standard output, a document a line, and the command's output to standard
error.

SIGTERM or Ctrl-C drain the worker: it takes no more jobs and gives running ones
--grace to end. A second signal ends it at once. A job may come twice when a
worker dies, so that commands should be safe to repeat.`,
		Example: `  penstock worker --category Build --provider Make --version 1 --exec 'make && cp -r dist/. "$PENSTOCK_OUTPUT_App"'
  PENSTOCK_CLIENT_TOKEN=... penstock worker --category Test --provider Acme --version 1 --exec ./suite.sh`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.clientID = cmp.Or(o.clientID, os.Getenv("PENSTOCK_CLIENT_ID"))
			o.clientToken = cmp.Or(o.clientToken, os.Getenv("PENSTOCK_CLIENT_TOKEN"))
			return c.runWorker(cmd, &o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.actionType.Category, "category", "", "category of the action type")
	flags.StringVar(&o.actionType.Provider, "provider", "", "provider of the action type")
	flags.StringVar(&o.actionType.Version, "version", "", "version of the action type")
	flags.StringVar(&o.command, "exec", "", "command to run for each job, by sh -c")
	flags.StringArrayVar(&o.query, "query-param", nil, "KEY=VALUE: take only jobs whose queryable property has this value")
	flags.StringVar(&o.clientID, "client-id", "", "take only the partner jobs of this client (or PENSTOCK_CLIENT_ID)")
	flags.StringVar(&o.clientToken, "client-token", "", "token of a partner's client; PENSTOCK_CLIENT_TOKEN hides it from other users")
	flags.IntVar(&o.concurrency, "concurrency", 1, "how many jobs to run at the same time")
	flags.StringVar(&o.dir, "work-dir", "", "where to make the folders of jobs (default: the system's temporary folder)")
	flags.DurationVar(&o.timeout, "timeout", time.Hour, "how long a command may run")
	flags.DurationVar(&o.grace, "grace", 30*time.Second, "how long running jobs may go on when the worker is stopped")
	flags.BoolVar(&o.once, "once", false, "poll once, run what came, and end")
	flags.IntVar(&o.maxJobs, "max-jobs", 0, "end after this many jobs (default: never)")
	return cmd
}

// check completes the options and refuses those that make no sense.
func (o *workerOptions) check(cmd *cobra.Command) (query map[string]string, err error) {
	if err := need(cmd, "category", "provider", "version", "exec"); err != nil {
		return nil, err
	}
	for _, kv := range o.query {
		key, value, ok := strings.Cut(kv, "=")
		if !ok || key == "" {
			return nil, usage(cmd, "--query-param must be KEY=VALUE, not %q", kv)
		}
		if query == nil {
			query = map[string]string{}
		}
		query[key] = value
	}
	switch {
	case o.clientToken == "" && o.clientID != "":
		return nil, usage(cmd, "--client-id needs --client-token or PENSTOCK_CLIENT_TOKEN")
	case o.clientToken != "" && query != nil:
		return nil, usage(cmd, "--query-param is for custom action types, not for partners")
	case o.concurrency < 1:
		return nil, usage(cmd, "--concurrency must be at least 1")
	case o.maxJobs < 0:
		return nil, usage(cmd, "--max-jobs must not be negative")
	case o.timeout <= 0:
		return nil, usage(cmd, "--timeout must be positive")
	case o.grace <= 0:
		return nil, usage(cmd, "--grace must be positive")
	}
	if o.dir != "" {
		if st, err := os.Stat(o.dir); err != nil || !st.IsDir() {
			return nil, usage(cmd, "--work-dir %s is not a folder", o.dir)
		}
	}
	o.actionType.Owner = "Custom"
	if o.clientToken != "" {
		o.actionType.Owner = "ThirdParty"
	}
	return query, nil
}

func (c *cli) runWorker(cmd *cobra.Command, o *workerOptions) error {
	query, err := o.check(cmd)
	if err != nil {
		return err
	}
	cfg, err := c.configure(cmd)
	if err != nil {
		return err
	}
	client, err := o.client(cfg, query)
	if err != nil {
		return err
	}
	output, events := cmd.OutOrStdout(), cmd.ErrOrStderr()
	if c.json() {
		output, events = events, output
	}
	p := &progress{w: events, json: c.json(), now: c.now}
	handler := execworker.New(execworker.Config{
		Command: o.command, Dir: o.dir, Env: os.Environ(), Limit: o.timeout,
		Output: &lockedWriter{w: output},
		S3:     execworker.NewS3(execworker.S3Config{Region: cfg.Region, Endpoint: cfg.S3Endpoint}),
	})
	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	limit := newLimit(client, o.once, o.maxJobs, stop)
	worker := jobworker.New(limit, p.around(handler), jobworker.Options{
		Concurrency: o.concurrency, Grace: o.grace,
		Log: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		Hooks: jobworker.Hooks{
			Acknowledged: limit.acknowledged,
			Reported: func(j jobworker.Job, err error) {
				p.reported(j, err)
				limit.reported()
			},
		},
	})
	t := o.actionType
	note(cmd, "waiting for jobs of %s/%s/%s/%s at %s", t.Category, t.Owner, t.Provider, t.Version, cfg.Endpoint)
	quiet := context.AfterFunc(cmd.Context(), func() { note(cmd, "stopping: no more jobs are taken; interrupt again to end at once") })
	defer quiet()
	if err := worker.Run(ctx); err != nil {
		return err
	}
	return limit.failed()
}

// client speaks for the action type.
func (o *workerOptions) client(cfg *clientcfg.Config, query map[string]string) (jobworker.Client, error) {
	caller, err := cfg.Caller()
	if err != nil {
		return nil, misconfigured(err)
	}
	if o.clientToken == "" {
		return jobworker.NewClient(caller, o.actionType, query), nil
	}
	return jobworker.NewPartnerClient(caller, o.actionType, func(clientID string) (string, bool) {
		return o.clientToken, o.clientID == "" || o.clientID == clientID
	}), nil
}

// lockedWriter takes what several commands print.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// place names the action of a job for people.
func place(j jobworker.Job) string {
	return fmt.Sprintf("%s: %s/%s", j.Context.Pipeline, j.Context.Stage, j.Context.Action)
}
