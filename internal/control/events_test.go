package control_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"penstock/internal/control"
	"penstock/internal/core/engine"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// gated makes a pipeline of somebody's that waits for an approval at once.
func (s *server) gated(account, region, name string) (id int64) {
	s.Helper()
	s.update(func(tx store.Tx) (err error) {
		approve := pipeline.Action{Name: "Ask", RunOrder: 1, Type: pipeline.ActionType{Category: "Approval", Owner: "AWS", Provider: "Manual", Version: "1"}}
		id, err = tx.InsertPipeline(store.Pipeline{
			Pipeline: engine.Pipeline{Account: account, Region: region, Name: name}, Version: 1, Mode: pipeline.Superseded, Type: pipeline.V2,
		}, &pipeline.Declaration{
			Name: name, Version: 1, Mode: pipeline.Superseded, Type: pipeline.V2, ArtifactStore: &pipeline.ArtifactStore{Bucket: "b"},
			Stages: []pipeline.Stage{{Name: "Gate", Actions: []pipeline.Action{approve}}},
		})
		return err
	})
	return id
}

func (s *server) update(fn func(tx store.Tx) error) {
	s.Helper()
	if err := s.Store.Update(s.Context(), fn); err != nil {
		s.Fatal(err)
	}
}

func (s *server) begin(pipeline int64) {
	s.Helper()
	s.update(func(tx store.Tx) error {
		_, err := s.Store.Step(tx, pipeline, engine.Start{})
		return err
	})
}

// events calls GetEvents and renders the answer's events as "name level".
func (s *server) events(in control.GetEventsInput) (told []string, out control.GetEventsOutput) {
	s.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		s.Fatal(err)
	}
	if err := json.Unmarshal([]byte(s.must("GetEvents", string(body))), &out); err != nil {
		s.Fatal(err)
	}
	for _, raw := range out.Events {
		var e struct {
			Account, Region string
			Detail          struct{ Pipeline, Stage, Action, State string }
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			s.Fatal(err)
		}
		if e.Account != s.who.Account || e.Region != s.who.Region {
			s.Errorf("%s %s sees %s", s.who.Account, s.who.Region, raw)
		}
		told = append(told, fmt.Sprintf("%s/%s/%s %s", e.Detail.Pipeline, e.Detail.Stage, e.Detail.Action, e.Detail.State))
	}
	return told, out
}

func started(names ...string) (want []string) {
	for _, n := range names {
		want = append(want, n+"// STARTED", n+"/Gate/ STARTED", n+"/Gate/Ask STARTED")
	}
	return want
}

// TestGetEvents: callers see the events of their account and region, go on by
// the cursor, and can leave out other pipelines.
func TestGetEvents(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	if told, out := s.events(control.GetEventsInput{SinceSeconds: 3600}); len(told) != 0 || out.Cursor == "" || out.More || out.Missed {
		t.Errorf("of a new server: %v, %+v", told, out)
	}
	a, b := s.gated(s.who.Account, s.who.Region, "a"), s.gated(s.who.Account, s.who.Region, "b")
	for _, id := range []int64{a, s.gated("999999999999", s.who.Region, "a"), s.gated(s.who.Account, "us-east-1", "a"), b} {
		s.begin(id)
	}
	check := func(name string, in control.GetEventsInput, want []string) control.GetEventsOutput {
		t.Helper()
		told, out := s.events(in)
		if !slices.Equal(told, want) || out.More || out.Missed {
			t.Errorf("%s: %v, %+v, want %v", name, told, out, want)
		}
		return out
	}
	now := check("from now on", control.GetEventsInput{}, nil)
	all := check("of the last hour", control.GetEventsInput{SinceSeconds: 3600}, started("a", "b"))
	check("since ever", control.GetEventsInput{SinceSeconds: 1 << 62}, started("a", "b"))
	one := check("of one pipeline", control.GetEventsInput{SinceSeconds: 3600, PipelineName: "b"}, started("b"))
	if all.Cursor != one.Cursor || all.Cursor != now.Cursor {
		t.Errorf("cursors %s, %s, %s", all.Cursor, one.Cursor, now.Cursor)
	}
	s.update(func(tx store.Tx) error { return tx.DeletePipeline(b) })
	check("of a deleted pipeline", control.GetEventsInput{Cursor: "e1-0", PipelineName: "b"}, started("b"))
	c := s.gated(s.who.Account, s.who.Region, "c")
	s.begin(c)
	next := check("after the cursor", control.GetEventsInput{Cursor: all.Cursor}, started("c"))
	check("after the end", control.GetEventsInput{Cursor: next.Cursor}, nil)

	s.refuse("GetEvents", `{"pipelineName":"none"}`, "PipelineNotFoundException", "'none'")
	s.refuse("GetEvents", `{"sinceSeconds":-1}`, "ValidationException", "sinceSeconds")
	for _, cursor := range []string{"x", "e1-", "e1--1", "e1-zzz", "e2-0", "e1-0 "} {
		s.refuse("GetEvents", `{"cursor":"`+cursor+`"}`, "ValidationException", "cursor is not one")
	}
}

// TestGetEventsPages: long answers come in pieces, and what is not for the
// caller does not make an answer look like the end.
func TestGetEventsPages(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	mine, others := s.gated(s.who.Account, s.who.Region, "mine"), s.gated("999999999999", s.who.Region, "theirs")
	start := func(id int64, n int) {
		s.update(func(tx store.Tx) error {
			for range n {
				if _, err := s.Store.Step(tx, id, engine.Start{}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	start(mine, 300)
	start(others, 5000)
	start(mine, 1)
	in := control.GetEventsInput{SinceSeconds: 3600}
	total, calls, empty := 0, 0, 0
	for more := true; more; calls++ {
		told, out := s.events(in)
		if total += len(told); len(told) == 0 {
			empty++
		}
		in.Cursor, more = out.Cursor, out.More
		if calls > 50 {
			t.Fatal("no end of the pages")
		}
	}
	// The first start enters the gate; the others wait in front of it, each
	// until the next comes.
	if want := 3 + 2*300 - 1; total != want || calls < 3 || empty == 0 {
		t.Errorf("%d events in %d calls, %d of them empty; want %d", total, calls, empty, want)
	}
}

// TestGetEventsMissed: who comes after the purge is told that something is
// missing.
func TestGetEventsMissed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	id := s.gated(s.who.Account, s.who.Region, "a")
	_, before := s.events(control.GetEventsInput{})
	s.begin(id)
	s.begin(id)
	s.update(func(tx store.Tx) error {
		_, err := tx.Purge(time.Now().Add(25*time.Hour), 1000)
		return err
	})
	told, out := s.events(control.GetEventsInput{Cursor: before.Cursor})
	if !out.Missed || !slices.Equal(told, []string{"a// STARTED"}) {
		t.Errorf("%v, %+v", told, out)
	}
	if told, out := s.events(control.GetEventsInput{SinceSeconds: 3600}); out.Missed || len(told) != 1 {
		t.Errorf("without a cursor: %v, %+v", told, out)
	}
}
