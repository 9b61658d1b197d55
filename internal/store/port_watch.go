package store

import "time"

// Watch is a source action that polls for changes.
type Watch struct {
	PipelineID            int64
	Account, Region, Name string // of the pipeline
	Action                string
	Bucket, Key           string
	Seen                  string // revision that last started an execution; "" = none yet
	// Problem is what keeps the source from being read now.
	Problem WatchProblem
}

// WatchProblem says why a source cannot be read; its code is "" when it can.
type WatchProblem struct {
	Code, Message string
	Since         time.Time
}

// WatchReader reads watches.
type WatchReader interface {
	Watches() ([]Watch, error)
	WatchesOf(bucket, key string) ([]Watch, error)
	// PipelineWatches lists the watches of a pipeline by action.
	PipelineWatches(pipelineID int64) ([]Watch, error)
	// CountPolling counts the pipelines that have watches.
	CountPolling(account, region string) (int, error)
	// PollingStopped returns when the pipeline's sources were last looked at
	// (StopPolling); zero while they are.
	PollingStopped(pipelineID int64) (time.Time, error)
}

// WatchWriter writes watches.
type WatchWriter interface {
	// SetWatches replaces the watches of a pipeline, keeping Seen and Problem
	// of those whose action, bucket and key stay, and ends a StopPolling.
	SetWatches(pipelineID int64, w []Watch) error
	// Saw sets Seen and ends the problem.
	Saw(pipelineID int64, action, revision string) error
	// ClaimRevision sets Seen of a watch that was read before, and ends its
	// problem. It reports false, without doing so, when the watch is not what
	// it was: of all who claim a revision one gets it.
	ClaimRevision(w Watch, revision string) (claimed bool, err error)
	// SetWatchProblem sets or ends the problem of a watch; one that has changed
	// its action, bucket or key meanwhile is left alone.
	SetWatchProblem(w Watch, p WatchProblem) error
	// StopPolling removes the watches of a pipeline and remembers when.
	StopPolling(pipelineID int64, now time.Time) error
}
