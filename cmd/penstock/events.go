package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"penstock/internal/api"
	"penstock/internal/control"
)

func (c *cli) eventsCommand() *cobra.Command {
	e := events{cli: c}
	var since time.Duration
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Print the state changes of pipelines, stages and actions",
		Long: `Events prints what has happened to the pipelines of the account and region: each
start, end and other change of state of a pipeline execution, a stage or an
action, oldest first. It begins an hour ago, or as far back as --since says; the
server keeps events for a day.

With --follow it goes on with what happens next, until it is interrupted.

With --output json it prints the events as Amazon EventBridge carries them, a
document a line.`,
		Example: `  penstock events
  penstock events --follow --pipeline web
  penstock events --follow --since 0s --output json`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since < 0 {
				return usage(cmd, "--since must not be negative")
			}
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			e.cmd, e.client, e.in.SinceSeconds = cmd, client, int64(since.Seconds())
			return e.run()
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&e.in.PipelineName, "pipeline", "", "show the events of one pipeline only")
	flags.BoolVarP(&e.follow, "follow", "f", false, "wait for more until interrupted")
	flags.DurationVar(&since, "since", time.Hour, "how far back to begin")
	err := cmd.RegisterFlagCompletionFunc("pipeline", c.completePipeline)
	if err != nil {
		panic(err) // the flag is not defined: a fault of this program
	}
	return cmd
}

// events is one run of the command.
type events struct {
	*cli
	cmd    *cobra.Command
	client *api.Client
	in     control.GetEventsInput
	follow bool
}

func (e *events) run() error {
	w := e.cmd.OutOrStdout()
	scr := e.screen(w)
	away := outage{c: e.cli, cmd: e.cmd}
	ctx := e.cmd.Context()
	if e.follow {
		ctx = api.WithWait(ctx, followWait)
	}
	for {
		out := new(control.GetEventsOutput)
		err := e.client.CallRaw(ctx, "Penstock.GetEvents", e.in, out)
		if err := away.check(err); err != nil {
			return err
		}
		if err != nil {
			if err := e.pause(ctx, watchEvery); err != nil {
				return err
			}
			continue
		}
		if out.Missed {
			note(e.cmd, "some events are missing here: the server does not keep them any more")
		}
		if err := e.print(w, scr, out.Events); err != nil {
			return err
		}
		e.in.Cursor = out.Cursor
		if !out.More && !e.follow {
			return nil
		}
	}
}

func (e *events) print(w io.Writer, scr screen, list []json.RawMessage) error {
	for _, raw := range list {
		line := string(raw)
		if !e.json() {
			var ev eventDocument
			if err := json.Unmarshal(raw, &ev); err != nil {
				return err
			}
			line = ev.line(scr)
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// eventDocument is what the text form shows of an event.
type eventDocument struct {
	Time   string `json:"time"`
	Detail struct {
		Pipeline  string `json:"pipeline"`
		Execution string `json:"execution-id"`
		Stage     string `json:"stage"`
		Action    string `json:"action"`
		State     string `json:"state"`
		Comments  string `json:"stop-execution-comments"`
		Trigger   struct {
			Type string `json:"trigger-type"`
		} `json:"execution-trigger"`
		Result struct {
			Summary   string `json:"external-execution-summary"`
			ErrorCode string `json:"error-code"`
		} `json:"execution-result"`
	} `json:"detail"`
}

var eventColors = map[string]string{
	"STARTED": "InProgress", "RESUMED": "InProgress", "SUCCEEDED": "Succeeded", "FAILED": "Failed",
	"STOPPING": "Stopping", "STOPPED": "Stopped", "SUPERSEDED": "Superseded", "ABANDONED": "Abandoned", "CANCELED": "Cancelled",
}

// line is the event for people: when, what came of it, who, where, why.
func (ev *eventDocument) line(scr screen) string {
	d := &ev.Detail
	at := d.Pipeline
	for _, part := range []string{d.Stage, d.Action} {
		if part != "" {
			at += "/" + part
		}
	}
	why := d.Trigger.Type + d.Comments
	if r := d.Result; r.ErrorCode != "" || r.Summary != "" {
		why = strings.TrimPrefix(r.ErrorCode+": "+r.Summary, ": ")
	}
	state := scr.paint(eventColors[d.State], fmt.Sprintf("%-10s", d.State))
	return strings.TrimRight(fmt.Sprintf("%s  %s  %s  %s  %s", ev.Time, d.Execution, state, clean(at), clean(why)), " ")
}
