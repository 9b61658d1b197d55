package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"penstock/internal/api"
	"penstock/internal/control"
)

// followWait is how long the server may hold a call for more of a log.
const followWait = 20 * time.Second

func (c *cli) logsCommand() *cobra.Command {
	l := logs{cli: c}
	cmd := &cobra.Command{
		Use:   "logs PIPELINE",
		Short: "Print what an action has written",
		Long: `Logs prints the log of an action, while it runs and afterwards. Without --action
it looks at the newest execution and takes an action that has a log: one that
failed, else the newest that runs, else the newest; it says which on standard
error. An action that ran several times is shown as it ran last, unless
--execution-id names an action execution, as ListActionExecutions shows it.

With --follow it waits for more until the action has ended.

With --output json it prints the answers of the server, a document a line.`,
		Example: `  penstock logs web
  penstock logs web --action Build --follow
  penstock logs web --execution-id 0198c0de-0000-7000-8000-000000000000`,
		Args:              arguments(1, 1, "one PIPELINE"),
		ValidArgsFunction: c.completePipeline,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			l.cmd, l.client, l.in.PipelineName = cmd, client, args[0]
			return l.run()
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&l.in.ActionName, "action", "", "name of the action")
	flags.StringVar(&l.in.StageName, "stage", "", "stage of the action")
	flags.StringVar(&l.in.ActionExecutionID, "execution-id", "", "id of an action execution")
	flags.BoolVarP(&l.follow, "follow", "f", false, "wait for more until the action has ended")
	return cmd
}

// logs is one run of the command.
type logs struct {
	*cli
	cmd    *cobra.Command
	client *api.Client
	in     control.GetActionLogInput
	follow bool
}

func (l *logs) run() error {
	if l.in.ActionName == "" && l.in.ActionExecutionID == "" {
		if err := l.pick(); err != nil {
			return err
		}
	}
	w := l.cmd.OutOrStdout()
	away := outage{c: l.cli, cmd: l.cmd}
	for {
		out, err := l.read(l.in)
		if err := away.check(err); err != nil {
			return err
		}
		if err != nil {
			if err := l.pause(l.cmd.Context(), watchEvery); err != nil {
				return err
			}
			continue
		}
		// A later run of the same action is another log.
		l.in.ActionExecutionID = out.ActionExecutionID
		l.in.Offset = out.NextOffset
		if err := l.print(w, out); err != nil {
			return err
		}
		if out.Ended || out.Content == "" && !l.follow {
			return nil
		}
	}
}

// read gets a piece of a log, and waits for one when it is followed.
func (l *logs) read(in control.GetActionLogInput) (*control.GetActionLogOutput, error) {
	ctx := l.cmd.Context()
	if l.follow {
		ctx = api.WithWait(ctx, followWait)
	}
	out := new(control.GetActionLogOutput)
	return out, l.client.CallRaw(ctx, "Penstock.GetActionLog", in, out)
}

func (l *logs) print(w io.Writer, out *control.GetActionLogOutput) error {
	if l.json() {
		if out.Content == "" && !out.Ended {
			return nil
		}
		return printJSONLine(w, out)
	}
	_, err := io.WriteString(w, out.Content)
	return err
}

// pick finds an action with a log; when it follows, it waits for one.
func (l *logs) pick() error {
	away := outage{c: l.cli, cmd: l.cmd}
	for {
		found, going, err := l.look()
		if err := away.check(err); err != nil {
			return err
		}
		switch {
		case err == nil && found != nil:
			l.in.ActionExecutionID = found.ActionExecutionId
			note(l.cmd, "log of %s/%s, %s (action execution %s)", found.StageName, found.ActionName, found.Status, found.ActionExecutionId)
			return nil
		case err == nil && !(l.follow && going):
			return &failure{exitFailure, fmt.Sprintf("no action of the newest execution of %s has written a log", l.in.PipelineName),
				fmt.Sprintf("see `penstock status %s`, or name an --action", l.in.PipelineName)}
		}
		if err := l.pause(l.cmd.Context(), watchEvery); err != nil {
			return err
		}
	}
}

// look returns the action to show, nil when none has a log yet, and whether the
// newest execution goes on.
func (l *logs) look() (found *api.ActionExecutionDetail, going bool, err error) {
	ctx := l.cmd.Context()
	execution, err := newest(ctx, l.client, l.in.PipelineName)
	if err != nil || execution == nil {
		return nil, execution == nil, err
	}
	latest := snapshot{latest: execution}
	out, err := l.client.ListActionExecutions(ctx, &api.ListActionExecutionsInput{
		PipelineName: l.in.PipelineName,
		Filter:       &api.ActionExecutionFilter{PipelineExecutionId: execution.PipelineExecutionId},
	})
	if err != nil {
		return nil, false, err
	}
	for _, a := range candidates(out.ActionExecutionDetails, l.in.StageName) {
		has, err := l.hasLog(a)
		if err != nil {
			return nil, false, err
		}
		if has {
			return &a, true, nil
		}
	}
	return nil, !latest.ended(), nil
}

// candidates orders actions, which come newest first, by how much their logs
// matter.
func candidates(all []api.ActionExecutionDetail, stage string) []api.ActionExecutionDetail {
	var failed, running, others []api.ActionExecutionDetail
	for _, a := range all {
		switch {
		case stage != "" && a.StageName != stage:
		case a.Status == api.ActionExecutionStatusFailed:
			failed = append(failed, a)
		case a.Status == api.ActionExecutionStatusInProgress:
			running = append(running, a)
		default:
			others = append(others, a)
		}
	}
	return append(append(failed, running...), others...)
}

func (l *logs) hasLog(a api.ActionExecutionDetail) (bool, error) {
	var out control.GetActionLogOutput
	in := control.GetActionLogInput{PipelineName: l.in.PipelineName, ActionExecutionID: a.ActionExecutionId}
	err := l.client.CallRaw(l.cmd.Context(), "Penstock.GetActionLog", in, &out)
	if e, ok := errors.AsType[*api.APIError](err); ok && e.Code == api.ActionExecutionNotFoundException {
		return false, nil
	}
	return out.Content != "", err
}
