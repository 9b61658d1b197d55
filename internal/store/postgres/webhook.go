package postgres

import (
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/store"
)

const webhookColumns = `id, account, region, name, last_triggered, doc`

func (v *reader) scanWebhook(r pgx.Rows) (w store.Webhook, err error) {
	var last int64
	var doc []byte
	if err := r.Scan(&w.ID, &w.Account, &w.Region, &w.Name, &last, &doc); err != nil {
		return w, err
	}
	w.LastTriggered = fromMillis(last)
	err = store.DecodeWebhook(&w, doc, v.d.sealer)
	return w, err
}

func (v *reader) webhook(sql string, args ...any) (w store.Webhook, err error) {
	err = v.one(sql, func(r pgx.Rows) (err error) {
		w, err = v.scanWebhook(r)
		return err
	}, args...)
	return w, err
}

func (v *reader) Webhook(account, region, name string) (store.Webhook, error) {
	return v.webhook(`SELECT `+webhookColumns+` FROM webhook WHERE account = $1 AND region = $2 AND name = $3`, account, region, name)
}

func (v *reader) WebhookOf(token string) (store.Webhook, error) {
	return v.webhook(`SELECT `+webhookColumns+` FROM webhook WHERE key = $1`, store.WebhookKey(token))
}

func (v *reader) Webhooks(account, region, after string, limit int) ([]store.Webhook, error) {
	var list []store.Webhook
	err := v.query(`SELECT `+webhookColumns+` FROM webhook
		WHERE account = $1 AND region = $2 AND name > $3 ORDER BY name LIMIT $4`, func(r pgx.Rows) error {
		w, err := v.scanWebhook(r)
		list = append(list, w)
		return err
	}, account, region, after, limit)
	return list, err
}

func (v *reader) CountWebhooks(account, region string) (int, error) {
	return v.count(`SELECT count(*) FROM webhook WHERE account = $1 AND region = $2`, account, region)
}

func (t *txn) PutWebhook(w store.Webhook) error {
	if err := t.define(); err != nil {
		return err
	}
	doc, err := store.EncodeWebhook(w, t.d.sealer)
	if err != nil {
		return err
	}
	return t.write(`INSERT INTO webhook (account, region, name, key, last_triggered, doc) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (account, region, name) DO UPDATE SET key = excluded.key, last_triggered = excluded.last_triggered, doc = excluded.doc`,
		w.Account, w.Region, w.Name, store.WebhookKey(w.Token), millis(w.LastTriggered), doc)
}

func (t *txn) DeleteWebhook(account, region, name string) error {
	if err := t.define(); err != nil {
		return err
	}
	var id int64
	err := t.one(`DELETE FROM webhook WHERE account = $1 AND region = $2 AND name = $3 RETURNING id`,
		func(r pgx.Rows) error { return r.Scan(&id) }, account, region, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return t.write(`DELETE FROM webhook_delivery WHERE webhook_id = $1`, id)
}

func (t *txn) Delivered(webhookID int64, delivery string, now time.Time) (bool, error) {
	if err := t.define(); err != nil {
		return false, err
	}
	n, err := t.affected(`INSERT INTO webhook_delivery (webhook_id, delivery, at) VALUES ($1, $2, $3)
		ON CONFLICT (webhook_id, delivery) DO UPDATE SET at = excluded.at WHERE webhook_delivery.at <= $4`,
		webhookID, delivery, millis(now), millis(now.Add(-store.DeliveryRetention)))
	return n > 0, err
}

// purgeDeliveries removes deliveries that may come again.
func (t *txn) purgeDeliveries(now time.Time, limit int) (int, error) {
	return t.affected(`DELETE FROM webhook_delivery WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM webhook_delivery WHERE at <= $1 ORDER BY at LIMIT $2))`,
		millis(now.Add(-store.DeliveryRetention)), limit)
}
