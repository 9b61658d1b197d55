package app

import (
	"runtime"
	"testing"
)

func TestHeapGrowth(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		live uint64
		want int
	}{
		{"nothing", 0, heapGrowth},
		{"an idle server", 8 << 20, heapGrowth},
		{"as much as the room", 96 << 20, 100},
		{"thousands of waiting workers", 192 << 20, 50},
		{"a giant", 1 << 40, leastGrowth},
	} {
		if got := growth(tc.live); got != tc.want {
			t.Errorf("%s: %d percent, want %d", tc.name, got, tc.want)
		}
		if got := limit(tc.live); got < leastLimit || uint64(got) < tc.live+tc.live/limitRoom {
			t.Errorf("%s: a limit of %d bytes", tc.name, got)
		}
	}
}

// What is needed has the stacks in it, but no garbage.
func TestFootprint(t *testing.T) {
	garbage := make([]byte, 64<<20)
	kept := make([]byte, 32<<20)
	f := newFootprint()
	runtime.GC()
	_, all := f.read()
	if all < 96<<20 {
		t.Errorf("with all that is kept %d bytes are needed", all)
	}
	runtime.KeepAlive(garbage)
	runtime.GC()
	live, needed := f.read()
	if live < 32<<20 || needed < live || needed > all-60<<20 {
		t.Errorf("without the garbage %d bytes live and %d are needed, with it %d", live, needed, all)
	}
	runtime.KeepAlive(kept)
}
