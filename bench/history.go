package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"penstock/internal/api"
)

// startPast starts a second installation whose store holds a long past.
func (b *bench) startPast(ctx context.Context, pipelines int) error {
	s, err := b.site(ctx, "penstock-past")
	if err != nil {
		return err
	}
	if err := setUp(ctx, s.nodes[0].url, []*workload{jobLoad}, pipelines, pastPipeline()); err != nil {
		return err
	}
	if err := runPast(s.nodes[0].addr); err != nil {
		return err
	}
	if err := b.stop(s); err != nil {
		return err
	}
	begin := time.Now()
	if err := s.seed(ctx, b.plan.History); err != nil {
		return fmt.Errorf("seeding: %w", err)
	}
	b.say("seeded %d past executions in %s", b.plan.History, time.Since(begin).Round(time.Second))
	if err := b.launch(ctx, s); err != nil {
		return err
	}
	b.say("the server with history started in %s", s.started.Round(time.Millisecond))
	b.past = newSystem(real, s.nodes, b.database)
	b.pastSite = s
	return nil
}

// seed copies the execution of the history pipeline n times into the database
// of an installation that is stopped.
func (s *site) seed(ctx context.Context, n int) (err error) {
	var store pastStore
	if s.database != "" {
		store, err = openPostgresPast(ctx, s.database)
	} else {
		store, err = openSQLitePast(filepath.Join(s.dir, "data", "penstock.db"))
	}
	if err != nil {
		return err
	}
	return errors.Join(seed(ctx, store, n), store.close())
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
