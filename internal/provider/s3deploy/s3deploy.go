// Package s3deploy is the action Deploy/AWS/S3: it puts an artifact into a
// bucket, as one object or unpacked. It deletes nothing.
package s3deploy

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"penstock/internal/archive"
	"penstock/internal/provider"
	"penstock/internal/workspace"
	"penstock/jobworker"
)

const (
	timeLimit = 90 * time.Minute
	// uploads run at the same time, so that the store can write several in one go.
	uploads = 8
)

var errTimeLimit = errors.New("time limit")

// Config says what the provider works with.
type Config struct {
	Buckets provider.Buckets
	// Dir is where artifacts are unpacked. Default: the system's folder for
	// temporary files.
	Dir string
	// Unpack limits artifacts. Default archive.DefaultLimits.
	Unpack archive.Limits
	// Now is the clock for {datetime}. Default time.Now.
	Now func() time.Time
}

// Deploy is the provider.
type Deploy struct{ c Config }

// New returns the provider.
func New(c Config) *Deploy {
	if c.Unpack == (archive.Limits{}) {
		c.Unpack = archive.DefaultLimits
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Deploy{c: c}
}

// Type implements provider.Provider.
func (d *Deploy) Type() jobworker.ActionType { return provider.Type("Deploy", "S3") }

// Run implements provider.Provider. A second run writes the same objects again.
func (d *Deploy) Run(ctx context.Context, t *jobworker.Task) (jobworker.Success, error) {
	s, err := parse(t.Job, d.c.Now())
	if err != nil {
		return jobworker.Success{}, err
	}
	limited, cancel := context.WithTimeoutCause(ctx, timeLimit, errTimeLimit)
	defer cancel()
	if s.extract {
		err = d.unpacked(limited, t.Job, s)
	} else {
		err = d.whole(limited, t.Job, s)
	}
	switch {
	case err == nil:
	case ctx.Err() == nil && errors.Is(context.Cause(limited), errTimeLimit):
		return jobworker.Success{}, jobworker.Permanent(jobworker.JobFailed, "The deployment took longer than %v.", timeLimit)
	default:
		return jobworker.Success{}, err
	}
	return jobworker.Success{Details: &jobworker.Details{
		Summary: "Deployment Succeeded", ExternalID: t.Job.Context.ActionExecutionID,
	}}, nil
}

// whole puts the artifact as it is.
func (d *Deploy) whole(ctx context.Context, j jobworker.Job, s settings) error {
	body, o, err := d.c.Buckets.Get(ctx, provider.ArtifactRef(j, s.input))
	if err != nil {
		return provider.ArtifactFailure(ctx, err, s.input)
	}
	defer body.Close()
	return d.put(ctx, s, s.key, body, o.Size)
}

// unpacked puts each file of the artifact below the prefix.
func (d *Deploy) unpacked(ctx context.Context, j jobworker.Job, s settings) error {
	dir, err := workspace.New(d.c.Dir, "deploy-")
	if err != nil {
		return jobworker.Permanent(jobworker.SystemUnavailable, "Cannot make a folder to unpack in: %v", err)
	}
	defer workspace.Remove(dir)
	files := filepath.Join(dir, "files")
	if err := os.Mkdir(files, 0o700); err != nil {
		return jobworker.Permanent(jobworker.SystemUnavailable, "Cannot make a folder to unpack in: %v", err)
	}
	format, err := provider.Unpack(ctx, d.c.Buckets, j, s.input, dir, files, d.c.Unpack)
	if err != nil {
		return err
	}
	if format != archive.Zip {
		return jobworker.Permanent(jobworker.ConfigurationError, "The artifact %s is a %s file; with Extract it has to be a zip file.", s.input.Name, format)
	}
	root, err := os.OpenRoot(files)
	if err != nil {
		return jobworker.Permanent(jobworker.SystemUnavailable, "Cannot read the unpacked artifact: %v", err)
	}
	defer root.Close()
	return d.putTree(ctx, s, root)
}

func (d *Deploy) putTree(ctx context.Context, s settings, root *os.Root) error {
	group, uploading := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	walkErr := fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if uploading.Err() != nil {
			return fs.SkipAll
		}
		group.Go(func() error { return d.putFile(uploading, s, root, name) })
		return nil
	})
	// The first failed upload cancels the others; what they say then is the
	// cancellation, not ctx's.
	err := group.Wait()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	case walkErr != nil:
		return jobworker.Permanent(jobworker.SystemUnavailable, "Cannot read the unpacked artifact: %v", walkErr)
	}
	return nil
}

// putFile uploads a file. A link uploads the file it leads to, which the root
// keeps inside; a link to a folder or to nothing is left out, since a bucket has
// neither.
func (d *Deploy) putFile(ctx context.Context, s settings, root *os.Root, name string) error {
	info, err := root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil
	}
	if err != nil {
		return jobworker.Permanent(jobworker.SystemUnavailable, "Cannot read the unpacked file %s: %v", name, err)
	}
	file, err := root.Open(name)
	if err != nil {
		return jobworker.Permanent(jobworker.SystemUnavailable, "Cannot read the unpacked file %s: %v", name, err)
	}
	defer file.Close()
	key := name
	if s.key != "" {
		key = s.key + "/" + name
	}
	return d.put(ctx, s, key, file, info.Size())
}

func (d *Deploy) put(ctx context.Context, s settings, key string, body io.Reader, size int64) error {
	to := s.bucket
	to.Key = key
	_, err := d.c.Buckets.Put(ctx, to, body, provider.PutOptions{
		Size: size, ContentType: contentType(path.Base(key)),
		CacheControl: s.cacheControl, ACL: s.acl, KMSKeyID: s.kmsKey,
	})
	if err != nil {
		return provider.Fail(ctx, err, "Cannot put the object "+key+" into the bucket "+to.Bucket)
	}
	return nil
}
