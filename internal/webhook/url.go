package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
)

// Path is where deliveries arrive, below the public URL of the server.
const Path = "/webhooks/trigger"

// NewToken returns the secret part of a webhook's URL: 256 random bits.
func NewToken() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// URL is where the webhook of the token takes deliveries. Who has it may
// deliver, so it is to be kept like a secret.
func URL(base, token string) string {
	return strings.TrimRight(base, "/") + Path + "?t=" + token + "&v=1"
}
