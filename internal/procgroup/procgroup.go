// Package procgroup runs commands whose descendants all die together: when the
// group is closed, when a context ends, and when this process itself dies.
package procgroup

import (
	"context"
	"errors"
	"os/exec"
	"time"
)

// ErrUnsupported says that this system has no process groups.
var ErrUnsupported = errors.New("procgroup: process groups are not supported on this system")

// Group is a process group. Processes that leave it on purpose (setsid) are out
// of its reach.
type Group struct {
	guard *exec.Cmd
	stop  func() // lets the guard kill the group
}

// Run starts cmd in the group and waits for it. When ctx ends first, the whole
// group is asked to end (SIGTERM), killed after grace, and the cause of ctx is
// returned; the group is of no use after that. cmd must come from exec.Command,
// and its output should be files: with other writers Run waits for every process
// that holds them.
func (g *Group) Run(ctx context.Context, cmd *exec.Cmd, grace time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	g.join(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	g.terminate()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-done:
		g.Kill()
	case <-timer.C:
		g.Kill()
		<-done
	}
	return context.Cause(ctx)
}
