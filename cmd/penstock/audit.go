package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"penstock/internal/api"
	"penstock/internal/control"
)

func (c *cli) auditCommand() *cobra.Command {
	a := auditLog{cli: c}
	var since time.Duration
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Print the calls that touched secrets",
		Long: `Audit prints the calls that showed secrets of jobs to a worker, used or changed
the token of a partner's client, or tried to with a wrong one, and those that
made or deleted access keys: when, who, from where, what, and what came of it.
Secrets themselves are in no record. It begins a day ago, or as far back as
--since says; the server keeps records for 90 days.

With --follow it goes on with what happens next, until it is interrupted. With
--output json it prints one record a line.`,
		Example: `  penstock audit
  penstock audit --since 2160h --output json
  penstock audit --follow`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since < 0 {
				return usage(cmd, "--since must not be negative")
			}
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			a.cmd, a.client, a.in.SinceSeconds = cmd, client, int64(since.Seconds())
			return a.run()
		},
	}
	cmd.Flags().BoolVarP(&a.follow, "follow", "f", false, "wait for more until interrupted")
	cmd.Flags().DurationVar(&since, "since", 24*time.Hour, "how far back to begin")
	return cmd
}

// auditLog is one run of the command.
type auditLog struct {
	*cli
	cmd    *cobra.Command
	client *api.Client
	in     control.GetAuditInput
	follow bool
}

func (a *auditLog) run() error {
	w := a.cmd.OutOrStdout()
	scr := a.screen(w)
	away := outage{c: a.cli, cmd: a.cmd}
	ctx := a.cmd.Context()
	for {
		out := new(control.GetAuditOutput)
		err := a.client.CallRaw(ctx, "Penstock.GetAudit", a.in, out)
		if err := away.check(err); err != nil {
			return err
		}
		if err == nil {
			if err := a.print(w, scr, out.Records); err != nil {
				return err
			}
			a.in.Cursor = out.Cursor
			if out.More {
				continue
			}
			if !a.follow {
				return nil
			}
		}
		if err := a.pause(ctx, watchEvery); err != nil {
			return err
		}
	}
}

func (a *auditLog) print(w io.Writer, scr screen, list []control.AuditRecord) error {
	for i := range list {
		if a.json() {
			if err := printJSONLine(w, list[i]); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintln(w, auditLine(scr, &list[i])); err != nil {
			return err
		}
	}
	return nil
}

// auditLine is the record for people: when, what came of which call, who, from
// where, which jobs and secrets.
func auditLine(scr screen, r *control.AuditRecord) string {
	color := "Failed"
	if r.Outcome == control.AuditOK {
		color = "Succeeded"
	}
	var what []string
	if r.ClientID != "" {
		what = append(what, "client "+r.ClientID)
	}
	if r.KeyID != "" {
		what = append(what, "access key "+r.KeyID)
	}
	for _, j := range r.Jobs {
		text := "job " + j.ID + " " + j.Pipeline + "/" + j.Stage + "/" + j.Action
		if len(j.Secrets) > 0 {
			text += " (" + strings.Join(j.Secrets, ", ") + ")"
		}
		what = append(what, text)
	}
	return fmt.Sprintf("%s  %s  %s  %s  %s  %s", r.Time.UTC().Format(time.RFC3339), scr.paint(color, r.Outcome), r.Operation,
		clean(r.Principal), clean(r.Source), clean(strings.Join(what, ", ")))
}
