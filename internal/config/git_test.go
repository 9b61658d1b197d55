package config

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestGit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args string
		any  bool
		err  string
	}{
		{"", true, ""},
		{"--listen 0.0.0.0:1", false, ""},
		{"--git-base https://git.example.com,file:///srv/git", false, ""},
		{"--git-base git.example.com", false, "--git-base must be a URL"},
	} {
		cfg := &Config{}
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		cfg.Flags(f)
		if err := f.Parse(strings.Fields(c.args)); err != nil {
			t.Fatal(err)
		}
		err := cfg.Load(f, func(string) string { return "" })
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) || cfg.Git.Any != c.any {
			t.Errorf("%s: any %v, %v", c.args, cfg.Git.Any, err)
		}
	}
}
