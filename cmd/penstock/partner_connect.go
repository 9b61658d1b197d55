package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"penstock/internal/control"
)

func (c *cli) partnerConnectCommand() *cobra.Command {
	var in control.ConnectPartnerInput
	cmd := &cobra.Command{
		Use:   "connect --provider NAME",
		Short: "Make a client for a partner's job worker",
		Long: `Connect makes a client of a partner action type and prints its id and token as
JSON, whatever the output format. The token is shown this once; the server
keeps it sealed. Category and version are only needed when the provider has
several action types.`,
		Example: `  penstock partner connect --provider Acme > acme.json
  penstock partner connect --category Test --provider Acme --version 1`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := need(cmd, "provider"); err != nil {
				return err
			}
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			var out control.ConnectPartnerOutput
			if err := client.CallRaw(cmd.Context(), "Penstock.ConnectPartner", &in, &out); err != nil {
				return err
			}
			id, err := json.Marshal(out.ClientID)
			if err != nil {
				return err
			}
			token, err := json.Marshal(out.ClientToken)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(cmd.OutOrStdout(), `{"clientId": %s, "clientToken": %s}`+"\n", id, token); err != nil {
				return err
			}
			note(cmd, "keep the token safe: it is shown this once")
			return nil
		},
	}
	typeFlags(cmd, &in.TypeID)
	return cmd
}
