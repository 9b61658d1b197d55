package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"penstock/internal/api"
	"penstock/internal/control"
	"penstock/internal/declfile"
)

// maxTypeFile bounds the file of a declaration, in bytes.
const maxTypeFile = 1 << 20

func (c *cli) actionTypeRegisterCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "register FILE",
		Short: "Register an action type with an executor",
		Long: `Register makes an action type, or replaces your own of the same name under the
rules of update-action-type: the properties of a public type cannot be removed or
become required, and new ones must be optional.

FILE is JSON or YAML: the input of update-action-type, the output of
get-action-type, or the declaration alone; - reads standard input. A declaration
without permissions is for your own account, one without polling accounts is
polled by it.`,
		Example: `  penstock action-type register scan.yaml
  penstock action-type show Test/AWS/Scan/1 | sed s/800/900/ | penstock action-type register -`,
		Args: arguments(1, 1, "one FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := readActionType(cmd, args[0])
			if err != nil {
				return usage(cmd, "%s: %v", args[0], err)
			}
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			var out control.RegisterActionTypeOutput
			in := json.RawMessage(api.Encode(&api.UpdateActionTypeInput{ActionType: *d}))
			if err := client.CallRaw(cmd.Context(), "Penstock.RegisterActionType", in, &out); err != nil {
				return err
			}
			if c.json() {
				return printJSON(cmd.OutOrStdout(), out)
			}
			what := "registered"
			if out.Replaced {
				what = "replaced the declaration of"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", what, identifierName(d.Id))
			return err
		},
	}
}

func readActionType(cmd *cobra.Command, name string) (*api.ActionTypeDeclaration, error) {
	in := cmd.InOrStdin()
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxTypeFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxTypeFile {
		return nil, fmt.Errorf("the file is larger than %d bytes", maxTypeFile)
	}
	return declfile.ReadActionType(data)
}
