package postgres

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"penstock/internal/core/engine"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// live is what decisions about a pipeline read, as it was after the given
// change. It is never changed, only replaced.
type live struct {
	change       int64
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

// Snapshot implements store.PipelineWriter. The lock is that of the row.
func (t *txn) Snapshot(pipelineID int64, ev engine.Event) (*engine.Snapshot, error) {
	h, err := t.holdAlive(pipelineID)
	if err != nil {
		return nil, err
	}
	if h.live == nil {
		known := t.known(pipelineID)
		if known != nil && known.change == h.row.change {
			h.live = known
		} else if h.live, err = t.load(&h.row, known); err != nil {
			return nil, err
		}
	}
	l := h.live
	s := &engine.Snapshot{
		Pipeline: l.pipeline, Current: l.current, State: *l.state,
		Declarations: l.declarations, Executions: l.executions,
	}
	return s, t.need(s, engine.Needs(ev, l.state))
}

// known is what this node knows of the pipeline, nil if nothing: it may be out of
// date.
func (t *txn) known(pipelineID int64) *live {
	if t.call != nil {
		if l := t.call.g.leftOf(pipelineID); l != nil {
			return l
		}
	}
	l, _ := t.d.live.Get(pipelineID)
	return l
}

func (d *Driver) keepLive(pipelineID int64, l *live) { d.live.Put(pipelineID, l, l.weight()) }

// need adds executions that have ended to the snapshot.
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
			s.Executions, s.Declarations = maps.Clone(s.Executions), maps.Clone(s.Declarations)
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

// load reads what belongs to the row, which is locked. Of what was known of the
// pipeline, which may be nil, the declarations are still right.
func (t *txn) load(row *pipelineRow, known *live) (*live, error) {
	l := &live{
		change:       row.change,
		pipeline:     row.pipeline().Pipeline,
		current:      int(row.version),
		declarations: map[int]*pipeline.Declaration{},
		executions:   map[string]*engine.Execution{},
		stateBytes:   len(row.state),
	}
	var err error
	if l.state, err = store.DecodeState(row.state); err != nil {
		return nil, err
	}
	versions := []int{l.current}
	if len(l.state.Live) > 0 {
		err := t.query(`SELECT doc FROM execution WHERE pipeline_id = $1 AND live`, func(r pgx.Rows) error {
			e, err := scanExecution(r)
			if err != nil {
				return err
			}
			l.executionBytes = max(l.executionBytes, len(r.RawValues()[0]))
			l.executions[e.ID] = e
			versions = append(versions, e.Version)
			return nil
		}, row.id)
		if err != nil {
			return nil, err
		}
	}
	for _, id := range l.state.Live {
		if l.executions[id] == nil {
			return nil, fmt.Errorf("store: execution %s of pipeline %d is not there", id, row.id)
		}
	}
	for _, v := range versions {
		if l.declarations[v] != nil {
			continue
		}
		if known != nil && known.declarations[v] != nil {
			l.declarations[v], l.declarationBytes = known.declarations[v], known.declarationBytes
			continue
		}
		d, n, err := t.loadDeclaration(row.id, v)
		if err != nil {
			return nil, fmt.Errorf("store: version %d of pipeline %d: %w", v, row.id, err)
		}
		l.declarations[v] = d
		l.declarationBytes = max(l.declarationBytes, n)
	}
	return l, nil
}

// Apply implements store.PipelineWriter.
func (t *txn) Apply(s *engine.Snapshot, p engine.Plan) error {
	id := s.Pipeline.ID
	h := t.held[id]
	if h == nil || h.live == nil {
		return fmt.Errorf("store: the snapshot of pipeline %d is out of date", id)
	}
	l := *h.live
	var doc []byte
	if p.State != nil {
		doc = store.AppendState(nil, p.State)
		l.state, l.stateBytes = p.State, len(doc)
	}
	if p.State != nil || len(p.Executions) > 0 {
		l.change++
		err := t.put(row{table: "pipeline", pipeline: id}, `UPDATE pipeline SET change = w.change, state = coalesce(w.state, pipeline.state)
			FROM (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) LIMIT $4) AS w (id, change, state)
			WHERE pipeline.id = w.id`, id, l.change, doc)
		if err != nil {
			return err
		}
	}
	for _, e := range p.Executions {
		n, err := t.putExecution(id, e, l.state.Live, s.Executions[e.ID] == nil)
		if err != nil {
			return err
		}
		l.executionBytes = max(l.executionBytes, n)
	}
	l.take(s, p.Executions)
	h.live, h.own = &l, true
	h.row.change = l.change
	return t.applyChanges(id, p.Changes)
}

// take makes the changed executions the known ones, drops those that ended and
// the versions that only they ran.
func (l *live) take(s *engine.Snapshot, changed []*engine.Execution) {
	l.executions, l.declarations = maps.Clone(l.executions), maps.Clone(l.declarations)
	for _, e := range changed {
		if !slices.Contains(l.state.Live, e.ID) {
			delete(l.executions, e.ID)
			continue
		}
		l.executions[e.ID] = e
		l.declarations[e.Version] = s.Declarations[e.Version]
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
