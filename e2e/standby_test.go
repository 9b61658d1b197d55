package e2e

import (
	"net/url"
	"testing"

	"penstock/internal/store/postgres/pgtest"
)

// TestFailover loses the database server that nodes work on, for good, while
// they do. Its standby, which synchronous replication kept up to date, is
// promoted: nodes find it by themselves, among the hosts in their URL, and all
// that clients were told is true there.
func TestFailover(t *testing.T) {
	t.Parallel()
	crash(t, onStandby, 3)
}

// onStandby is two nodes on a PostgreSQL server with a synchronous standby, and
// their artifacts in a third server's S3.
func onStandby(t *testing.T, args ...string) *site {
	t.Helper()
	primary, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(primary.Stop)
	standby, err := primary.Standby()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(standby.Stop)
	st := &site{artifacts: startServer(t), database: primary, standby: standby}
	st.nodes = startNodes(t, st.artifacts, eitherOf(t, primary, standby), 2, args...)
	st.balancer = startBalancer(t, st.nodes)
	st.server = &server{t: t, url: st.balancer.url, data: st.nodes[0].data}
	return st
}

// eitherOf is the URL of that of two servers which takes writes.
func eitherOf(t *testing.T, a, b *pgtest.Server) string {
	t.Helper()
	u, err := url.Parse(a.URL())
	if err != nil {
		t.Fatal(err)
	}
	other, err := url.Parse(b.URL())
	if err != nil {
		t.Fatal(err)
	}
	q, p := u.Query(), other.Query()
	q.Set("host", q.Get("host")+","+p.Get("host"))
	q.Set("port", q.Get("port")+","+p.Get("port"))
	q.Set("target_session_attrs", "read-write")
	u.RawQuery = q.Encode()
	return u.String()
}

// failover loses the primary and promotes the standby.
func (st *site) failover() error {
	st.database.Kill()
	return st.standby.Promote()
}
