package main

import (
	"github.com/spf13/cobra"

	"penstock/internal/control"
)

func (c *cli) partnerCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "partner",
		Short: "Set up partner (ThirdParty) action types and their clients",
		Long: `Partner actions are run by job workers that hold a client token and no
credentials for your pipelines. Register the action type once, connect a client,
and give its id and token to the worker. An action of the type then uses the one
client that is connected, or the one that its configuration key ClientId names.`,
		Example: `  penstock partner register --category Test --provider Acme --version 1
  penstock partner connect --provider Acme
  penstock partner list`,
	})
	cmd.AddCommand(c.partnerRegisterCommand(), c.partnerConnectCommand(), c.partnerListCommand(),
		c.partnerRotateCommand(), c.partnerRevokeCommand())
	return cmd
}

// typeFlags defines the flags that name a partner action type.
func typeFlags(cmd *cobra.Command, t *control.TypeID) {
	flags := cmd.Flags()
	flags.StringVar(&t.Category, "category", "", "category: Source, Build, Test, Deploy or Invoke")
	flags.StringVar(&t.Provider, "provider", "", "name of the provider")
	flags.StringVar(&t.Version, "version", "", "version of the action type")
	complete(cmd, "category", []string{"Source", "Build", "Test", "Deploy", "Invoke"})
}
