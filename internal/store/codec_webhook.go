package store

import (
	"encoding/json"
	"fmt"
)

// EncodeWebhook returns the document of a webhook, with its secret and its
// token sealed for its name.
func EncodeWebhook(w Webhook, s Sealer) ([]byte, error) {
	w.Token = s.Seal([]byte(w.Token), webhookContext(&w)+"token")
	if w.Secret != "" {
		w.Secret = s.Seal([]byte(w.Secret), webhookContext(&w)+"secret")
	}
	b, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("store: the webhook %s cannot be written: %w", w.Name, err)
	}
	return b, nil
}

// DecodeWebhook reads what EncodeWebhook wrote into w, which has its account,
// region and name.
func DecodeWebhook(w *Webhook, b []byte, s Sealer) error {
	doc, err := decode[Webhook](b)
	if err != nil {
		return err
	}
	doc.ID, doc.Account, doc.Region, doc.Name, doc.LastTriggered = w.ID, w.Account, w.Region, w.Name, w.LastTriggered
	*w = *doc
	token, err := s.Open(w.Token, webhookContext(w)+"token")
	secret := []byte(nil)
	if err == nil && w.Secret != "" {
		secret, err = s.Open(w.Secret, webhookContext(w)+"secret")
	}
	if err != nil {
		return fmt.Errorf("store: the secrets of webhook %s cannot be opened; is this the master key they were sealed with? %w", w.Name, err)
	}
	w.Token, w.Secret = string(token), string(secret)
	return nil
}

func webhookContext(w *Webhook) string {
	return "webhook/" + w.Account + "/" + w.Region + "/" + w.Name + "/"
}
