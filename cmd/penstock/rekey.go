package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"penstock/internal/app"
	"penstock/internal/config"
)

func (c *cli) rekeyCommand() *cobra.Command {
	cfg := &config.Config{}
	cmd := &cobra.Command{
		Use:   "rekey",
		Short: "Change the master key: seal all secrets anew",
		Long: `Rekey seals every secret in the database (tokens of partners, secrets of webhooks
and connections, access keys, secret configuration of pipelines and jobs) with a new
master key, in one transaction that reads all of it back, or changes nothing. Stop
all servers before: with one at work it refuses.

When the master key is in the data folder a new one takes its place, and the old one
is kept as master.key.old: backups and exports from before open with that one alone.
Other nodes need a copy of the new master.key. When the key is in
PENSTOCK_MASTER_KEY, set PENSTOCK_NEW_MASTER_KEY to the new one for this command
(openssl rand -base64 32), and give it to all servers after.

Temporary credentials (of AssumeRole, and those that jobs have for their artifacts)
and page tokens end with the old key; jobs go on, and get new ones from
GetJobDetails. After a crash of this command repeat it.`,
		Example: "  penstock rekey --data /var/lib/penstock\n  PENSTOCK_NEW_MASTER_KEY=$(openssl rand -base64 32) penstock rekey --database postgres://penstock@db/penstock",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cfg.Load(cmd.Flags(), os.Getenv); err != nil {
				return err
			}
			changed, err := app.Rekey(cmd.Context(), *cfg, os.Getenv("PENSTOCK_NEW_MASTER_KEY"))
			if err != nil {
				return err
			}
			file := ""
			if cfg.MasterKey == "" {
				file = filepath.Join(cfg.Data, "master.key")
			}
			if c.json() {
				return printJSON(cmd.OutOrStdout(), map[string]any{"records": changed, "masterKey": file})
			}
			if _, err := fmt.Fprintf(cmd.OutOrStdout(), "sealed the secrets of %d records with the new master key\n", changed); err != nil {
				return err
			}
			if file == "" {
				note(cmd, "start the servers with PENSTOCK_MASTER_KEY set to the new key; the old one is for backups of before")
			} else {
				note(cmd, "the new key is %s; the old one, for backups of before, is %s.old: keep it elsewhere", file, file)
			}
			return nil
		},
	}
	databaseFlags(cmd, cfg)
	return cmd
}
