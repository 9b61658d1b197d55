//go:build unix

package doctest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLocalRuns pastes the page about declarations without a server.
func TestLocalRuns(t *testing.T) {
	t.Parallel()
	need(t, "bash", "tar")
	if err := build(); err != nil {
		t.Fatalf("build: %v", err)
	}
	s := &scene{dir: t.TempDir(), url: pageURL, env: []string{"PATH=" + binDir + string(os.PathListSeparator) + os.Getenv("PATH"), "NO_COLOR=1"}}
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "HOME=") {
			s.env = append(s.env, kv)
		}
	}
	if err := os.CopyFS(filepath.Join(s.dir, "examples"), os.DirFS("../../examples")); err != nil {
		t.Fatal(err)
	}
	// The run's own temporary folder is removed.
	tmp := t.TempDir()
	s.env = append(s.env, "TMPDIR="+tmp)
	s.run(t, of(t, page(t, "local-runs.md"), "run: local"))
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
}
