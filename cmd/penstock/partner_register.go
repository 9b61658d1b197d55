package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"penstock/internal/control"
)

func (c *cli) partnerRegisterCommand() *cobra.Command {
	var (
		in              control.RegisterPartnerInput
		inputs, outputs string
		properties      []string
		timeout         time.Duration
	)
	cmd := &cobra.Command{
		Use:   "register --category CATEGORY --provider NAME --version VERSION",
		Short: "Register a partner action type",
		Long: `Register makes an action type with owner ThirdParty, for actions that a partner's
job worker runs. Registering a type again replaces its definition.

A property is a configuration key of the action, NAME with any of :required,
:secret and :key behind it. The value of a secret is only shown to job workers;
keys identify an action among others of the type.`,
		Example: `  penstock partner register --category Test --provider Acme --version 1 \
    --inputs 1 --outputs 0-1 --property Suite:required:key --property ApiKey:secret`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := need(cmd, "category", "provider", "version"); err != nil {
				return err
			}
			var err error
			if in.Inputs, err = parseCounts(inputs); err != nil {
				return usage(cmd, "--inputs: %v", err)
			}
			if in.Outputs, err = parseCounts(outputs); err != nil {
				return usage(cmd, "--outputs: %v", err)
			}
			for _, text := range properties {
				p, err := parseProperty(text)
				if err != nil {
					return usage(cmd, "--property: %v", err)
				}
				in.Properties = append(in.Properties, p)
			}
			if timeout < 0 || timeout%time.Second != 0 {
				return usage(cmd, "--job-timeout must be whole seconds, not %v", timeout)
			}
			in.JobTimeoutSeconds = int(timeout / time.Second)
			client, err := c.client(cmd)
			if err != nil {
				return err
			}
			var out control.RegisterPartnerOutput
			if err := client.CallRaw(cmd.Context(), "Penstock.RegisterPartner", &in, &out); err != nil {
				return err
			}
			if c.json() {
				return printJSON(cmd.OutOrStdout(), out)
			}
			what := "registered"
			if out.Replaced {
				what = "replaced the definition of"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", what, typeName(out.TypeID))
			return err
		},
	}
	typeFlags(cmd, &in.TypeID)
	flags := cmd.Flags()
	flags.StringVar(&inputs, "inputs", "0-1", "how many input artifacts an action has: a number or a range")
	flags.StringVar(&outputs, "outputs", "0-1", "how many output artifacts an action has: a number or a range")
	flags.StringArrayVar(&properties, "property", nil, "configuration property: NAME[:required][:secret][:key] (repeatable)")
	flags.DurationVar(&timeout, "job-timeout", 0, "how long a job may take, 1m to 12h (default: the limit of the action alone)")
	flags.StringVar(&in.EntityURLTemplate, "entity-url", "", "link to the partner's view of an action; {Config:NAME} stands for a value")
	flags.StringVar(&in.ExecutionURLTemplate, "execution-url", "", "link to the partner's view of a run; {ExternalExecutionId} stands for its id")
	return cmd
}

// typeName is the name of a partner action type for people.
func typeName(t control.TypeID) string {
	return t.Category + "/ThirdParty/" + t.Provider + "/" + t.Version
}

// parseCounts reads "2" or "0-1".
func parseCounts(text string) (c control.Counts, err error) {
	low, high, isRange := strings.Cut(text, "-")
	if !isRange {
		high = low
	}
	least, err1 := strconv.ParseUint(low, 10, 8)
	most, err2 := strconv.ParseUint(high, 10, 8)
	if err1 != nil || err2 != nil || least > most {
		return c, fmt.Errorf("%q is neither a number nor a range such as 0-1", text)
	}
	return control.Counts{Minimum: int(least), Maximum: int(most)}, nil
}

// parseProperty reads NAME[:required][:secret][:key].
func parseProperty(text string) (p control.Property, err error) {
	name, marks, marked := strings.Cut(text, ":")
	if name == "" {
		return p, fmt.Errorf("%q has no name", text)
	}
	p.Name = name
	if !marked {
		return p, nil
	}
	for mark := range strings.SplitSeq(marks, ":") {
		switch mark {
		case "required":
			p.Required = true
		case "secret":
			p.Secret = true
		case "key":
			p.Key = true
		default:
			return p, fmt.Errorf("%q is not one of required, secret and key, in %q", mark, text)
		}
	}
	return p, nil
}
