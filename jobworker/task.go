package jobworker

import (
	"context"
	"sync"
	"time"
)

// Task is one acknowledged job in a Handler's hands.
type Task struct {
	// Job is the job as it was handed out. Its credentials grow old: long work
	// takes them from Credentials.
	Job Job

	client     Client
	renewAfter time.Duration

	mu      sync.Mutex
	current Credentials
	since   time.Time
}

// NewTask returns the task that a Worker would hand to its Handler; it serves
// tests of handlers. renewAfter 0 means 10 minutes.
func NewTask(client Client, j Job, renewAfter time.Duration) *Task {
	if renewAfter <= 0 {
		renewAfter = 10 * time.Minute
	}
	return &Task{Job: j, client: client, renewAfter: renewAfter, current: j.Credentials, since: time.Now()}
}

// Credentials returns artifact credentials that are not old, asking the server
// for new ones when they are. ErrLost says that the job has ended.
func (t *Task) Credentials(ctx context.Context) (Credentials, error) {
	t.mu.Lock()
	c, fresh := t.current, time.Since(t.since) < t.renewAfter
	t.mu.Unlock()
	if fresh {
		return c, nil
	}
	if err := t.renew(ctx); err != nil {
		return Credentials{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current, nil
}

// renew fetches new credentials. A job that had some and has none now has
// ended: the server hands none out for such jobs.
func (t *Task) renew(ctx context.Context) error {
	j, err := t.client.Details(ctx, t.Job)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if j.Credentials.AccessKeyID == "" && t.current.AccessKeyID != "" {
		return ErrLost
	}
	t.current, t.since = j.Credentials, time.Now()
	return nil
}
