package webhook

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"penstock/internal/store"
)

const (
	// MaxBody is how long the body of a delivery may be, in bytes.
	MaxBody = 10 << 20
	// bodyTime is how long a sender may take to send it.
	bodyTime = 30 * time.Second
	// atOnce is how many bodies are held in memory, and largeAtOnce how many
	// documents of more than largeBody bytes: parsed, they take many times
	// the room.
	atOnce      = 16
	largeAtOnce = 2
	largeBody   = 1 << 20
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
	opt   Options
	rates rates
	slots slots // for bodies
	large slots // for large documents
}

// NewReceiver returns a Receiver.
func NewReceiver(opt Options) *Receiver {
	return &Receiver{
		opt:   opt,
		rates: rates{perSecond: cmp.Or(opt.Rate, 5), burst: float64(cmp.Or(opt.Burst, 60)), buckets: map[int64]bucket{}},
		slots: make(slots, atOnce), large: make(slots, largeAtOnce),
	}
}

// slots are places for what takes memory.
type slots chan struct{}

func (s slots) take(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s slots) give() { <-s }

// answer is a status with a sentence for whoever looks at the delivery at its
// sender.
type answer struct {
	status  int
	message string
	wait    time.Duration // for 429
}

// Error implements error.
func (a *answer) Error() string { return fmt.Sprintf("%d %s", a.status, a.message) }

func refuse(status int, message string) error { return &answer{status: status, message: message} }

// ServeHTTP answers a delivery with the statuses of jobs.md section 17.4.
func (rc *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	err := rc.receive(w, r)
	if err == nil {
		io.WriteString(w, "{}")
		return
	}
	a, ok := errors.AsType[*answer](err)
	if !ok {
		if r.Context().Err() != nil {
			return // nobody waits
		}
		rc.opt.Logger.Error("a delivery to a webhook failed", "error", err)
		a = &answer{status: http.StatusInternalServerError, message: "internal failure; deliver again"}
	}
	switch a.status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(a.wait.Seconds()))))
	}
	w.WriteHeader(a.status)
	body, err := json.Marshal(map[string]string{"message": a.message})
	if err == nil {
		w.Write(body)
	}
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
	if err := rc.slots.take(r.Context()); err != nil {
		return err
	}
	defer rc.slots.give()
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	if hook.Authentication == GitHubHMAC && !signed(r.Header, body, hook.Secret) {
		return rc.forbid(hook, "its signature is missing or wrong")
	}
	in := delivery{id: r.Header.Get("X-GitHub-Delivery"), event: r.Header.Get("X-GitHub-Event")}
	if in.event == "ping" {
		return nil
	}
	if len(body) > largeBody {
		if err := rc.large.take(r.Context()); err != nil {
			return err
		}
		defer rc.large.give()
	}
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

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	tooLarge := refuse(http.StatusRequestEntityTooLarge, "the body is larger than 10 MiB")
	if r.ContentLength > MaxBody {
		return nil, tooLarge
	}
	// Not every writer has deadlines; the server's own does.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTime))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	_ = control.SetReadDeadline(time.Time{})
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the body could not be read")
	}
	return body, nil
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
