package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"penstock/internal/app"
	"penstock/internal/config"
)

func (c *cli) exportCommand() *cobra.Command {
	cfg := &config.Config{}
	cmd := &cobra.Command{
		Use:   "export FILE|-",
		Short: "Write the state to a file that penstock import loads into any database",
		Long: `Export writes the state (pipelines, executions and their history, jobs, webhooks,
clients, everything but artifacts and logs) as of one moment to FILE, or to
standard output. It works on the database itself, without a server: --database and
--data say which, as for penstock server. A server may be at work meanwhile; what it
does after that moment is not in the file, so stop it before you move for good.

The file is gzip of JSON lines, with a SHA-256 for each table and for the whole. It
holds secrets only sealed; they open with the master.key of the same data folder.`,
		Example: "  penstock export state.jsonl.gz --data /var/lib/penstock\n  PENSTOCK_DATABASE=postgres://penstock@db/penstock penstock export - | ssh other 'cat > state.jsonl.gz'",
		Args:    arguments(1, 1, "a FILE, or - for standard output"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cfg.Load(cmd.Flags(), os.Getenv); err != nil {
				return err
			}
			p := c.counter(cmd, "rows exported")
			var sum app.Sum
			err := c.writeFile(cmd, args[0], func(w io.Writer) (err error) {
				sum, err = app.Export(cmd.Context(), *cfg, w, p.show)
				return err
			})
			p.end()
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if args[0] == "-" {
				out = cmd.ErrOrStderr()
			}
			if c.json() {
				return printJSON(out, map[string]any{"file": args[0], "rows": sum.Rows, "sha256": sum.SHA256})
			}
			_, err = fmt.Fprintf(out, "exported %d rows to %s, SHA-256 %s\n", sum.Rows, args[0], sum.SHA256)
			return err
		},
	}
	databaseFlags(cmd, cfg)
	return cmd
}

// databaseFlags gives the command the flags of the server that say where it
// keeps things.
func databaseFlags(cmd *cobra.Command, cfg *config.Config, more ...string) {
	cfg.Flags(cmd.Flags())
	cmd.Flags().VisitAll(func(f *pflag.Flag) { // the others are settings of the server
		f.Hidden = !slices.Contains(append(more, "config", "data", "database"), f.Name)
	})
}

// writeFile has fill write a file that is whole or absent, mode 0600; "-" is
// standard output.
func (c *cli) writeFile(cmd *cobra.Command, name string, fill func(io.Writer) error) (err error) {
	if name == "-" {
		if c.screen(cmd.OutOrStdout()).tty {
			return usage(cmd, "%s writes no binary file to a terminal", cmd.CommandPath())
		}
		return fill(cmd.OutOrStdout())
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// counter shows on a terminal how far something is, and nowhere else.
type counter struct {
	w    io.Writer
	what string
	now  func() time.Time
	last time.Time
	on   bool
}

func (c *cli) counter(cmd *cobra.Command, what string) *counter {
	w := cmd.ErrOrStderr()
	return &counter{w: w, what: what, now: c.now, on: c.screen(w).tty}
}

// show shows the number of rows or files, a few times a second.
func (p *counter) show(n int64) {
	if !p.on || n%100 != 0 {
		return
	}
	if now := p.now(); now.Sub(p.last) > 200*time.Millisecond {
		p.last = now
		fmt.Fprintf(p.w, "\r\x1b[K%d %s", n, p.what)
	}
}

// end takes the line away.
func (p *counter) end() {
	if p.on && !p.last.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
