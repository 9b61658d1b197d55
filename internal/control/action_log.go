package control

import (
	"context"
	"errors"
	"unicode/utf8"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/core/engine"
	"penstock/internal/core/fault"
	"penstock/internal/store"
)

// GetActionLogInput asks for a piece of an action's log. The action execution
// is named by its id, or is the newest one of the stage and action.
type GetActionLogInput struct {
	PipelineName      string `json:"pipelineName"`
	ActionExecutionID string `json:"actionExecutionId,omitempty"`
	StageName         string `json:"stageName,omitempty"`
	ActionName        string `json:"actionName,omitempty"`
	Offset            int64  `json:"offset,omitempty"`
}

// GetActionLogOutput is the piece from the offset on. With the header
// "Prefer: wait=SECONDS" the answer waits for some to come.
type GetActionLogOutput struct {
	ActionExecutionID string `json:"actionExecutionId"`
	StageName         string `json:"stageName"`
	ActionName        string `json:"actionName"`
	Status            string `json:"status"`
	Content           string `json:"content"`
	NextOffset        int64  `json:"nextOffset"`
	Ended             bool   `json:"ended"` // the action has ended and the log was read to its end
}

// logChunk is the most bytes of a log that one call returns.
const logChunk = 256 << 10

func (s *Service) getActionLog(ctx context.Context, who auth.Principal, in *GetActionLogInput) (*GetActionLogOutput, error) {
	if in.Offset < 0 {
		return nil, invalid("offset must not be negative")
	}
	rec, err := s.findAction(ctx, who, in)
	if err != nil {
		return nil, err
	}
	chunk, err := s.Logs.Read(ctx, rec.ID, in.Offset, logChunk, api.PreferWait(ctx))
	if err != nil {
		return nil, err
	}
	whole := wholeCharacters(chunk.Content)
	chunk.Next -= int64(len(chunk.Content) - whole)
	chunk.Content = chunk.Content[:whole]
	return &GetActionLogOutput{
		ActionExecutionID: rec.ID, StageName: rec.Stage, ActionName: rec.Action, Status: string(rec.Status),
		Content: string(chunk.Content), NextOffset: chunk.Next,
		Ended: rec.Status != engine.InProgress && len(chunk.Content) == 0 || chunk.Ended && rec.Status != engine.InProgress,
	}, nil
}

func (s *Service) findAction(ctx context.Context, who auth.Principal, in *GetActionLogInput) (rec engine.ActionRecord, err error) {
	err = s.Store.View(ctx, func(r store.Reader) error {
		p, err := r.Pipeline(who.Account, who.Region, in.PipelineName)
		if errors.Is(err, store.ErrNotFound) {
			return fault.New("PipelineNotFoundException", "The account with AWS account ID '%s' does not include a pipeline named '%s'", who.Account, in.PipelineName)
		}
		if err != nil {
			return err
		}
		if in.ActionExecutionID != "" {
			rec, err = r.Action(p.ID, in.ActionExecutionID)
			if errors.Is(err, store.ErrNotFound) {
				return fault.New("ActionExecutionNotFoundException", "Pipeline '%s' has no action execution '%s'", p.Name, in.ActionExecutionID)
			}
			return err
		}
		all, err := r.LatestActions(p.ID)
		if err != nil {
			return err
		}
		found := false
		for at, candidate := range all {
			if (in.StageName == "" || at.Stage == in.StageName) && at.Action == in.ActionName && (!found || candidate.ID > rec.ID) {
				rec, found = candidate, true
			}
		}
		if !found {
			return fault.New("ActionNotFoundException", "Action '%s' of pipeline '%s' has not run yet", in.ActionName, p.Name)
		}
		return nil
	})
	return rec, err
}

// wholeCharacters is the length of b without a character that was cut at its
// end: the next piece brings all of it.
func wholeCharacters(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if r := b[len(b)-n:]; utf8.RuneStart(r[0]) {
			if !utf8.FullRune(r) && n < len(b) {
				return len(b) - n
			}
			break
		}
	}
	return len(b)
}
