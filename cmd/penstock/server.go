package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"penstock/internal/app"
	"penstock/internal/config"
)

func newServerCommand() *cobra.Command {
	cfg := &config.Config{}
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run the server",
		Long: `Run the server: CodePipeline, S3 and STS on one endpoint.

With nothing configured it keeps everything in ./penstock-data and listens on
127.0.0.1:7480. The first line on standard output says where it listens; it is
ready when GET /readyz answers 200. Each flag can also be set by a variable
(--poll-interval by PENSTOCK_POLL_INTERVAL) or in the file of --config.

Only by variables: PENSTOCK_ROOT_ACCESS_KEY_ID and PENSTOCK_ROOT_SECRET_ACCESS_KEY
(when unset, the first start makes a pair and writes it to DATA/credentials),
PENSTOCK_MASTER_KEY (else DATA/master.key), PENSTOCK_S3_ACCESS_KEY_ID and
PENSTOCK_S3_SECRET_ACCESS_KEY (for --s3-endpoint), PENSTOCK_EVENT_SECRET (for
--event-url).`,
		Example: `  penstock server
  penstock server --listen 127.0.0.1:0 --data /var/lib/penstock
  PENSTOCK_LOG_FORMAT=json penstock server --listen 0.0.0.0:7480`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cfg.Load(cmd.Flags(), os.Getenv); err != nil {
				return err
			}
			return serve(cmd.Context(), *cfg)
		},
	}
	cfg.Flags(cmd.Flags())
	return cmd
}

func serve(ctx context.Context, cfg config.Config) (err error) {
	var handler slog.Handler = slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.LogLevel})
	if cfg.LogFormat == "json" {
		handler = slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.LogLevel})
	}
	log := slog.New(handler)
	a, err := app.Open(ctx, cfg, thisBuild().Version, log, os.Stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	fmt.Printf("penstock listening on %s\n", a.URL())
	if url := a.SecureURL(); url != "" {
		fmt.Printf("penstock listening on %s\n", url)
	}
	if cfg.MetricsListen != "" {
		fmt.Printf("penstock metrics at %s\n", a.MetricsURL())
	}
	log.Info("started", "url", a.URL(), "data", cfg.Data, "version", thisBuild().Version)
	return a.Run(ctx)
}
