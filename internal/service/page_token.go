package service

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"

	"penstock/internal/auth"
	"penstock/internal/core/fault"
)

// pageTokens makes the nextToken of paged lists: opaque, signed, bound to the
// operation, the caller's account and region and the filter, valid for a day.
type pageTokens struct {
	key []byte
	now func() time.Time
}

const pageTokenLife = 24 * time.Hour

type pageToken struct {
	Operation, Account, Region, Filter string
	Last                               string // key of the last row shown
	Expires                            int64
}

func (p pageTokens) mac(body []byte) []byte {
	h := hmac.New(sha256.New, p.key)
	h.Write(body)
	return h.Sum(nil)
}

// next returns the token that continues behind last.
func (p pageTokens) next(operation string, who auth.Principal, filter, last string) string {
	body, err := json.Marshal(pageToken{operation, who.Account, who.Region, filter, last, p.now().Add(pageTokenLife).Unix()})
	if err != nil {
		panic(err) // strings and a number always encode
	}
	return base64.RawURLEncoding.EncodeToString(append(p.mac(body), body...))
}

// errBadToken refuses a token that leads nowhere.
var errBadToken = fault.New("InvalidNextTokenException", "The next token is not valid for this request")

// last returns the key to continue behind; "" without a token.
func (p pageTokens) last(token, operation string, who auth.Principal, filter string) (string, error) {
	if token == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < sha256.Size {
		return "", errBadToken
	}
	mac, body := raw[:sha256.Size], raw[sha256.Size:]
	var t pageToken
	if !hmac.Equal(mac, p.mac(body)) || json.Unmarshal(body, &t) != nil {
		return "", errBadToken
	}
	if t.Operation != operation || t.Account != who.Account || t.Region != who.Region || t.Filter != filter || p.now().Unix() > t.Expires {
		return "", errBadToken
	}
	return t.Last, nil
}

// pageSize is the size that a request asks for, or the default.
func pageSize(maxResults *int, byDefault int) int {
	if maxResults == nil {
		return byDefault
	}
	return *maxResults
}
