// Package audit tells who touched which secret: it makes the records that
// services write before an answer with a secret leaves.
package audit

import (
	"context"
	"slices"
	"time"

	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/core/fault"
	"penstock/internal/core/job"
	"penstock/internal/store"
)

// OK is the outcome of a call that was answered.
const OK = "OK"

// Record begins the record of a call that ends with err, nil for success.
func Record(ctx context.Context, now time.Time, operation string, err error) store.AuditRecord {
	who, _ := auth.PrincipalFrom(ctx)
	r := store.AuditRecord{
		Time: now, Account: who.Account, Region: who.Region, Principal: who.ARN, AccessKeyID: who.AccessKeyID,
		Source: api.SourceAddress(ctx), RequestID: api.RequestID(ctx), Operation: operation, Outcome: OK,
	}
	if err != nil {
		if r.Outcome = fault.Code(err); r.Outcome == "" {
			r.Outcome = "InternalFailure"
		}
	}
	return r
}

// Secrets are the keys of the job's configuration whose values are secret and
// shown to workers: none when the job has ended.
func Secrets(j *job.Job) []string {
	if j.State.Terminal() {
		return nil
	}
	var keys []string
	for _, k := range j.Data.Secrets {
		if _, ok := j.Data.Configuration[k]; ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// Job is what a record says of a job.
func Job(j *job.Job, secrets []string) store.AuditJob {
	return store.AuditJob{ID: j.ID, Pipeline: j.Pipeline, Stage: j.Stage, Action: j.Action, ClientID: j.ClientID, Secrets: secrets}
}
