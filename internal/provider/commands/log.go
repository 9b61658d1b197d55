package commands

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// actionLog writes an action's log: the commands' output as it comes, and lines
// of the runner in the form of AWS's. It ends at its limit and says so.
type actionLog struct {
	mu   sync.Mutex
	w    io.Writer
	left int64 // bytes; negative: the limit was reached
	now  func() time.Time
	err  error // the first of w
}

// stamp is a line of the runner.
func (l *actionLog) stamp(text string) string {
	return "[Container] " + l.now().UTC().Format("2006/01/02 15:04:05") + " " + text + "\n"
}

func (l *actionLog) line(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// The runner's own few lines are kept even beyond the limit.
	if l.err == nil {
		_, l.err = io.WriteString(l.w, l.stamp(fmt.Sprintf(format, args...)))
	}
}

// writer is the log as the commands' output.
type writer struct{ l *actionLog }

func (w writer) Write(p []byte) (int, error) {
	l := w.l
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil || l.left < 0 {
		return len(p), l.err
	}
	keep := p[:min(int64(len(p)), l.left)]
	l.left -= int64(len(keep))
	_, l.err = l.w.Write(keep)
	if len(keep) < len(p) && l.err == nil {
		l.left = -1
		_, l.err = io.WriteString(l.w, "\n"+l.stamp("The log has reached its size limit; what the commands print from here on is not kept."))
	}
	return len(p), l.err
}
