package config

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func settings(t *testing.T, args ...string) (Config, error) {
	t.Helper()
	var c Config
	f := pflag.NewFlagSet("server", pflag.ContinueOnError)
	c.Flags(f)
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	return c, c.Load(f, func(string) string { return "" })
}

func TestWebhookSettings(t *testing.T) {
	t.Parallel()
	c, err := settings(t)
	if err != nil || c.Webhook.PublicURL != "" || c.Webhook.RevealSecret || c.Webhook.GitHubAPIURL != "https://api.github.com" || c.Webhook.Max != 300 {
		t.Errorf("defaults %+v, %v", c.Webhook, err)
	}
	c, err = settings(t, "--public-url=https://cd.example.com/penstock", "--trusted-proxies=10.0.0.0/8,192.0.2.1,::1", "--github-api-url=http://gitea.local:3000/api/v1", "--webhook-reveal-secret")
	if err != nil {
		t.Fatal(err)
	}
	proxies, err := c.Webhook.Proxies()
	if err != nil || len(proxies) != 3 || proxies[1].String() != "192.0.2.1/32" || proxies[2].String() != "::1/128" {
		t.Errorf("proxies %v, %v", proxies, err)
	}
	for _, tt := range []struct{ arg, text string }{
		{"--public-url=cd.example.com", "--public-url must be"},
		{"--public-url=https://cd.example.com/?x", "--public-url must be"},
		{"--public-url=https://user@cd.example.com", "--public-url must be"},
		{"--public-url=https://cd.example.com/" + strings.Repeat("x", 900), "--public-url must be"},
		{"--github-api-url=", "--github-api-url must be"},
		{"--github-api-url=file:///etc/passwd", "--github-api-url must be"},
		{"--trusted-proxies=10.0.0.0/33", "--trusted-proxies:"},
		{"--trusted-proxies=proxy", "--trusted-proxies:"},
		{"--max-webhooks=-1", "--max-webhooks"},
	} {
		if _, err := settings(t, tt.arg); err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v", tt.arg, err)
		}
	}
}
