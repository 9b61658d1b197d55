package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"penstock/internal/control"
)

func (c *cli) nodesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "nodes",
		Short: "List the servers that share the database, and what each holds",
		Long: `Nodes lists the servers that work on the same database (penstock server
--database postgres://…): since when, when each was heard of last, and how many
jobs of built-in actions run in it. A server that was not heard of for 10 seconds
is taken over by the others and vanishes from the list. Only the root access key
may ask.`,
		Example: "  penstock nodes\n  penstock nodes --output json",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			var out control.ListNodesOutput
			if err := client.CallRaw(cmd.Context(), "Penstock.ListNodes", nil, &out); err != nil {
				return err
			}
			if c.json() {
				return printJSON(cmd.OutOrStdout(), out)
			}
			var rows [][]string
			for _, n := range out.Nodes {
				answers := ""
				if n.Self {
					answers = "answers"
				}
				rows = append(rows, []string{n.ID, n.Address, c.age(n.Started), fmt.Sprintf("%.1fs ago", n.SilentSeconds),
					strconv.Itoa(n.Jobs), answers})
			}
			w := cmd.OutOrStdout()
			for _, line := range c.screen(w).table([]string{"NODE", "ADDRESS", "STARTED", "HEARD OF", "JOBS", ""}, rows) {
				if _, err := fmt.Fprintln(w, line); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
