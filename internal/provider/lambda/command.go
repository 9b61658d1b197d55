package lambda

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"time"

	"penstock/internal/procgroup"
	"penstock/internal/provider"
	"penstock/jobworker"
)

// grace is how long a command may take to end when it is asked to.
const grace = 5 * time.Second

// Exit codes of /bin/sh for commands that it cannot start.
const (
	notExecutable = 126
	notFound      = 127
)

// command calls a function that is a command: the event is its input, its
// output the answer, and the log gets all that it prints. What it has started
// ends with it.
func (f *Functions) command(ctx context.Context, r request, line string, event []byte) ([]byte, error) {
	stdin, err := inFile(event)
	if err != nil {
		return nil, err
	}
	defer stdin.Close()
	answer := &answerWriter{log: r.log}
	account, region := provider.Owner(r.job)
	if !r.reports {
		account = ""
	}
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.Env = f.c.Environment(account, region, r.name.function)
	cmd.Stdin = stdin
	err = inGroup(ctx, cmd, answer, r.log)
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case exited && (exit.ExitCode() == notExecutable || exit.ExitCode() == notFound):
		return nil, failed(refused, jobworker.ConfigurationError, "The command of the function %s cannot be started; see the log of the action.", r.name.text)
	case exited:
		return nil, failed(broke, jobworker.JobFailed, "The command of the function %s ended with %s.", r.name.text, exit)
	case errors.Is(err, procgroup.ErrUnsupported):
		return nil, failed(refused, jobworker.ConfigurationError, "The function %s is a command, which this system cannot run: %v", r.name.text, err)
	case err != nil:
		return nil, err
	case answer.long && !r.queue:
		return nil, tooLong()
	}
	return answer.b, nil
}

// inFile returns a file that holds the bytes and has no name any more: a pipe
// would make us wait for processes that never read it.
func inFile(b []byte) (*os.File, error) {
	f, err := os.CreateTemp("", "penstock-event-")
	if err != nil {
		return nil, err
	}
	_, err = f.Write(b)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err := errors.Join(err, os.Remove(f.Name())); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// inGroup runs a command until it ends, and then ends all that it has started.
func inGroup(ctx context.Context, cmd *exec.Cmd, stdout, stderr io.Writer) error {
	group, err := procgroup.New()
	if err != nil {
		return err
	}
	out, err := procgroup.NewPipe(stdout)
	if err != nil {
		group.Close()
		return err
	}
	errs, err := procgroup.NewPipe(stderr)
	if err != nil {
		group.Close()
		return errors.Join(err, out.Close())
	}
	cmd.Stdout, cmd.Stderr = out.File, errs.File
	err = group.Run(ctx, cmd, grace)
	group.Close()
	return errors.Join(err, out.Close(), errs.Close())
}

// answerWriter keeps the answer of a command, up to a limit, and logs it.
type answerWriter struct {
	log  io.Writer
	b    []byte
	long bool
}

func (a *answerWriter) Write(p []byte) (int, error) {
	if len(a.b)+len(p) > maxAnswer {
		a.long = true
	} else {
		a.b = append(a.b, p...)
	}
	return a.log.Write(p)
}
