package webhook

import (
	"net/http"
	"net/netip"
	"testing"

	"penstock/internal/core/fault"
)

func TestCheckAuthentication(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		way, secret, ipRange string
		ok                   bool
	}{
		"secret":               {GitHubHMAC, "s", "", true},
		"no secret":            {GitHubHMAC, "", "", false},
		"secret and range":     {GitHubHMAC, "s", "10.0.0.0/8", false},
		"range":                {IP, "", "10.0.0.0/8", true},
		"whole world":          {IP, "", "0.0.0.0/0", true},
		"host bits":            {IP, "", "10.1.2.3/8", true},
		"address":              {IP, "", "192.0.2.1", true},
		"IPv6 range":           {IP, "", "2001:db8::/32", true},
		"no range":             {IP, "", "", false},
		"range too long":       {IP, "", "10.0.0.0/33", false},
		"no address":           {IP, "", "example.com", false},
		"range with secret":    {IP, "s", "10.0.0.0/8", false},
		"nothing":              {Unauthenticated, "", "", true},
		"nothing and a secret": {Unauthenticated, "s", "", false},
		"nothing and a range":  {Unauthenticated, "", "10.0.0.0/8", false},
	} {
		err := CheckAuthentication(c.way, c.secret, c.ipRange)
		if (err == nil) != c.ok || err != nil && fault.Code(err) != "InvalidWebhookAuthenticationParametersException" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The vectors are GitHub's (documentation of webhooks) and RFC 2202's.
func TestSigned(t *testing.T) {
	t.Parallel()
	const (
		hello  = "Hello, World!"
		github = "It's a Secret to Everybody"
		sum256 = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
		want   = "what do ya want for nothing?"
		sum1   = "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
	)
	for name, c := range map[string]struct {
		sha1, sha256, body, secret string
		ok                         bool
	}{
		"SHA-256":                     {"", sum256, hello, github, true},
		"SHA-1":                       {sum1, "", want, "Jefe", true},
		"SHA-256 decides":             {sum1, sum256, want, "Jefe", false},
		"SHA-256 decides over a bad":  {"sha1=00", sum256, hello, github, true},
		"none":                        {"", "", hello, github, false},
		"other body":                  {"", sum256, hello + " ", github, false},
		"other secret":                {"", sum256, hello, github + "!", false},
		"SHA-256 as SHA-1":            {sum256, "", hello, github, false},
		"SHA-1 as SHA-256":            {"", sum1, want, "Jefe", false},
		"no prefix":                   {"", sum256[7:], hello, github, false},
		"cut":                         {"", sum256[:60], hello, github, false},
		"empty digest":                {"", "sha256=", hello, github, false},
		"no digits":                   {"", "sha256=zz", hello, github, false},
		"webhook without a secret":    {"", "sha256=0f3f4a5a0f5d4a0b8b0b", hello, "", false},
		"capitals are the same bytes": {"", "sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17", hello, github, true},
	} {
		h := http.Header{}
		if c.sha1 != "" {
			h.Set("X-Hub-Signature", c.sha1)
		}
		if c.sha256 != "" {
			h.Set("X-Hub-Signature-256", c.sha256)
		}
		if got := signed(h, []byte(c.body), c.secret); got != c.ok {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestSender(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for name, c := range map[string]struct {
		remote    string
		forwarded []string
		want      string
	}{
		"direct":                       {"192.0.2.1:1234", nil, "192.0.2.1"},
		"stranger claims":              {"192.0.2.1:1234", []string{"198.51.100.7"}, "192.0.2.1"},
		"proxy":                        {"10.1.1.1:80", []string{"198.51.100.7"}, "198.51.100.7"},
		"two proxies":                  {"10.1.1.1:80", []string{"198.51.100.7, 10.2.2.2"}, "198.51.100.7"},
		"sender claims before a proxy": {"10.1.1.1:80", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7"},
		"lines":                        {"10.1.1.1:80", []string{"203.0.113.9", "198.51.100.7, 10.2.2.2"}, "198.51.100.7"},
		"proxies only":                 {"10.1.1.1:80", []string{"10.3.3.3"}, "10.3.3.3"},
		"the proxy itself":             {"10.1.1.1:80", nil, "10.1.1.1"},
		"port":                         {"10.1.1.1:80", []string{"198.51.100.7:999"}, "198.51.100.7"},
		"IPv6":                         {"[::1]:80", []string{"[2001:db8::1]:999"}, "2001:db8::1"},
		"IPv6 in brackets":             {"[::1]:80", []string{"[2001:db8::1]"}, "2001:db8::1"},
		"IPv4 in IPv6":                 {"[::ffff:10.1.1.1]:80", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		"zone":                         {"[fe80::1%eth0]:80", nil, "fe80::1"},
		"garbage of a proxy":           {"10.1.1.1:80", []string{"198.51.100.7, unknown"}, "none"},
		"empty hop":                    {"10.1.1.1:80", []string{"198.51.100.7,"}, "none"},
		"garbage behind the sender":    {"10.1.1.1:80", []string{"unknown, 198.51.100.7"}, "198.51.100.7"},
		"no address":                   {"pipe", nil, "none"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		got := "none"
		if a, ok := sender(r, trusted); ok {
			got = a.String()
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}
