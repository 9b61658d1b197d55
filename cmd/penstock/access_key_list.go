package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"penstock/internal/control"
)

func (c *cli) accessKeyListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the access keys of all accounts",
		Long:    `List shows the access keys beside the root key. Secrets are never shown.`,
		Example: "  penstock access-key list\n  penstock access-key list --output json",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			var out control.ListAccessKeysOutput
			if err := client.CallRaw(cmd.Context(), "Penstock.ListAccessKeys", nil, &out); err != nil {
				return err
			}
			if c.json() {
				return printJSON(cmd.OutOrStdout(), out)
			}
			if len(out.AccessKeys) == 0 {
				note(cmd, "no access keys beside the root key; make one with `penstock access-key create`")
				return nil
			}
			var rows [][]string
			for _, k := range out.AccessKeys {
				rows = append(rows, []string{k.AccessKeyID, k.ARN, k.ServicePrincipal, c.age(k.Created)})
			}
			w := cmd.OutOrStdout()
			for _, line := range c.screen(w).table([]string{"ACCESS KEY", "HOLDER", "SERVICE", "AGE"}, rows) {
				if _, err := fmt.Fprintln(w, line); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
