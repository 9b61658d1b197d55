package config_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"penstock/internal/config"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		args []string
		want map[string]time.Duration
		text string // of the refusal
	}{
		{"none", nil, map[string]time.Duration{}, ""},
		{"two", []string{"--action-timeout", "Deploy/AWS/S3=3h", "--action-timeout", "Rule/AWS/LambdaInvoke=90s"},
			map[string]time.Duration{"Deploy/AWS/S3": 3 * time.Hour, "Rule/AWS/LambdaInvoke": 90 * time.Second}, ""},
		{"no duration", []string{"--action-timeout", "Deploy/AWS/S3=3"}, nil, "Deploy/AWS/S3=3 must be"},
		{"no time at all", []string{"--action-timeout", "Deploy/AWS/S3=0s"}, nil, "must be"},
		{"no type", []string{"--action-timeout", "S3=1h"}, nil, "S3=1h must be"},
		{"no category of AWS", []string{"--action-timeout", "Ship/AWS/S3=1h"}, nil, "Ship/AWS/S3=1h must be"},
		{"nothing fits", []string{"--max-source-bytes", "0"}, nil, "--max-source-bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var cfg config.Config
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			cfg.Flags(flags)
			if err := flags.Parse(c.args); err != nil {
				t.Fatal(err)
			}
			err := cfg.Load(flags, func(string) string { return "" })
			if c.text != "" {
				if err == nil || !strings.Contains(err.Error(), c.text) {
					t.Errorf("got %v, want %q", err, c.text)
				}
				return
			}
			if err != nil || !maps.Equal(cfg.Limits.ActionTimeouts, c.want) || cfg.Limits.MaxSourceBytes != 7<<30 {
				t.Errorf("got %+v, %v", cfg.Limits, err)
			}
		})
	}
}
