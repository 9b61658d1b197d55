//go:build !unix

package procgroup

import "os/exec"

// New answers ErrUnsupported.
func New() (*Group, error) { return nil, ErrUnsupported }

func (g *Group) join(*exec.Cmd) {}

func (g *Group) terminate() {}

// Kill does nothing.
func (g *Group) Kill() {}

// Close does nothing.
func (g *Group) Close() {}
