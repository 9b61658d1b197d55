package event

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Headers of a delivery; docs/events.md shows how to check the signature.
const (
	HeaderID        = "Penstock-Event-Id"
	HeaderTimestamp = "Penstock-Event-Timestamp" // seconds since 1970 of this attempt
	HeaderSignature = "Penstock-Event-Signature" // "v1=" and Sign in hexadecimal
)

const (
	// answerTime is how long a receiver may take for one event.
	answerTime = 15 * time.Second
	// answerBytes is how much of an answer is read, to use the connection again.
	answerBytes = 64 << 10
)

// HTTP is a sink that posts each event to a URL, in a request of its own. Only
// an answer of the 200s means that the event was taken.
type HTTP struct {
	url    string
	secret []byte
	client *http.Client
	now    func() time.Time
}

// NewHTTP returns a sink for the URL whose requests are signed with the secret.
func NewHTTP(to string, secret string, now func() time.Time) (*HTTP, error) {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the URL for events must be http://HOST/… or https://HOST/…")
	}
	if secret == "" {
		return nil, errors.New("events are not sent without a secret to sign them with")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxConnsPerHost = 1 // they go one after the other
	return &HTTP{url: u.String(), secret: []byte(secret), now: now, client: &http.Client{
		Transport:     transport,
		Timeout:       answerTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Deliver implements Sink.
func (h *HTTP) Deliver(ctx context.Context, events []Event) (int, error) {
	for i := range events {
		if err := h.post(ctx, &events[i]); err != nil {
			return i, err
		}
	}
	return len(events), nil
}

func (h *HTTP) post(ctx context.Context, e *Event) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(e.JSON))
	if err != nil {
		return err
	}
	at := strconv.FormatInt(h.now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "penstock")
	req.Header.Set(HeaderID, e.ID)
	req.Header.Set(HeaderTimestamp, at)
	req.Header.Set(HeaderSignature, "v1="+Sign(h.secret, at, e.JSON))
	if n := e.Notice; n != nil { // as a subscription to SNS with raw delivery
		req.Header.Set("X-Amz-Sns-Message-Type", "Notification")
		req.Header.Set("X-Amz-Sns-Message-Id", e.ID)
		req.Header.Set("X-Amz-Sns-Topic-Arn", n.Topic)
		req.Header.Set("X-Amz-Sns-Rawdelivery", "true")
	}
	resp, err := h.client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // the URL may hold a password or a token
		}
		return err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, answerBytes) // the status counts, not the text
	switch resp.StatusCode / 100 {
	case 2:
		return nil
	case 3:
		return fmt.Errorf("the receiver answered %s, and redirects are not followed", resp.Status)
	default:
		return fmt.Errorf("the receiver answered %s", resp.Status)
	}
}

// Sign returns the HMAC-SHA256 of the timestamp, a full stop and the body, in
// hexadecimal.
func Sign(secret []byte, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Close implements Sink.
func (h *HTTP) Close() error {
	h.client.CloseIdleConnections()
	return nil
}
