package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"penstock/internal/trouble"
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

// intake is what receivers of deliveries have in common: how they answer, and
// how much of what strangers send they hold.
type intake struct {
	opt   Options
	slots slots // for bodies
	large slots // for large documents
}

func newIntake(opt Options) intake {
	return intake{opt: opt, slots: make(slots, atOnce), large: make(slots, largeAtOnce)}
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

// answer answers a delivery; nil is one that was understood, whether it started
// anything or not.
func (in *intake) answer(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err == nil {
		io.WriteString(w, "{}")
		return
	}
	a, ok := errors.AsType[*answer](err)
	if !ok {
		if r.Context().Err() != nil {
			return // nobody waits
		}
		in.opt.Logger.Error("a delivery to a webhook failed", "error", err)
		a = &answer{status: http.StatusInternalServerError, message: "internal failure; deliver again"}
		if text := trouble.Text(err); text != "" {
			a = &answer{status: http.StatusServiceUnavailable, message: text + " Deliver again."}
		}
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

// body reads the body of a delivery; done gives its place back.
func (in *intake) body(w http.ResponseWriter, r *http.Request) (body []byte, done func(), err error) {
	if err := in.slots.take(r.Context()); err != nil {
		return nil, nil, err
	}
	if body, err = readBody(w, r); err != nil {
		in.slots.give()
		return nil, nil, err
	}
	return body, in.slots.give, nil
}

// parse waits until the body may be parsed; done says that the document is of no
// more use.
func (in *intake) parse(ctx context.Context, body []byte) (done func(), err error) {
	if len(body) <= largeBody {
		return func() {}, nil
	}
	if err := in.large.take(ctx); err != nil {
		return nil, err
	}
	return in.large.give, nil
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
