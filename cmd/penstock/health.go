package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"penstock/internal/clientcfg"
)

// healthTime is how long the server may take to say that it is ready.
const healthTime = 5 * time.Second

func (c *cli) healthCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Ask whether the server is ready",
		Long: `Health asks the server whether it is ready to take calls (GET /readyz), and needs
no credentials. It is for health checks of containers that have no other program,
and for scripts that wait for a server. Exit status: 0 ready, 1 not ready (it starts,
stops, or its database does not answer), 3 no answer within 5 seconds.`,
		Example: "  penstock health\n  penstock health --endpoint-url http://127.0.0.1:7480\n  until penstock health; do sleep 1; done",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.load(cmd.Context(), c.server)
			if cfg == nil || err != nil && !errors.Is(err, clientcfg.ErrNoCredentials) { // none are needed
				return misconfigured(err)
			}
			ctx, done := context.WithTimeout(cmd.Context(), healthTime)
			defer done()
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.Endpoint+"/readyz", nil)
			if err != nil {
				return err
			}
			elsewhere := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			resp, err := (&http.Client{CheckRedirect: elsewhere}).Do(r)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(io.LimitReader(resp.Body, 200))
			if err != nil {
				return err
			}
			if resp.StatusCode != http.StatusOK {
				return &failure{exitFailure, fmt.Sprintf("the server at %s is not ready: %s %s", cfg.Endpoint, resp.Status, clean(string(text))), ""}
			}
			if c.json() {
				return printJSON(cmd.OutOrStdout(), map[string]bool{"ready": true})
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "ready")
			return err
		},
	}
}
