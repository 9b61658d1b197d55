package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/spf13/pflag"
)

// Webhook are the settings of webhooks.
type Webhook struct {
	PublicURL      string   // "" = where the server listens
	RevealSecret   bool     // ListWebhooks shows secrets
	TrustedProxies []string // ranges or addresses
	GitHubAPIURL   string
	Max            int
}

func (w *Webhook) flags(f *pflag.FlagSet) {
	f.StringVar(&w.PublicURL, "public-url", "", "URL by which senders of webhooks reach this server; empty is the address it listens on")
	f.BoolVar(&w.RevealSecret, "webhook-reveal-secret", false, "show the secret tokens of webhooks instead of **** (for Terraform plans without a difference)")
	f.StringSliceVar(&w.TrustedProxies, "trusted-proxies", nil, "addresses or ranges of proxies whose X-Forwarded-For tells where a webhook's delivery comes from")
	f.StringVar(&w.GitHubAPIURL, "github-api-url", "https://api.github.com", "API where webhooks are registered: of GitHub, or https://HOST/api/v3 (GitHub Enterprise), https://HOST/api/v1 (Gitea, Forgejo)")
	f.IntVar(&w.Max, "max-webhooks", 300, "webhooks of an account in a region")
}

// Proxies are the trusted proxies as ranges.
func (w *Webhook) Proxies() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range w.TrustedProxies {
		if a, err := netip.ParseAddr(s); err == nil {
			s = fmt.Sprintf("%s/%d", a, a.BitLen())
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("--trusted-proxies: %q is not an address or a range such as 10.0.0.0/8", s)
		}
		out = append(out, p)
	}
	return out, nil
}

func (w *Webhook) validate() error {
	_, err := w.Proxies()
	errs := []error{err}
	if w.PublicURL != "" && !isBase(w.PublicURL) {
		errs = append(errs, fmt.Errorf("--public-url must be an http or https URL without query, such as https://cd.example.com, not %q", w.PublicURL))
	}
	if !isBase(w.GitHubAPIURL) {
		errs = append(errs, fmt.Errorf("--github-api-url must be an http or https URL without query, not %q", w.GitHubAPIURL))
	}
	if w.Max < 0 {
		errs = append(errs, errors.New("--max-webhooks must not be negative"))
	}
	return errors.Join(errs...)
}

// maxBase leaves room for the rest of a webhook's URL within 1000 characters.
const maxBase = 900

// isBase reports whether paths can be put behind the URL.
func isBase(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil &&
		!strings.ContainsAny(s, "?# ") && len(s) <= maxBase
}
