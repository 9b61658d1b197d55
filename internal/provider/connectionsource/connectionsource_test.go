package connectionsource_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"penstock/internal/git"
	"penstock/internal/git/gittest"
	"penstock/internal/provider"
	"penstock/internal/provider/connectionsource"
	"penstock/internal/provider/providertest"
	"penstock/jobworker"
)

const arn = "arn:aws:codestar-connections:eu-west-1:000000000000:connection/01234567-89ab-cdef-0123-456789abcdef"

// connections knows one connection.
type connections struct{ remote git.Remote }

// Remote implements provider.Connections.
func (c connections) Remote(_ context.Context, account, name, repository string) (git.Remote, string, error) {
	if name != arn || account != "1" {
		return git.Remote{}, "", fmt.Errorf("%w: there is no connection %s", provider.ErrInvalid, name)
	}
	r := c.remote
	r.URL += "/" + repository + ".git"
	return r, "GitHub", nil
}

func job(config ...string) jobworker.Job {
	j := jobworker.Job{
		Configuration: map[string]string{"ConnectionArn": arn, "FullRepositoryId": "acme/shop", "BranchName": "main"},
		Context:       jobworker.Context{ActionExecutionID: "ae"},
		Outputs:       []jobworker.Artifact{{Name: "Tree", Bucket: "store", Key: "p/Tree/x"}},
		Native:        &jobworker.Native{Account: "1", Region: "r"},
	}
	for i := 0; i < len(config); i += 2 {
		j.Configuration[config[i]] = config[i+1]
	}
	return j
}

func source(m *providertest.Memory, dir string, r git.Remote) *connectionsource.Source {
	return connectionsource.New(connectionsource.Config{Buckets: m, Connections: connections{r}, Dir: dir, Pause: time.Microsecond})
}

func TestSuite(t *testing.T) {
	t.Parallel()
	repo := gittest.New(t)
	repo.Commit("main", "first", "a")
	base := repo.Serve()
	providertest.Run(t, func(_ *testing.T, dir string) providertest.Harness {
		m := providertest.NewMemory("store")
		return providertest.Harness{Provider: source(m, dir, git.Remote{URL: base, User: "x", Token: gittest.Token}), Memory: m, Job: job(), Dir: dir}
	})
}

// tree lists a zip: names, modes and content.
func tree(t *testing.T, m *providertest.Memory) string {
	t.Helper()
	o, ok := m.Object("store", "p/Tree/x")
	if !ok {
		t.Fatal("no artifact")
	}
	z, err := zip.NewReader(bytes.NewReader(o.Body), int64(len(o.Body)))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %v %s", f.Name, f.Mode(), body))
	}
	return strings.Join(out, "\n")
}

