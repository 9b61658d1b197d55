package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"penstock/internal/api"
	"penstock/internal/sqlite"
)

// startPast starts a second server whose store holds a long past: half of it
// of the pipelines under load, half of one idle pipeline for each ten past
// executions. The rows are copies of an execution that really ran.
func (b *bench) startPast(ctx context.Context, pipelines int) error {
	p, err := b.server(ctx, "penstock-past")
	if err != nil {
		return err
	}
	if err := setUp(ctx, p.url, pipelines, pastPipeline()); err != nil {
		return err
	}
	if err := runPast(p.addr); err != nil {
		return err
	}
	b.running = slices.DeleteFunc(b.running, func(q *process) bool { return q == p })
	if err := p.stop(); err != nil {
		return err
	}
	begin := time.Now()
	if err := seed(ctx, filepath.Join(b.dir, "penstock-past", "data", "penstock.db"), b.plan.History); err != nil {
		return fmt.Errorf("seeding: %w", err)
	}
	b.say("seeded %d past executions in %s", b.plan.History, time.Since(begin).Round(time.Second))
	begin = time.Now()
	if p, err = b.server(ctx, "penstock-past"); err != nil {
		return err
	}
	b.say("the server with history started in %s", time.Since(begin).Round(time.Millisecond))
	b.past = newSystem(real, p)
	return nil
}

// runPast lets the one execution of the history pipeline run to its end.
func runPast(addr string) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.net.Close()
	if err := c.net.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	for _, t := range pastTypes {
		answer, err := c.call("PollForJobs", pollBody(t), handoverWait)
		if err != nil {
			return err
		}
		id := bytes.Clone(text(answer, `"id":"`))
		if id == nil {
			return fmt.Errorf("no job of %s", t.Provider)
		}
		if _, err := c.call("AcknowledgeJob", acknowledgement(nil, id, text(answer, `"nonce":"`)), 0); err != nil {
			return err
		}
		if _, err := c.call("PutJobSuccessResult", success(nil, id), 0); err != nil {
			return err
		}
	}
	done, err := c.call("ListPipelineExecutions", api.Encode(&api.ListPipelineExecutionsInput{PipelineName: pastName}), 0)
	if err == nil && !bytes.Contains(done, []byte(`"Succeeded"`)) {
		err = fmt.Errorf("the execution to copy did not succeed: %s", done)
	}
	return err
}

// seedStep is how many executions one transaction adds.
const seedStep = 20_000

// seed copies the execution of the history pipeline n times into a database
// that no server has open.
func seed(ctx context.Context, path string, n int) error {
	db, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		return err
	}
	s := &seeder{ids: idMaker{ms: time.Now().Add(-365 * 24 * time.Hour).UnixMilli()}}
	err = db.Update(ctx, func(tx *sqlite.Tx) error { return s.read(tx) })
	for err == nil && s.done < n {
		err = db.Update(ctx, func(tx *sqlite.Tx) error { return s.step(tx, min(seedStep, n-s.done), n) })
	}
	if cerr := db.Close(); err == nil {
		err = cerr
	}
	return err
}

// seeder holds the rows to copy and how far it is.
type seeder struct {
	ids       idMaker
	pipeline  int64   // that ran
	loaded    []int64 // pipelines under load
	execution row
	actions   []row
	passed    []string // stages

	done   int
	idle   int64 // the idle pipeline that is being filled
	filled int   // executions it got
}

// row is a document with its key and the columns beside them.
type row struct {
	id, status string
	updated    int64
	doc, extra []byte
}

const perIdlePipeline = 5

