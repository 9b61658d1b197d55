package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// fault is one way to harm a site. It ends when what was harmed runs again; what
// goes on with the clients shows whether it works.
type fault struct {
	name   string
	strike func() error
	// forgets says that hand-outs may be lost, which do not wait for the disk.
	forgets bool
}

// faults are the ways to harm the site, in turns.
func (st *site) faults() []fault {
	if st.clock != nil {
		return st.clockFaults()
	}
	node := fault{"node killed", func() error { return st.restart(rand.IntN(len(st.nodes))) }, st.database == nil}
	if st.database == nil {
		return []fault{node}
	}
	if st.standby != nil { // for one time
		return []fault{node, {"database lost, standby promoted", st.failover, true}, node}
	}
	rerun := func(kill func()) func() error {
		return func() error {
			kill()
			return st.database.Run()
		}
	}
	planned := func(c cut) func() error {
		return func() error {
			st.cable.cutNext(c)
			return nil
		}
	}
	all := []fault{
		node,
		{"database killed", rerun(st.database.Kill), true},
		{"connections cut", func() error { st.cable.cutAll(); return nil }, false},
		{"backend killed", st.database.KillBackend, true},
		{"answer to a commit cut off", planned(lostAnswer), false},
		node,
		{"database's main process killed", rerun(st.database.KillMain), true},
		{"database held up", func() error { st.cable.delay(rand.N(700 * time.Millisecond)); return nil }, false},
		{"backend killed", st.database.KillBackend, true},
		{"request cut in the middle", planned(lostRequest), false},
	}
	if len(st.nodes) == 1 {
		return all
	}
	var resume func()
	st.mends = append(st.mends, func() {
		if resume != nil {
			resume()
		}
	})
	paused := 0
	return append(all, fault{"node paused, or let go on", func() error {
		if resume != nil {
			resume()
			resume = nil
			return nil
		}
		paused = (paused + 1) % len(st.nodes)
		resume = st.pause(paused)
		return nil
	}, false})
}

// mend ends the faults that last.
func (st *site) mend() {
	for _, f := range st.mends {
		f()
	}
}

// tally counts faults and times them.
type tally struct {
	last    string
	count   map[string]int
	slowest map[string]time.Duration
}

func newTally() *tally { return &tally{"the start", map[string]int{}, map[string]time.Duration{}} }

func (y *tally) strike(f fault) error {
	began := time.Now()
	if err := f.strike(); err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	y.last = f.name
	y.count[f.name]++
	y.slowest[f.name] = max(y.slowest[f.name], time.Since(began))
	return nil
}

func (y *tally) String() string {
	var parts []string
	for name, n := range y.count {
		parts = append(parts, fmt.Sprintf("%d × %s (slowest %v)", n, name, y.slowest[name].Round(time.Millisecond)))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
