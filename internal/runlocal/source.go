package runlocal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"penstock/internal/archive"
)

func isFolder(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", dir)
	}
	return err
}

// putSources zips each source's folder and stores it where its action reads it.
func (r *run) putSources(ctx context.Context) error {
	if len(r.sources) == 0 {
		return nil
	}
	if _, err := r.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(sourceBucket)}); err != nil {
		return err
	}
	for _, s := range r.sources {
		if err := r.putSource(ctx, s); err != nil {
			return fmt.Errorf("the source of %s, %s: %w", s.action, s.dir, err)
		}
	}
	return nil
}

func (r *run) putSource(ctx context.Context, s source) error {
	names, err := sourceFiles(ctx, s.dir)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	file, err := os.CreateTemp(r.dir, "source-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if err := archive.Pack(ctx, file, root, names); err != nil {
		return err
	}
	if _, err := file.Seek(0, 0); err != nil {
		return err
	}
	if _, err := r.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(sourceBucket), Key: aws.String(s.key()), Body: file}); err != nil {
		return err
	}
	r.note(fmt.Sprintf("%s reads %s, files: %d", s.action, s.dir, len(names)))
	return nil
}

// sourceFiles lists what a folder's zip holds: what git tracks or would, where
// the folder is git's, else everything but .git.
func sourceFiles(ctx context.Context, dir string) ([]string, error) {
	if names, err := gitFiles(ctx, dir); err == nil {
		return names, nil
	}
	var names []string
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.Name() == ".git" && name != dir:
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir():
			return nil
		}
		rel, err := filepath.Rel(dir, name)
		names = append(names, filepath.ToSlash(rel))
		return err
	})
	return names, err
}

func gitFiles(ctx context.Context, dir string) ([]string, error) {
	out, err := git(ctx, dir, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range strings.SplitSeq(out, "\x00") {
		if name == "" {
			continue
		}
		// A file that is tracked and removed is not there.
		if info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name))); err == nil && !info.IsDir() {
			names = append(names, path.Clean(name))
		}
	}
	if len(names) == 0 {
		return nil, errors.New("git knows no file here")
	}
	return names, nil
}

func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	var out bytes.Buffer
	cmd.Stdout = &out
	err := cmd.Run()
	return out.String(), err
}

// local is the value of a source's variable that a folder does not have.
const local = "local"

// sourceVariables are the output variables that actions of the other source
// providers have, as far as the folder's repository and the configuration tell.
func sourceVariables(ctx context.Context, dir string, config map[string]string) map[string]string {
	ask := func(args ...string) string {
		out, err := git(ctx, dir, args...)
		if out = strings.TrimSpace(out); err != nil || out == "" {
			return local
		}
		return out
	}
	or := func(values ...string) string {
		for _, v := range values {
			if v != "" {
				return v
			}
		}
		return local
	}
	repository := or(config["FullRepositoryId"], config["RepositoryName"], config["Repo"])
	return map[string]string{
		"CommitId": ask("rev-parse", "HEAD"), "CommitMessage": ask("log", "-1", "--format=%B"),
		"AuthorDate": ask("log", "-1", "--format=%aI"), "CommitterDate": ask("log", "-1", "--format=%cI"),
		"AuthorId": ask("log", "-1", "--format=%ae"), "AuthorDisplayName": ask("log", "-1", "--format=%an"), "AuthorEmail": ask("log", "-1", "--format=%ae"),
		"BranchName":         or(config["BranchName"], config["Branch"], ask("rev-parse", "--abbrev-ref", "HEAD")),
		"RepositoryName":     repository[strings.LastIndexByte(repository, '/')+1:],
		"FullRepositoryName": repository, "ConnectionArn": or(config["ConnectionArn"]),
		"CommitUrl": local, "ImageTag": or(config["ImageTag"]), "ImageDigest": local, "ImageURI": local, "RegistryId": local,
	}
}
