//go:build unix

package doctest

import "testing"

func TestWebhooks(t *testing.T) {
	t.Parallel()
	need(t, "aws", "bash", "curl", "openssl")
	all := page(t, "webhooks.md")
	open(t, all).run(t, of(t, all, "run: webhook"))
}
