package store

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Webhook is a URL whose deliveries start a pipeline (PutWebhook).
type Webhook struct {
	ID                           int64  `json:"-"` // never used again
	Account, Region, Name        string `json:"-"`
	TargetPipeline, TargetAction string
	Filters                      []WebhookFilter
	Authentication               string // GITHUB_HMAC, IP or UNAUTHENTICATED
	AllowedIPRange               string `json:",omitempty"`
	Secret                       string `json:",omitempty"` // in clear; stored sealed
	// Token is the secret part of the URL, in clear; stored sealed.
	Token         string
	LastTriggered time.Time `json:"-"`
	// ErrorCode and ErrorMessage tell what went wrong last; "" = nothing.
	ErrorCode, ErrorMessage string `json:",omitempty"`
}

// WebhookFilter is a condition on the body of a delivery. An empty MatchEquals
// asks for any value but null.
type WebhookFilter struct {
	JSONPath    string
	MatchEquals string `json:",omitempty"`
}

// ARN is the webhook's Amazon resource name.
func (w Webhook) ARN() string {
	return "arn:aws:codepipeline:" + w.Region + ":" + w.Account + ":webhook:" + w.Name
}

// WebhookKey is what the webhook of a token is found by, so that tokens lie
// nowhere in clear.
func WebhookKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// DeliveryRetention is how long a delivery that started an execution is
// remembered.
const DeliveryRetention = time.Hour

// WebhookReader reads webhooks.
type WebhookReader interface {
	Webhook(account, region, name string) (Webhook, error)
	// WebhookOf returns the webhook whose URL carries the token.
	WebhookOf(token string) (Webhook, error)
	// Webhooks lists by name, those after the given name.
	Webhooks(account, region, after string, limit int) ([]Webhook, error)
	CountWebhooks(account, region string) (int, error)
}

// WebhookWriter writes webhooks.
type WebhookWriter interface {
	// PutWebhook adds the webhook, or replaces the one of its name and
	// keeps that one's id.
	PutWebhook(w Webhook) error
	// DeleteWebhook removes the webhook and what is remembered of its
	// deliveries; one that does not exist is no error.
	DeleteWebhook(account, region, name string) error
	// Delivered remembers a delivery for DeliveryRetention. It reports
	// false for one that is remembered already.
	Delivered(webhookID int64, delivery string, now time.Time) (fresh bool, err error)
}
