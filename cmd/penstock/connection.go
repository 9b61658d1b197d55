package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"penstock/internal/control"
)

func (c *cli) connectionCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "connection",
		Short: "Set up connections to Git hosts",
		Long: `Source actions of type CodeStarSourceConnection reach their repositories through
a connection: a Git host, the token for it and the secret of its webhooks. A
declaration names it by its ARN (ConnectionArn).`,
		Example: `  penstock connection create --name github --type GitHub --token-file token.txt
  penstock connection list`,
	})
	cmd.AddCommand(c.connectionCreateCommand(), c.connectionListCommand(), c.connectionShowCommand(), c.connectionDeleteCommand())
	return cmd
}

func (c *cli) connectionListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the connections",
		Long:    `List shows the connections of this account and region. Tokens and secrets are never shown.`,
		Example: "  penstock connection list\n  penstock connection list --output json",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			var out control.ListConnectionsOutput
			if err := client.CallRaw(cmd.Context(), "Penstock.ListConnections", nil, &out); err != nil {
				return err
			}
			if c.json() {
				return printJSON(cmd.OutOrStdout(), out)
			}
			if len(out.Connections) == 0 {
				note(cmd, "no connections; make one with `penstock connection create`")
				return nil
			}
			var rows [][]string
			for _, one := range out.Connections {
				rows = append(rows, []string{one.Name, one.Provider, one.BaseURL, one.ARN})
			}
			w := cmd.OutOrStdout()
			for _, line := range c.screen(w).table([]string{"NAME", "TYPE", "BASE URL", "ARN"}, rows) {
				if _, err := fmt.Fprintln(w, line); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (c *cli) connectionShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show CONNECTION",
		Short:   "Show a connection",
		Long:    `Show prints a connection, named by its name or its ARN, without its token and secret.`,
		Example: "  penstock connection show github\n  penstock connection show github --output json",
		Args:    arguments(1, 1, "the name or ARN of a connection"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			var out control.Connection
			if err := client.CallRaw(cmd.Context(), "Penstock.GetConnection", control.ConnectionName{Name: args[0]}, &out); err != nil {
				return err
			}
			if c.json() {
				return printJSON(cmd.OutOrStdout(), out)
			}
			return printConnection(cmd, out)
		},
	}
}

func printConnection(cmd *cobra.Command, out control.Connection) error {
	token, changes := "none", "by webhook"
	if out.HasToken {
		token = "set"
	}
	if out.Poll {
		changes = "by polling and by webhook"
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "name      %s\ntype      %s\nbase URL  %s\nARN       %s\ntoken     %s\nchanges   %s\nwebhook   %s\n",
		out.Name, out.Provider, out.BaseURL, out.ARN, token, changes, out.WebhookURL)
	return err
}

func (c *cli) connectionDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "delete CONNECTION",
		Short: "Delete a connection",
		Long: `Delete removes a connection, named by its name or its ARN. The source actions
that name it fail from then on, and deliveries to its webhook are refused. A
connection that is made anew has another ARN.`,
		Example: "  penstock connection delete github",
		Args:    arguments(1, 1, "the name or ARN of a connection"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			if err := client.CallRaw(cmd.Context(), "Penstock.DeleteConnection", control.ConnectionName{Name: args[0]}, nil); err != nil {
				return err
			}
			note(cmd, "deleted %s", args[0])
			return nil
		},
	}
}
