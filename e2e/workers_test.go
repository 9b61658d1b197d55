package e2e

import (
	"path/filepath"
	"testing"
)

// TestWorkers replays what job workers that people use do, call by call, each
// with a client of its kind, all at the same time against one server.
func TestWorkers(t *testing.T) {
	t.Parallel()
	events := filepath.Join(t.TempDir(), "events")
	s := startServer(t, "--event-file", events)
	s.versioned("workers-source")
	s.put("workers-source", "app.zip", zipped(t, map[string]string{"main.txt": "the source"}))
	s.registerJenkins()
	for _, w := range []struct {
		name string
		test func(*testing.T, *server)
	}{
		{"Jenkins", func(t *testing.T, s *server) { testJenkins(t, s, "jenkins", nil) }},
		{"Jenkins with a key", func(t *testing.T, s *server) {
			testJenkins(t, s, "jenkins-kms", object{"id": "arn:aws:kms:us-east-1:000000000000:key/one", "type": "KMS"})
		}},
		{"TeamCity", testTeamCity},
		{"Git source in Python", testGitSource},
		{"GitLab source in JavaScript", func(t *testing.T, s *server) { testGitLabSource(t, s, events) }},
		{"custom action in Python", testCustomAction},
		{"Travis in Go", testTravis},
	} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			w.test(t, s.on(t))
		})
	}
}

// on returns the running server as a subtest uses it.
func (s *server) on(t testing.TB) *server { return &server{t: t, data: s.data, url: s.url} }
