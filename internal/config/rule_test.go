package config_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"penstock/internal/config"
)

// Where rules call to comes from the settings alone, and is checked at the start.
func TestRuleSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		args []string
		env  map[string]string
		want map[string]string // functions
		text string            // of the refusal
	}{
		{"none", nil, nil, nil, ""},
		{"functions", []string{"--lambda-function", "a=http://127.0.0.1:1/x?y=z", "--lambda-function", "b=https://b.example"}, nil,
			map[string]string{"a": "http://127.0.0.1:1/x?y=z", "b": "https://b.example"}, ""},
		{"by the environment", nil, map[string]string{"PENSTOCK_LAMBDA_FUNCTION": "a=http://a,b=http://b"}, map[string]string{"a": "http://a", "b": "http://b"}, ""},
		{"commands", []string{"--lambda-function", `a=exec:FOO=x,y sh -c "echo 'a, b=c'"`, "--lambda-function", `b=exec:python3 "my file.py"`, "--lambda-function", "*=https://all"}, nil,
			map[string]string{"a": `exec:FOO=x,y sh -c "echo 'a, b=c'"`, "b": `exec:python3 "my file.py"`, "*": "https://all"}, ""},
		{"commands by the environment", nil, map[string]string{"PENSTOCK_LAMBDA_FUNCTION": `a=exec:cut -d, -f1,arn:aws:lambda:eu-west-1:123456789012:function:b:1=http://b?x=1,c=exec:x`},
			map[string]string{"a": "exec:cut -d, -f1", "arn:aws:lambda:eu-west-1:123456789012:function:b:1": "http://b?x=1", "c": "exec:x"}, ""},
		{"a name again", []string{"--lambda-function", "a=http://a", "--lambda-function", "a=http://b"}, nil, map[string]string{"a": "http://b"}, ""},
		{"no target", []string{"--lambda-function", "a="}, nil, nil, "--lambda-function a must have"},
		{"no command", []string{"--lambda-function", "a=exec: "}, nil, nil, "--lambda-function a must have"},
		{"a second that is not http", []string{"--lambda-function", "a=http://a,b=file:///etc/passwd"}, nil, nil, "--lambda-function b must have"},
		{"no silence", []string{"--lambda-silence", "0s"}, nil, nil, "--lambda-silence"},
		{"no time", []string{"--lambda-time-limit", "-1s"}, nil, nil, "--lambda-time-limit"},
		{"not http", []string{"--lambda-function", "a=file:///etc/passwd"}, nil, nil, "--lambda-function a"},
		{"no host", []string{"--lambda-function", "a=http:///x"}, nil, nil, "--lambda-function a"},
		{"no URL of Lambda", []string{"--lambda-endpoint", "localhost:9001"}, nil, nil, "--lambda-endpoint"},
		{"no URL of CloudWatch", []string{"--cloudwatch-endpoint", "localhost"}, nil, nil, "--cloudwatch-endpoint"},
		{"URLs of both", []string{"--lambda-endpoint", "http://127.0.0.1:9001", "--cloudwatch-endpoint", "https://c.example"}, nil, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var cfg config.Config
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			cfg.Flags(flags)
			if err := flags.Parse(c.args); err != nil {
				t.Fatal(err)
			}
			err := cfg.Load(flags, func(name string) string { return c.env[name] })
			if c.text != "" {
				if err == nil || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "passwd") {
					t.Errorf("got %v, want %q", err, c.text)
				}
				return
			}
			if err != nil || !maps.Equal(cfg.Lambda.Functions, c.want) {
				t.Errorf("got %v, %v", cfg.Lambda.Functions, err)
			}
		})
	}
}