func TestRun(t *testing.T) {
	t.Parallel()
	repo := gittest.New(t)
	for _, err := range []error{
		os.WriteFile(filepath.Join(repo.Work, "run"), []byte("x"), 0o755),
		os.Symlink("dir/a", filepath.Join(repo.Work, "link")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	first := repo.Commit("main", "first", "dir/a")
	second := repo.Commit("main", "second\n\nwith a \"body\"", "dir/a")
	trees := map[string]string{
		first:  "dir/ drwxr-xr-x \ndir/a -rw-r--r-- first\nlink Lrwxrwxrwx dir/a\nrun -rwxr-xr-x x",
		second: "dir/ drwxr-xr-x \ndir/a -rw-r--r-- second\n\nwith a \"body\"\nlink Lrwxrwxrwx dir/a\nrun -rwxr-xr-x x",
	}
	messages := map[string]string{first: "first", second: "second\n\nwith a \"body\""}
	summaries := map[string]string{
		first: `{"ProviderType":"GitHub","CommitMessage":"first"}`, second: `{"ProviderType":"GitHub","CommitMessage":"second\n\nwith a \"body\""}`,
	}
	for _, c := range []struct {
		name     string
		override string
		event    map[string]string
		commit   string
		extra    map[string]string
	}{
		{"newest", "", nil, second, map[string]string{"BranchName": "main"}},
		{"override", first, nil, first, map[string]string{"BranchName": "main"}},
		{"push of another branch", first, map[string]string{"BranchName": "feature", "AuthorId": "ana"}, first, map[string]string{"BranchName": "feature", "AuthorId": "ana"}},
		{"tag", first, map[string]string{"TagName": "v1"}, first, map[string]string{"BranchName": "main", "TagName": "v1"}},
		{"pull request", first, map[string]string{"PullRequestId": "7", "PullRequestTitle": "T", "SourceBranchName": "f", "DestinationBranchName": "main"}, first,
			map[string]string{"PullRequestId": "7", "PullRequestTitle": "T", "SourceBranchName": "f", "DestinationBranchName": "main"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, j := providertest.NewMemory("store"), job()
			if c.override != "" {
				j.Native.RevisionOverrides = map[string]string{"COMMIT_ID": c.override}
			}
			j.Native.Event = c.event
			out, err := source(m, t.TempDir(), git.Remote{URL: repo.FileURL()}).Run(t.Context(), jobworker.NewTask(nil, j, 0))
			if err != nil {
				t.Fatal(err)
			}
			if got := tree(t, m); got != trees[c.commit] {
				t.Errorf("the artifact holds\n%s", got)
			}
			if r := out.Revision; r.ID != c.commit || r.Summary != summaries[c.commit] || !r.Created.Equal(time.Date(2026, 10, 2, 12, 0, 0, 0, time.UTC)) {
				t.Errorf("revision %+v", r)
			}
			if d := out.Details; d.ExternalID != c.commit || d.Summary != summaries[c.commit] {
				t.Errorf("details %+v", d)
			}
			want := map[string]string{
				"AuthorDate": "2026-10-02T12:00:00Z", "AuthorDisplayName": "Ana", "AuthorEmail": "ana@example.com", "AuthorId": "ana@example.com",
				"CommitId": c.commit, "CommitMessage": messages[c.commit], "ConnectionArn": arn, "FullRepositoryName": "acme/shop", "ProviderType": "GitHub",
			}
			maps.Copy(want, c.extra)
			if !maps.Equal(out.OutputVariables, want) {
				t.Errorf("variables\n%v, want\n%v", out.OutputVariables, want)
			}
		})
	}
	t.Run("reference", func(t *testing.T) {
		t.Parallel()
		m := providertest.NewMemory("store")
		_, err := source(m, t.TempDir(), git.Remote{URL: repo.FileURL()}).Run(t.Context(), jobworker.NewTask(nil, job("OutputArtifactFormat", "CODEBUILD_CLONE_REF"), 0))
		if err != nil {
			t.Fatal(err)
		}
		o, _ := m.Object("store", "p/Tree/x")
		want := fmt.Sprintf(`{"version":1,"type":"git","cloneUrl":"%s/acme/shop.git","connectionArn":"%s","fullRepositoryId":"acme/shop","branchName":"main","commitId":"%s"}`,
			repo.FileURL(), arn, second)
		if string(o.Body) != want {
			t.Errorf("the artifact is %s", o.Body)
		}
	})
}

func TestFailures(t *testing.T) {
	t.Parallel()
	repo := gittest.New(t)
	repo.Commit("main", "first", "a")
	unsafe := gittest.New(t)
	if err := os.Symlink("/etc/passwd", filepath.Join(unsafe.Work, "link")); err != nil {
		t.Fatal(err)
	}
	unsafe.Commit("main", "first", "a")
	base, plain := repo.Serve(), git.Remote{URL: repo.FileURL()}
	override := func(commit string) jobworker.Job {
		j := job()
		j.Native.RevisionOverrides = map[string]string{"COMMIT_ID": commit}
		return j
	}
	full := job()
	full.Outputs[0].Bucket = "none"
	for _, c := range []struct {
		name   string
		j      jobworker.Job
		remote git.Remote
		kind   string
		text   string
	}{
		{"no branch", job("BranchName", "none"), plain, jobworker.ConfigurationError, "no branch 'none'"},
		{"no repository", job("FullRepositoryId", "acme/none"), plain, jobworker.ConfigurationError, "The repository acme/none does not exist"},
		{"no connection", job("ConnectionArn", "arn:x"), plain, jobworker.ConfigurationError, "there is no connection arn:x"},
		{"no commit", override(strings.Repeat("1", 40)), plain, jobworker.RevisionUnavailable, "has no commit 1111"},
		{"no whole commit", override("1234567"), plain, jobworker.RevisionUnavailable, "not a whole commit"},
		{"no token", job(), git.Remote{URL: base}, jobworker.PermissionError, "may not read the repository acme/shop"},
		{"wrong token", job(), git.Remote{URL: base, User: "x", Token: "wrong"}, jobworker.PermissionError, "may not read the repository acme/shop"},
		{"no host", job(), git.Remote{URL: "http://127.0.0.1:1"}, jobworker.SystemUnavailable, "could not be read"},
		{"unknown format", job("OutputArtifactFormat", "TAR"), plain, jobworker.ConfigurationError, "OutputArtifactFormat"},
		{"no branch named", job("BranchName", ""), plain, jobworker.ConfigurationError, "lacks BranchName"},
		{"link out of the tree", job(), git.Remote{URL: unsafe.FileURL()}, jobworker.ConfigurationError, "link"},
		{"no bucket", full, plain, jobworker.JobFailed, "p/Tree/x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			_, err := source(providertest.NewMemory("store"), dir, c.remote).Run(t.Context(), jobworker.NewTask(nil, c.j, 0))
			providertest.Failure(t, err, c.kind, c.text)
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}
