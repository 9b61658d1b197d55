package demo

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// process is a penstock command that the demo started.
type process struct {
	cmd    *exec.Cmd
	stdout io.Reader
	log    string
	ended  chan error
	what   string
}

// start runs a penstock command; what it prints goes to the log file, but for
// a server's standard output, which firstLine reads.
func start(program, log string, env []string, args ...string) (*process, error) {
	f, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p := &process{cmd: exec.Command(program, args...), log: log, ended: make(chan error, 1), what: "penstock " + args[0]}
	p.cmd.Stderr = f
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is the demo's to handle
	if args[0] == "server" {
		if p.stdout, err = p.cmd.StdoutPipe(); err != nil {
			return nil, err
		}
	} else {
		p.cmd.Stdout = f
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if p.stdout == nil {
		go p.wait()
	}
	return p, nil
}

func (p *process) wait() { p.ended <- p.cmd.Wait() }

// firstLine is the first line on standard output.
func (p *process) firstLine() (string, error) {
	line, err := bufio.NewReader(p.stdout).ReadString('\n')
	go p.wait()
	if err != nil {
		return "", errors.Join(fmt.Errorf("%s said nothing; see %s", p.what, p.log), p.alive())
	}
	return strings.TrimSpace(line), nil
}

// alive is nil while the process runs.
func (p *process) alive() error {
	select {
	case err := <-p.ended:
		p.ended <- err
		return fmt.Errorf("%s ended (%v); see %s", p.what, err, p.log)
	default:
		return nil
	}
}

// stop ends the process, gently first.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	timer := time.NewTimer(25 * time.Second)
	defer timer.Stop()
	select {
	case <-p.ended:
		return nil
	case <-timer.C:
		return p.cmd.Process.Kill()
	}
}
