package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestHelp(t *testing.T) {
	t.Parallel()
	seen := 0
	visit := func(cmd *cobra.Command) error {
		seen++
		if cmd.Long == "" || cmd.Example == "" || cmd.Short == "" {
			t.Errorf("%s lacks a help text or an example", cmd.CommandPath())
		}
		words := append(strings.Fields(cmd.CommandPath())[1:], "--help")
		code, stdout, stderr := consoleAt(t, "").run(words...)
		if code != exitOK || stderr != "" {
			t.Errorf("%s --help: exit %d, %q", cmd.CommandPath(), code, stderr)
		}
		golden(t, "help/"+pageName(cmd)+".txt", stdout)
		return nil
	}
	if err := eachCommand(newRoot(), visit); err != nil {
		t.Fatal(err)
	}
	if seen < 11 {
		t.Errorf("only %d commands", seen)
	}
}

func TestDocs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ format, file string }{
		{"man", "penstock-partner-connect.1"}, {"markdown", "penstock-partner-connect.md"}, {"man", "penstock.1"}, {"markdown", "penstock.md"},
	} {
		t.Run(tc.format+" "+tc.file, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "new")
			if code, _, stderr := consoleAt(t, "").run("docs", tc.format, dir); code != exitOK {
				t.Fatal(stderr)
			}
			page, err := os.ReadFile(filepath.Join(dir, tc.file))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "docs/"+tc.file, string(page))
			if _, err := os.Stat(filepath.Join(dir, "penstock-docs"+filepath.Ext(tc.file))); err == nil {
				t.Error("the hidden command has a page")
			}
		})
	}
}

func TestRoff(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, want string }{
		{"a line that looks like a request", ".so /etc/passwd", `\&.so /etc/passwd`},
		{"an apostrophe in front", "'x'", `\&'x'`},
		{"options and backslashes", `--exec 'a \`, `\-\-exec 'a \e`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := roff(tc.in); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
