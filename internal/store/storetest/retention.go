package storetest

import (
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

// retention: an execution that is old goes with its history, unless something
// may still need it.
func retention(f *fixture) {
	p := f.pipeline("p")
	finish := func() string {
		id := f.startExecution(p)
		f.work(sourceLine)
		f.work(buildLine)
		return id
	}
	first := finish()

	second := finish()
	live := f.startExecution(p)

	old := func(before time.Time) []string {
		var ids []string
		above := ""
		for {
			list := read(f, func(r store.Reader) ([]store.OldExecution, error) { return r.OldExecutions(before, above, 1) })
			if len(list) == 0 {
				return ids
			}
			f.equal("pipeline of an old execution", list[0].PipelineID, p)
			above = list[0].ID
			ids = append(ids, above)
		}
	}
	f.equal("before all", len(old(f.start.Add(-time.Minute))), 0)
	f.equal("all, oldest first", old(f.start.Add(time.Hour)), []string{first, second, live})

	remove := func(id string) (removed bool) {
		f.update(func(tx store.Tx) error {
			e, err := tx.Execution(p, id)
			if err != nil {
				return err
			}
			removed, err = tx.RemoveExecution(p, e)
			return err
		})
		return removed
	}
	f.equal("the newest that has passed is removed", remove(second), false)
	f.equal("a live one is removed", remove(live), false)
	f.equal("an old one is removed", remove(first), true)
	f.equal("executions left", old(f.start.Add(time.Hour)), []string{second, live})
	f.equal("its actions", len(read(f, func(r store.Reader) ([]engine.ActionRecord, error) { return r.Actions(p, first, "", 10) })), 0)
	passed := read(f, func(r store.Reader) ([]*engine.Execution, error) { return r.ExecutionsPassed(p, "Build", 1, "", 10) })
	f.equal("executions that passed", len(passed), 1)
	f.equal("the one that passed", passed[0].ID, second)
	sizes := map[string]int64{}
	f.view(func(r store.Reader) error {
		list, bytes, err := r.Sizes()
		for _, s := range list {
			sizes[s.Kind] = s.Rows
			if s.Rows > 0 && s.Kind == "executions" && (s.Newest.Before(s.Oldest) || s.Oldest.Before(f.start.Add(-time.Minute))) {
				f.Errorf("%+v", s)
			}
		}
		f.equal("a size of the database", bytes > 0, true)
		return err
	})
	f.equal("executions counted", sizes["executions"], int64(2))
	f.equal("action executions counted", sizes["action executions"], int64(3))

	f.work(sourceLine) // and the live one goes on
	f.work(buildLine)
	f.equal("after the next has passed", remove(second), true)
}
