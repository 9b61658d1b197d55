//go:build unix

package procgroup

import (
	"fmt"
	"os/exec"
	"syscall"
)

// guardScript waits until its input ends: because stop closed it, or because
// this process died and the kernel did. Either way it kills its whole group.
const guardScript = `trap '' HUP INT TERM; read -r _; kill -KILL 0`

// New starts an empty group. Close ends it.
//
// The group's leader is a guard, a shell that waits for the end of a pipe from
// this process; as long as the guard is not reaped its number cannot go to a
// stranger, so killing the group is safe.
func New() (*Group, error) {
	guard := exec.Command("/bin/sh", "-c", guardScript)
	guard.Env = []string{}
	guard.Dir = "/"
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := guard.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := guard.Start(); err != nil {
		return nil, fmt.Errorf("procgroup: start the guard: %w", err)
	}
	return &Group{guard: guard, stop: func() { in.Close() }}, nil
}

func (g *Group) join(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: g.guard.Process.Pid}
}

func (g *Group) terminate() { _ = syscall.Kill(-g.guard.Process.Pid, syscall.SIGTERM) }

// Kill ends every process of the group at once.
func (g *Group) Kill() { _ = syscall.Kill(-g.guard.Process.Pid, syscall.SIGKILL) }

// Close kills what is left of the group and frees it.
func (g *Group) Close() {
	g.Kill()
	g.stop()
	_ = g.guard.Wait()
}
