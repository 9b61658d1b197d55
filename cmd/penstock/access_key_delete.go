package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"penstock/internal/control"
)

func (c *cli) accessKeyDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "delete ACCESS_KEY_ID",
		Short: "Delete an access key",
		Long: `Delete ends an access key at once. Sessions that were made with it go on until
they expire. What the account has stays.`,
		Example: "  penstock access-key delete AKIAIOSFODNN7EXAMPLE",
		Args:    arguments(1, 1, "one ACCESS_KEY_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			in := control.DeleteAccessKeyInput{AccessKeyID: args[0]}
			if err := client.CallRaw(cmd.Context(), "Penstock.DeleteAccessKey", in, nil); err != nil {
				return err
			}
			if c.json() {
				return printJSON(cmd.OutOrStdout(), struct {
					AccessKeyID string `json:"accessKeyId"`
					Deleted     bool   `json:"deleted"`
				}{args[0], true})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "deleted %s\n", args[0])
			return err
		},
	}
}
