package execworker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"penstock/jobworker"
)

// Result is what a command may write, as JSON, to the file that PENSTOCK_RESULT
// names. Every member may be left out.
type Result struct {
	OutputVariables     map[string]string `json:"outputVariables"` // custom jobs only
	ExternalExecutionID string            `json:"externalExecutionId"`
	Summary             string            `json:"summary"` // default: the last line printed
	PercentComplete     *int              `json:"percentComplete"`
	Revision            *ResultRevision   `json:"revision"` // for source actions
	// ContinuationToken makes the action go on: a later job runs the command
	// again with this in PENSTOCK_CONTINUATION_TOKEN.
	ContinuationToken string `json:"continuationToken"`
	// FailureType goes with a non-zero exit status; default JobFailed.
	FailureType string `json:"failureType"`
}

// ResultRevision is the revision a source action read.
type ResultRevision struct {
	ID       string    `json:"id"`
	ChangeID string    `json:"changeId"` // default: the id, cut to the API's 100 characters
	Created  time.Time `json:"created"`
	Summary  string    `json:"summary"`
}

// maxResult bounds the result file: the API takes 120 KiB of variables.
const maxResult = 1 << 20

// readResult returns the zero Result when there is no file. The folder is
// opened as a root, so that a link in the file's place leads nowhere.
func readResult(f folders) (r Result, err error) {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return r, err
	}
	defer root.Close()
	name := filepath.Base(f.result)
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxResult {
		return r, fmt.Errorf("not a regular file of at most %d bytes", maxResult)
	}
	file, err := root.Open(name)
	if err != nil {
		return r, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxResult))
	if err != nil || len(text) == 0 {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
}

func (r Result) success(last *tail) jobworker.Success {
	s := jobworker.Success{
		ContinuationToken: r.ContinuationToken,
		OutputVariables:   r.OutputVariables,
		Details:           &jobworker.Details{Summary: r.Summary, ExternalID: r.ExternalExecutionID, PercentComplete: r.PercentComplete},
	}
	if s.Details.Summary == "" {
		s.Details.Summary = last.line()
	}
	if v := r.Revision; v != nil {
		s.Revision = &jobworker.Revision{ID: v.ID, ChangeID: v.ChangeID, Created: v.Created, Summary: v.Summary}
		if v.ChangeID == "" {
			s.Revision.ChangeID = v.ID[:min(len(v.ID), 100)]
		}
	}
	return s
}
