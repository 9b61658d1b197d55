package main

import (
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"penstock/internal/demo"
)

func demoCommand() *cobra.Command {
	o := demo.Options{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch a pipeline run on a server of its own",
		Long: `Demo starts a server with a folder of its own, creates a pipeline with an S3
source, a Commands build, a custom and a partner job worker, an approval and an
S3 deploy, shows it run, and says how to go on by hand.`,
		Example: "  penstock demo",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Program, err = os.Executable(); err != nil {
				return err
			}
			o.Out = cmd.OutOrStdout()
			o.Color = os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(os.Stdout.Fd()))
			return demo.Run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.Data, "data", "./penstock-demo", "folder for the demo's data; an old demo in it is removed")
	cmd.Flags().StringVar(&o.Listen, "listen", "127.0.0.1:0", "address of the demo's server; port 0 takes any free port")
	return cmd
}
