package service

import (
	"penstock/internal/api"
	"penstock/internal/core/pipeline"
)

// declarationTo translates a stored declaration to the wire, secrets masked
// (engine.md section 1.8 says which members are always there).
func declarationTo(stored *pipeline.Declaration) *api.PipelineDeclaration {
	d := pipeline.Mask(stored)
	out := &api.PipelineDeclaration{
		Name: d.Name, RoleArn: d.RoleARN, Version: &d.Version, ExecutionMode: d.Mode, PipelineType: d.Type,
		Stages: []api.StageDeclaration{},
	}
	if d.ArtifactStore != nil {
		st := storeTo(*d.ArtifactStore)
		out.ArtifactStore = &st
	}
	for region, st := range d.ArtifactStores {
		if out.ArtifactStores == nil {
			out.ArtifactStores = map[string]api.ArtifactStore{}
		}
		out.ArtifactStores[region] = storeTo(st)
	}
	for i := range d.Stages {
		out.Stages = append(out.Stages, stageTo(&d.Stages[i]))
	}
	for _, v := range d.Variables {
		nv := api.PipelineVariableDeclaration{Name: v.Name, Description: v.Description}
		if v.Default != nil {
			nv.DefaultValue = *v.Default
		}
		out.Variables = append(out.Variables, nv)
	}
	for _, t := range d.Triggers {
		out.Triggers = append(out.Triggers, triggerTo(t))
	}
	return out
}

func storeTo(st pipeline.ArtifactStore) api.ArtifactStore {
	return api.ArtifactStore{Type: "S3", Location: st.Bucket, EncryptionKey: keyTo(st.Key)}
}

func keyTo(k *pipeline.EncryptionKey) *api.EncryptionKey {
	if k == nil {
		return nil
	}
	return &api.EncryptionKey{Id: k.ID, Type: k.Type}
}

func stageTo(st *pipeline.Stage) api.StageDeclaration {
	out := api.StageDeclaration{Name: st.Name, Actions: []api.ActionDeclaration{}}
	for i := range st.Actions {
		out.Actions = append(out.Actions, actionTo(&st.Actions[i]))
	}
	for _, b := range st.Blockers {
		out.Blockers = append(out.Blockers, api.BlockerDeclaration(b))
	}
	if st.BeforeEntry != nil {
		out.BeforeEntry = &api.BeforeEntryConditions{Conditions: conditionsTo(st.BeforeEntry)}
	}
	if st.OnSuccess != nil {
		out.OnSuccess = &api.SuccessConditions{Conditions: conditionsTo(st.OnSuccess)}
	}
	if f := st.OnFailure; f != nil {
		out.OnFailure = &api.FailureConditions{Result: f.Result, Conditions: conditionsTo(f.Conditions)}
		if f.RetryMode != "" {
			out.OnFailure.RetryConfiguration = &api.RetryConfiguration{RetryMode: f.RetryMode}
		}
	}
	return out
}

func actionTo(a *pipeline.Action) api.ActionDeclaration {
	out := api.ActionDeclaration{
		Name: a.Name, ActionTypeId: api.ActionTypeId(a.Type), RunOrder: &a.RunOrder, Configuration: a.Configuration,
		Commands: a.Commands, OutputVariables: a.OutputVariables, RoleArn: a.RoleARN, Region: a.Region, Namespace: a.Namespace,
		InputArtifacts: []api.InputArtifact{}, OutputArtifacts: []api.OutputArtifact{},
	}
	if out.Configuration == nil {
		out.Configuration = map[string]string{}
	}
	if a.TimeoutInMinutes > 0 {
		out.TimeoutInMinutes = &a.TimeoutInMinutes
	}
	for _, name := range a.Inputs {
		out.InputArtifacts = append(out.InputArtifacts, api.InputArtifact{Name: name})
	}
	for _, o := range a.Outputs {
		out.OutputArtifacts = append(out.OutputArtifacts, api.OutputArtifact(o))
	}
	for _, v := range a.Environment {
		out.EnvironmentVariables = append(out.EnvironmentVariables, api.EnvironmentVariable(v))
	}
	return out
}

func conditionsTo(in []pipeline.Condition) []api.Condition {
	var out []api.Condition
	for _, c := range in {
		nc := api.Condition{Result: c.Result}
		for _, r := range c.Rules {
			nr := api.RuleDeclaration{
				Name: r.Name, RuleTypeId: api.RuleTypeId(r.Type), Configuration: r.Configuration,
				Commands: r.Commands, RoleArn: r.RoleARN, Region: r.Region,
			}
			for _, name := range r.InputArtifacts {
				nr.InputArtifacts = append(nr.InputArtifacts, api.InputArtifact{Name: name})
			}
			if r.TimeoutInMinutes > 0 {
				nr.TimeoutInMinutes = &r.TimeoutInMinutes
			}
			nc.Rules = append(nc.Rules, nr)
		}
		out = append(out, nc)
	}
	return out
}

func triggerTo(t pipeline.Trigger) api.PipelineTriggerDeclaration {
	out := api.PipelineTriggerDeclaration{ProviderType: t.ProviderType}
	out.GitConfiguration.SourceActionName = t.SourceAction
	for _, f := range t.Push {
		out.GitConfiguration.Push = append(out.GitConfiguration.Push, api.GitPushFilter{
			Tags: (*api.GitTagFilterCriteria)(f.Tags), Branches: (*api.GitBranchFilterCriteria)(f.Branches), FilePaths: (*api.GitFilePathFilterCriteria)(f.FilePaths),
		})
	}
	for _, f := range t.PullRequest {
		out.GitConfiguration.PullRequest = append(out.GitConfiguration.PullRequest, api.GitPullRequestFilter{
			Events: f.Events, Branches: (*api.GitBranchFilterCriteria)(f.Branches), FilePaths: (*api.GitFilePathFilterCriteria)(f.FilePaths),
		})
	}
	return out
}
