package storetest

import (
	"errors"
	"time"

	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// oldVersions: a version that was replaced long ago goes when no execution that
// is kept ran it.
func oldVersions(f *fixture) {
	p := f.pipeline("p")
	finish := func() string {
		id := f.startExecution(p)
		f.work(sourceLine)
		f.work(buildLine)
		return id
	}
	first := finish() // of version 1
	put := func(version int) *pipeline.Declaration {
		d := declaration("p", version)
		d.Stages[1].Actions[0].Configuration["Token"] = "hunter" // secrets make no difference
		f.update(func(tx store.Tx) error { return tx.PutVersion(p, d, f.now()) })
		return d
	}
	f.advance(time.Hour)
	put(2)
	f.advance(time.Hour)
	put(3)
	finish()
	f.advance(time.Hour)
	put(4)
	f.advance(time.Hour)
	put(5)
	other := f.pipeline("other")

	unused := func(before time.Time) (free []store.PipelineVersion) {
		var last store.PipelineVersion
		seen := 0
		for {
			page := read(f, func(r store.Reader) ([]store.PipelineVersion, error) { return r.PipelineVersions(before, last, 2) })
			if len(page) == 0 {
				f.equal("versions seen", seen, len(f.versionsOf(p, 5))+1)
				return free
			}
			for _, v := range page {
				if v.PipelineID < last.PipelineID || v.PipelineID == last.PipelineID && v.Version <= last.Version {
					f.Errorf("%+v behind %+v", v, last)
				}
				if last = v; v.Unused {
					free = append(free, v)
				}
				seen++
			}
		}
	}
	remove := func(id int64, version int) (removed bool) {
		f.update(func(tx store.Tx) (err error) {
			removed, err = tx.RemoveVersion(id, version)
			return err
		})
		return removed
	}
	f.equal("replaced before all", len(unused(f.start)), 0)
	f.equal("replaced until 4 came", unused(f.now()), []store.PipelineVersion{{PipelineID: p, Version: 2, Unused: true}})
	f.equal("all", unused(f.now().Add(time.Hour)), []store.PipelineVersion{{PipelineID: p, Version: 2, Unused: true}, {PipelineID: p, Version: 4, Unused: true}})
	for version, want := range map[int]bool{1: false, 2: true, 3: false, 5: false, 6: false} {
		f.both(func(r store.Reader) error { // it may be in a cache
			_, err := r.Declaration(p, version)
			if errors.Is(err, store.ErrNotFound) && version == 6 {
				err = nil
			}
			return err
		})
		if got := remove(p, version); got != want {
			f.Errorf("version %d is removed: %v", version, got)
		}
	}
	f.equal("the only one of another", remove(other, 1), false)
	f.equal("what is left", f.versionsOf(p, 5), []int{1, 3, 4, 5})

	f.update(func(tx store.Tx) error {
		e, err := tx.Execution(p, first)
		if err == nil {
			_, err = tx.RemoveExecution(p, e)
		}
		return err
	})
	f.equal("without the execution of 1", unused(f.now()), []store.PipelineVersion{{PipelineID: p, Version: 1, Unused: true}})
	f.equal("version 1", remove(p, 1), true)
	f.equal("what is left at last", f.versionsOf(p, 5), []int{3, 4, 5})

	f.update(func(tx store.Tx) error { return tx.DeletePipeline(p) })
	f.equal("a deleted pipeline's are purged, not retired", remove(p, 4), false)
}

// versionsOf are the versions up to last that views and updates find.
func (f *fixture) versionsOf(pipelineID int64, last int) (there []int) {
	f.Helper()
	for version := 1; version <= last; version++ {
		look := func(found *bool) func(store.Reader) error {
			return func(r store.Reader) error {
				_, err := r.Declaration(pipelineID, version)
				if *found = err == nil; errors.Is(err, store.ErrNotFound) {
					err = nil
				}
				return err
			}
		}
		var view, update bool
		f.view(look(&view))
		f.update(func(tx store.Tx) error { return look(&update)(tx) })
		if view != update {
			f.Errorf("version %d is there for one reader of two", version)
		}
		if view {
			there = append(there, version)
		}
	}
	return there
}
