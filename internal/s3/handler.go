package s3

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"penstock/internal/auth"
	"penstock/internal/blob"
	"penstock/internal/sigv4"
)

// Authenticator verifies the signature of a request and replaces r.Body by a
// reader of the decoded body that fails when the body is not what was signed.
// The trailers of the body are in r.Trailer once it has been read. Refusals
// are *fault.Error with codes of S3.
type Authenticator interface {
	AuthenticateS3(r *http.Request) (auth.Principal, error)
}

// Options of NewHandler; nil means defaults.
type Options struct {
	// BaseHosts are host names of the endpoint, without port: a request to
	// BUCKET.BASE is virtual-host style. BUCKET.localhost and
	// BUCKET.s3.anything are always.
	BaseHosts []string
	Region    string           // stands in where a request names none (us-east-1)
	Now       func() time.Time // time.Now
	Logger    *slog.Logger     // none
}

// Handler serves S3.
type Handler struct {
	store  blob.Backend
	auth   Authenticator
	keys   sigv4.Keys // nil when the authenticator does not look up keys
	bases  []string
	region string
	now    func() time.Time
	log    *slog.Logger
}

// NewHandler returns the S3 endpoint over a store. An authenticator that is
// also sigv4.Keys lets presigned URLs of signature version 2 in.
func NewHandler(store blob.Backend, a Authenticator, o *Options) *Handler {
	if o == nil {
		o = &Options{}
	}
	h := &Handler{store: store, auth: a, bases: o.BaseHosts, region: o.Region, now: o.Now, log: o.Logger}
	h.keys, _ = a.(sigv4.Keys)
	if h.region == "" {
		h.region = classicRegion
	}
	if h.now == nil {
		h.now = time.Now
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	return h
}

// request is one request on its way through the handler.
type request struct {
	*http.Request
	w  http.ResponseWriter
	id string
	address
	query  url.Values
	caller auth.Principal
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := &request{Request: r, w: w, id: rand.Text()[:16], query: r.URL.Query()}
	w.Header().Set("X-Amz-Request-Id", q.id)
	w.Header().Set("X-Amz-Id-2", q.id)
	if err := h.serve(q); err != nil {
		h.fail(q, err)
	}
}

func (h *Handler) serve(q *request) (err error) {
	if q.address, err = parseAddress(q.Request, h.bases); err != nil {
		return err
	}
	if err := h.upgradePresigned(q); err != nil {
		return err
	}
	// The signature comes first, so that strangers learn nothing.
	if q.caller, err = h.auth.AuthenticateS3(q.Request); err != nil {
		return err
	}
	op, err := findOperation(q)
	if err != nil {
		return err
	}
	if err := h.authorize(q, op); err != nil {
		return err
	}
	return op.serve(h, q)
}

func (h *Handler) authorize(q *request, op operation) error {
	action := op.action
	if action == "s3:GetObject" && q.query.Has("versionId") {
		action = "s3:GetObjectVersion"
	}
	if op.level == onService || op.name == "CreateBucket" {
		if !q.caller.AllowS3(action, q.bucket, "") {
			return errDenied(action, q.caller)
		}
		return nil
	}
	return h.allow(q.Context(), q.caller, action, q.bucket, q.key)
}

// allow asks for the permission of the caller and, since bucket names are one
// name space for all accounts, whether the bucket is its account's.
func (h *Handler) allow(ctx context.Context, caller auth.Principal, action, bucket, key string) error {
	if !caller.AllowS3(action, bucket, key) {
		return errDenied(action, caller)
	}
	b, err := h.store.Bucket(ctx, bucket)
	if err != nil {
		return err
	}
	if b.Owner != "" && b.Owner != caller.Account {
		return errDenied(action, caller)
	}
	return nil
}

func errDenied(action string, caller auth.Principal) error {
	return refuse("AccessDenied", "User: %s is not authorized to perform: %s because no policy allows it", caller.ARN, action)
}