// read takes the rows to copy from the database.
func (s *seeder) read(tx *sqlite.Tx) error {
	r, ok := tx.QueryRow(`SELECT e.pipeline_id, e.id, e.doc FROM execution e JOIN pipeline p ON p.id = e.pipeline_id WHERE p.name = ?`, pastName)
	if !ok {
		return fmt.Errorf("nothing to copy: %w", r.Err())
	}
	s.pipeline, s.execution = r.Int64(0), row{id: r.Text(1), doc: r.Blob(2)}
	rows := tx.Query(`SELECT id, status, updated, doc, result FROM action_execution WHERE execution = ?`, s.execution.id)
	defer rows.Close()
	for rows.Next() {
		s.actions = append(s.actions, row{rows.Text(0), rows.Text(1), rows.Int64(2), rows.Blob(3), rows.Blob(4)})
	}
	stages := tx.Query(`SELECT stage FROM stage_passed WHERE execution = ?`, s.execution.id)
	defer stages.Close()
	for stages.Next() {
		s.passed = append(s.passed, stages.Text(0))
	}
	ids := tx.Query(`SELECT id FROM pipeline WHERE name <> ? ORDER BY id`, pastName)
	defer ids.Close()
	for ids.Next() {
		s.loaded = append(s.loaded, ids.Int64(0))
	}
	for _, err := range []error{rows.Err(), stages.Err(), ids.Err()} {
		if err != nil {
			return err
		}
	}
	if len(s.actions) == 0 || len(s.passed) == 0 || len(s.loaded) == 0 {
		return fmt.Errorf("the execution to copy has %d actions in %d stages, beside %d pipelines", len(s.actions), len(s.passed), len(s.loaded))
	}
	return nil
}

// step adds the next count of n executions: to the pipelines under load first.
func (s *seeder) step(tx *sqlite.Tx, count, n int) error {
	for range count {
		pipeline := s.loaded[int(int64(s.done)*int64(len(s.loaded))/int64(max(n/2, 1)))%len(s.loaded)]
		if s.done >= n/2 {
			if err := s.nextIdle(tx); err != nil {
				return err
			}
			pipeline = s.idle
		}
		if err := s.insert(tx, pipeline); err != nil {
			return err
		}
		s.done++
	}
	return nil
}

// nextIdle makes a new idle pipeline when the last one is full.
func (s *seeder) nextIdle(tx *sqlite.Tx) error {
	if s.idle != 0 && s.filled < perIdlePipeline {
		s.filled++
		return nil
	}
	name := "idle-" + strconv.Itoa(s.done)
	err := tx.Exec(`INSERT INTO pipeline (account, region, name, version, mode, type, created, updated, state)
		SELECT account, region, ?, version, mode, type, created, updated, state FROM pipeline WHERE id = ?`, name, s.pipeline)
	if err != nil {
		return err
	}
	s.idle, s.filled = tx.LastInsertID(), 1
	return tx.Exec(`INSERT INTO pipeline_version (pipeline_id, version, doc)
		SELECT ?, version, CAST(replace(CAST(doc AS TEXT), ?, ?) AS BLOB) FROM pipeline_version WHERE pipeline_id = ?`, s.idle, pastName, name, s.pipeline)
}

// insert adds a copy of the execution under new ids.
func (s *seeder) insert(tx *sqlite.Tx, pipeline int64) error {
	execution := s.ids.next()
	doc := bytes.ReplaceAll(s.execution.doc, []byte(s.execution.id), []byte(execution))
	for _, a := range s.actions {
		id := s.ids.next()
		doc = bytes.ReplaceAll(doc, []byte(a.id), []byte(id))
		own := bytes.ReplaceAll(bytes.ReplaceAll(a.doc, []byte(a.id), []byte(id)), []byte(s.execution.id), []byte(execution))
		err := tx.Exec(`INSERT INTO action_execution (pipeline_id, id, execution, status, updated, has_outputs, doc, result)
			VALUES (?, ?, ?, ?, ?, 1, ?, ?)`, pipeline, id, execution, a.status, a.updated, own, a.extra)
		if err != nil {
			return err
		}
	}
	for _, stage := range s.passed {
		if err := tx.Exec(`INSERT INTO stage_passed (pipeline_id, stage, version, execution) VALUES (?, ?, 1, ?)`, pipeline, stage, execution); err != nil {
			return err
		}
	}
	return tx.Exec(`INSERT INTO execution (pipeline_id, id, doc) VALUES (?, ?, ?)`, pipeline, execution, doc)
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
