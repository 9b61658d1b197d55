package main

import (
	"strings"

	"github.com/spf13/cobra"

	"penstock/internal/api"
)

func (c *cli) actionTypeCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "action-type",
		Short: "Register action types with an executor, for other accounts too",
		Long: `An action type with an executor has owner AWS or ThirdParty. Its declaration says
who does the work (job workers of some accounts, or a function), which accounts
may use it, and what its actions are configured with. The account that registers
it is the one that may change and delete it.

On AWS, people register such types on request; afterwards get-action-type and
update-action-type work there as here. Action types of owner Custom are made with
create-custom-action-type, and partner types also by ` + "`penstock partner register`" + `.`,
		Example: `  penstock action-type register scan.yaml
  penstock action-type list
  penstock action-type show Test/ThirdParty/Acme/1`,
	})
	cmd.AddCommand(c.actionTypeRegisterCommand(), c.actionTypeShowCommand(), c.actionTypeListCommand(), c.actionTypeDeleteCommand())
	return cmd
}

// identifierName is the name of an action type for people and on the command
// line.
func identifierName(id api.ActionTypeIdentifier) string {
	return strings.Join([]string{id.Category, id.Owner, id.Provider, id.Version}, "/")
}

// actionTypeArgument reads CATEGORY/OWNER/PROVIDER/VERSION.
func actionTypeArgument(cmd *cobra.Command, text string) (*api.GetActionTypeInput, error) {
	part := strings.Split(text, "/")
	if len(part) != 4 {
		return nil, usage(cmd, "an action type is named CATEGORY/OWNER/PROVIDER/VERSION, not %q", text)
	}
	return &api.GetActionTypeInput{Category: part[0], Owner: part[1], Provider: part[2], Version: part[3]}, nil
}
