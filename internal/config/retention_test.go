package config

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func TestRetention(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"":                                    "",
		"--keep-history=0 --keep-artifacts=0": "",
		"--keep-history=1h":                   "",
		"--keep-logs=1m":                      "--keep-logs must be 0 or at least 1h",
		"--keep-artifacts=59m":                "--keep-artifacts must be 0 or at least 1h",
		"--keep-audit=-1h":                    "--keep-audit must be 0 or at least 1h",
	} {
		var r Retention
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		r.flags(f)
		if err := f.Parse(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		err := r.validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
	var r Retention
	r.flags(pflag.NewFlagSet("", pflag.ContinueOnError))
	if r.History != 365*24*time.Hour {
		t.Errorf("AWS keeps 12 months, the default is %s", r.History)
	}
}
