package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"penstock/internal/runlocal"
)

// runFlags are the flags of the command.
type runFlags struct {
	declarations declarationFlags
	pipeline     string
	sources      []string
	skip         []string
	workers      []string
	variables    []string
	functions    []string
	approve      bool
	out          string
}

func (c *cli) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Run a declaration on this machine, without a server",
		Long: `Run checks a declaration as "penstock validate" does and runs it once, on a
server of its own in a temporary folder that is removed afterwards.

Folders take the place of sources: the only source action of a pipeline gets the
working folder, others what --source names. Where git knows the folder, that is
all but what git ignores. Variables of the sources come from the repository.

Commands run on this machine WITHOUT ISOLATION, as you. Deploys to S3 go to
buckets of the temporary server; --out keeps what they got. Jobs of custom and
partner actions are done by the command that --worker gives for their type, as
"penstock worker --exec" does them. Approvals are asked on the terminal, or given
by --approve. An action of a type that does not run here has to be left out with
--skip. Triggers, roles, regions and encryption keys play no part.

Progress goes to standard error; at the end, the log of each action that failed
and a summary go to standard output.

Exit status: 0 the execution has succeeded; 1 it has not; 2 wrong usage, or a
declaration that is wrong or cannot be run here; 130 interrupted.`,
		Example: `  penstock run pipeline.json
  penstock run release.yaml --source Git=~/src/release --var Channel=beta --out dist
  penstock run site.json --approve --worker 'Test/Lint=./lint.sh' --skip Notify`,
		Args: arguments(1, 1, "one FILE"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.runLocal(cmd, args[0], &f) },
	}
	f.declarations.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.pipeline, "pipeline", "", "name, or logical id in a template, of the pipeline in a FILE with several")
	flags.StringArrayVar(&f.sources, "source", nil, "`ACTION=DIR`: folder that a source action reads (repeatable)")
	flags.StringArrayVar(&f.skip, "skip", nil, "`ACTION` to leave out, or STAGE/ACTION (repeatable)")
	flags.StringArrayVar(&f.workers, "worker", nil, "`CATEGORY/PROVIDER=COMMAND`: shell command for the jobs of a custom or partner type (repeatable)")
	flags.StringArrayVar(&f.variables, "var", nil, "`NAME=VALUE` of a pipeline variable (repeatable)")
	flags.StringArrayVar(&f.functions, "lambda-function", nil, "function of Lambda actions and rules as `NAME=TARGET`, a URL or exec:COMMAND (repeatable)")
	flags.BoolVar(&f.approve, "approve", false, "approve whatever waits for approval")
	flags.StringVar(&f.out, "out", "", "folder that gets what was deployed to S3, as BUCKET/KEY")
	return cmd
}

// pairs reads flags of the form NAME=VALUE.
func pairs(cmd *cobra.Command, flag string, values []string) (map[string]string, error) {
	out := map[string]string{}
	for _, v := range values {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return nil, usage(cmd, "--%s must be NAME=VALUE, not %q", flag, v)
		}
		out[name] = value
	}
	return out, nil
}

func (c *cli) runLocal(cmd *cobra.Command, file string, f *runFlags) error {
	o := runlocal.Options{Skip: f.skip, Out: f.out, Env: os.Environ(), Version: thisBuild().Version}
	var err error
	for _, p := range []struct {
		flag   string
		values []string
		to     *map[string]string
	}{{"source", f.sources, &o.Sources}, {"worker", f.workers, &o.Workers}, {"var", f.variables, &o.Variables}, {"lambda-function", f.functions, &o.Functions}} {
		if *p.to, err = pairs(cmd, p.flag, p.values); err != nil {
			return err
		}
	}
	if err := c.declare(cmd, file, f, &o); err != nil {
		return err
	}
	switch {
	case f.approve:
		o.Ask = func(context.Context, runlocal.Approval) (runlocal.Decision, error) {
			return runlocal.Decision{Approved: true, Summary: "--approve"}, nil
		}
	case file != "-" && interactive(cmd.InOrStdin()):
		o.Ask = asker(cmd)
	}
	events := cmd.ErrOrStderr()
	o.Tell = func(p runlocal.Progress) { fmt.Fprintln(events, progressLine(p)) }
	result, err := runlocal.Run(cmd.Context(), o)
	if refused, ok := errors.AsType[*runlocal.Refusal](err); ok {
		return refusal(refused)
	}
	if err != nil {
		return err
	}
	if err := c.printRun(cmd.OutOrStdout(), result, f.out); err != nil {
		return err
	}
	if result.Status != "Succeeded" {
		return &failure{exitFailure, fmt.Sprintf("the run of %s has ended: %s", result.Pipeline, result.Status), ""}
	}
	return nil
}

// declare reads the declaration that is run; one with problems is not.
func (c *cli) declare(cmd *cobra.Command, file string, f *runFlags, o *runlocal.Options) error {
	check, err := c.options(cmd, &f.declarations)
	if err != nil {
		return err
	}
	check.AllowUnknownTypes = true // what has no worker is refused by name
	o.Region, o.Types = check.Region, check.Types
	docs, err := readDeclarations(cmd, file, check)
	if err != nil {
		return &failure{exitUsage, file + ": " + err.Error(), ""}
	}
	var names []string
	for _, d := range docs {
		names = append(names, d.Pipeline.Name)
		if f.pipeline != "" && f.pipeline != d.Pipeline.Name && f.pipeline != d.Resource || f.pipeline == "" && len(docs) > 1 {
			continue
		}
		if len(d.Problems) > 0 {
			printProblems(cmd.OutOrStdout(), file, d.Problems)
			return &failure{exitUsage, "the declaration has " + count(len(d.Problems), "problem"), ""}
		}
		if len(d.Opaque) > 0 {
			note(cmd, "made up for this run, as only a deployment knows them: %s", strings.Join(d.Opaque, ", "))
		}
		o.Pipeline = d.Pipeline
		return nil
	}
	return usage(cmd, "%s holds the pipelines %s: choose one with --pipeline", file, strings.Join(names, ", "))
}

