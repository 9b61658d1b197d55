package main

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"penstock/internal/hostcert"
)

func (c *cli) tlsCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "tls",
		Short: "Serve clients that take no endpoint, under AWS's host names",
		Long: `Some clients always call codepipeline.REGION.amazonaws.com. Inside your own
network they can be sent to Penstock: by certificates for those names that your
machines trust, and by DNS or hosts files. docs/tls.md is the guide.`,
		Example: "  penstock tls init --regions eu-west-1\n  penstock server --listen-tls 0.0.0.0:443",
	})
	cmd.AddCommand(c.tlsInitCommand(), c.tlsHostsCommand())
	return cmd
}

func (c *cli) tlsInitCommand() *cobra.Command {
	var dir string
	var regions, hosts []string
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make a certificate authority and a server certificate",
		Long: `Init makes a certificate authority, unless the folder has one, and a server
certificate for CodePipeline, S3 with all its buckets, STS and EventBridge under
the host names of AWS in the regions, and for --host. The authority can sign for
those names and no others. Run it again to renew the server certificate: a
running server takes the new one at once, and clients need no change.

The folder then holds ca.pem (for the trust stores of clients), ca-key.pem (move
it to a safe place, it is needed for renewals only), server.pem and
server-key.pem.`,
		Example: "  penstock tls init --regions eu-west-1,us-east-1\n  penstock tls init --dir /etc/penstock/tls --regions eu-west-1 --host penstock.example.com",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			names, err := hostcert.Names(regions, hosts)
			if err != nil {
				return usage(cmd, "%v", err)
			}
			made, err := hostcert.Init(dir, names, c.now())
			if err != nil {
				return err
			}
			if c.json() {
				return printJSON(cmd.OutOrStdout(), made)
			}
			return printMade(cmd.OutOrStdout(), dir, made)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "penstock-data/tls", "folder for the keys and certificates; a server finds them in DATA/tls")
	cmd.Flags().StringSliceVar(&regions, "regions", []string{"us-east-1"}, "regions whose host names the server shall answer to")
	cmd.Flags().StringSliceVar(&hosts, "host", nil, "further host name or IP address of the server (repeatable)")
	return cmd
}

func printMade(w io.Writer, dir string, made hostcert.Result) error {
	what := "renewed with the authority that is there"
	if made.NewCA {
		what = "made with a new authority"
	}
	_, err := fmt.Fprintf(w, `server certificate %s, valid until %s, for
  %s
authority %s, valid until %s
  SHA-256 %s
next:
  penstock server --listen-tls 0.0.0.0:443 --tls-cert %s --tls-key %s
  let clients trust %s, and send the names to the server: penstock tls hosts
  move %s to a safe place
`, what, made.NotAfter.Format(time.DateOnly), strings.Join(made.Names, "\n  "), filepath.Join(dir, hostcert.CAFile), made.CANotAfter.Format(time.DateOnly), made.Fingerprint,
		filepath.Join(dir, hostcert.CertFile), filepath.Join(dir, hostcert.KeyFile), filepath.Join(dir, hostcert.CAFile), filepath.Join(dir, hostcert.CAKeyFile))
	return err
}

func (c *cli) tlsHostsCommand() *cobra.Command {
	var address string
	var regions, buckets []string
	cmd := &cobra.Command{
		Use:   "hosts",
		Short: "Print lines for a hosts file",
		Long: `Hosts prints the lines that send the host names of AWS to the server, to be
added to /etc/hosts of a client. Hosts files know no wildcards: name the artifact
buckets of clients that put the bucket into the host name, which is what most
SDKs do. A DNS server needs one record for s3.REGION.amazonaws.com and a
wildcard record below it.`,
		Example: "  penstock tls hosts --address 10.0.0.5 --regions eu-west-1 --bucket my-artifacts",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if net.ParseIP(address) == nil {
				return usage(cmd, "--address must be the IP address of the server, not %q", address)
			}
			if _, err := hostcert.Names(regions, buckets); err != nil {
				return usage(cmd, "%v", err)
			}
			_, err := io.WriteString(cmd.OutOrStdout(), hostcert.HostsLines(address, regions, buckets))
			return err
		},
	}
	cmd.Flags().StringVar(&address, "address", "127.0.0.1", "IP address of the server")
	cmd.Flags().StringSliceVar(&regions, "regions", []string{"us-east-1"}, "regions of the clients")
	cmd.Flags().StringSliceVar(&buckets, "bucket", nil, "bucket that clients put into the host name (repeatable)")
	return cmd
}
