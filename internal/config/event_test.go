package config

import (
	"strings"
	"testing"
)

// TestEventURL: events leave the server signed or not at all.
func TestEventURL(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, secret string
		ok           bool
	}{
		{"no secret", "", false},
		{"a short secret", "fifteen letters", false},
		{"a secret", "sixteen letters.", true},
	} {
		c, err := load(t, []string{"--event-url", "https://example.com/in"}, map[string]string{"PENSTOCK_EVENT_SECRET": tc.secret}, "")
		if tc.ok != (err == nil) || c.EventSecret != tc.secret || err != nil && !strings.Contains(err.Error(), "PENSTOCK_EVENT_SECRET") {
			t.Errorf("%s: %v", tc.name, err)
		}
		if err != nil && tc.secret != "" && strings.Contains(err.Error(), tc.secret) {
			t.Errorf("the refusal tells the secret: %v", err)
		}
	}
	if _, err := load(t, []string{"--event-file", "e.jsonl"}, nil, ""); err != nil {
		t.Errorf("a file needs no secret: %v", err)
	}
}