func refusal(r *runlocal.Refusal) error {
	if len(r.Reasons) == 1 {
		return &failure{exitUsage, r.Reasons[0].What, r.Reasons[0].Todo}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the declaration cannot be run here, for %d reasons:", len(r.Reasons))
	for _, reason := range r.Reasons {
		fmt.Fprintf(&b, "\n  %s; %s", reason.What, reason.Todo)
	}
	return &failure{exitUsage, b.String(), ""}
}

func interactive(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// asker asks on the terminal.
func asker(cmd *cobra.Command) func(context.Context, runlocal.Approval) (runlocal.Decision, error) {
	lines := make(chan string)
	start := false
	return func(ctx context.Context, a runlocal.Approval) (runlocal.Decision, error) {
		if !start {
			start = true
			go func() { // it ends with the process: a read of a terminal cannot be called off
				defer close(lines)
				for s := bufio.NewScanner(cmd.InOrStdin()); s.Scan(); {
					lines <- s.Text()
				}
			}()
		}
		for _, text := range []string{a.CustomData, a.Link} {
			if text != "" {
				fmt.Fprintf(cmd.ErrOrStderr(), "  %s\n", clean(text))
			}
		}
		for {
			fmt.Fprintf(cmd.ErrOrStderr(), "Approve %s/%s? [y/n] ", a.Stage, a.Action)
			select {
			case <-ctx.Done():
				return runlocal.Decision{}, ctx.Err()
			case line, ok := <-lines:
				switch strings.ToLower(strings.TrimSpace(line)) {
				case "y", "yes":
					return runlocal.Decision{Approved: true, Summary: "Approved on the terminal"}, nil
				case "n", "no":
					return runlocal.Decision{Summary: "Rejected on the terminal"}, nil
				}
				if !ok {
					return runlocal.Decision{Summary: "Nobody answered"}, nil
				}
			}
		}
	}
}

func progressLine(p runlocal.Progress) string {
	if p.Action == "" {
		return "penstock: " + clean(p.Message)
	}
	line := p.Stage + "/" + named(p.Action, p.Rule) + " " + strings.ToLower(p.Event)
	if p.Event != "started" {
		line += " after " + seconds(p.Took)
	}
	if p.Message != "" {
		line += ": " + clean(p.Message)
	}
	return line
}

// named is the name of an action, or of a rule.
func named(name string, rule bool) string {
	if rule {
		return "rule " + name
	}
	return name
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }

// ran is the result of a run, as --output json prints it.
type ran struct {
	Pipeline    string      `json:"pipeline"`
	ExecutionID string      `json:"executionId"`
	Status      string      `json:"status"`
	Summary     string      `json:"summary,omitempty"`
	Seconds     float64     `json:"seconds"`
	Actions     []ranAction `json:"actions"`
	Files       int         `json:"files"` // copied to --out
}

type ranAction struct {
	Stage   string  `json:"stage"`
	Action  string  `json:"action,omitempty"`
	Rule    string  `json:"rule,omitempty"` // of the stage's conditions
	Status  string  `json:"status"`
	Seconds float64 `json:"seconds"`
	Message string  `json:"message,omitempty"`
	Log     string  `json:"log,omitempty"` // of an action that failed
}

// printRun prints the logs of what failed and then the summary.
func (c *cli) printRun(w io.Writer, r runlocal.Result, out string) error {
	if c.json() {
		v := ran{r.Pipeline, r.ExecutionID, r.Status, r.Summary, r.Took.Seconds(), []ranAction{}, r.Files}
		for _, a := range r.Actions {
			one := ranAction{Stage: a.Stage, Action: a.Action, Status: a.Status, Seconds: a.Took.Seconds(), Message: a.Message, Log: a.Log}
			if a.Rule {
				one.Action, one.Rule = "", a.Action
			}
			v.Actions = append(v.Actions, one)
		}
		return printJSONLine(w, v)
	}
	for _, a := range r.Actions {
		if a.Log != "" {
			fmt.Fprintf(w, "==> Log of %s/%s\n%s\n", a.Stage, named(a.Action, a.Rule), strings.TrimRight(a.Log, "\n"))
		}
	}
	var rows [][]string
	for _, a := range r.Actions {
		rows = append(rows, []string{a.Stage, named(a.Action, a.Rule), a.Status, seconds(a.Took), clean(a.Message)})
	}
	screen := c.screen(w)
	for _, line := range screen.table([]string{"STAGE", "ACTION", "STATUS", "TIME", ""}, rows) {
		fmt.Fprintln(w, line)
	}
	fmt.Fprintf(w, "%s %s after %s\n", r.Pipeline, screen.paint(r.Status, r.Status), seconds(r.Took))
	if r.Summary != "" {
		fmt.Fprintf(w, "%s\n", clean(r.Summary))
	}
	if out != "" {
		fmt.Fprintf(w, "%s in %s\n", count(r.Files, "file"), out)
	}
	return nil
}
