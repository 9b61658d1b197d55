package webhook

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"penstock/internal/connection"
	"penstock/internal/core/trigger"
	"penstock/internal/git"
	"penstock/internal/gitevent"
	"penstock/internal/store"
)

// ConnectionPath is where deliveries for connections arrive, below the public
// URL of the server: the id of the connection follows.
const ConnectionPath = "/webhooks/connections/"

// ConnectionURL is where a connection takes deliveries.
func ConnectionURL(base, id string) string { return strings.TrimRight(base, "/") + ConnectionPath + id }

// ConnectionReceiver takes deliveries of Git hosts for connections. It
// implements http.Handler.
type ConnectionReceiver struct {
	intake
	rates   rates[string]
	starter *connection.Starter
}

// NewConnectionReceiver returns a ConnectionReceiver.
func NewConnectionReceiver(opt Options, s *connection.Starter) *ConnectionReceiver {
	return &ConnectionReceiver{intake: newIntake(opt), rates: newRates[string](opt), starter: s}
}

// ServeHTTP answers a delivery with the statuses that webhooks have.
func (rc *ConnectionReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rc.answer(w, r, rc.receive(w, r))
}

// handleTime bounds the work on a delivery, which goes on when its sender does
// not wait for the answer.
const handleTime = 5 * time.Minute

func (rc *ConnectionReceiver) receive(w http.ResponseWriter, r *http.Request) error {
	id, ok := strings.CutPrefix(r.URL.Path, ConnectionPath)
	if !ok {
		return refuse(http.StatusNotFound, "there is nothing here")
	}
	if r.Method != http.MethodPost {
		return refuse(http.StatusMethodNotAllowed, "deliveries come by POST")
	}
	var c store.Connection
	err := rc.opt.Store.View(r.Context(), func(tx store.Reader) (err error) {
		c, err = tx.Connection(id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return refuse(http.StatusNotFound, "there is no connection at this URL, or not any more")
	}
	if err != nil {
		return err
	}
	if wait := rc.rates.take(c.ID, rc.opt.Store.Now()); wait > 0 {
		return &answer{http.StatusTooManyRequests, "this connection gets too many deliveries", wait}
	}
	body, done, err := rc.body(w, r)
	if err != nil {
		return err
	}
	defer done()
	if !signedFor(c, r.Header, body) {
		rc.opt.Logger.Warn("a delivery to a connection was refused", "connection", c.ARN(), "reason", "its signature or token is missing or wrong")
		return refuse(http.StatusForbidden, "forbidden")
	}
	events, err := rc.read(r, c, body)
	if err != nil || len(events) == 0 {
		return err
	}
	return rc.handle(r, c, events)
}

func (rc *ConnectionReceiver) read(r *http.Request, c store.Connection, body []byte) ([]trigger.Event, error) {
	done, err := rc.parse(r.Context(), body)
	if err != nil {
		return nil, err
	}
	defer done()
	events, err := gitevent.Read(c.Provider, r.Header, body)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, err.Error())
	}
	return events, nil
}

func (rc *ConnectionReceiver) handle(r *http.Request, c store.Connection, events []trigger.Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), handleTime)
	defer cancel()
	delivery := gitevent.Delivery(c.Provider, r.Header)
	_, err := rc.starter.Handle(ctx, c, events, func(tx store.Tx, i int) (bool, error) {
		if delivery != "" {
			// The sender chooses how long it is; its hash has one length.
			sum := sha256.Sum256(fmt.Append(nil, delivery, "/", i))
			fresh, err := tx.ConnectionDelivered(c.ID, hex.EncodeToString(sum[:]), rc.opt.Store.Now())
			if err != nil || !fresh {
				return false, err
			}
		}
		return connection.Told(tx, c, &events[i])
	})
	if failed, ok := errors.AsType[*git.Error](err); ok {
		rc.opt.Logger.Warn("a delivery to a connection could not be decided about", "connection", c.ARN(), "error", failed)
		return refuse(http.StatusBadGateway, "the repository does not tell which files changed, or what the commit is; deliver again")
	}
	return err
}

// signedFor checks that whoever delivers knows the connection's secret: by the
// header that its host has for that.
func signedFor(c store.Connection, h http.Header, body []byte) bool {
	switch c.Provider {
	case gitevent.GitLab, gitevent.GitLabOwn:
		got, want := sha256.Sum256([]byte(h.Get("X-Gitlab-Token"))), sha256.Sum256([]byte(c.Secret))
		return c.Secret != "" && subtle.ConstantTimeCompare(got[:], want[:]) == 1
	case gitevent.Gitea:
		if v := h.Get("X-Gitea-Signature"); v != "" {
			return macIs(sha256.New, "", v, body, c.Secret)
		}
	case gitevent.Bitbucket:
		return macIs(sha256.New, "sha256=", h.Get("X-Hub-Signature"), body, c.Secret)
	}
	return signed(h, body, c.Secret)
}
