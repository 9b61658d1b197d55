package execworker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"penstock/internal/procgroup"
	"penstock/jobworker"
)

var errTimeLimit = errors.New("time limit")

// exec runs the command and returns the end of what it printed.
func (w *worker) exec(ctx context.Context, f folders, j jobworker.Job) (last *tail, err error) {
	last = &tail{}
	group, err := procgroup.New()
	if err != nil {
		return last, err
	}
	pipe, err := procgroup.NewPipe(io.MultiWriter(last, &limited{w: w.Output, left: w.OutputLimit}))
	if err != nil {
		group.Close()
		return last, err
	}
	defer func() {
		group.Close()
		err = errors.Join(err, pipe.Close())
	}()
	ctx, cancel := context.WithTimeoutCause(ctx, w.Limit, errTimeLimit)
	defer cancel()
	cmd := exec.Command("/bin/sh", "-c", w.Command)
	cmd.Dir = f.work
	cmd.Env = environment(w.Env, f, j)
	cmd.Stdout, cmd.Stderr = pipe.File, pipe.File
	return last, group.Run(ctx, cmd, w.Grace)
}

// limited passes on the first bytes, says so when there were more, and drops
// the rest.
type limited struct {
	w    io.Writer
	left int64
}

func (l *limited) Write(p []byte) (int, error) {
	n := len(p)
	if l.left < 0 {
		return n, nil
	}
	if int64(n) <= l.left {
		l.left -= int64(n)
		_, err := l.w.Write(p)
		return n, err
	}
	_, err := l.w.Write(p[:l.left])
	l.left = -1
	if err == nil {
		_, err = fmt.Fprintln(l.w, "\n[penstock] output limit reached; the rest is not kept")
	}
	return n, err
}
