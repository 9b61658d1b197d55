// Package connectionsource is the action Source/AWS/CodeStarSourceConnection: it
// fetches one commit of a Git repository through a connection and passes its tree
// on, or a reference to it.
package connectionsource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"penstock/internal/archive"
	"penstock/internal/git"
	"penstock/internal/provider"
	"penstock/jobworker"
)

// overrideCommit is the revision type of StartPipelineExecution's
// sourceRevisions for this source.
const overrideCommit = "COMMIT_ID"

// Values of OutputArtifactFormat.
const (
	zipFormat   = "CODE_ZIP"
	cloneFormat = "CODEBUILD_CLONE_REF"
)

// maxMessage is where the variable CommitMessage is cut, in bytes.
const maxMessage = 100 << 10

// limits bound a tree: AWS takes repositories of up to 1 GB.
var limits = archive.Limits{Entries: archive.DefaultLimits.Entries, Bytes: 1 << 30}

// Config is what the provider works with.
type Config struct {
	Buckets     provider.Buckets
	Connections provider.Connections
	Dir         string // for working folders
	// Pause is waited before a host that failed is asked again, and twice as
	// long before the second time.
	Pause time.Duration
}

// Source is the provider.
type Source struct{ c Config }

// New returns the provider.
func New(c Config) *Source { return &Source{c} }

// Type implements provider.Provider.
func (s *Source) Type() jobworker.ActionType {
	return provider.Type("Source", "CodeStarSourceConnection")
}

// work is one job.
type work struct {
	job                            jobworker.Job
	connection, repository, branch string
	format                         string
	remote                         git.Remote
	provider                       string
	commit                         string // "" = the newest of the branch
	out                            jobworker.Artifact
}

