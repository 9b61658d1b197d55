package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"penstock/internal/connection"
	"penstock/internal/control"
)

// tokenVariable holds the token of a connection to make.
const tokenVariable = "PENSTOCK_CONNECTION_TOKEN"

func (c *cli) connectionCreateCommand() *cobra.Command {
	var in control.CreateConnectionInput
	var token, ca, hosts string
	cmd := &cobra.Command{
		Use:   "create --name NAME --type TYPE",
		Short: "Make a connection to a Git host",
		Long: `Create makes a connection and prints its ARN, and the URL and the secret for a
webhook at the host: events push, tag push and pull request, content type JSON.
The secret is shown this once; the server keeps it and the token sealed.

The token comes from --token-file (- is standard input) or from the variable
PENSTOCK_CONNECTION_TOKEN; without one, only public repositories can be read. For
a base URL that begins with ssh it is a private key.

Type Git is any host, and a folder of repositories on the server's host
(file:///srv/git). It is asked for changes every --poll-interval of the server;
so is any other with --poll, for hosts whose webhooks do not reach the server.

--replace changes the connection of the name: all of it but its ARN and the
secret of its webhook.`,
		Example: `  penstock connection create --name github --type GitHub --token-file token.txt
  penstock connection create --name gitea --type Gitea --base-url https://git.example.com --ca-file ca.pem --token-file - < token.txt
  penstock connection create --name local --type Git --base-url file:///srv/git`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := need(cmd, "name", "type"); err != nil {
				return err
			}
			in.Token = strings.TrimSpace(os.Getenv(tokenVariable))
			for _, f := range []struct {
				flag, name string
				to         *string
			}{{"token-file", token, &in.Token}, {"ca-file", ca, &in.CA}, {"known-hosts-file", hosts, &in.KnownHosts}} {
				if f.name == "" {
					continue
				}
				text, err := readSmall(cmd.InOrStdin(), f.name)
				if err != nil {
					return usage(cmd, "--%s: %v", f.flag, err)
				}
				*f.to = text
			}
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			var out control.CreateConnectionOutput
			if err := client.CallRaw(cmd.Context(), "Penstock.CreateConnection", &in, &out); err != nil {
				return err
			}
			if c.json() {
				return printJSON(cmd.OutOrStdout(), out)
			}
			if err := printConnection(cmd, out.Connection); err != nil || out.WebhookSecret == "" {
				return err
			}
			if _, err := fmt.Fprintf(cmd.OutOrStdout(), "secret    %s\n", out.WebhookSecret); err != nil {
				return err
			}
			note(cmd, "keep the secret: it is shown this once")
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&in.Name, "name", "", "name of the connection")
	flags.StringVar(&in.Provider, "type", "", "type of the host: "+strings.Join(connection.Providers(), ", "))
	flags.StringVar(&in.BaseURL, "base-url", "", "what stands before the names of repositories (default: that of the type, where it has one)")
	flags.StringVar(&in.User, "user", "", "user that goes with the token (default: that of the type)")
	flags.StringVar(&token, "token-file", "", "file with the token or the private key; - is standard input")
	flags.StringVar(&ca, "ca-file", "", "file with certificates to trust, in PEM")
	flags.StringVar(&hosts, "known-hosts-file", "", "file with the keys of ssh hosts")
	flags.BoolVar(&in.Poll, "poll", false, "ask the host for changes too")
	flags.BoolVar(&in.Replace, "replace", false, "change the connection of the name")
	complete(cmd, "type", connection.Providers())
	return cmd
}

// maxSmall bounds files that hold a secret or a certificate.
const maxSmall = 256 << 10

// readSmall reads a file, or standard input by the name -, without space at its
// ends.
func readSmall(stdin io.Reader, name string) (string, error) {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxSmall+1))
	if err == nil && len(text) > maxSmall {
		err = errors.New("it is larger than 256 KiB")
	}
	if err == nil && strings.TrimSpace(string(text)) == "" {
		err = errors.New("it is empty")
	}
	return strings.TrimSpace(string(text)), err
}
