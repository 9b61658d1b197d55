package main

import "github.com/spf13/cobra"

func (c *cli) accessKeyCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "access-key",
		Short: "Make access keys for other accounts",
		Long: `An access key acts in one account: what it makes belongs to that account, and it
sees nothing of the others, beyond action types that allow it. An account needs
nothing but its key. Only the root access key may make, list and delete keys.`,
		Example: `  penstock access-key create --account 111122223333 >> ~/.aws/credentials
  penstock access-key list`,
	})
	cmd.AddCommand(c.accessKeyCreateCommand(), c.accessKeyListCommand(), c.accessKeyDeleteCommand())
	return cmd
}