// Run implements provider.Provider. Running it again fetches the newest commit
// again, unless the job names one.
func (s *Source) Run(ctx context.Context, t *jobworker.Task) (jobworker.Success, error) {
	w, err := s.read(ctx, t.Job)
	if err != nil {
		return jobworker.Success{}, err
	}
	for pause := s.c.Pause; ; pause *= 2 {
		out, err := s.fetch(ctx, w)
		failed, ok := errors.AsType[*git.Error](err)
		if ok && failed.Kind == git.Unreachable && pause < 4*s.c.Pause && wait(ctx, pause) {
			continue
		}
		return out, w.failure(ctx, err)
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// read checks the configuration and finds the repository.
func (s *Source) read(ctx context.Context, j jobworker.Job) (*work, error) {
	w := &work{
		job: j, connection: j.Configuration["ConnectionArn"], repository: j.Configuration["FullRepositoryId"],
		branch: j.Configuration["BranchName"], format: j.Configuration["OutputArtifactFormat"],
	}
	for _, required := range []struct{ key, value string }{
		{"ConnectionArn", w.connection}, {"FullRepositoryId", w.repository}, {"BranchName", w.branch},
	} {
		if required.value == "" {
			return nil, jobworker.Permanent(jobworker.ConfigurationError, "The configuration of the source lacks %s.", required.key)
		}
	}
	if w.format == "" {
		w.format = zipFormat
	}
	if w.format != zipFormat && w.format != cloneFormat {
		return nil, jobworker.Permanent(jobworker.ConfigurationError, "OutputArtifactFormat must be %s or %s, not '%s'.", zipFormat, cloneFormat, w.format)
	}
	if len(j.Outputs) != 1 {
		return nil, jobworker.Permanent(jobworker.ConfigurationError, "A source of a connection has exactly one output artifact.")
	}
	w.out = j.Outputs[0]
	if j.Native != nil {
		w.commit = j.Native.RevisionOverrides[overrideCommit]
	}
	if w.commit != "" && !git.IsCommit(w.commit) {
		return nil, jobworker.Permanent(jobworker.RevisionUnavailable, "'%s' is not a whole commit id.", w.commit)
	}
	account, _ := provider.Owner(j)
	var err error
	if w.remote, w.provider, err = s.c.Connections.Remote(ctx, account, w.connection, w.repository); err != nil {
		return nil, provider.Fail(ctx, err, "Cannot reach the repository "+w.repository)
	}
	return w, nil
}

// fetch brings the commit and stores the artifact.
func (s *Source) fetch(ctx context.Context, w *work) (out jobworker.Success, err error) {
	repo, err := git.Open(ctx, s.c.Dir, w.remote)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	commit := w.commit
	if commit == "" {
		if commit, err = head(ctx, repo, w.branch); err != nil {
			return out, err
		}
	}
	content := git.Content
	if w.format == cloneFormat {
		content = git.Nothing
	}
	if err := repo.Fetch(ctx, 1, content, commit); err != nil {
		return out, err
	}
	about, err := repo.Describe(ctx, commit)
	if err != nil {
		return out, err
	}
	if w.format == cloneFormat {
		err = s.putReference(ctx, w, commit)
	} else {
		err = s.putTree(ctx, w, repo, commit)
	}
	if err != nil {
		return out, err
	}
	return w.success(commit, about), nil
}

// head is the newest commit of a branch.
func head(ctx context.Context, repo *git.Repo, branch string) (string, error) {
	refs, err := repo.Refs(ctx, git.Branch+branch)
	if err != nil {
		return "", err
	}
	commit, ok := refs[git.Branch+branch]
	if !ok {
		return "", jobworker.Permanent(jobworker.ConfigurationError, "The repository has no branch '%s'.", branch)
	}
	return commit, nil
}

// putTree stores the tree of the commit as a zip, while git writes it.
func (s *Source) putTree(ctx context.Context, w *work, repo *git.Repo, commit string) error {
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	tarOut, tarIn := io.Pipe()
	zipOut, zipIn := io.Pipe()
	told, packed := make(chan error, 1), make(chan error, 1)
	go func() {
		err := repo.Tree(run, commit, tarIn)
		tarIn.CloseWithError(err)
		told <- err
	}()
	go func() {
		err := archive.ZipTar(run, zipIn, tarOut, limits)
		if err == nil { // what follows the end of a tar is padding
			_, err = io.Copy(io.Discard, tarOut)
		}
		tarOut.CloseWithError(err)
		zipIn.CloseWithError(err)
		packed <- err
	}()
	_, err := s.c.Buckets.Put(ctx, provider.ArtifactRef(w.job, w.out), zipOut, provider.PutOptions{Size: -1, ContentType: "application/zip"})
	zipOut.CloseWithError(errors.New("the artifact is not stored"))
	if err != nil {
		cancel()
	}
	gitErr, zipErr := <-told, <-packed
	switch failed, ok := errors.AsType[*git.Error](gitErr); {
	case ok && (zipErr == nil || errors.Is(zipErr, failed)):
		return failed
	case errors.Is(zipErr, archive.ErrUnsafe), errors.Is(zipErr, archive.ErrLimit):
		return jobworker.Permanent(jobworker.ConfigurationError, "The tree of commit %s cannot be an artifact: %v", commit, zipErr)
	case err != nil:
		return provider.ArtifactFailure(ctx, err, w.out)
	}
	return zipErr
}

// reference is the artifact of CODEBUILD_CLONE_REF.
type reference struct {
	Version       int    `json:"version"`
	Type          string `json:"type"`
	CloneURL      string `json:"cloneUrl"`
	ConnectionARN string `json:"connectionArn"`
	Repository    string `json:"fullRepositoryId"`
	Branch        string `json:"branchName"`
	Commit        string `json:"commitId"`
}

func (s *Source) putReference(ctx context.Context, w *work, commit string) error {
	text, err := json.Marshal(reference{1, "git", w.remote.URL, w.connection, w.repository, w.branch, commit})
	if err != nil {
		return err
	}
	_, err = s.c.Buckets.Put(ctx, provider.ArtifactRef(w.job, w.out), strings.NewReader(string(text)),
		provider.PutOptions{Size: int64(len(text)), ContentType: "application/json"})
	if err != nil {
		return provider.ArtifactFailure(ctx, err, w.out)
	}
	return nil
}

// summary is what AWS shows as the summary of such a revision.
type summary struct {
	ProviderType  string
	CommitMessage string
}

// maxSummary bounds a summary, in bytes of its commit message.
const maxSummary = 1500

func (w *work) success(commit string, about git.Commit) jobworker.Success {
	text, err := json.Marshal(summary{w.provider, cut(about.Message, maxSummary)})
	if err != nil {
		panic(err) // two strings
	}
	vars := map[string]string{
		"AuthorDate": about.Date.Format(time.RFC3339), "AuthorDisplayName": about.Author, "AuthorEmail": about.Email, "AuthorId": about.Email,
		"CommitId": commit, "CommitMessage": cut(about.Message, maxMessage), "ConnectionArn": w.connection,
		"FullRepositoryName": w.repository, "ProviderType": w.provider,
	}
	if w.job.Native != nil {
		for name, value := range w.job.Native.Event {
			vars[name] = value
		}
	}
	if _, ok := vars["PullRequestId"]; !ok && vars["BranchName"] == "" {
		vars["BranchName"] = w.branch
	}
	return jobworker.Success{
		Revision:        &jobworker.Revision{ID: commit, Summary: string(text), Created: about.Date},
		Details:         &jobworker.Details{Summary: string(text), ExternalID: commit},
		OutputVariables: vars,
	}
}

// cut shortens a text to so many bytes, and makes it valid.
func cut(s string, most int) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// failure is what is reported for an error.
func (w *work) failure(ctx context.Context, err error) error {
	failed, ok := errors.AsType[*git.Error](err)
	if !ok || ctx.Err() != nil {
		return err
	}
	kind := map[git.Kind]string{
		git.NoRepository: jobworker.ConfigurationError, git.NoRevision: jobworker.RevisionUnavailable,
		git.Denied: jobworker.PermissionError, git.NoProgram: jobworker.SystemUnavailable, git.Unreachable: jobworker.SystemUnavailable,
	}[failed.Kind]
	what := fmt.Sprintf("The repository %s does not exist, or the connection may not see it", w.repository)
	switch failed.Kind {
	case git.NoRevision:
		what = fmt.Sprintf("The repository %s has no commit %s", w.repository, w.commit)
	case git.Denied:
		what = fmt.Sprintf("The token of the connection may not read the repository %s", w.repository)
	case git.NoProgram:
		what = "The program git is not installed where the server runs"
	case git.Unreachable:
		what = fmt.Sprintf("The repository %s could not be read", w.repository)
	}
	return jobworker.Permanent(kind, "%s: %s", what, failed.Text)
}
