package service

import (
	"penstock/internal/auth"
	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// watch makes the sources of a declaration the ones that are looked at, polling
// ones within the quota, and reports whether there are such.
func (s *Service) watch(tx store.Tx, id int64, who auth.Principal, d *pipeline.Declaration) (polls bool, err error) {
	if err := tx.SetGitSources(id, gitSourcesOf(id, who, d)); err != nil {
		return false, err
	}
	old, err := tx.PipelineWatches(id)
	if err != nil {
		return false, err
	}
	watches := watchesOf(id, who, d)
	if err := tx.SetWatches(id, watches); err != nil || len(watches) == 0 {
		return false, err
	}
	n, err := tx.CountPolling(who.Account, who.Region)
	if err == nil && n > s.opt.MaxPolling && len(old) == 0 {
		err = fault.New("LimitExceededException", "The account has reached its limit of %d pipelines that poll for source changes in region %s", s.opt.MaxPolling, who.Region)
	}
	return true, err
}

// watchesOf lists the source actions that poll: the provider supports it and
// PollForSourceChanges is absent, "true" or "True" (engine.md section 1.9).
func watchesOf(id int64, who auth.Principal, d *pipeline.Declaration) []store.Watch {
	var out []store.Watch
	for _, a := range d.Stages[0].Actions {
		if a.Type.Owner != "AWS" || a.Type.Provider != "S3" || a.Type.Category != "Source" {
			continue
		}
		if v, set := a.Configuration["PollForSourceChanges"]; set && v != "true" && v != "True" {
			continue
		}
		out = append(out, store.Watch{
			PipelineID: id, Account: who.Account, Region: who.Region, Name: d.Name, Action: a.Name,
			Bucket: a.Configuration["S3Bucket"], Key: a.Configuration["S3ObjectKey"],
		})
	}
	return out
}
