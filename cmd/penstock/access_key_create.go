package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"penstock/internal/control"
)

func (c *cli) accessKeyCreateCommand() *cobra.Command {
	var in control.CreateAccessKeyInput
	cmd := &cobra.Command{
		Use:   "create --account ACCOUNT",
		Short: "Make an access key for an account",
		Long: `Create makes a long-term access key and prints it as a profile of AWS's shared
credentials file, named by the account. The secret is shown this once; the server
keeps it sealed.

With --service-principal the holder is a service too, and may poll for action
types that name it among their pollingServicePrincipals.`,
		Example: `  penstock access-key create --account 111122223333 >> ~/.aws/credentials
  penstock access-key create --account 111122223333 --user ci --output json`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := need(cmd, "account"); err != nil {
				return err
			}
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			var out control.CreateAccessKeyOutput
			if err := client.CallRaw(cmd.Context(), "Penstock.CreateAccessKey", &in, &out); err != nil {
				return err
			}
			note(cmd, "keep the secret safe: it is shown this once")
			if c.json() {
				return printJSON(cmd.OutOrStdout(), out)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", out.Account, out.AccessKeyID, out.SecretAccessKey)
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&in.Account, "account", "", "12-digit account that the key acts in")
	flags.StringVar(&in.User, "user", "admin", "name of the holder, as ARNs show it")
	flags.StringVar(&in.ServicePrincipal, "service-principal", "", "service that the holder is, for example worker.example.com")
	return cmd
}
