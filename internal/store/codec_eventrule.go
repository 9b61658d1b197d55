package store

import (
	"encoding/json"
	"fmt"
)

// EncodeEventRule returns the document of a rule.
func EncodeEventRule(r EventRule) ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("store: the rule %s cannot be written: %w", r.Name, err)
	}
	return b, nil
}

// DecodeEventRule reads what EncodeEventRule wrote into r, which has its
// account, region, name and due time.
func DecodeEventRule(r *EventRule, b []byte) error {
	doc, err := decode[EventRule](b)
	if err != nil {
		return err
	}
	doc.Account, doc.Region, doc.Name, doc.Due = r.Account, r.Region, r.Name, r.Due
	*r = *doc
	return nil
}
