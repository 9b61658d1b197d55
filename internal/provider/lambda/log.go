package lambda

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"penstock/jobworker"
)

// maxLog is how much of what a function prints is kept, in bytes.
const maxLog = 10 << 20

// callLog is the log of the calls for one action: lines about them, and what
// commands print. It is never in the way of a call: what cannot be kept is
// dropped.
type callLog struct {
	mu   sync.Mutex
	w    io.WriteCloser // nil: nobody keeps it
	left int64
}

// openLog opens the log of a job's action.
func (f *Functions) openLog(ctx context.Context, j jobworker.Job) *callLog {
	l := &callLog{left: maxLog}
	if f.c.Logs == nil {
		return l
	}
	if w, err := f.c.Logs.Writer(ctx, j.Context.ActionExecutionID); err == nil {
		l.w = w
	}
	return l
}

// Write implements io.Writer.
func (l *callLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.w == nil || l.left <= 0 {
		return len(p), nil
	}
	keep := p[:min(int64(len(p)), l.left)]
	l.left -= int64(len(keep))
	_, _ = l.w.Write(keep)
	if l.left <= 0 {
		_, _ = io.WriteString(l.w, "\n[lambda] The log has reached its size limit; what the function prints from here on is not kept.\n")
	}
	return len(p), nil
}

// line adds a line about a call; these are kept beyond the limit.
func (l *callLog) line(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.w != nil {
		_, _ = fmt.Fprintf(l.w, "[lambda] %s %s\n", time.Now().UTC().Format("2006/01/02 15:04:05"), fmt.Sprintf(format, args...))
	}
}

func (l *callLog) close() {
	if l.w != nil {
		_ = l.w.Close()
	}
}
