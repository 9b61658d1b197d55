package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"penstock/internal/api"
	"penstock/internal/clientcfg"
)

// cli is what all commands share: their persistent flags, and the world outside
// that tests put in.
type cli struct {
	load   func(ctx context.Context, o clientcfg.Options) (*clientcfg.Config, error)
	now    func() time.Time
	pause  func(ctx context.Context, d time.Duration) error
	screen func(w io.Writer) screen

	server clientcfg.Options
	output string
}

// newRoot returns the command tree.
func newRoot() *cobra.Command {
	return (&cli{load: clientcfg.Load, now: time.Now, pause: pause, screen: terminal}).root()
}

// pause sleeps for d or until ctx ends, and returns why it ended then.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (c *cli) root() *cobra.Command {
	root := group(&cobra.Command{
		Use:   "penstock",
		Short: "A self-hosted continuous delivery server that speaks the AWS CodePipeline API",
		Long: `Penstock runs pipelines on your own machines and speaks the AWS CodePipeline
API, so that the AWS CLI, the SDKs and Terraform work with it unchanged.

Client commands find the server as the AWS CLI does: --endpoint-url, then
AWS_ENDPOINT_URL_CODEPIPELINE, AWS_ENDPOINT_URL and the profile, else
http://127.0.0.1:7480. Region and credentials come from the flags, the AWS
variables or the profile; the default region is us-east-1. When no credentials
are configured and the server is on this machine, the key in
./penstock-data/credentials is used.

Exit status: 0 success; 1 failure; 2 wrong usage or configuration; 3 the server
cannot be reached; 4 the server refused the request; 130 interrupted.

NO_COLOR turns colours off; they are only used on a terminal.`,
		Example: `  penstock server
  penstock status
  penstock status web --watch`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(outputs, c.output) {
				return usage(cmd, "--output must be text or json, not %q", c.output)
			}
			return nil
		},
	})
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage(cmd, "%v", err) })
	flags := root.PersistentFlags()
	flags.StringVar(&c.server.Endpoint, "endpoint-url", "", "URL of the server, before all that is configured")
	flags.StringVar(&c.server.Region, "region", "", "region, before all that is configured")
	flags.StringVar(&c.server.Profile, "profile", "", "profile of the AWS configuration to use")
	flags.StringVar(&c.output, "output", "text", "output format: text or json")
	complete(root, "output", outputs)
	root.AddCommand(newServerCommand(), c.statusCommand(), c.logsCommand(), c.eventsCommand(), c.auditCommand(), c.workerCommand(), c.partnerCommand(), c.actionTypeCommand(), c.accessKeyCommand(), c.connectionCommand(), c.nodesCommand(), c.healthCommand(), c.migrateCommand(), c.exportCommand(), c.importCommand(), c.backupCommand(), c.restoreCommand(), c.rekeyCommand(), c.duCommand(), c.validateCommand(), c.runCommand(), c.tlsCommand(), c.versionCommand(), demoCommand(), docsCommand())
	return root
}

var outputs = []string{"text", "json"}

func (c *cli) json() bool { return c.output == "json" }

// group makes cmd one that only holds others: alone it prints its help, and a
// word that is none of its commands is wrong usage.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			return usage(cmd, "%s has no command %q, did you mean %s?", cmd.CommandPath(), args[0], strings.Join(near, " or "))
		}
		return usage(cmd, "%s has no command %q", cmd.CommandPath(), args[0])
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.SuggestionsMinimumDistance = 2
	return cmd
}

// arguments accepts between least and most arguments; what names them.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usage(cmd, "%s needs %s", cmd.CommandPath(), what)
		case len(args) > most && most == 0:
			return usage(cmd, "%s takes no arguments, not %q", cmd.CommandPath(), args[0])
		case len(args) > most:
			return usage(cmd, "%s takes only %s, not %q too", cmd.CommandPath(), what, args[most])
		}
		return nil
	}
}

// need refuses when a flag is empty.
func need(cmd *cobra.Command, names ...string) error {
	for _, name := range names {
		if cmd.Flags().Lookup(name).Value.String() == "" {
			return usage(cmd, "%s needs --%s", cmd.CommandPath(), name)
		}
	}
	return nil
}

// complete tells shells the values of a flag.
func complete(cmd *cobra.Command, flag string, values []string) {
	fixed := cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc(flag, fixed); err != nil {
		panic(err) // the flag is not defined: a fault of this program
	}
}

// completePipeline tells shells the names of the pipelines.
func (c *cli) completePipeline(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	cfg, err := c.load(cmd.Context(), c.server)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	out, err := cfg.Client().ListPipelines(cmd.Context(), &api.ListPipelinesInput{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, p := range out.Pipelines {
		names = append(names, p.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// configure finds the server, and tells of a choice that nobody configured.
func (c *cli) configure(cmd *cobra.Command) (*clientcfg.Config, error) {
	cfg, err := c.load(cmd.Context(), c.server)
	if err != nil {
		return nil, misconfigured(err)
	}
	if cfg.Notice != "" {
		note(cmd, "%s", cfg.Notice)
	}
	return cfg, nil
}

// client returns a client of the server.
func (c *cli) client(cmd *cobra.Command) (*api.Client, error) {
	cfg, err := c.configure(cmd)
	if err != nil {
		return nil, err
	}
	return cfg.Client(), nil
}

// note prints a line for people on standard error.
func note(cmd *cobra.Command, format string, args ...any) {
	fmt.Fprintf(cmd.ErrOrStderr(), "penstock: "+format+"\n", args...)
}
