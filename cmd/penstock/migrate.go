package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"penstock/internal/app"
	"penstock/internal/config"
)

func (c *cli) migrateCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "migrate",
		Short: "Bring the schema of the database up to date, or show how far it is",
		Long: `Migrate works on the database itself, without a server: --database and --data
say which, as for penstock server. The server migrates on its start too; with
PostgreSQL any number of servers and of these commands may do so at once. There
is no way back: make a backup before.`,
		Example: "  penstock migrate status --data /var/lib/penstock\n  PENSTOCK_DATABASE=postgres://penstock@db/penstock penstock migrate up",
	})
	cmd.AddCommand(
		c.migration("up", "Run the migrations that the database has not seen",
			"Up runs the migrations that the database has not seen, then shows all as status\ndoes.", true),
		c.migration("status", "Show which migrations the database has seen",
			"Status shows each migration and when it was run. It changes nothing.", false),
	)
	return cmd
}

func (c *cli) migration(use, short, long string, up bool) *cobra.Command {
	cfg := &config.Config{}
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long,
		Example: "  penstock migrate " + use + " --database postgres://penstock@db/penstock\n  penstock migrate " + use + " --data /var/lib/penstock",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cfg.Load(cmd.Flags(), os.Getenv); err != nil {
				return err
			}
			if up {
				if err := app.Migrate(cmd.Context(), *cfg); err != nil {
					return err
				}
			}
			list, err := app.Migrations(cmd.Context(), *cfg)
			if err != nil {
				return err
			}
			if c.json() {
				return printJSON(cmd.OutOrStdout(), list)
			}
			var rows [][]string
			for _, m := range list {
				applied := "not yet"
				if !m.Applied.IsZero() {
					applied = m.Applied.Format(time.RFC3339)
				}
				rows = append(rows, []string{m.Name, applied})
			}
			w := cmd.OutOrStdout()
			for _, line := range c.screen(w).table([]string{"MIGRATION", "APPLIED"}, rows) {
				if _, err := fmt.Fprintln(w, line); err != nil {
					return err
				}
			}
			return nil
		},
	}
	databaseFlags(cmd, cfg)
	return cmd
}
