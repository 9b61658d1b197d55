package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"penstock/internal/api"
	"penstock/internal/control"
)

func (c *cli) actionTypeListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List action types with an executor",
		Long: `List shows the action types with an executor that you may change, use or poll
for. All types that your pipelines may use are in
` + "`aws codepipeline list-action-types`" + `.`,
		Example: "  penstock action-type list\n  penstock action-type list --output json",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			var out control.ListRegisteredActionTypesOutput
			if err := client.CallRaw(cmd.Context(), "Penstock.ListRegisteredActionTypes", nil, &out); err != nil {
				return err
			}
			if c.json() {
				return printJSON(cmd.OutOrStdout(), out)
			}
			if len(out.ActionTypes) == 0 {
				note(cmd, "no action types with an executor; make one with `penstock action-type register`")
				return nil
			}
			var rows [][]string
			for _, t := range out.ActionTypes {
				var d api.ActionTypeDeclaration
				if err := api.Decode(t.ActionType, &d); err != nil {
					return err
				}
				rows = append(rows, []string{identifierName(d.Id), d.Executor.Type, t.RegisteredBy, usedBy(&d)})
			}
			w := cmd.OutOrStdout()
			for _, line := range c.screen(w).table([]string{"ACTION TYPE", "EXECUTOR", "REGISTERED BY", "FOR"}, rows) {
				if _, err := fmt.Fprintln(w, line); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// usedBy says which accounts may use the type.
func usedBy(d *api.ActionTypeDeclaration) string {
	switch {
	case d.Permissions == nil:
		return "itself"
	case slices.Contains(d.Permissions.AllowedAccounts, "*"):
		return "everyone"
	case len(d.Permissions.AllowedAccounts) > 3:
		return fmt.Sprintf("%d accounts", len(d.Permissions.AllowedAccounts))
	default:
		return strings.Join(d.Permissions.AllowedAccounts, ", ")
	}
}
