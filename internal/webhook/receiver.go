package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"

	"penstock/internal/store"
)

// Options are the settings of a Receiver.
type Options struct {
	Store  *store.Store
	Logger *slog.Logger
	// TrustedProxies are believed what they say in X-Forwarded-For.
	TrustedProxies []netip.Prefix
	// Rate is how many deliveries a second each webhook takes in the long
	// run, 5 if 0; Burst how many at a time, 60 if 0.
	Rate  float64
	Burst int
}

// Receiver takes deliveries. It implements http.Handler.
type Receiver struct {
	intake
	rates rates[int64]
}

// NewReceiver returns a Receiver.
func NewReceiver(opt Options) *Receiver {
	return &Receiver{intake: newIntake(opt), rates: newRates[int64](opt)}
}

// ServeHTTP answers a delivery with the statuses of jobs.md section 17.4.
func (rc *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rc.answer(w, r, rc.receive(w, r))
}

// receive returns nil for a delivery that was understood, whether it started
// anything or not.
func (rc *Receiver) receive(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Path != Path {
		return refuse(http.StatusNotFound, "there is nothing here")
	}
	if r.Method != http.MethodPost {
		return refuse(http.StatusMethodNotAllowed, "deliveries come by POST")
	}
	hook, err := rc.find(r)
	if err != nil {
		return err
	}
	if hook.Authentication == IP && !rc.allowed(r, hook.AllowedIPRange) {
		return rc.forbid(hook, "its address is outside the allowed range")
	}
	if wait := rc.rates.take(hook.ID, rc.opt.Store.Now()); wait > 0 {
		return &answer{http.StatusTooManyRequests, "this webhook gets too many deliveries", wait}
	}
	body, done, err := rc.body(w, r)
	if err != nil {
		return err
	}
	defer done()
	if hook.Authentication == GitHubHMAC && !signed(r.Header, body, hook.Secret) {
		return rc.forbid(hook, "its signature is missing or wrong")
	}
	in := delivery{id: r.Header.Get("X-GitHub-Delivery"), event: r.Header.Get("X-GitHub-Event")}
	if in.event == "ping" {
		return nil
	}
	parsed, err := rc.parse(r.Context(), body)
	if err != nil {
		return err
	}
	defer parsed()
	in.body, err = parseBody(body)
	if err != nil {
		return refuse(http.StatusBadRequest, "the body is not JSON; let the sender use the content type application/json")
	}
	return rc.deliver(r.Context(), hook, in)
}

func (rc *Receiver) find(r *http.Request) (hook store.Webhook, err error) {
	token := r.URL.Query().Get("t")
	err = rc.opt.Store.View(r.Context(), func(tx store.Reader) (err error) {
		hook, err = tx.WebhookOf(token)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = errUnknown
	}
	return hook, err
}

var errUnknown = refuse(http.StatusNotFound, "there is no webhook at this URL, or not any more")

// forbid does not tell a stranger what was wrong.
func (rc *Receiver) forbid(hook store.Webhook, why string) error {
	rc.opt.Logger.Warn("a delivery to a webhook was refused", "webhook", hook.ARN(), "reason", why)
	return refuse(http.StatusForbidden, "forbidden")
}

func (rc *Receiver) allowed(r *http.Request, ipRange string) bool {
	p, err := parseRange(ipRange)
	if err != nil {
		return false
	}
	from, ok := sender(r, rc.opt.TrustedProxies)
	return ok && p.Contains(from)
}

func parseBody(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	return doc, nil
}
