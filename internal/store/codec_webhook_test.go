package store

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestWebhookIsSealedForItsName(t *testing.T) {
	t.Parallel()
	w := Webhook{
		ID: 1, Account: "a", Region: "r", Name: "n", TargetPipeline: "p", TargetAction: "s",
		Filters:        []WebhookFilter{{JSONPath: "$.a", MatchEquals: "b"}, {JSONPath: "$.c"}},
		Authentication: "GITHUB_HMAC", Secret: "hush", Token: "tokn", ErrorCode: "c", ErrorMessage: "m", LastTriggered: time.UnixMilli(1).UTC(),
	}
	doc, err := EncodeWebhook(w, markSealer{})
	if err != nil || !strings.Contains(string(doc), "sealed(webhook/a/r/n/secret)hush") || !strings.Contains(string(doc), "sealed(webhook/a/r/n/token)tokn") {
		t.Fatalf("%s, %v", doc, err)
	}
	got := Webhook{ID: 1, Account: "a", Region: "r", Name: "n", LastTriggered: w.LastTriggered}
	if err := DecodeWebhook(&got, doc, markSealer{}); err != nil || !reflect.DeepEqual(got, w) {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, other := range map[string]Webhook{
		"name": {Account: "a", Region: "r", Name: "m"}, "account": {Account: "b", Region: "r", Name: "n"}, "region": {Account: "a", Region: "s", Name: "n"},
	} {
		if err := DecodeWebhook(&other, doc, markSealer{}); err == nil || strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "tokn") {
			t.Errorf("opened for another %s: %v", name, err)
		}
	}
	if err := DecodeWebhook(&got, []byte("{"), markSealer{}); err == nil {
		t.Error("a broken document was read")
	}
}
