package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"penstock/internal/control"
)

func (c *cli) partnerListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List partner action types and their clients",
		Long:    `List shows the partner action types of this account and region with their clients. Tokens are never shown.`,
		Example: "  penstock partner list\n  penstock partner list --output json",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			var out control.ListPartnersOutput
			if err := client.CallRaw(cmd.Context(), "Penstock.ListPartners", nil, &out); err != nil {
				return err
			}
			if c.json() {
				return printJSON(cmd.OutOrStdout(), out)
			}
			if len(out.Partners) == 0 {
				note(cmd, "no partner action types; make one with `penstock partner register`")
				return nil
			}
			var rows [][]string
			for _, p := range out.Partners {
				rows = append(rows, c.clientRows(p)...)
			}
			w := cmd.OutOrStdout()
			for _, line := range c.screen(w).table([]string{"ACTION TYPE", "CLIENT", "STATE", "AGE"}, rows) {
				if _, err := fmt.Fprintln(w, line); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (c *cli) clientRows(p control.Partner) [][]string {
	if len(p.Clients) == 0 {
		return [][]string{{typeName(p.TypeID), "-", "no client", ""}}
	}
	var rows [][]string
	for _, client := range p.Clients {
		state, since := "connected", client.Created
		if client.Revoked != nil {
			state, since = "revoked", *client.Revoked
		}
		rows = append(rows, []string{typeName(p.TypeID), client.ClientID, state, c.age(since)})
	}
	return rows
}
