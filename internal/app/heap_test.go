package app

import "testing"

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
		if got := limit(tc.live); got < leastLimit || uint64(got) < tc.live+tc.live/2 {
			t.Errorf("%s: a limit of %d bytes", tc.name, got)
		}
	}
}
