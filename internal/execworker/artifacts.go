package execworker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"penstock/internal/archive"
	"penstock/jobworker"
)

// tries is how often a transfer is begun again after an error that may pass.
const tries = 3

func (w *worker) fetchInputs(ctx context.Context, t *jobworker.Task, f folders) error {
	for i, a := range t.Job.Inputs {
		if err := w.fetch(ctx, t, a, f.dir, f.inputs[i]); err != nil {
			return transferFailure(ctx, err, a)
		}
	}
	return nil
}

// fetch downloads an artifact and unpacks it into the folder to.
func (w *worker) fetch(ctx context.Context, t *jobworker.Task, a jobworker.Artifact, dir, to string) error {
	file, err := os.CreateTemp(dir, "input-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	err = transfer(ctx, t, file, func(c jobworker.Credentials) error {
		if err := file.Truncate(0); err != nil {
			return err
		}
		return w.S3.Download(ctx, c, a.Bucket, a.Key, file)
	})
	if err != nil {
		return err
	}
	format, err := archive.ExtractFile(ctx, file.Name(), to, w.Unpack)
	if errors.Is(err, archive.ErrFormat) && format == "" { // no archive, rather than a broken one
		return os.Rename(file.Name(), filepath.Join(to, a.Name))
	}
	return err
}

func empty(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) == 0
}

// transfer runs one, with fresh credentials and file at its start each time.
func transfer(ctx context.Context, t *jobworker.Task, file io.Seeker, one func(jobworker.Credentials) error) (err error) {
	for range tries {
		if _, err = file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		var c jobworker.Credentials
		if c, err = t.Credentials(ctx); err == nil {
			err = one(c)
		}
		if err == nil || ctx.Err() != nil || errors.Is(err, ErrNoObject) || errors.Is(err, ErrDenied) || errors.Is(err, jobworker.ErrLost) {
			return err
		}
	}
	return err
}

// storeOutputs packs and uploads the output folders. While the work goes on
// later, outputs may still be missing.
func (w *worker) storeOutputs(ctx context.Context, t *jobworker.Task, f folders, later bool) error {
	for i, a := range t.Job.Outputs {
		if empty(f.outputs[i]) {
			if later {
				continue
			}
			return jobworker.Permanent(jobworker.JobFailed,
				"The command left nothing in the folder of the output artifact %s (PENSTOCK_OUTPUT_%s).", a.Name, envName(a.Name))
		}
		if err := w.store(ctx, t, a, f.dir, f.outputs[i]); err != nil {
			return transferFailure(ctx, err, a)
		}
	}
	return nil
}

func (w *worker) store(ctx context.Context, t *jobworker.Task, a jobworker.Artifact, dir, from string) error {
	file, err := os.CreateTemp(dir, "output-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	root, err := os.OpenRoot(from)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := archive.PackAll(ctx, file, root); err != nil {
		return err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	return transfer(ctx, t, file, func(c jobworker.Credentials) error {
		return w.S3.Upload(ctx, c, a.Bucket, a.Key, t.Job.EncryptionKeyID, file, size)
	})
}

// transferFailure says what went wrong with an artifact, in AWS's words where
// they are known.
func transferFailure(ctx context.Context, err error, a jobworker.Artifact) error {
	text := fmt.Sprintf("Unable to access the artifact with Amazon S3 object key '%s' located in the Amazon S3 artifact bucket '%s'", a.Key, a.Bucket)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("artifact %s: %w", a.Name, context.Cause(ctx))
	case errors.Is(err, jobworker.ErrLost):
		return err
	case errors.Is(err, ErrDenied):
		return jobworker.Permanent(jobworker.PermissionError, "%s. The provided role does not have sufficient permissions.", text)
	case errors.Is(err, ErrNoObject):
		return jobworker.Permanent(jobworker.JobFailed, "%s. The object does not exist.", text)
	case errors.Is(err, archive.ErrFormat), errors.Is(err, archive.ErrUnsafe), errors.Is(err, archive.ErrLimit):
		return jobworker.Permanent(jobworker.JobFailed, "The input artifact %s cannot be unpacked: %v", a.Name, err)
	}
	return jobworker.Permanent(jobworker.SystemUnavailable, "%s: %v", text, err)
}
