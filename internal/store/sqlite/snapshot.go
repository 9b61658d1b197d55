package sqlite

import (
	"errors"
	"fmt"
	"slices"

	"penstock/internal/core/engine"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// live is what decisions about a pipeline read, as the last one left it, also
// when that is not committed yet. Its documents are handed out in snapshots
// and never changed, only replaced.
type live struct {
	pipeline     engine.Pipeline
	current      int
	declarations map[int]*pipeline.Declaration
	state        *engine.State
	executions   map[string]*engine.Execution // those of state.Live

	// Lengths of documents, for the weight.
	declarationBytes, stateBytes, executionBytes int
}

// weight is about what the entry takes in memory, in bytes of documents.
func (l *live) weight() int {
	return 1024 + l.declarationBytes*len(l.declarations) + l.stateBytes + l.executionBytes*len(l.executions)
}

// Snapshot implements store.PipelineWriter. The lock is the writer's
// goroutine.
func (t *txn) Snapshot(pipelineID int64, ev engine.Event) (*engine.Snapshot, error) {
	l, ok := t.d.live.Get(pipelineID)
	if !ok {
		var err error
		if l, err = t.load(pipelineID); err != nil {
			return nil, err
		}
		t.d.live.Put(pipelineID, l, l.weight())
	}
	s := &engine.Snapshot{
		Pipeline: l.pipeline, Current: l.current, State: *l.state,
		Declarations: l.declarations, Executions: l.executions,
	}
	return s, t.need(s, engine.Needs(ev, l.state))
}

// need adds executions that have ended to the snapshot, but not to the cache.
func (t *txn) need(s *engine.Snapshot, ids []string) error {
	own := false
	for _, id := range ids {
		if s.Executions[id] != nil {
			continue
		}
		e, err := t.Execution(s.Pipeline.ID, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if !own {
			own = true
			s.Executions, s.Declarations = cloneMap(s.Executions), cloneMap(s.Declarations)
		}
		s.Executions[id] = e
		if s.Declarations[e.Version] == nil {
			if s.Declarations[e.Version], err = t.Declaration(s.Pipeline.ID, e.Version); err != nil {
				return err
			}
		}
	}
	return nil
}

func cloneMap[K comparable, V any](m map[K]V) map[K]V {
	c := make(map[K]V, len(m)+1)
	for k, v := range m {
		c[k] = v
	}
	return c
}

func (t *txn) load(pipelineID int64) (*live, error) {
	r, ok := t.tx.QueryRow(`SELECT account, region, name, version, state FROM pipeline WHERE id = ? AND deleted = 0`, pipelineID)
	if !ok {
		return nil, missing(r)
	}
	l := &live{
		pipeline:     engine.Pipeline{ID: pipelineID, Account: r.Text(0), Region: r.Text(1), Name: r.Text(2)},
		current:      int(r.Int64(3)),
		declarations: map[int]*pipeline.Declaration{},
		executions:   map[string]*engine.Execution{},
		stateBytes:   len(r.RawBytes(4)),
	}
	var err error
	if l.state, err = store.DecodeState(r.RawBytes(4)); err != nil {
		return nil, err
	}
	versions := []int{l.current}
	for _, id := range l.state.Live {
		r, ok := t.tx.QueryRow(`SELECT doc FROM execution WHERE pipeline_id = ? AND id = ?`, pipelineID, id)
		if !ok {
			return nil, fmt.Errorf("store: execution %s of pipeline %d: %w", id, pipelineID, missing(r))
		}
		l.executionBytes = max(l.executionBytes, len(r.RawBytes(0)))
		e, err := store.DecodeExecution(r.RawBytes(0))
		if err != nil {
			return nil, err
		}
		l.executions[id] = e
		versions = append(versions, e.Version)
	}
	for _, v := range versions {
		if l.declarations[v] != nil {
			continue
		}
		d, n, err := t.loadDeclaration(pipelineID, v)
		if err != nil {
			return nil, fmt.Errorf("store: version %d of pipeline %d: %w", v, pipelineID, err)
		}
		l.declarations[v] = d
		l.declarationBytes = max(l.declarationBytes, n)
	}
	return l, nil
}

// Apply implements store.PipelineWriter.
func (t *txn) Apply(s *engine.Snapshot, p engine.Plan) error {
	id := s.Pipeline.ID
	t.touched = append(t.touched, id)
	if err := t.apply(s, p); err != nil {
		t.d.live.Drop(id)
		return err
	}
	return nil
}

func (t *txn) apply(s *engine.Snapshot, p engine.Plan) error {
	id := s.Pipeline.ID
	l, ok := t.d.live.Get(id)
	if !ok {
		return fmt.Errorf("store: the snapshot of pipeline %d is out of date", id)
	}
	for _, e := range p.Executions {
		n, err := t.putExecution(id, e, s.Executions[e.ID] == nil)
		if err != nil {
			return err
		}
		l.executionBytes = max(l.executionBytes, n)
	}
	if p.State != nil {
		t.d.buf = store.AppendState(t.d.buf[:0], p.State)
		if err := t.tx.Exec(`UPDATE pipeline SET state = ? WHERE id = ?`, t.d.buf, id); err != nil {
			return err
		}
		l.state, l.stateBytes = p.State, len(t.d.buf)
	}
	l.take(s, p.Executions)
	t.d.live.Put(id, l, l.weight())
	return t.applyChanges(id, p.Changes)
}

// take makes the changed executions the known ones, drops those that ended and
// the versions that only they ran.
func (l *live) take(s *engine.Snapshot, changed []*engine.Execution) {
	for _, e := range changed {
		if !slices.Contains(l.state.Live, e.ID) {
			delete(l.executions, e.ID)
			continue
		}
		l.executions[e.ID] = e
		l.declarations[e.Version] = s.Declarations[e.Version]
	}
	if len(l.declarations) == 1 {
		return
	}
	for v := range l.declarations {
		used := v == l.current
		for _, e := range l.executions {
			used = used || e.Version == v
		}
		if !used {
			delete(l.declarations, v)
		}
	}
}

func (t *txn) applyChanges(pipelineID int64, changes []engine.Change) error {
	emitted := false
	for i := range changes {
		var err error
		switch c := changes[i].(type) {
		case engine.ActionStarted:
			err = t.insertAction(pipelineID, &c.Record)
		case engine.ActionUpdated:
			err = t.updateAction(pipelineID, &c)
		case engine.RuleStarted:
			err = t.insertRule(pipelineID, &c.Record)
		case engine.RuleUpdated:
			err = t.updateRule(pipelineID, &c)
		case engine.JobOpened:
			err = t.openJob(c.Job)
		case engine.JobQueued:
			err = t.queueJob(c)
		case engine.JobClosed:
			err = t.closeJob(c)
		case engine.JobPurged:
			err = t.purgeJob(c.ID)
		case engine.StagePassed:
			err = t.insertPassed(pipelineID, c)
		case engine.TimerSet:
			err = t.setTimer(pipelineID, c.Timer)
		case engine.TimerMoved:
			err = t.moveTimer(c)
		case engine.TimerCleared:
			err = t.ClearTimer(c.Timer)
		case engine.Emitted:
			emitted = true
		default:
			err = fmt.Errorf("store: unknown change %T", c)
		}
		if err != nil {
			return err
		}
	}
	if !emitted {
		return nil
	}
	return t.insertOutbox(pipelineID, changes)
}
