package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"penstock/internal/core/fault"

	"github.com/google/uuid"
)

// Authenticator finds out who sent a request. body is as received, before
// decompression, and must not be kept. The context it returns is ctx with the
// caller; its errors are *fault.Error.
type Authenticator interface {
	Authenticate(ctx context.Context, r *http.Request, body []byte) (context.Context, error)
}

// ExtraOperation is an operation outside of the model. body is a JSON object
// and the operation's to keep; the answer is encoded with encoding/json.
type ExtraOperation func(ctx context.Context, body []byte) (any, error)

// Options are the optional parts of a Handler.
type Options struct {
	// Logger gets internal failures and panics; slog.Default when nil.
	Logger *slog.Logger
	// Extra holds further operations by full target: "Penstock.RegisterPartner".
	Extra map[string]ExtraOperation
	// Authorize is asked after the types of the input are known and before
	// its constraints are reported, so that a caller without rights learns
	// nothing. in is the operation's input, *PollForJobsInput say, and may
	// break constraints.
	Authorize func(ctx context.Context, operation string, in any) error
	// Observe is called once a request with the operation (the full target
	// for extra ones, "unknown" when there is none) and the error code or
	// "OK".
	Observe func(operation, code string, d time.Duration)
}

// Handler serves a Service over AWS JSON 1.1.
type Handler struct {
	svc  Service
	auth Authenticator
	opt  Options
	log  *slog.Logger
}

// NewHandler returns a handler for svc that answers only callers whom auth
// knows.
func NewHandler(svc Service, auth Authenticator, opt Options) *Handler {
	h := &Handler{svc: svc, auth: auth, opt: opt, log: opt.Logger}
	if h.log == nil {
		h.log = slog.Default()
	}
	return h
}

// ServeHTTP answers one call.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	t := h.target(r)
	req := &request{id: uuid.NewString(), from: r.RemoteAddr, wait: preferredWait(r.Header), invocation: invocationID(r.Header)}
	ctx := context.WithValue(r.Context(), requestKey{}, req)
	out, err := h.answer(ctx, r, t)
	code := h.write(ctx, w, t, out, err)
	if h.opt.Observe != nil {
		h.opt.Observe(t.name, code, time.Since(start))
	}
}

// write sends the outcome of a call and returns its code. It is apart from
// ServeHTTP, as receive is from answer: thousands of polls wait there, and what
// is on their stacks counts.
func (h *Handler) write(ctx context.Context, w http.ResponseWriter, t target, out *buffer, err error) (code string) {
	if out == nil {
		out = buffers.Get().(*buffer)
	}
	defer out.release()

	header := w.Header()
	header["X-Amzn-Requestid"] = []string{RequestID(ctx)}
	header["Content-Type"] = contentType
	status, code := http.StatusOK, "OK"
	if err != nil {
		if refused, ok := errors.AsType[*refusal](err); ok {
			status, code = refused.status, refused.code
			header["Content-Type"] = []string{refused.contentType}
			out.b = append(out.b, refused.body...)
		} else {
			e := toWire(ctx, err)
			status, code = e.status, e.code
			if e.internal {
				h.log.ErrorContext(ctx, "operation failed", "operation", t.name, "requestId", RequestID(ctx), "error", err)
			}
			header["X-Amzn-Errortype"] = []string{e.code}
			out.b = e.appendJSON(out.b)
		}
	}
	header["Content-Length"] = []string{strconv.Itoa(len(out.b))}
	w.WriteHeader(status)
	// A failed write means that the caller has gone: there is nobody to tell.
	_, _ = w.Write(out.b)
	return code
}

var contentType = []string{"application/x-amz-json-1.1"}

// target is what X-Amz-Target names: an operation of the model, an extra one,
// or nothing known.
type target struct {
	name  string
	op    *operation
	extra ExtraOperation
}

func (h *Handler) target(r *http.Request) target {
	full := r.Header.Get("X-Amz-Target")
	if name, ok := strings.CutPrefix(full, targetPrefix); ok {
		if op := operations[name]; op != nil {
			return target{name: op.name, op: op}
		}
	}
	if extra := h.opt.Extra[full]; extra != nil {
		return target{name: full, extra: extra}
	}
	return target{name: "unknown"}
}

// answer runs the checks in the service's order, then the operation, and
// returns the body of the answer; nil is an empty one. A panic becomes an
// internal failure.
func (h *Handler) answer(ctx context.Context, r *http.Request, t target) (out *buffer, err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			out, err = nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	ctx, in, broken, err := h.receive(ctx, r, t)
	if err != nil {
		return nil, err
	}
	if t.extra != nil {
		return answerExtra(ctx, t.extra, in.([]byte))
	}
	if h.opt.Authorize != nil {
		if err := h.opt.Authorize(ctx, t.name, in); err != nil {
			return nil, err
		}
	}
	if broken != nil {
		return nil, broken
	}
	v, err := t.op.call(ctx, h.svc, in)
	if err != nil || v == nil {
		return nil, err
	}
	out = buffers.Get().(*buffer)
	out.b = v.appendJSON(out.b)
	return out, nil
}

// receive reads, authenticates and decodes a request. in is the operation's
// input, or the body for an extra operation; broken is the violation of its
// constraints. No buffer is held after it returns: a call may wait for long.
func (h *Handler) receive(ctx context.Context, r *http.Request, t target) (_ context.Context, in any, broken, err error) {
	buf := buffers.Get().(*buffer)
	defer buf.release()
	if buf.b, err = readBody(buf.b, r); err != nil {
		return nil, nil, nil, err
	}
	if err = checkTransport(r); err != nil {
		return nil, nil, nil, err
	}
	if ctx, err = h.auth.Authenticate(ctx, r, buf.b); err != nil {
		return nil, nil, nil, err
	}
	plain, err := decompress(buf.b, r.Header.Get("Content-Encoding"))
	if err != nil {
		return nil, nil, nil, err
	}
	body := string(plain)
	if body == "" {
		body = "{}"
	}
	if t.op == nil {
		if !wellFormed(body) {
			return nil, nil, nil, &fault.Error{Code: codeSerialization}
		}
		if t.extra == nil {
			return nil, nil, nil, &fault.Error{Code: codeUnknownOperation}
		}
		return ctx, []byte(body), nil, nil
	}
	d := decoders.Get().(*decoder)
	defer d.release()
	d.reset(body, true)
	in = t.op.decode(d)
	if d.err != nil {
		return nil, nil, nil, d.err
	}
	return ctx, in, d.violations(), nil
}

// answerExtra runs an operation outside of the model.
func answerExtra(ctx context.Context, call ExtraOperation, body []byte) (*buffer, error) {
	v, err := call(ctx, body)
	if err != nil {
		return nil, err
	}
	if v == nil {
		v = struct{}{}
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return &buffer{b: bytes.TrimSuffix(text.Bytes(), []byte("\n"))}, nil
}

// maxPooled is the largest buffer that is kept for reuse.
const maxPooled = 64 << 10

type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, 1024)} }}

func (b *buffer) release() {
	if cap(b.b) <= maxPooled {
		b.b = b.b[:0]
		buffers.Put(b)
	}
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

func (d *decoder) release() {
	d.reset("", false)
	if cap(d.found) <= floodedAt {
		decoders.Put(d)
	}
}
