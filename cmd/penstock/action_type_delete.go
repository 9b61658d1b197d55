package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"penstock/internal/api"
)

func (c *cli) actionTypeDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "delete CATEGORY/OWNER/PROVIDER/VERSION",
		Short: "Delete an action type with an executor",
		Long: `Delete ends an action type that your account has registered. Nobody can poll for
it any more, and new actions of it fail; jobs that were handed out go on. The
name is free again.`,
		Example: "  penstock action-type delete Test/ThirdParty/Acme/1",
		Args:    arguments(1, 1, "one CATEGORY/OWNER/PROVIDER/VERSION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := actionTypeArgument(cmd, args[0])
			if err != nil {
				return err
			}
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			if err := client.CallRaw(cmd.Context(), "Penstock.DeleteActionType", json.RawMessage(api.Encode(in)), nil); err != nil {
				return err
			}
			if c.json() {
				return printJSON(cmd.OutOrStdout(), struct {
					ActionType string `json:"actionType"`
					Deleted    bool   `json:"deleted"`
				}{args[0], true})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "deleted %s\n", args[0])
			return err
		},
	}
}
