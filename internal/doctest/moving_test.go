//go:build unix

package doctest

import (
	"testing"

	"penstock/internal/store/postgres/pgtest"
)

func TestMoving(t *testing.T) {
	t.Parallel()
	need(t, "aws", "bash", "tar")
	all := page(t, "moving.md")
	s := open(t, all)
	list := instead(of(t, all, "run: moving"), "postgres://penstock@db.example.org/penstock", pgtest.URL(t), "7490", freePort(t))
	list[0].text = "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n" + list[0].text
	s.run(t, list)
}
