package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// pastTable is a table whose rows the seeder copies. Both stores have it with
// these columns; a kind is i for int64, s for string, b for bytes, t for bool.
type pastTable struct {
	name    string
	columns []string
	kinds   string
}

var (
	pipelineTable  = &pastTable{"pipeline", []string{"id", "account", "region", "name", "version", "mode", "type", "created", "updated", "state"}, "isssissiib"}
	versionTable   = &pastTable{"pipeline_version", []string{"pipeline_id", "version", "doc"}, "iib"}
	executionTable = &pastTable{"execution", []string{"pipeline_id", "id", "doc"}, "isb"}
	actionTable    = &pastTable{"action_execution", []string{"pipeline_id", "id", "execution", "status", "updated", "has_outputs", "doc", "result"}, "isssitbb"}
	passedTable    = &pastTable{"stage_passed", []string{"pipeline_id", "stage", "version", "execution"}, "isis"}
)

// pastStore is a database that no server has open.
type pastStore interface {
	// rows reads those that have the value in the column.
	rows(ctx context.Context, t *pastTable, column string, value any) ([][]any, error)
	// pipelines are the ids of all, in order.
	pipelines(ctx context.Context) ([]int64, error)
	// insert adds what fill gives it, in one transaction.
	insert(ctx context.Context, fill func(add func(t *pastTable, row []any) error) error) error
	// finish leaves the database as one is that has been in use for long.
	finish(ctx context.Context) error
	close() error
}

// past copies an execution that really ran, as often as is wanted. Of the
// copies, two fifths are of the pipelines under load, a tenth is of the one
// that ran it, and half is of idle pipelines, one for each five.
type past struct {
	ids    idMaker
	wanted int
	done   int

	deep, version      []any // the pipeline that ran
	execution          []any
	actions, passed    [][]any
	loaded             []int64
	idle, nextPipeline int64
	filled             int // executions that the idle pipeline got
}

const (
	perIdlePipeline = 5
	// seedStep is how many executions one transaction adds.
	seedStep = 20_000
)

// seed fills the store with n executions.
func seed(ctx context.Context, s pastStore, n int) error {
	p := &past{ids: idMaker{ms: time.Now().Add(-365 * 24 * time.Hour).UnixMilli()}, wanted: n}
	if err := p.read(ctx, s); err != nil {
		return err
	}
	for p.done < n {
		err := s.insert(ctx, func(add func(*pastTable, []any) error) error { return p.step(add, min(seedStep, n-p.done)) })
		if err != nil {
			return err
		}
	}
	return s.finish(ctx)
}

// read takes the rows to copy from the database.
func (p *past) read(ctx context.Context, s pastStore) error {
	one := func(t *pastTable, column string, value any) ([]any, error) {
		rows, err := s.rows(ctx, t, column, value)
		if err == nil && len(rows) != 1 {
			err = fmt.Errorf("%d rows of %s to copy, not one", len(rows), t.name)
		}
		if err != nil {
			return nil, err
		}
		return rows[0], nil
	}
	var err error
	if p.deep, err = one(pipelineTable, "name", pastName); err != nil {
		return err
	}
	if p.version, err = one(versionTable, "pipeline_id", p.deep[0]); err != nil {
		return err
	}
	if p.execution, err = one(executionTable, "pipeline_id", p.deep[0]); err != nil {
		return err
	}
	if p.actions, err = s.rows(ctx, actionTable, "pipeline_id", p.deep[0]); err != nil {
		return err
	}
	if p.passed, err = s.rows(ctx, passedTable, "pipeline_id", p.deep[0]); err != nil {
		return err
	}
	if p.loaded, err = s.pipelines(ctx); err != nil {
		return err
	}
	p.nextPipeline = slices.Max(p.loaded) + 1
	p.loaded = slices.DeleteFunc(p.loaded, func(id int64) bool { return id == p.deep[0].(int64) })
	if len(p.actions) == 0 || len(p.passed) == 0 || len(p.loaded) == 0 {
		return fmt.Errorf("the execution to copy has %d actions in %d stages, beside %d pipelines", len(p.actions), len(p.passed), len(p.loaded))
	}
	return nil
}

// step adds the next count executions.
func (p *past) step(add func(*pastTable, []any) error, count int) error {
	busy, deep := p.wanted*2/5, p.wanted/2
	for range count {
		var pipeline int64
		switch {
		case p.done < busy:
			pipeline = p.loaded[p.done*len(p.loaded)/busy]
		case p.done < deep:
			pipeline = p.deep[0].(int64)
		default:
			if err := p.nextIdle(add); err != nil {
				return err
			}
			pipeline = p.idle
		}
		if err := p.copy(add, pipeline); err != nil {
			return err
		}
		p.done++
	}
	return nil
}

// nextIdle makes a new idle pipeline when the last one is full.
func (p *past) nextIdle(add func(*pastTable, []any) error) error {
	if p.idle != 0 && p.filled < perIdlePipeline {
		p.filled++
		return nil
	}
	name := "idle-" + strconv.Itoa(p.done)
	p.idle, p.filled = p.nextPipeline, 1
	p.nextPipeline++
	row := slices.Clone(p.deep)
	row[0], row[3] = p.idle, name
	if err := add(pipelineTable, row); err != nil {
		return err
	}
	row = slices.Clone(p.version)
	row[0], row[2] = p.idle, replaced(row[2], pastName, name)
	return add(versionTable, row)
}

// copy adds a copy of the execution under new ids.
func (p *past) copy(add func(*pastTable, []any) error, pipeline int64) error {
	old, id := p.execution[1].(string), p.ids.next()
	doc := replaced(p.execution[2], old, id)
	for _, like := range p.actions {
		row := slices.Clone(like)
		action := p.ids.next()
		doc = replaced(doc, like[1].(string), action)
		row[0], row[1], row[2] = pipeline, action, id
		row[6] = replaced(replaced(row[6], like[1].(string), action), old, id)
		if err := add(actionTable, row); err != nil {
			return err
		}
	}
	for _, like := range p.passed {
		row := slices.Clone(like)
		row[0], row[3] = pipeline, id
		if err := add(passedTable, row); err != nil {
			return err
		}
	}
	return add(executionTable, []any{pipeline, id, doc})
}

func replaced(doc any, old, with string) []byte {
	return bytes.ReplaceAll(doc.([]byte), []byte(old), []byte(with))
}

// idMaker makes ids in the form of UUIDv7 whose time goes on a millisecond
// with each, so that they are of the past and in order.
type idMaker struct{ ms int64 }

func (m *idMaker) next() string {
	m.ms++
	u := [16]byte{byte(m.ms >> 40), byte(m.ms >> 32), byte(m.ms >> 24), byte(m.ms >> 16), byte(m.ms >> 8), byte(m.ms), 0x70, 0, 0x80}
	h := hex.EncodeToString(u[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
