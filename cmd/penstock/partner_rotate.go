package main

import (
	"time"

	"github.com/spf13/cobra"

	"penstock/internal/control"
)

func (c *cli) partnerRotateCommand() *cobra.Command {
	var (
		in    control.RotateClientInput
		grace time.Duration
	)
	cmd := &cobra.Command{
		Use:   "rotate --client ID",
		Short: "Give a client a new token",
		Long: `Rotate makes a new token for a client and prints it as connect does, as JSON. The
token of before is accepted too until the grace ends, so that the partner's
workers can change over while jobs run; with --grace 0s it opens nothing from
now on. Only one token of before is accepted: rotating again within the grace
ends the one before it.`,
		Example: `  penstock partner rotate --client 0198c0de-0000-7000-8000-000000000000 > acme.json
  penstock partner rotate --client 0198c0de-0000-7000-8000-000000000000 --grace 0s`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := need(cmd, "client"); err != nil {
				return err
			}
			if grace < 0 || grace%time.Second != 0 {
				return usage(cmd, "--grace must be whole seconds, not %v", grace)
			}
			seconds := int64(grace / time.Second)
			in.GraceSeconds = &seconds
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			var out control.RotateClientOutput
			if err := client.CallRaw(cmd.Context(), "Penstock.RotateClient", &in, &out); err != nil {
				return err
			}
			if err := printToken(cmd, out.ClientID, out.ClientToken); err != nil {
				return err
			}
			if grace == 0 {
				note(cmd, "keep the token safe: it is shown this once; the one of before opens nothing any more")
			} else {
				note(cmd, "keep the token safe: it is shown this once; the one of before is accepted until %s", out.PreviousTokenUntil.UTC().Format(time.RFC3339))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&in.ClientID, "client", "", "id of the client")
	cmd.Flags().DurationVar(&grace, "grace", 24*time.Hour, "how long the token of before is accepted too, up to 720h")
	return cmd
}
