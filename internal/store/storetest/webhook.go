package storetest

import (
	"errors"
	"time"

	"penstock/internal/store"
)

func webhook(name string) store.Webhook {
	return store.Webhook{
		Account: account, Region: region, Name: name, TargetPipeline: "p", TargetAction: "a",
		Filters:        []store.WebhookFilter{{JSONPath: "$.ref", MatchEquals: "refs/heads/{Branch}"}, {JSONPath: "$.x"}},
		Authentication: "GITHUB_HMAC", Secret: secret(), Token: secret(),
	}
}

// withoutID compares webhooks whose ids the database chose.
func withoutID(list ...store.Webhook) []store.Webhook {
	for i := range list {
		list[i].ID = 0
	}
	return list
}

func webhooks(f *fixture) {
	a, b, c := webhook("a"), webhook("b"), webhook("c")
	b.Authentication, b.AllowedIPRange, b.Secret, b.Filters = "IP", "10.0.0.0/8", "", []store.WebhookFilter{}
	c.LastTriggered, c.ErrorCode, c.ErrorMessage = f.now(), "Gone", "It is gone"
	other := webhook("a")
	other.Region = "elsewhere"
	f.update(func(tx store.Tx) error {
		for _, w := range []store.Webhook{c, a, b, other} {
			if err := tx.PutWebhook(w); err != nil {
				return err
			}
		}
		return nil
	})
	check := func(r store.Reader) error {
		list, err := r.Webhooks(account, region, "", 10)
		f.equal("webhooks", withoutID(list...), []store.Webhook{a, b, c})
		if err != nil {
			return err
		}
		page, err := r.Webhooks(account, region, "a", 1)
		f.equal("page", withoutID(page...), []store.Webhook{b})
		if err != nil {
			return err
		}
		one, err := r.Webhook(account, region, "c")
		f.equal("webhook", withoutID(one), []store.Webhook{c})
		if err != nil {
			return err
		}
		byToken, err := r.WebhookOf(b.Token)
		f.equal("webhook of a token", withoutID(byToken), []store.Webhook{b})
		if err != nil {
			return err
		}
		n, err := r.CountWebhooks(account, region)
		f.equal("count", n, 3)
		return err
	}
	f.both(check)
	f.reopen()
	f.both(check)

	id := func(name string) int64 {
		return read(f, func(r store.Reader) (store.Webhook, error) { return r.Webhook(account, region, name) }).ID
	}
	before, old := id("a"), a.Token
	a.Token, a.TargetAction = secret(), "other"
	f.update(func(tx store.Tx) error { return tx.PutWebhook(a) })
	f.both(check)
	f.equal("id after an update", id("a"), before)
	f.update(func(tx store.Tx) error { return tx.DeleteWebhook(account, region, "a") })
	f.both(func(r store.Reader) error {
		for _, token := range []string{old, a.Token} {
			if _, err := r.WebhookOf(token); !errors.Is(err, store.ErrNotFound) {
				f.Fatalf("a webhook that is gone was found: %v", err)
			}
		}
		_, err := r.Webhook(account, region, "a")
		f.equal("deleted webhook", errors.Is(err, store.ErrNotFound), true)
		return nil
	})
	f.update(func(tx store.Tx) error {
		if err := tx.DeleteWebhook(account, region, "a"); err != nil {
			return err
		}
		return tx.PutWebhook(a)
	})
	if id("a") == before {
		f.Fatal("the id of a deleted webhook was used again")
	}
	f.both(check)
}

func webhookDeliveries(f *fixture) {
	for _, name := range []string{"a", "b"} {
		f.update(func(tx store.Tx) error { return tx.PutWebhook(webhook(name)) })
	}
	deliver := func(name, delivery string) (fresh bool) {
		f.update(func(tx store.Tx) error {
			w, err := tx.Webhook(account, region, name)
			if err != nil {
				return err
			}
			fresh, err = tx.Delivered(w.ID, delivery, f.now())
			return err
		})
		return fresh
	}
	f.equal("first", deliver("a", "1"), true)
	f.equal("repeat", deliver("a", "1"), false)
	f.equal("another delivery", deliver("a", "2"), true)
	f.equal("of another webhook", deliver("b", "1"), true)
	f.reopen()
	f.advance(store.DeliveryRetention - time.Millisecond)
	f.equal("repeat after a restart", deliver("a", "1"), false)
	f.advance(time.Millisecond)
	f.equal("repeat after the retention", deliver("a", "1"), true)
	f.update(func(tx store.Tx) error { return tx.DeleteWebhook(account, region, "a") })
	f.update(func(tx store.Tx) error { return tx.PutWebhook(webhook("a")) })
	f.equal("repeat to a new webhook", deliver("a", "1"), true)
}
