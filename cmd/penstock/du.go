package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"penstock/internal/control"
)

func (c *cli) duCommand() *cobra.Command {
	var in control.GetUsageInput
	cmd := &cobra.Command{
		Use:   "du",
		Short: "Show what the server keeps, and what of it retention is about to remove",
		Long: `Du counts what the server keeps: history, events and audit records in the
database, logs and the objects of each bucket in the embedded store (on an external
S3: those under the names that the server gives), with the oldest and the newest, how
long they are kept after their end (--keep-history and its siblings, penstock server
--help), and how many are older than that (executions that a retry or a rollback may
need stay all the same). It reads all of it, which takes a while on a
large server. Only the root access key may ask.`,
		Example: "  penstock du\n  penstock du --folders --output json",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			var out control.GetUsageOutput
			if err := client.CallRaw(cmd.Context(), "Penstock.GetUsage", in, &out); err != nil {
				return err
			}
			if c.json() {
				return printJSON(cmd.OutOrStdout(), out)
			}
			rows := [][]string{{"database", "", size(out.DatabaseBytes), "", "", "", ""}}
			for _, u := range out.Usage {
				bytes, expired := "", ""
				if u.Bytes > 0 {
					bytes = size(u.Bytes)
				}
				if u.Expired > 0 {
					expired = strconv.FormatInt(u.Expired, 10)
				}
				if u.Expired == control.MaxExpired { // no more are counted
					expired += "+"
				}
				rows = append(rows, []string{clean(u.Kind), strconv.FormatInt(u.Count, 10), bytes, day(u.Oldest), day(u.Newest), u.Keep, expired})
			}
			w := cmd.OutOrStdout()
			for _, line := range c.screen(w).table([]string{"WHAT", "COUNT", "SIZE", "OLDEST", "NEWEST", "KEPT", "OLDER"}, rows) {
				if _, err := fmt.Fprintln(w, line); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&in.Folders, "folders", false, "buckets by the first part of keys too: the pipeline, in buckets of artifacts")
	return cmd
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}
