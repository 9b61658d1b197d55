// Package execworker turns a shell command into a job worker: the core of
// "penstock worker --exec".
//
// Each job gets a fresh folder, removed afterwards, with
//
//	work/            the command's working folder; the first input is unpacked here
//	inputs/NAME/     each further input artifact, unpacked
//	outputs/NAME/    empty; what the command leaves there becomes the output artifact
//	job.json         the job without its credentials (see JobFile)
//	result.json      may be written by the command (see Result)
//
// An input that is no zip, tar or tar.gz lies in its folder as one file with the
// artifact's name. The command's environment has PENSTOCK_JOB_ID,
// PENSTOCK_PIPELINE, PENSTOCK_STAGE, PENSTOCK_ACTION, PENSTOCK_JOB_FILE,
// PENSTOCK_RESULT, PENSTOCK_CONTINUATION_TOKEN (when there is one), and for each
// key and artifact PENSTOCK_CONFIG_KEY, PENSTOCK_INPUT_NAME and
// PENSTOCK_OUTPUT_NAME, with characters that shells cannot name turned into "_".
//
// Exit status 0 is success, with the last line printed as the summary; any other
// is failure, with the last lines as the message.
package execworker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"penstock/internal/archive"
	"penstock/internal/workspace"
	"penstock/jobworker"
)

// Config says what to run and how.
type Config struct {
	// Command is run by "sh -c".
	Command string
	// S3 moves artifacts.
	S3 S3
	// Dir is where job folders are made. Default: the system's.
	Dir string
	// Env is what the command inherits, as os.Environ returns it; its PENSTOCK_
	// variables are left out, as they may hold the worker's own secrets.
	Env []string
	// Output receives what the command prints. Default: nowhere.
	Output io.Writer
	// OutputLimit is how many bytes of one job go to Output. Default 10 MiB.
	OutputLimit int64
	// Limit is how long a command may run. Default 1 hour.
	Limit time.Duration
	// Grace is the time between SIGTERM and SIGKILL. Default 5 s.
	Grace time.Duration
	// Unpack limits input archives. Default archive.DefaultLimits.
	Unpack archive.Limits
}

type worker struct{ Config }

// New returns the handler that runs c.Command for each job.
func New(c Config) jobworker.Handler {
	if c.Output == nil {
		c.Output = io.Discard
	}
	if c.OutputLimit <= 0 {
		c.OutputLimit = 10 << 20
	}
	if c.Limit <= 0 {
		c.Limit = time.Hour
	}
	if c.Grace <= 0 {
		c.Grace = 5 * time.Second
	}
	if c.Unpack == (archive.Limits{}) {
		c.Unpack = archive.DefaultLimits
	}
	return (&worker{c}).run
}

func (w *worker) run(ctx context.Context, t *jobworker.Task) (s jobworker.Success, err error) {
	dir, err := workspace.New(w.Dir, "penstock-job-")
	if err != nil {
		return s, jobworker.Permanent(jobworker.SystemUnavailable, "Cannot make a folder for the job: %v", err)
	}
	defer func() {
		if rmErr := workspace.Remove(dir); rmErr != nil {
			fmt.Fprintf(w.Output, "penstock: cannot remove %s: %v\n", dir, rmErr)
		}
	}()
	f, err := makeFolders(dir, t.Job)
	if err != nil {
		return s, err
	}
	if err := w.fetchInputs(ctx, t, f); err != nil {
		return s, err
	}
	if err := writeJobFile(f, t.Job); err != nil {
		return s, jobworker.Permanent(jobworker.SystemUnavailable, "Cannot write the job file: %v", err)
	}
	last, runErr := w.exec(ctx, f, t.Job)
	r, resultErr := readResult(f)
	switch {
	case ctx.Err() != nil:
		return s, fmt.Errorf("the command was stopped: %w", context.Cause(ctx))
	case runErr != nil:
		return s, w.failure(runErr, last, r)
	case resultErr != nil:
		return s, jobworker.Permanent(jobworker.JobFailed, "PENSTOCK_RESULT: %v", resultErr)
	}
	if err := w.storeOutputs(ctx, t, f, r.ContinuationToken != ""); err != nil {
		return s, err
	}
	return r.success(last), nil
}

// failure is the report about a command that did not end well.
func (w *worker) failure(err error, last *tail, r Result) error {
	f := &jobworker.Failure{Type: r.FailureType, ExternalID: r.ExternalExecutionID}
	switch {
	case errors.Is(err, errTimeLimit):
		f.Message = fmt.Sprintf("The command ran longer than its limit of %v and was killed.", w.Limit)
	default:
		f.Message = fmt.Sprintf("The command failed: %v.", err)
	}
	if lines := last.lines(); lines != "" {
		f.Message += " Last lines:\n" + lines
	}
	return f
}
