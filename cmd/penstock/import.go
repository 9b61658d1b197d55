package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"penstock/internal/app"
	"penstock/internal/config"
)

func (c *cli) importCommand() *cobra.Command {
	cfg := &config.Config{}
	cmd := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Load a file of penstock export into an empty database",
		Long: `Import loads the state that penstock export wrote, from FILE or from standard
input, into the database that --database and --data name: all of it or nothing. The
database must be empty, and no server may work on it. Digests are checked while the
file is read, and again on what the database gives back.

The data folder must have the master.key of the server that the state comes from.
Executions in flight go on: a job that a worker has acknowledged is reported as
before, one that waits is handed out, and actions that ran in the old server itself
start over.`,
		Example: "  penstock import state.jsonl.gz --data /var/lib/penstock --database postgres://penstock@db/penstock\n  penstock import - --data ./laptop < state.jsonl.gz",
		Args:    arguments(1, 1, "a FILE, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cfg.Load(cmd.Flags(), os.Getenv); err != nil {
				return err
			}
			var in io.Reader = cmd.InOrStdin()
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			p := c.counter(cmd, "rows imported")
			tables, whole, err := app.Import(cmd.Context(), *cfg, in, p.show)
			p.end()
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if c.json() {
				return printJSON(out, map[string]any{"rows": whole.Rows, "sha256": whole.SHA256, "tables": tables})
			}
			var rows [][]string
			for _, t := range tables {
				if t.Rows > 0 {
					rows = append(rows, []string{t.Table, strconv.FormatInt(t.Rows, 10), t.SHA256})
				}
			}
			for _, line := range c.screen(out).table([]string{"TABLE", "ROWS", "SHA-256"}, rows) {
				if _, err := fmt.Fprintln(out, line); err != nil {
					return err
				}
			}
			_, err = fmt.Fprintf(out, "imported %d rows, SHA-256 %s\n", whole.Rows, whole.SHA256)
			return err
		},
	}
	databaseFlags(cmd, cfg)
	return cmd
}
