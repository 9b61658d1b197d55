// Package s3source is the action Source/AWS/S3: it passes an object's version on
// as the output artifact, byte for byte.
package s3source

import (
	"context"
	"errors"
	"strings"

	"penstock/internal/provider"
	"penstock/jobworker"
)

// Revision types of StartPipelineExecution's sourceRevisions for this source.
const (
	overrideVersion = "S3_OBJECT_VERSION_ID"
	overrideKey     = "S3_OBJECT_KEY"
)

// summaryMetadata is the user metadata of an object that holds the summary of
// its revision.
const summaryMetadata = "codepipeline-artifact-revision-summary"

// Source is the provider.
type Source struct {
	buckets  provider.Buckets
	maxBytes int64
}

// New returns the provider on the given buckets, for objects of up to maxBytes.
func New(b provider.Buckets, maxBytes int64) *Source { return &Source{buckets: b, maxBytes: maxBytes} }

// Type implements provider.Provider.
func (s *Source) Type() jobworker.ActionType { return provider.Type("Source", "S3") }

// Run implements provider.Provider. Running it again copies the newest version
// again, unless the job names one.
func (s *Source) Run(ctx context.Context, t *jobworker.Task) (jobworker.Success, error) {
	from, err := source(t.Job)
	if err != nil {
		return jobworker.Success{}, err
	}
	if len(t.Job.Outputs) != 1 {
		return jobworker.Success{}, jobworker.Permanent(jobworker.ConfigurationError, "An S3 source has exactly one output artifact.")
	}
	o, err := s.buckets.Head(ctx, from)
	if err != nil {
		return jobworker.Success{}, unavailable(ctx, err, from)
	}
	if o.VersionID == "" || o.VersionID == "null" {
		return jobworker.Success{}, jobworker.Permanent(jobworker.ConfigurationError,
			"The object %s in the bucket %s has no version id: versioning must be enabled on the bucket of an S3 source.", from.Key, from.Bucket)
	}
	if o.Size > s.maxBytes {
		return jobworker.Success{}, jobworker.Permanent(jobworker.JobFailed,
			"The object %s in the bucket %s has %d bytes, more than a source may have (%d).", from.Key, from.Bucket, o.Size, s.maxBytes)
	}
	from.VersionID = o.VersionID
	out := t.Job.Outputs[0]
	if _, err := s.buckets.Copy(ctx, from, provider.ArtifactRef(t.Job, out)); err != nil {
		if errors.Is(err, provider.ErrNoObject) {
			return jobworker.Success{}, unavailable(ctx, err, from)
		}
		return jobworker.Success{}, provider.ArtifactFailure(ctx, err, out)
	}

	etag := strings.Trim(o.ETag, `"`)
	summary := o.Metadata[summaryMetadata]
	if summary == "" {
		summary = "Amazon S3 version id: " + o.VersionID
	}
	return jobworker.Success{
		Revision: &jobworker.Revision{ID: o.VersionID, ChangeID: etag, Summary: summary, Created: o.Modified},
		Details:  &jobworker.Details{Summary: summary, ExternalID: o.VersionID},
		OutputVariables: map[string]string{
			"BucketName": from.Bucket, "ETag": etag, "ObjectKey": from.Key, "VersionId": o.VersionID,
		},
	}, nil
}

// source reads the object to fetch from the configuration and the overrides of
// the execution.
func source(j jobworker.Job) (provider.Ref, error) {
	r := provider.Ref{Bucket: j.Configuration["S3Bucket"], Key: j.Configuration["S3ObjectKey"]}
	r.Account, r.Region = provider.Owner(j)
	if j.Native != nil {
		r.VersionID = j.Native.RevisionOverrides[overrideVersion]
		if key := j.Native.RevisionOverrides[overrideKey]; key != "" {
			if !strings.EqualFold(j.Configuration["AllowOverrideForS3ObjectKey"], "true") {
				return r, jobworker.Permanent(jobworker.ConfigurationError,
					"The execution overrides the object key, but AllowOverrideForS3ObjectKey is not true.")
			}
			r.Key = key
		}
	}
	for _, required := range []struct{ key, value string }{{"S3Bucket", r.Bucket}, {"S3ObjectKey", r.Key}} {
		if required.value == "" {
			return r, jobworker.Permanent(jobworker.ConfigurationError, "The configuration of the S3 source lacks %s.", required.key)
		}
	}
	return r, nil
}

// unavailable is the failure of a source whose object cannot be read.
func unavailable(ctx context.Context, err error, r provider.Ref) error {
	if ctx.Err() == nil && errors.Is(err, provider.ErrNoObject) {
		version := ""
		if r.VersionID != "" {
			version = " with version id " + r.VersionID
		}
		return jobworker.Permanent(jobworker.RevisionUnavailable, "The object %s%s does not exist in the bucket %s.", r.Key, version, r.Bucket)
	}
	return provider.Fail(ctx, err, "Cannot read the object "+r.Key+" in the bucket "+r.Bucket)
}
