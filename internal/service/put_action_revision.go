package service

import (
	"context"
	"errors"
	"strings"

	"penstock/internal/api"
	"penstock/internal/core/engine"
	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// PutActionRevision tells of a revision of a source action. One that was not
// seen before starts an execution that keeps to it; for another the answer
// names the execution that used it (engine.md section 6.7).
func (s *Service) PutActionRevision(ctx context.Context, in *api.PutActionRevisionInput) (*api.PutActionRevisionOutput, error) {
	who := caller(ctx)
	out := &api.PutActionRevisionOutput{}
	err := s.store.Update(ctx, func(tx store.Tx) error {
		p, err := find(tx, who, in.PipelineName)
		if err != nil {
			return err
		}
		d, err := tx.Declaration(p.ID, p.Version)
		if err != nil {
			return err
		}
		if err := sourceAction(d, in.StageName, in.ActionName); err != nil {
			return err
		}
		if strings.ContainsRune(in.ActionRevision.RevisionId+in.ActionRevision.RevisionChangeId, 0) {
			return fault.New("ValidationException", "The revision of action '%s' has the character U+0000, which cannot be stored", in.ActionName)
		}
		rev := store.AnnouncedRevision{Action: in.ActionName, Revision: in.ActionRevision.RevisionId, Change: in.ActionRevision.RevisionChangeId}
		known, err := usedBy(tx, p.ID, in.StageName, rev)
		if err != nil {
			return err
		}
		fresh := known == ""
		out.NewRevision, out.PipelineExecutionId = &fresh, known
		if !fresh {
			return nil
		}
		rev.Execution, err = s.store.Step(tx, p.ID, engine.Start{
			Trigger: engine.Trigger{Type: "PutActionRevision", Detail: who.ARN},
			Bound: &engine.Binding{Action: rev.Action, Revision: engine.Revision{
				ID: rev.Revision, ChangeID: rev.Change, Created: in.ActionRevision.Created,
			}},
		})
		if err != nil {
			return err
		}
		out.PipelineExecutionId = rev.Execution
		// A poller need not start one more.
		if err := tx.Saw(p.ID, rev.Action, rev.Revision); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return tx.PutAnnounced(p.ID, rev)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// sourceAction checks that the action exists and is a source.
func sourceAction(d *pipeline.Declaration, stage, action string) error {
	st := d.Stage(stage)
	if st == nil {
		return fault.New("StageNotFoundException", "Stage '%s' was not found in pipeline '%s'", stage, d.Name)
	}
	if a := st.Action(action); a == nil || a.Type.Category != "Source" {
		return fault.New("ActionNotFoundException", "Source action '%s' was not found in stage '%s' of pipeline '%s'", action, stage, d.Name)
	}
	return nil
}

// usedBy is the execution that the revision started, or that read it in the
// newest attempt of the action; "" when it was not seen.
func usedBy(r store.Reader, pipelineID int64, stage string, rev store.AnnouncedRevision) (string, error) {
	execution, err := r.Announced(pipelineID, rev)
	if !errors.Is(err, store.ErrNotFound) {
		return execution, err
	}
	latest, err := r.LatestActions(pipelineID)
	if err != nil {
		return "", err
	}
	rec := latest[store.StageAction{Stage: stage, Action: rev.Action}]
	if read := rec.Result.Revision; read != nil && read.ID == rev.Revision && (read.ChangeID == "" || read.ChangeID == rev.Change) {
		return rec.Execution, nil
	}
	return "", nil
}
