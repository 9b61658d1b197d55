package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

func docsCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "docs man|markdown DIR",
		Short:  "Write the help of all commands as manual pages or Markdown",
		Hidden: true,
		Long: `Docs writes a page for each command into a folder: manual pages of section 1 or
Markdown.`,
		Example:   "  penstock docs man /usr/local/share/man/man1\n  penstock docs markdown docs/cli",
		Args:      arguments(2, 2, "a format and a DIR"),
		ValidArgs: []string{"man", "markdown"},
		RunE: func(cmd *cobra.Command, args []string) error {
			page, suffix := markdownPage, ".md"
			switch args[0] {
			case "man":
				page, suffix = manPage, ".1"
			case "markdown":
			default:
				return usage(cmd, "the format must be man or markdown, not %q", args[0])
			}
			if err := os.MkdirAll(args[1], 0o755); err != nil {
				return err
			}
			return eachCommand(cmd.Root(), func(c *cobra.Command) error {
				return os.WriteFile(filepath.Join(args[1], pageName(c)+suffix), []byte(page(c)), 0o644)
			})
		},
	}
}

// eachCommand visits cmd and all below that users see.
func eachCommand(cmd *cobra.Command, visit func(*cobra.Command) error) error {
	if err := visit(cmd); err != nil {
		return err
	}
	for _, child := range subcommands(cmd) {
		if err := eachCommand(child, visit); err != nil {
			return err
		}
	}
	return nil
}

func subcommands(cmd *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() && child.Name() != "help" {
			list = append(list, child)
		}
	}
	return list
}

// pageName is "penstock-partner-list".
func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// relatives are the pages above and below cmd's.
func relatives(cmd *cobra.Command) []*cobra.Command {
	list := subcommands(cmd)
	if cmd.HasParent() {
		list = append([]*cobra.Command{cmd.Parent()}, list...)
	}
	return list
}

func about(cmd *cobra.Command) string {
	if cmd.Long != "" {
		return cmd.Long
	}
	return cmd.Short
}

func markdownPage(cmd *cobra.Command) string {
	var b strings.Builder
	code := func(title, text string) {
		if text = strings.TrimRight(text, "\n"); text != "" {
			fmt.Fprintf(&b, "## %s\n\n```\n%s\n```\n\n", title, text)
		}
	}
	fmt.Fprintf(&b, "# %s\n\n%s\n\n", cmd.CommandPath(), cmd.Short)
	code("Synopsis", cmd.UseLine())
	code("Description", about(cmd))
	code("Examples", cmd.Example)
	code("Options", cmd.NonInheritedFlags().FlagUsages())
	code("Options of all commands", cmd.InheritedFlags().FlagUsages())
	if list := relatives(cmd); len(list) > 0 {
		b.WriteString("## See also\n\n")
		for _, c := range list {
			fmt.Fprintf(&b, "- [%s](%s.md): %s\n", c.CommandPath(), pageName(c), c.Short)
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func manPage(cmd *cobra.Command) string {
	var b strings.Builder
	verbatim := func(title, text string) {
		if text = strings.TrimRight(text, "\n"); text != "" {
			fmt.Fprintf(&b, ".SH %s\n.nf\n%s\n.fi\n", title, roff(text))
		}
	}
	fmt.Fprintf(&b, ".TH %q 1 \"\" \"penstock\" \"Penstock Manual\"\n", strings.ToUpper(pageName(cmd)))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(pageName(cmd)), roff(cmd.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n%s\n", roff(cmd.UseLine()))
	verbatim("DESCRIPTION", about(cmd))
	verbatim("OPTIONS", cmd.NonInheritedFlags().FlagUsages())
	verbatim("OPTIONS OF ALL COMMANDS", cmd.InheritedFlags().FlagUsages())
	verbatim("EXAMPLES", cmd.Example)
	if list := relatives(cmd); len(list) > 0 {
		var names []string
		for _, c := range list {
			names = append(names, "\\fB"+roff(pageName(c))+"\\fP(1)")
		}
		fmt.Fprintf(&b, ".SH SEE ALSO\n%s\n", strings.Join(names, ", "))
	}
	return b.String()
}

var roffEscapes = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", "...")

// roff writes text so that troff prints it as it is.
func roff(text string) string {
	lines := strings.Split(roffEscapes.Replace(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
