package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"penstock/internal/control"
)

func (c *cli) partnerRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke CLIENT_ID",
		Short: "Revoke a client, so that its token opens nothing any more",
		Long: `Revoke ends a client. Calls with its tokens are refused from then on, and its
open jobs fail with their actions (PermissionError), since nobody can report
them any more. New actions of its type need another client. Revoking it again
changes nothing.`,
		Example: "  penstock partner revoke 0198c0de-0000-7000-8000-000000000000",
		Args:    arguments(1, 1, "one CLIENT_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			in := control.RevokeClientInput{ClientID: args[0]}
			if err := client.CallRaw(cmd.Context(), "Penstock.RevokeClient", in, nil); err != nil {
				return err
			}
			if c.json() {
				return printJSON(cmd.OutOrStdout(), struct {
					ClientID string `json:"clientId"`
					Revoked  bool   `json:"revoked"`
				}{args[0], true})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "revoked %s\n", args[0])
			return err
		},
	}
}
