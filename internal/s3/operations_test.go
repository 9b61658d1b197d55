package s3

import (
	"slices"
	"testing"
)

func TestOperationsAreReachable(t *testing.T) {
	t.Parallel()
	type place struct {
		level       level
		method, sub string
	}
	seen := map[place]string{}
	for _, o := range operations {
		if o.sub != "" && o.sub != copySource && !slices.Contains(subresources, o.sub) {
			t.Errorf("%s: nothing looks for its sub-resource %q", o.name, o.sub)
		}
		at := place{o.level, o.method, o.sub}
		if first, ok := seen[at]; ok {
			t.Errorf("%s hides behind %s", o.name, first)
		}
		seen[at] = o.name
	}
}
