package runlocal

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"penstock/internal/api"
	"penstock/internal/core/actiontype"
	"penstock/internal/execworker"
	"penstock/jobworker"
)

// startWorkers registers the custom types and starts a worker for each.
func (r *run) startWorkers(ctx context.Context) error {
	if len(r.types) == 0 {
		return nil
	}
	caller, err := r.caller()
	if err != nil {
		return err
	}
	files := execworker.NewS3(execworker.S3Config{Region: r.Region, Endpoint: r.url})
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	end := r.stop
	r.stop = func() { stop(); end() }
	for _, t := range r.types {
		if _, err := r.client.CreateCustomActionType(ctx, typeInput(t)); err != nil {
			return err
		}
		command := r.Workers[typeKey(t.ID.Category, t.ID.Provider)]
		handler := func(ctx context.Context, task *jobworker.Task) (jobworker.Success, error) {
			c := task.Job.Context
			return execworker.New(execworker.Config{
				Command: command, S3: files, Dir: r.dir, Env: r.Env, Output: r.logs.of(c.Stage, c.Action), Grace: time.Second,
			})(ctx, task)
		}
		worker := jobworker.New(jobworker.NewClient(caller, jobworker.ActionType(t.ID), nil), handler, jobworker.Options{
			Concurrency: 4, Grace: time.Second, CheckEvery: time.Second, Log: slog.New(slog.DiscardHandler),
		})
		r.start(func() error { return worker.Run(serving) })
	}
	return nil
}

// typeInput describes a type to the server.
func typeInput(t actiontype.Type) *api.CreateCustomActionTypeInput {
	in := &api.CreateCustomActionTypeInput{
		Category: t.ID.Category, Provider: t.ID.Provider, Version: t.ID.Version,
		InputArtifactDetails:  api.ArtifactDetails{MinimumCount: t.MinInputs, MaximumCount: t.MaxInputs},
		OutputArtifactDetails: api.ArtifactDetails{MinimumCount: t.MinOutputs, MaximumCount: t.MaxOutputs},
	}
	for _, p := range t.Properties {
		in.ConfigurationProperties = append(in.ConfigurationProperties, api.ActionConfigurationProperty{
			Name: p.Name, Required: p.Required, Key: p.Key, Secret: p.Secret, Queryable: &p.Queryable, Description: p.Description, Type: p.Type,
		})
	}
	return in
}

// keep is how much of a log is kept for the end, in bytes.
const keep = 64 << 10

// logs keeps the end of what workers' commands print, by action.
type logs struct {
	mu    sync.Mutex
	tails map[string][]byte
}

func newLogs() *logs { return &logs{tails: map[string][]byte{}} }

// of is the log of an action.
func (l *logs) of(stage, action string) *tail { return &tail{l, stage + "/" + action} }

func (l *logs) text(stage, action string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.tails[stage+"/"+action])
}

type tail struct {
	l    *logs
	name string
}

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.l.mu.Lock()
	defer t.l.mu.Unlock()
	text := append(t.l.tails[t.name], b...)
	t.l.tails[t.name] = text[max(0, len(text)-keep):]
	return len(b), nil
}
