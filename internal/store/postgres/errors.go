package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"penstock/internal/trouble"
)

// ErrOutcome is wrapped by the error of an update whose connection was cut
// while it was committed: it may have happened or not.
var ErrOutcome = errors.New("store: the connection to the database was lost during the commit; the change may have been made or not")

// ErrClosed is the error of calls to a driver that was closed.
var ErrClosed = errors.New("store: the database is closed")

// errAborted ends an update that is run again, or not at all. It is never
// returned by Update.
var errAborted = errors.New("store: the transaction was given up")

// SQLSTATE codes (PostgreSQL, appendix A).
const (
	codeUnique        = "23505"
	codeSerialization = "40001"
	codeDeadlock      = "40P01"
)

// code is the SQLSTATE of an error, "" if it did not come from the server.
func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// again reports whether an update that failed alone, before its commit was
// sent, may succeed if it is run again.
func again(err error) bool {
	switch code(err) {
	case codeUnique, codeSerialization, codeDeadlock:
		return true
	}
	return unreachable(err)
}

// unreachable reports whether the error is about the way to the server rather
// than about what was asked of it.
func unreachable(err error) bool {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) && code(err) == "" {
		return true
	}
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	switch c := code(err); {
	case strings.HasPrefix(c, "08"), strings.HasPrefix(c, "57P"), c == "53300":
		return true // connection lost; server shuts down, crashed, starts; too many connections
	case c == "25006":
		return true // read only: a standby, while another server takes over
	case c == "25P03", c == "25P02", c == "57P05":
		return true // cut for idling in a transaction, as a process that was paused
	case c != "":
		return false
	}
	var network net.Error
	return errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, net.ErrClosed) || strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "EOF")
}

// outcome makes a verdict of the error of a batch that ended in COMMIT.
// Nothing is known when the connection was lost on the way.
func outcome(err error) error {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if ok && e.Severity != "FATAL" && e.Severity != "PANIC" || pgconn.SafeToRetry(err) {
		return err // refused, or never sent
	}
	return &trouble.Error{
		Text: "The server lost the connection to its database while it saved the change, which may have been made or not.",
		Err:  fmt.Errorf("%w: %w", ErrOutcome, err),
	}
}

// plain says in plain words what keeps the driver from the database.
func plain(err error) error {
	if unreachable(err) {
		return &trouble.Error{Text: "The server cannot reach its database.", Err: fmt.Errorf("the database cannot be reached: %w", err)}
	}
	return err
}
