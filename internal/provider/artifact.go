package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"penstock/internal/archive"
	"penstock/jobworker"
)

// ArtifactRef names an artifact of a job.
func ArtifactRef(j jobworker.Job, a jobworker.Artifact) Ref {
	account, region := Owner(j)
	return Ref{Account: account, Region: region, Bucket: a.Bucket, Key: a.Key}
}

// Unpack downloads an input artifact by way of a temporary file in tmp and
// unpacks it into the existing folder dir. Its errors are ready to return.
func Unpack(ctx context.Context, b Buckets, j jobworker.Job, a jobworker.Artifact, tmp, dir string, l archive.Limits) (archive.Format, error) {
	file, err := os.CreateTemp(tmp, "artifact-")
	if err != nil {
		return "", jobworker.Permanent(jobworker.SystemUnavailable, "Cannot make a temporary file: %v", err)
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if err := download(ctx, b, ArtifactRef(j, a), file); err != nil {
		return "", ArtifactFailure(ctx, err, a)
	}
	format, err := archive.ExtractFile(ctx, file.Name(), dir, l)
	if err != nil {
		return "", ArtifactFailure(ctx, err, a)
	}
	return format, nil
}

func download(ctx context.Context, b Buckets, r Ref, w io.Writer) error {
	body, _, err := b.Get(ctx, r)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, body)
	return errors.Join(err, body.Close())
}

// ArtifactFailure says what went wrong with an artifact, in AWS's words where
// they are known.
func ArtifactFailure(ctx context.Context, err error, a jobworker.Artifact) error {
	text := fmt.Sprintf("Unable to access the artifact with Amazon S3 object key '%s' located in the Amazon S3 artifact bucket '%s'", a.Key, a.Bucket)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("artifact %s: %w", a.Name, context.Cause(ctx))
	case errors.Is(err, ErrDenied):
		return jobworker.Permanent(jobworker.PermissionError, "%s. The provided role does not have sufficient permissions.", text)
	case errors.Is(err, ErrNoObject), errors.Is(err, ErrNoBucket):
		return jobworker.Permanent(jobworker.JobFailed, "%s: %v", text, err)
	case errors.Is(err, archive.ErrFormat), errors.Is(err, archive.ErrUnsafe), errors.Is(err, archive.ErrLimit):
		return jobworker.Permanent(jobworker.ConfigurationError, "The artifact %s cannot be unpacked: %v", a.Name, err)
	}
	return jobworker.Permanent(jobworker.SystemUnavailable, "%s: %v", text, err)
}
