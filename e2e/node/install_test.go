package node

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestLockNamesNoHost: the lock file serves wherever the packages come from, so
// it may only name the public registry, or none, and says what each package is
// by its hash.
func TestLockNamesNoHost(t *testing.T) {
	t.Parallel()
	var file struct {
		Packages map[string]struct{ Resolved, Integrity string }
	}
	if err := json.Unmarshal(lock, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Packages) < 50 {
		t.Fatalf("the lock file has %d packages only", len(file.Packages))
	}
	for name, p := range file.Packages {
		if name == "" {
			continue // the folder itself
		}
		if p.Resolved != "" && !strings.HasPrefix(p.Resolved, "https://registry.npmjs.org/") {
			t.Errorf("%s comes from %s", name, p.Resolved)
		}
		if !strings.HasPrefix(p.Integrity, "sha512-") {
			t.Errorf("%s has the hash %q", name, p.Integrity)
		}
	}
}
