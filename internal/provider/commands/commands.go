// Package commands is the action Compute/AWS/Commands on the host runner: it
// runs shell commands on the server's machine, as the server's user, in a fresh
// folder. The folder and a clean environment keep actions tidy, not apart:
// nothing isolates them, which each log says in its first line.
//
// The first input artifact is unpacked as the working root; every other one in a
// folder of its own, named by CODEBUILD_SRC_DIR_<artifact>. Working folder and
// variables carry over from command to command; functions, aliases and shell
// options do not.
package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"penstock/internal/archive"
	"penstock/internal/procgroup"
	"penstock/internal/provider"
	"penstock/internal/workspace"
	"penstock/jobworker"
)

// prefix begins the name of each action's folder.
const prefix = "commands-"

var errTimeLimit = errors.New("time limit")

// Config says what the provider works with.
type Config struct {
	Buckets provider.Buckets
	Logs    provider.Logs
	// Dir is where actions get their folders. Default: the system's folder for
	// temporary files.
	Dir string
	// Path is the PATH of the commands. Default: the usual system folders.
	Path string
	// TimeLimit bounds one action. Default 55 minutes, as AWS's.
	TimeLimit time.Duration
	// LogLimit is how many bytes of an action's output are kept. Default 10 MiB.
	LogLimit int64
	// Grace is the time between SIGTERM and SIGKILL. Default 500 ms.
	Grace time.Duration
	// Unpack limits input artifacts. Default archive.DefaultLimits.
	Unpack archive.Limits
	// Disabled, when set, is why this server runs no commands: each action
	// fails with it.
	Disabled string
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Log is told what the action's own log cannot hold. Default: none.
	Log *slog.Logger
}

// Commands is the provider.
type Commands struct{ c Config }

