package commands

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"penstock/internal/archive"
	"penstock/internal/provider"
	"penstock/jobworker"
)

// buildARNMetadata is the user metadata that names the build on AWS.
const buildARNMetadata = "codebuild-buildarn"

// storeOutput packs the files that the artifact's patterns select, all files
// when it has none, and uploads them.
func (r *run) storeOutput(ctx context.Context, a jobworker.Artifact) error {
	patterns := r.j.Native.OutputFiles[a.Name]
	if len(patterns) == 0 {
		patterns = []string{"**/*"}
	}
	root, err := os.OpenRoot(r.f.src)
	if err != nil {
		return jobworker.Permanent(jobworker.JobFailed, "The working root is gone: %v", err)
	}
	defer root.Close()
	names, err := selectFiles(ctx, root, patterns)
	if err != nil {
		return packFailure(ctx, err, a)
	}
	if len(names) == 0 {
		return jobworker.Permanent(jobworker.JobFailed, "No matching artifact paths found for the output artifact %s: %s", a.Name, strings.Join(patterns, ", "))
	}
	file, err := os.CreateTemp(r.f.tmp, "output-")
	if err != nil {
		return packFailure(ctx, err, a)
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if err := archive.Pack(ctx, file, root, names); err != nil {
		return packFailure(ctx, err, a)
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return packFailure(ctx, err, a)
	}
	r.log.line("Storing output artifact %s: %d files, %d bytes", a.Name, len(names), size)
	_, err = r.p.c.Buckets.Put(ctx, provider.ArtifactRef(r.j, a), file, provider.PutOptions{
		Size: size, ContentType: "application/zip", KMSKeyID: r.j.EncryptionKeyID,
		Metadata: map[string]string{buildARNMetadata: "arn:aws:codebuild:" + r.j.Native.Region + ":" + r.j.Native.Account + ":build/" + buildID(r.j)},
	})
	if err != nil {
		return provider.ArtifactFailure(ctx, err, a)
	}
	return nil
}

func packFailure(ctx context.Context, err error, a jobworker.Artifact) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, doublestar.ErrBadPattern):
		return jobworker.Permanent(jobworker.ConfigurationError, "The files of the output artifact %s: %v", a.Name, err)
	case errors.Is(err, archive.ErrUnsafe):
		return jobworker.Permanent(jobworker.JobFailed, "The output artifact %s cannot be packed: %v", a.Name, err)
	}
	return jobworker.Permanent(jobworker.SystemUnavailable, "The output artifact %s cannot be packed: %v", a.Name, err)
}

// selectFiles returns the files and links below root that a pattern takes; dot
// files count, and links are not followed.
func selectFiles(ctx context.Context, root *os.Root, patterns []string) ([]string, error) {
	var names []string
	for _, p := range patterns {
		err := doublestar.GlobWalk(root.FS(), normal(p), func(name string, _ fs.DirEntry) error {
			names = append(names, name)
			return ctx.Err()
		}, doublestar.WithFilesOnly(), doublestar.WithNoFollow(), doublestar.WithFailOnIOErrors())
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

// normal gives a pattern the form that the library wants: no "./", and "d/"
// means everything below d.
func normal(p string) string {
	all := strings.HasSuffix(p, "/")
	if p = path.Clean(p); all {
		p += "/**/*"
	}
	if p == "." {
		return "**/*"
	}
	return strings.TrimPrefix(p, "./")
}
