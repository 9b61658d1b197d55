//go:build unix

package doctest

import (
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"penstock/internal/store/postgres/pgtest"
)

// instead returns the blocks with other words in their text and in what they
// print.
func instead(list []block, pairs ...string) []block {
	words := strings.NewReplacer(pairs...)
	list = slices.Clone(list)
	for i := range list {
		list[i].text = words.Replace(list[i].text)
		list[i].want = slices.Clone(list[i].want)
		for k := range list[i].want {
			list[i].want[k] = words.Replace(list[i].want[k])
		}
	}
	return list
}

// apart starts a server whose metrics have an address of their own.
func apart(t *testing.T, script string, env ...string) (s *scene, metrics string) {
	t.Helper()
	s = folder(t)
	urls := s.serve(t, script, 2, append(env, "PENSTOCK_LISTEN=127.0.0.1:0", "PENSTOCK_METRICS_LISTEN=127.0.0.1:0")...)
	s.url = urls[0]
	return s, urls[1]
}

func TestOperationsOneNode(t *testing.T) {
	t.Parallel()
	need(t, "aws", "bash", "curl")
	all := page(t, "operations.md")
	s, metrics := apart(t, of(t, all, "run: server")[0].text)
	s.run(t, instead(of(t, all, "run: one", "run: metrics"), "http://127.0.0.1:7481/metrics", metrics))
}

// freePort is a port that nobody listens on, at this moment.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func TestOperationsManyNodes(t *testing.T) {
	t.Parallel()
	need(t, "bash")
	storage, _ := apart(t, "exec penstock server")
	keys, err := os.ReadFile(filepath.Join(storage.dir, "penstock-data", "credentials"))
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(keys)) // [default] name = value name = value
	s := folder(t)
	s.url = pageURL
	s.env = append(s.env, "STORE_KEY_ID="+words[3], "STORE_SECRET="+words[6])
	list := instead(of(t, page(t, "operations.md"), "run: nodes"),
		"postgres://penstock@db.example.org/penstock", pgtest.URL(t), "https://s3.example.org", storage.url,
		"7491", freePort(t), "7492", freePort(t))
	list[0].text = "trap 'kill $(jobs -p); wait' EXIT\n" + list[0].text
	s.run(t, list)
}

// A URL may name several hosts: the first that takes writes is used.
func TestOperationsSeveralHosts(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Get("host") == "" {
		t.Skip("the given server is not found by a socket")
	}
	q.Set("host", t.TempDir()+","+q.Get("host"))
	q.Set("port", q.Get("port")+","+q.Get("port"))
	q.Set("target_session_attrs", "read-write")
	u.RawQuery = q.Encode()
	s := folder(t)
	s.env = append(s.env, "PENSTOCK_DATABASE="+u.String())
	s.run(t, []block{{text: "penstock migrate up\n", want: []string{"0001_initial…"}}})
}

func TestOperationsSQL(t *testing.T) {
	t.Parallel()
	ctx, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	conn, err := pgx.Connect(ctx, pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, b := range of(t, page(t, "operations.md"), "program: sql") {
		if _, err := conn.PgConn().Exec(ctx, b.text).ReadAll(); err != nil {
			t.Errorf("docs, block at line %d: %v", b.line, err)
		}
	}
}
