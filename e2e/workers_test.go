package e2e

import "testing"

// TestWorkers replays what job workers that people use do, call by call, each
// with a client of its kind, all at the same time against one server.
func TestWorkers(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.versioned("workers-source")
	s.put("workers-source", "app.zip", zipped(t, map[string]string{"main.txt": "the source"}))
	s.registerJenkins()
	t.Run("Jenkins", func(t *testing.T) {
		t.Parallel()
		testJenkins(t, s.on(t), "jenkins", nil)
	})
	t.Run("Jenkins with a key", func(t *testing.T) {
		t.Parallel()
		testJenkins(t, s.on(t), "jenkins-kms", object{"id": "arn:aws:kms:us-east-1:000000000000:key/one", "type": "KMS"})
	})
}

// on returns the running server as a subtest uses it.
func (s *server) on(t testing.TB) *server { return &server{t: t, data: s.data, url: s.url} }
