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
			if err := printToken(cmd, out.ClientID, out.ClientToken); err != nil {
				return err
			}
			note(cmd, "keep the token safe: it is shown this once")
			return nil
		},
	}
	typeFlags(cmd, &in.TypeID)
	return cmd
}

// printToken prints a client with its token as one line of JSON.
func printToken(cmd *cobra.Command, id, token string) error {
	quotedID, err := json.Marshal(id)
	if err != nil {
		return err
	}
	quotedToken, err := json.Marshal(token)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), `{"clientId": %s, "clientToken": %s}`+"\n", quotedID, quotedToken)
	return err
}
