package app

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Little is live and calls make garbage: more room than Go's default of 100
// percent saves a tenth of the CPU under load for some megabytes. Where much is
// live, as with thousands of waiting workers, the room is bounded in bytes, and
// what a burst has needed goes back to the system.
const (
	heapGrowth  = 400       // percent, at most
	heapRoom    = 96 << 20  // bytes, at most
	leastGrowth = 40        // percent
	leastLimit  = 290 << 20 // bytes in all, which are collected and given back for
)

// growth is by how many percent the heap may grow before it is collected, with
// so many bytes live.
func growth(live uint64) int {
	return max(leastGrowth, int(min(heapGrowth, 100*heapRoom/max(live, 1))))
}

// limit is what the process may take before it collects early. It is well above
// what is live, since a collector that cannot free anything only costs.
func limit(live uint64) int64 {
	return int64(max(leastLimit, 2*live))
}

// tuneHeap sets growth and limit now and after each collection. GOGC and
// GOMEMLIMIT override them.
func tuneHeap() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	var percent int
	var bytes int64
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}}
	type beacon struct{ _ *byte } // with a pointer, else it may share its memory
	var again func(*beacon)
	again = func(b *beacon) {
		metrics.Read(samples)
		live := samples[0].Value.Uint64() + samples[1].Value.Uint64()
		if p := growth(live); p != percent {
			percent = p
			debug.SetGCPercent(p)
		}
		if l := limit(live); l != bytes {
			bytes = l
			debug.SetMemoryLimit(l)
		}
		runtime.SetFinalizer(b, again)
	}
	again(&beacon{})
}
