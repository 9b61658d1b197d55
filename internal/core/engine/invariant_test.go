package engine

import (
	"slices"

	"penstock/internal/core/pipeline"
)

// check looks at the whole world after a step: the invariants of the engine.
func (w *world) check() {
	if w.deleted {
		w.checkDeleted()
		return
	}
	w.checkLive()
	w.checkStages()
	w.checkWaiting()
	w.checkOrder()
	w.checkActions()
	w.checkTimers()
	w.checkStatuses()
	w.checkConditions()
}

func (w *world) checkDeleted() {
	if len(w.state.Live) > 0 || len(w.state.Stages) > 0 {
		w.complain("a deleted pipeline has state: %+v", w.state)
	}
	for _, j := range w.jobs {
		if !j.State.Terminal() {
			w.complain("a deleted pipeline has the open job %s", j.ID)
		}
	}
	for t := range w.timers {
		if t.Kind == Alarm {
			w.complain("a deleted pipeline has the timer %+v", t)
		}
	}
}

// Live lists the executions that are not terminal, oldest first.
func (w *world) checkLive() {
	var live []string
	for _, e := range w.executions() {
		if !e.Terminal() {
			live = append(live, e.ID)
		}
	}
	if !slices.Equal(live, w.state.Live) {
		w.complain("live executions are %v, the state says %v", live, w.state.Live)
	}
}

// Outside PARALLEL mode at most one execution is in a stage and has its lock.
func (w *world) checkStages() {
	inside := map[string]string{}
	for _, id := range w.state.Live {
		e := w.execs[id]
		if !e.Inside || e.Mode == pipeline.Parallel {
			continue
		}
		if other := inside[e.Stage]; other != "" {
			w.complain("%s and %s are both in %s", other, id, e.Stage)
		}
		inside[e.Stage] = id
	}
	for _, st := range w.state.Stages {
		if st.Holder != inside[st.Name] {
			w.complain("%s is in %s, but %q has the lock", inside[st.Name], st.Name, st.Holder)
		}
		delete(inside, st.Name)
		if w.decls[w.current].Stage(st.Name) == nil && st.Holder == "" && len(st.Waiting) == 0 {
			w.complain("state of stage %s, which the declaration no longer has, is left over", st.Name)
		}
	}
	for name, id := range inside {
		w.complain("%s is in %s without a lock", id, name)
	}
}

// Who waits is live and in front of that stage, once; who could enter has.
func (w *world) checkWaiting() {
	for _, st := range w.state.Stages {
		blocked := st.Holder != ""
		superseding := 0
		for _, id := range st.Waiting {
			e := w.execs[id]
			if e.Terminal() || e.Inside || e.Stage != st.Name {
				w.complain("%s waits in front of %s, but is %s, inside %v, at %s", id, st.Name, e.Status, e.Inside, e.Stage)
			}
			t := turn{snap: &Snapshot{Declarations: w.decls}, state: w.state}
			closed := t.gateClosed(e, st.Name)
			if !closed && (e.Mode == pipeline.Parallel || !blocked) {
				w.complain("%s waits in front of %s although it may enter", id, st.Name)
			}
			if e.Mode != pipeline.Parallel {
				blocked = true
			}
			if e.Mode == pipeline.Superseded {
				superseding++
			}
		}
		if superseding > 1 {
			w.complain("%d executions wait in front of %s in SUPERSEDED mode", superseding, st.Name)
		}
	}
	for _, id := range w.state.Live {
		e, n := w.execs[id], 0
		for _, st := range w.state.Stages {
			for _, x := range st.Waiting {
				if x == id {
					n++
				}
			}
		}
		if e.Inside && n != 0 || !e.Inside && n != 1 {
			w.complain("%s (inside: %v) stands in %d lines", id, e.Inside, n)
		}
	}
}

// Outside PARALLEL mode nobody overtakes.
func (w *world) checkOrder() {
	ahead := map[int]int{} // version → how far the older execution has come
	for _, id := range w.state.Live {
		e := w.execs[id]
		if e.Mode == pipeline.Parallel || e.RollbackTarget != "" {
			continue
		}
		at := 2 * w.decls[e.Version].StageIndex(e.Stage)
		if e.Inside {
			at++
		}
		if limit, ok := ahead[e.Version]; ok && at > limit {
			w.complain("%s has overtaken an older execution", id)
		}
		ahead[e.Version] = at
	}
}

// Each running action has one open job or is an open approval; no other job is
// open; the history agrees.
func (w *world) checkActions() {
	open := map[string]bool{}
	running := map[string]bool{}
	for _, e := range w.execs {
		n, all := 0, 0
		for i := range e.Runs {
			run := &e.Runs[i]
			for a, rule := range run.attempts() {
				if r := w.records[a.ID]; rule == nil && r.Status != a.Status {
					w.complain("action execution %s is %s, its record says %s", a.ID, a.Status, r.Status)
				}
				if a.Status != InProgress {
					if a.Job != "" || !a.JobDue.IsZero() {
						w.complain("%s action %s has the job %s", a.Status, a.Name, a.Job)
					}
					continue
				}
				all++
				if rule == nil {
					n++
				}
				running[a.ID] = true
				if e.Terminal() || !e.Inside || run.Stage != e.Stage {
					w.complain("action %s runs in %s, but %s is %s at %s", a.Name, run.Stage, e.ID, e.Status, e.Stage)
				}
				if a.Approval {
					if a.Job != "" {
						w.complain("the approval %s has a job", a.Name)
					}
					continue
				}
				j := w.jobs[a.Job]
				if j == nil || j.State.Terminal() || j.ActionExecutionID != a.ID || j.ExecutionID != e.ID {
					w.complain("running action %s has no open job of its own: %+v", a.Name, j)
				}
				open[a.Job] = true
			}
		}
		if e.Mode == pipeline.Parallel && n > maxParallelActions {
			w.complain("%d actions of %s run at a time", n, e.ID)
		}
		if e.Inside && all == 0 {
			w.complain("%s is in %s and nothing runs", e.ID, e.Stage)
		}
	}
	for id, j := range w.jobs {
		if !j.State.Terminal() && !open[id] {
			w.complain("job %s is open, but no action waits for it", id)
		}
	}
	for id, r := range w.records {
		if r.Status == InProgress && !running[id] {
			w.complain("the record of %s is InProgress, but it does not run", id)
		}
	}
	for id, r := range w.rules {
		if r.Status == InProgress && !running[id] {
			w.complain("the record of rule %s is InProgress, but it does not run", id)
		}
	}
}

// The newest event of an execution and of a stage says what its status says;
// SUPERSEDED drops only who has not entered.
func (w *world) checkStatuses() {
	for id, e := range w.execs {
		if last := w.last[id+"/"]; last != e.Status {
			w.complain("%s is %s, its last event says %s", id, e.Status, last)
		}
		for _, run := range e.Runs {
			if last := w.last[id+"/"+run.Stage]; last != run.Status {
				w.complain("stage %s of %s is %s, its last event says %s", run.Stage, id, run.Status, last)
			}
		}
		if e.Status == Superseded && (e.Mode != pipeline.Superseded || e.Run(e.Stage) != nil) {
			w.complain("%s was superseded in mode %s, inside %s", id, e.Mode, e.Stage)
		}
	}
}
