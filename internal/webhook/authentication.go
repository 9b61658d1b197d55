package webhook

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/http"
	"net/netip"
	"strings"

	"penstock/internal/core/fault"
)

// Ways to tell a delivery that may start a pipeline (WebhookAuthenticationType).
const (
	GitHubHMAC      = "GITHUB_HMAC"
	IP              = "IP"
	Unauthenticated = "UNAUTHENTICATED"
)

// CheckAuthentication checks the parameters that go with a way of
// authentication; the error is InvalidWebhookAuthenticationParametersException.
func CheckAuthentication(way, secret, ipRange string) error {
	bad := func(format string, args ...any) error {
		return fault.New("InvalidWebhookAuthenticationParametersException", format, args...)
	}
	switch way {
	case GitHubHMAC:
		if secret == "" || ipRange != "" {
			return bad("Authentication %s takes a SecretToken and nothing else", way)
		}
	case IP:
		if ipRange == "" || secret != "" {
			return bad("Authentication %s takes an AllowedIPRange and nothing else", way)
		}
		if _, err := parseRange(ipRange); err != nil {
			return bad("The AllowedIPRange '%s' is not an address or a range in CIDR form, such as 192.0.2.0/24", ipRange)
		}
	default:
		if secret != "" || ipRange != "" {
			return bad("Authentication %s takes no parameters", way)
		}
	}
	return nil
}

// parseRange reads a range; a bare address is a range of itself.
func parseRange(s string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		return netip.ParsePrefix(s)
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	return a.Prefix(a.BitLen())
}

// signed checks the signature of GitHub over the raw body. The SHA-256 one
// decides if it is there.
func signed(h http.Header, body []byte, secret string) bool {
	if v := h.Get("X-Hub-Signature-256"); v != "" {
		return macIs(sha256.New, "sha256=", v, body, secret)
	}
	return macIs(sha1.New, "sha1=", h.Get("X-Hub-Signature"), body, secret)
}

func macIs(algorithm func() hash.Hash, prefix, header string, body []byte, secret string) bool {
	digits, ok := strings.CutPrefix(header, prefix)
	got, err := hex.DecodeString(digits)
	if !ok || err != nil || secret == "" {
		return false
	}
	mac := hmac.New(algorithm, []byte(secret))
	mac.Write(body)
	return hmac.Equal(got, mac.Sum(nil))
}

// sender is the address that a request comes from: that of the connection, or
// if it is a trusted proxy's, the nearest address in X-Forwarded-For that is
// not. It is false when a trusted proxy passes on what is no address.
func sender(r *http.Request, trusted []netip.Prefix) (netip.Addr, bool) {
	addr, ok := parseSender(r.RemoteAddr)
	if !ok {
		return addr, false
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && within(addr, trusted); i-- {
		hop := strings.TrimSpace(hops[i])
		if hop == "" && len(hops) == 1 {
			break // the proxy itself calls
		}
		if addr, ok = parseSender(hop); !ok {
			return addr, false
		}
	}
	return addr, true
}

// parseSender reads an address with or without a port.
func parseSender(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		ap, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		a = ap.Addr()
	}
	return a.Unmap().WithZone(""), true
}

func within(a netip.Addr, ranges []netip.Prefix) bool {
	for _, p := range ranges {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
