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
	limitRoom   = 10        // above what is needed, as the part of it
)

// growth is by how many percent the heap may grow before it is collected, with
// so many bytes live.
func growth(live uint64) int {
	return max(leastGrowth, int(min(heapGrowth, 100*heapRoom/max(live, 1))))
}

// limit is what the process may take before it collects early. It leaves room
// above what is needed, since a collector that cannot free anything only costs.
func limit(needed uint64) int64 {
	return int64(max(leastLimit, needed+needed/limitRoom))
}

// footprint reads what the runtime has of the system.
type footprint [6]metrics.Sample

func newFootprint() *footprint {
	return &footprint{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"},
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
	}
}

// read returns what is live, with the used parts of stacks, and what is needed:
// all that is neither free nor garbage, with whole stacks and what is lost
// between objects.
func (f *footprint) read() (live, needed uint64) {
	metrics.Read(f[:])
	heap, stacks := f[0].Value.Uint64(), f[1].Value.Uint64()
	total, released, free := f[2].Value.Uint64(), f[3].Value.Uint64(), f[4].Value.Uint64()
	objects := f[5].Value.Uint64()
	return heap + stacks, total - released - free - max(objects, heap) + heap
}

// tuneHeap sets growth and limit now and after each collection. GOGC and
// GOMEMLIMIT override them.
func tuneHeap() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	var percent int
	var bytes int64
	now := newFootprint()
	type beacon struct{ _ *byte } // with a pointer, else it may share its memory
	var again func(*beacon)
	again = func(b *beacon) {
		live, needed := now.read()
		if p := growth(live); p != percent {
			percent = p
			debug.SetGCPercent(p)
		}
		if l := limit(needed); l != bytes {
			bytes = l
			debug.SetMemoryLimit(l)
		}
		runtime.SetFinalizer(b, again)
	}
	again(&beacon{})
}