// New returns the provider.
func New(c Config) *Commands {
	if c.Path == "" {
		c.Path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	}
	if c.TimeLimit <= 0 {
		c.TimeLimit = 55 * time.Minute
	}
	if c.LogLimit <= 0 {
		c.LogLimit = 10 << 20
	}
	if c.Grace <= 0 {
		c.Grace = 500 * time.Millisecond
	}
	if c.Unpack == (archive.Limits{}) {
		c.Unpack = archive.DefaultLimits
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Commands{c: c}
}

// Sweep removes the folders that a crash left behind. Call it at the start of
// the server, before the first job, and only when Dir is the server's own.
func (p *Commands) Sweep() error { return workspace.Sweep(p.c.Dir, prefix) }

// Type implements provider.Provider.
func (p *Commands) Type() jobworker.ActionType { return provider.Type("Compute", "Commands") }

// Run implements provider.Provider. A second run starts from a fresh folder and
// writes the same outputs again.
func (p *Commands) Run(ctx context.Context, t *jobworker.Task) (s jobworker.Success, err error) {
	if p.c.Disabled != "" {
		return s, jobworker.Permanent(jobworker.SystemUnavailable, "%s", p.c.Disabled)
	}
	if err := check(t.Job); err != nil {
		return s, err
	}
	logs, err := p.c.Logs.Writer(ctx, t.Job.Context.ActionExecutionID)
	if err != nil {
		return s, provider.Fail(ctx, err, "Cannot open the log of the action")
	}
	defer func() {
		if err := logs.Close(); err != nil {
			p.c.Log.Warn("the log of an action is not complete", "action_execution", t.Job.Context.ActionExecutionID, "err", err)
		}
	}()
	limit := p.limit(t.Job)
	limited, cancel := context.WithTimeoutCause(ctx, limit, errTimeLimit)
	defer cancel()
	r := &run{p: p, j: t.Job, log: &actionLog{w: logs, left: p.c.LogLimit, now: p.c.Now}}
	if s, err = r.do(limited); err == nil {
		return s, nil
	}
	switch {
	case ctx.Err() != nil:
		r.log.line("Stopped: %v", context.Cause(ctx))
	case errors.Is(context.Cause(limited), errTimeLimit):
		err = jobworker.Permanent(jobworker.JobFailed, "The commands ran longer than their limit of %v and were killed.", limit.Round(time.Second))
		r.log.line("%v", err)
	default:
		r.log.line("Failed: %v", err)
	}
	return s, err
}

// limit is the time limit, or what is left until the job's deadline.
func (p *Commands) limit(j jobworker.Job) time.Duration {
	if d := j.Native.Deadline; !d.IsZero() {
		return min(p.c.TimeLimit, d.Sub(p.c.Now()))
	}
	return p.c.TimeLimit
}

// run is one action on its way.
type run struct {
	p   *Commands
	j   jobworker.Job
	log *actionLog
	f   folders
}

func (r *run) do(ctx context.Context) (s jobworker.Success, err error) {
	r.log.line("WARNING: the host runner does not isolate commands: they run on the machine of the Penstock server, as its user. Run only what you trust.")
	dir, err := workspace.New(r.p.c.Dir, prefix)
	if err != nil {
		return s, jobworker.Permanent(jobworker.SystemUnavailable, "Cannot make a folder for the action: %v", err)
	}
	defer func() {
		if err := workspace.Remove(dir); err != nil {
			r.p.c.Log.Warn("an action's folder is left", "dir", dir, "err", err)
		}
	}()
	if r.f, err = makeFolders(dir, r.j); err != nil {
		return s, err
	}
	for i, a := range r.j.Inputs {
		r.log.line("Fetching input artifact %s", a.Name)
		if _, err := provider.Unpack(ctx, r.p.c.Buckets, r.j, a, r.f.tmp, r.f.inputs[i], r.p.c.Unpack); err != nil {
			return s, err
		}
	}
	env, err := r.commands(ctx)
	if err != nil {
		return s, err
	}
	if s.OutputVariables, err = outputVariables(r.j, env); err != nil {
		return s, err
	}
	for _, a := range r.j.Outputs {
		if err := r.storeOutput(ctx, a); err != nil {
			return s, err
		}
	}
	r.log.line("Phase complete: BUILD State: SUCCEEDED")
	s.Details = &jobworker.Details{ExternalID: buildID(r.j), Summary: fmt.Sprintf("%d commands succeeded", len(r.j.Native.Commands))}
	return s, nil
}

// commands runs the commands and returns the variables that the last one left.
func (r *run) commands(ctx context.Context) (env map[string]string, err error) {
	shell, err := newShell(r.p.c.Path, r.f, environment(r.p.c, r.f, r.j))
	if err != nil {
		return nil, jobworker.Permanent(jobworker.SystemUnavailable, "The host runner cannot start: %v", err)
	}
	group, err := procgroup.New()
	if err != nil {
		return nil, jobworker.Permanent(jobworker.SystemUnavailable, "The host runner cannot start: %v", err)
	}
	pipe, err := procgroup.NewPipe(writer{r.log})
	if err != nil {
		group.Close()
		return nil, jobworker.Permanent(jobworker.SystemUnavailable, "The host runner cannot start: %v", err)
	}
	defer func() {
		group.Close()
		if err := pipe.Close(); err != nil {
			r.p.c.Log.Warn("the log of an action is not complete", "action_execution", r.j.Context.ActionExecutionID, "err", err)
		}
	}()
	for _, command := range r.j.Native.Commands {
		// Through the pipe, to stand behind what earlier commands printed.
		_, _ = io.WriteString(pipe.File, r.log.stamp("Running command "+command))
		if err := shell.run(ctx, group, pipe.File, command, r.p.c.Grace); err != nil {
			if ctx.Err() == nil {
				_, _ = io.WriteString(pipe.File, r.log.stamp(fmt.Sprintf("Command did not exit successfully %s: %v", command, err)))
				err = jobworker.Permanent(jobworker.JobFailed, "Error while executing command: %s. Reason: %v", command, err)
			}
			return nil, err
		}
	}
	return shell.env, nil
}
