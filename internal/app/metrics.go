package app

import (
	"context"
	"net/http"
	"time"

	"penstock/internal/core/job"
	"penstock/internal/obs"
	"penstock/internal/store"
)

// maxOverdue bounds how many overdue timers are counted.
const maxOverdue = 1000

// kinds are the values of the label of that name.
var kinds = map[job.Kind]string{job.Custom: "custom", job.Partner: "partner", job.Native: "built-in"}

// reading tells an operator how the server does.
func (a *App) reading(ctx context.Context) obs.Reading {
	r := obs.Reading{Work: work(a.driver.Work())}
	r.DataFree, r.DataSize = space(a.cfg.Data)
	r.DatabaseUp = a.ask(ctx, &r) == nil
	return r
}

// ask fills in what only the database knows.
func (a *App) ask(ctx context.Context, r *obs.Reading) error {
	now := a.store.Now()
	waiting, err := a.store.Waiting(ctx)
	if err != nil {
		return err
	}
	r.Queues = map[string]obs.Queue{}
	for kind, name := range kinds {
		w := waiting[kind]
		q := obs.Queue{Ready: w.Ready, HandedOut: w.HandedOut}
		if w.Ready > 0 {
			q.Oldest = max(now.Sub(w.Oldest), 0)
		}
		r.Queues[name] = q
	}
	err = a.store.View(ctx, func(tx store.Reader) error {
		due, err := tx.Due(now, maxOverdue)
		if r.TimersOverdue = len(due); len(due) > 0 {
			r.TimerOverdue = now.Sub(due[0].At)
		}
		return err
	})
	if err != nil {
		return err
	}
	nodes, err := a.store.Nodes(ctx)
	r.Nodes = len(nodes)
	for _, n := range nodes {
		if n.Self {
			r.Lease, r.Heartbeat = true, max(n.Silent, 0)
		}
	}
	return err
}

func work(w store.Work) obs.Work {
	out := obs.Work{Updates: w.Updates, Groups: w.Groups, Alone: w.Alone, Statements: w.Statements, Failures: w.Failures}
	if f := w.File; f != nil {
		out.File = &obs.File{Checkpoints: f.Checkpoints, LogBytes: f.LogBytes}
	}
	if p := w.Pool; p != nil {
		out.Pool = &obs.Pool{Open: p.Open, Busy: p.Busy, Most: p.Most, Waits: p.Waits, Waited: p.Waited}
	}
	return out
}

// metricsServer serves metrics on an address of their own.
func (a *App) metricsServer() *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.Handler())
	return &http.Server{
		Handler: mux, ReadHeaderTimeout: 20 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 3 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
}

// MetricsURL is where metrics are served.
func (a *App) MetricsURL() string {
	base := a.URL()
	if a.metricsAt != nil {
		base = "http://" + a.metricsAt.Addr().String()
	}
	return base + "/metrics"
}
