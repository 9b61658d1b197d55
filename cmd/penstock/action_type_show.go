package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"penstock/internal/api"
)

func (c *cli) actionTypeShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show CATEGORY/OWNER/PROVIDER/VERSION",
		Short: "Show the declaration of an action type with an executor",
		Long: `Show prints the declaration as JSON, whatever the output format, as register
takes it. It shows types that you may change, use or poll for.`,
		Example: "  penstock action-type show Test/ThirdParty/Acme/1 > acme.json",
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
			out, err := client.GetActionType(cmd.Context(), in)
			if err != nil {
				return err
			}
			return printJSON(cmd.OutOrStdout(), json.RawMessage(api.Encode(out.ActionType)))
		},
	}
}
