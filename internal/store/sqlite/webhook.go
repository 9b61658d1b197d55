package sqlite

import (
	"time"

	"penstock/internal/sqlite"
	"penstock/internal/store"
)

const webhookColumns = `id, account, region, name, last_triggered, doc`

func (v *reader) scanWebhook(r *sqlite.Rows) (store.Webhook, error) {
	w := store.Webhook{ID: r.Int64(0), Account: r.Text(1), Region: r.Text(2), Name: r.Text(3), LastTriggered: fromMillis(r.Int64(4))}
	err := store.DecodeWebhook(&w, r.RawBytes(5), v.d.sealer)
	return w, err
}

func (v *reader) Webhook(account, region, name string) (store.Webhook, error) {
	r, ok := v.tx.QueryRow(`SELECT `+webhookColumns+` FROM webhook WHERE account = ? AND region = ? AND name = ?`, account, region, name)
	if !ok {
		return store.Webhook{}, missing(r)
	}
	return v.scanWebhook(r)
}

func (v *reader) WebhookOf(token string) (store.Webhook, error) {
	r, ok := v.tx.QueryRow(`SELECT `+webhookColumns+` FROM webhook WHERE key = ?`, store.WebhookKey(token))
	if !ok {
		return store.Webhook{}, missing(r)
	}
	return v.scanWebhook(r)
}

func (v *reader) Webhooks(account, region, after string, limit int) ([]store.Webhook, error) {
	var list []store.Webhook
	rows := v.tx.Query(`SELECT `+webhookColumns+` FROM webhook
		WHERE account = ? AND region = ? AND name > ? ORDER BY name LIMIT ?`, account, region, after, limit)
	defer rows.Close()
	for rows.Next() {
		w, err := v.scanWebhook(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	return list, rows.Err()
}

func (v *reader) CountWebhooks(account, region string) (int, error) {
	r, ok := v.tx.QueryRow(`SELECT count(*) FROM webhook WHERE account = ? AND region = ?`, account, region)
	if !ok {
		return 0, r.Err()
	}
	return int(r.Int64(0)), nil
}

func (t *txn) PutWebhook(w store.Webhook) error {
	doc, err := store.EncodeWebhook(w, t.d.sealer)
	if err != nil {
		return err
	}
	return t.tx.Exec(`INSERT INTO webhook (account, region, name, key, last_triggered, doc) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (account, region, name) DO UPDATE SET key = excluded.key, last_triggered = excluded.last_triggered, doc = excluded.doc`,
		w.Account, w.Region, w.Name, store.WebhookKey(w.Token), millis(w.LastTriggered), doc)
}

func (t *txn) DeleteWebhook(account, region, name string) error {
	r, ok := t.tx.QueryRow(`DELETE FROM webhook WHERE account = ? AND region = ? AND name = ? RETURNING id`, account, region, name)
	if !ok {
		return r.Err()
	}
	return t.tx.Exec(`DELETE FROM webhook_delivery WHERE webhook_id = ?`, r.Int64(0))
}

func (t *txn) Delivered(webhookID int64, delivery string, now time.Time) (bool, error) {
	err := t.tx.Exec(`INSERT INTO webhook_delivery (webhook_id, delivery, at) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET at = excluded.at WHERE webhook_delivery.at <= ?`,
		webhookID, delivery, millis(now), millis(now.Add(-store.DeliveryRetention)))
	return t.tx.Changes() > 0, err
}

// purgeDeliveries removes deliveries that may come again.
func (t *txn) purgeDeliveries(now time.Time, limit int) (int, error) {
	err := t.tx.Exec(`DELETE FROM webhook_delivery WHERE (webhook_id, delivery) IN
		(SELECT webhook_id, delivery FROM webhook_delivery WHERE at <= ? LIMIT ?)`, millis(now.Add(-store.DeliveryRetention)), limit)
	return int(t.tx.Changes()), err
}
