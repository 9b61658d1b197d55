package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"penstock/internal/app"
	"penstock/internal/config"
)

func (c *cli) backupCommand() *cobra.Command {
	cfg := &config.Config{}
	what := app.What{}
	cmd := &cobra.Command{
		Use:   "backup FOLDER|FILE.tar|-",
		Short: "Copy state, artifacts and logs, while the server runs or not",
		Long: `Backup copies the state, the artifacts of the embedded store and the logs of
actions, as of one moment each, to a new FOLDER, to a FILE that ends in .tar, or as
tar to standard output. It works on the data folder and the database themselves, as
the user that runs the server, which may be at work meanwhile. The SHA-256 of each
file is in the last one, SHA256SUMS. penstock restore puts it all back, into either
kind of database.

Without --with-keys the backup is of no use to whoever finds it and has no
master.key: secrets in it are sealed. Keep master.key and credentials elsewhere
then, since nobody can open the secrets without. With --with-keys the backup holds
them (and the TLS keys), and must be kept like a password.

Artifacts and logs on an external S3 (--s3-endpoint and its siblings, as for the
server) stay there, which the backup says: they are under that S3's own versioning and
replication. With --artifacts those that the state names are read through its API and
copied too, as they are by then.`,
		Example: "  penstock backup /backup/monday.tar --data /var/lib/penstock\n  penstock backup - --with-keys | gpg -e -r ops > penstock.tar.gpg",
		Args:    arguments(1, 1, "a FOLDER, a FILE.tar, or - for standard output"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cfg.Load(cmd.Flags(), os.Getenv); err != nil {
				return err
			}
			p := c.counter(cmd, "files copied")
			var made app.Copied
			var err error
			if args[0] == "-" || strings.HasSuffix(args[0], ".tar") {
				temp := filepath.Dir(args[0])
				if args[0] == "-" {
					temp = os.TempDir()
				}
				err = c.writeFile(cmd, args[0], func(w io.Writer) (err error) {
					made, err = app.BackupTar(cmd.Context(), *cfg, thisBuild().Version, what, w, temp, p.show)
					return err
				})
			} else {
				made, err = app.BackupFolder(cmd.Context(), *cfg, thisBuild().Version, what, args[0], p.show)
			}
			p.end()
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if args[0] == "-" {
				out = cmd.ErrOrStderr()
			}
			if c.json() {
				return printJSON(out, made)
			}
			_, err = fmt.Fprintf(out, "copied %d files, %s, to %s; SHA-256 of its SHA256SUMS %s\n", made.Files, size(made.Bytes), args[0], made.SHA256)
			if made.About.External && !made.About.Objects {
				note(cmd, "artifacts and logs on %s are not in the backup: --artifacts copies them", cfg.S3Endpoint)
			}
			if !made.About.External && !made.About.Artifacts {
				note(cmd, "the backup has no artifacts: there is no embedded store in %s, and no --s3-endpoint", cfg.Data)
			}
			if made.Missing > 0 {
				note(cmd, "%d artifacts that the state names are not on the S3: nobody uploaded them, or they were removed", made.Missing)
			}
			if !what.Keys {
				note(cmd, "the keys are not in the backup: keep a copy of %s elsewhere", filepath.Join(cfg.Data, "master.key"))
			}
			return err
		},
	}
	databaseFlags(cmd, cfg, "s3-endpoint", "s3-region", "s3-log-bucket")
	cmd.Flags().BoolVar(&what.Objects, "artifacts", false, "copy the artifacts and logs on an external S3 too; those of the embedded store always are")
	cmd.Flags().BoolVar(&what.Keys, "with-keys", false, "copy master.key, credentials and TLS keys too; the backup then opens every secret in it")
	return cmd
}

func (c *cli) restoreCommand() *cobra.Command {
	cfg := &config.Config{}
	cmd := &cobra.Command{
		Use:   "restore FOLDER|FILE.tar|-",
		Short: "Put a backup into a new data folder and an empty database",
		Long: `Restore puts what penstock backup made into the folder of --data, which must be
new or hold only master.key, credentials and tls, and the state into SQLite there or
into the empty PostgreSQL database of --database, whichever the state came from.
Digests are checked; when anything is wrong, nothing stays. Then start the server:
executions in flight go on.

Artifacts and logs of an external S3 go to that of --s3-endpoint, into buckets of the
same names, or into the embedded store without one; each is read back. An object that
is there with the same content is left as it is.

When the backup was made without --with-keys, put the master.key of the old server
into the folder before, or set PENSTOCK_MASTER_KEY.`,
		Example: "  penstock restore /backup/monday.tar --data /var/lib/penstock\n  penstock restore - --data /srv/penstock --database postgres://penstock@db/penstock < monday.tar",
		Args:    arguments(1, 1, "a FOLDER, a FILE.tar, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if err := cfg.Load(cmd.Flags(), os.Getenv); err != nil {
				return err
			}
			made, err := app.RestoreFrom(cmd.Context(), *cfg, args[0], cmd.InOrStdin())
			if errors.Is(err, os.ErrNotExist) {
				err = fmt.Errorf("%w; nothing was restored", err)
			}
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if c.json() {
				return printJSON(out, made)
			}
			_, err = fmt.Fprintf(out, "restored the backup of %s: %d rows of state; SHA-256 of its SHA256SUMS %s\n",
				made.About.Created.Format("2006-01-02 15:04:05 MST"), made.Rows, made.SHA256)
			switch {
			case made.About.External && !made.About.Objects:
				note(cmd, "the backup has no artifacts and logs of the external S3: they are where they were, or lost")
			case made.About.Artifacts && cfg.S3Endpoint != "":
				note(cmd, "the backup's artifacts are in %s, where a server with --s3-endpoint does not look", filepath.Join(cfg.Data, "artifacts"))
			}
			return err
		},
	}
	databaseFlags(cmd, cfg, "s3-endpoint", "s3-region", "s3-log-bucket")
	return cmd
}
