package store

import (
	"context"

	"penstock/internal/core/engine"
)

// endBatch is how many jobs one transaction of EndRevoked ends.
const endBatch = 64

// EndRevoked fails the open jobs of revoked clients and with them their
// actions: no worker can report them any more, and their executions must not
// wait for a time limit. It goes on where a crash has ended an earlier call.
func (s *Store) EndRevoked(ctx context.Context) error {
	for {
		ended := 0
		err := s.Update(ctx, func(tx Tx) error {
			ids, err := tx.RevokedJobs(endBatch)
			if err != nil {
				return err
			}
			for _, id := range ids {
				j, err := tx.Job(id)
				if err != nil {
					return err
				}
				_, err = s.Step(tx, j.PipelineID, engine.JobFailed{
					Job: j, Type: engine.PermissionError, Message: "The client '" + j.ClientID + "' of action '" + j.Action + "' was revoked",
				})
				if err != nil {
					return err
				}
			}
			ended = len(ids)
			return nil
		})
		if err != nil || ended < endBatch {
			return err
		}
	}
}
