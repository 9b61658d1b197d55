package e2e

import (
	"encoding/base64"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"penstock/internal/store/postgres/pgtest"
)

// site is an installation that tests harm: one node on SQLite, one on
// PostgreSQL, or several on one PostgreSQL database behind a balancer. The
// server in it is what clients call.
type site struct {
	*server
	nodes     []*server
	artifacts *server        // whose S3 the artifacts lie in
	database  *pgtest.Server // nil = SQLite
	standby   *pgtest.Server // what takes the place of the database
	cable     *cable         // between the nodes and the database
	balancer  *balancer      // nil = clients call the only node
	mends     []func()       // what is to be done to end faults that last
	clock     *hostClock     // of the first node; nil = it cannot be set
}

// siteOf starts a site.
type siteOf func(t *testing.T, args ...string) *site

// onSQLite is one node on SQLite.
func onSQLite(t *testing.T, args ...string) *site {
	t.Helper()
	s := startServer(t, append(args, "--listen", freeAddress(t))...)
	return &site{server: s, nodes: []*server{s}, artifacts: s}
}

// onOwnPostgres is one node on a PostgreSQL server of its own.
func onOwnPostgres(t *testing.T, args ...string) *site {
	t.Helper()
	st := &site{}
	st.startDatabase(t)
	s := newNode(t, append(args, "--listen", freeAddress(t)), "PENSTOCK_DATABASE="+st.cable.url)
	st.server, st.nodes, st.artifacts = s, []*server{s}, s
	return st
}

// onThreeNodes is three nodes on a PostgreSQL server of their own, with their
// artifacts in a fourth server's S3.
func onThreeNodes(t *testing.T, args ...string) *site {
	t.Helper()
	st := &site{artifacts: startServer(t)}
	st.startDatabase(t)
	st.nodes = startNodes(t, st.artifacts, st.cable.url, 3, args...)
	st.balancer = startBalancer(t, st.nodes)
	st.server = &server{t: t, url: st.balancer.url, data: st.nodes[0].data}
	return st
}

func (st *site) startDatabase(t *testing.T) {
	t.Helper()
	database, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(database.Stop)
	st.database, st.cable = database, layCable(t, database.Socket())
}

// startNodes starts servers on one database, whose artifacts lie in the
// embedded S3 of storage.
func startNodes(t *testing.T, storage *server, database string, n int, args ...string) []*server {
	t.Helper()
	nodes := make([]*server, n)
	for i := range nodes {
		nodes[i] = newNode(t, append(args, "--listen", freeAddress(t)),
			"PENSTOCK_DATABASE="+database,
			"PENSTOCK_MASTER_KEY="+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))),
			"PENSTOCK_S3_ENDPOINT="+storage.url, "PENSTOCK_S3_ACCESS_KEY_ID="+keyID, "PENSTOCK_S3_SECRET_ACCESS_KEY="+secretKey,
			"PENSTOCK_S3_SHARE_KEYS=true")
	}
	return nodes
}

// newNode starts a server with a data folder of its own and more of the
// environment.
func newNode(t testing.TB, args []string, env ...string) *server {
	t.Helper()
	s := &server{t: t, data: filepath.Join(t.TempDir(), "data"), secrets: []string{secretKey}, env: env}
	s.args = append([]string{"server", "--data", s.data, "--listen", "127.0.0.1:0", "--continuation-delay", "0s"}, args...)
	t.Cleanup(s.close)
	if err := s.start(); err != nil {
		t.Fatalf("start: %v\n%s", err, s.log.String())
	}
	return s
}

// balancer gives each call to the next node that is not set aside. It does not
// repeat calls: one whose node breaks off gets no answer, as from that node.
type balancer struct {
	url   string
	nodes []*url.URL
	aside []atomic.Bool
	next  atomic.Int64
}

func startBalancer(t *testing.T, nodes []*server) *balancer {
	t.Helper()
	b := &balancer{aside: make([]atomic.Bool, len(nodes))}
	for _, n := range nodes {
		u, err := url.Parse(n.url)
		if err != nil {
			t.Fatal(err)
		}
		b.nodes = append(b.nodes, u)
	}
	front := httptest.NewServer(&httputil.ReverseProxy{
		Transport: &http.Transport{}, // not the default one, whose connections ends of other tests close
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(b.choose())
			r.Out.Host = r.In.Host // it is signed
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     log.New(t.Output(), "balancer: ", 0),
	})
	t.Cleanup(front.Close)
	b.url = front.URL
	return b
}

func (b *balancer) choose() *url.URL {
	for range b.nodes {
		i := int(b.next.Add(1)) % len(b.nodes)
		if !b.aside[i].Load() {
			return b.nodes[i]
		}
	}
	return b.nodes[0]
}

// pause stops the process of a node, as a virtual machine that is moved does,
// and takes it out of the balancer. resume lets it go on.
func (st *site) pause(i int) (resume func()) {
	st.balancer.aside[i].Store(true)
	st.nodes[i].signal(syscall.SIGSTOP)
	return func() {
		st.nodes[i].signal(syscall.SIGCONT)
		st.balancer.aside[i].Store(false)
	}
}

// restart kills a node and starts it again.
func (st *site) restart(i int) error {
	st.nodes[i].kill()
	if err := st.nodes[i].start(); err != nil {
		return fmt.Errorf("restart of node %d: %w", i, err)
	}
	return nil
}
