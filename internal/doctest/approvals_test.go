//go:build unix

package doctest

import (
	"net"
	"strings"
	"testing"
)

func TestApprovals(t *testing.T) {
	t.Parallel()
	need(t, "aws", "bash", "python3")
	recent(t)
	// The page's receiver listens on a fixed port; here it takes a free one.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	all := page(t, "approvals.md")
	for i := range all {
		all[i].text = strings.ReplaceAll(all[i].text, "7990", port)
	}
	open(t, all).run(t, of(t, all, "run: ask"))
}
