package service

import (
	"penstock/internal/auth"
	"penstock/internal/core/engine"
	"penstock/internal/core/pipeline"
	"penstock/internal/core/trigger"
	"penstock/internal/store"
)

// gitSourcesOf lists the source actions that read repositories through a
// connection, whether it exists or not.
func gitSourcesOf(id int64, who auth.Principal, d *pipeline.Declaration) []store.GitSource {
	var out []store.GitSource
	p := engine.Pipeline{ID: id, Account: who.Account, Region: who.Region, Name: d.Name}
	for i := range d.Stages[0].Actions {
		a := &d.Stages[0].Actions[i]
		if connection, ok := trigger.ConnectionID(a.Configuration["ConnectionArn"]); ok && trigger.Source(a) {
			out = append(out, store.GitSource{Pipeline: p, Action: a.Name,
				Repository: store.Repository{Connection: connection, Name: a.Configuration["FullRepositoryId"]}})
		}
	}
	return out
}
