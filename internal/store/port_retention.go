package store

import (
	"fmt"
	"time"

	"penstock/internal/core/engine"
)

// OldExecution is an execution that began long ago.
type OldExecution struct {
	PipelineID int64
	*engine.Execution
}

// PipelineVersion is a version of a pipeline's declaration.
type PipelineVersion struct {
	PipelineID int64
	Version    int
	Unused     bool
}

// Size is how much there is of a kind of record.
type Size struct {
	Kind           string
	Rows           int64
	Oldest, Newest time.Time // zero when there are none
}

// RetentionReader finds what may be too old to be kept.
type RetentionReader interface {
	// OldExecutions lists the executions of all pipelines that began before t,
	// oldest first, those with ids above the given one.
	OldExecutions(t time.Time, above string, limit int) ([]OldExecution, error)
	// PipelineVersions lists versions of all pipelines, by pipeline and number,
	// those above the given one; those that were replaced before t and that no
	// execution that is kept ran are Unused.
	PipelineVersions(t time.Time, above PipelineVersion, limit int) ([]PipelineVersion, error)
	// Sizes counts records, which takes long when there are many, and the bytes
	// of the whole database.
	Sizes() (sizes []Size, bytes int64, err error)
}

// RetentionWriter removes what is too old to be kept.
type RetentionWriter interface {
	// RemoveExecution removes an execution and all of its history, unless it is
	// Pinned.
	RemoveExecution(pipelineID int64, e *engine.Execution) (removed bool, err error)
	// RemoveVersion removes a version of a pipeline, unless it is in force or an
	// execution ran it.
	RemoveVersion(pipelineID int64, version int) (removed bool, err error)
	// PurgeAudit removes at most limit audit records from before t, and reports
	// whether there may be more.
	PurgeAudit(t time.Time, limit int) (more bool, err error)
}

// PinReader is what Pinned reads.
type PinReader interface {
	State(pipelineID int64) (*engine.State, error)
	LatestActions(pipelineID int64) (map[StageAction]engine.ActionRecord, error)
}

// Pinned returns the executions of a pipeline that are kept whatever their age:
// those that have not ended, the newest in each stage (which can be retried, and
// which GetPipelineState shows), the one that each stage goes back to in a
// rollback, and those of the newest attempt of each action. ErrNotFound when the
// pipeline is deleted.
func Pinned(r PinReader, pipelineID int64) (map[string]bool, error) {
	state, err := r.State(pipelineID)
	if err != nil {
		return nil, err
	}
	pinned := map[string]bool{}
	for _, id := range state.Live {
		pinned[id] = true
	}
	for _, s := range state.Stages {
		pinned[s.Holder], pinned[s.Latest], pinned[s.Passed] = true, true, true
	}
	latest, err := r.LatestActions(pipelineID)
	for _, a := range latest {
		pinned[a.Execution] = true
	}
	return pinned, err
}

// IDBefore is above the ids that were made before t, and below all others: ids
// begin with their time in milliseconds (UUIDv7).
func IDBefore(t time.Time) string {
	ms := max(t.UnixMilli(), 0)
	return fmt.Sprintf("%08x-%04x", uint32(ms>>16), uint16(ms))
}

// IDTime is when an id was made; zero for what is none.
func IDTime(id string) time.Time {
	var high uint32
	var low uint16
	if n, err := fmt.Sscanf(id, "%08x-%04x", &high, &low); n != 2 || err != nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(high)<<16 | int64(low)).UTC()
}
