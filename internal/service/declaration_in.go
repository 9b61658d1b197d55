package service

import (
	"slices"

	"penstock/internal/api"
	"penstock/internal/core/pipeline"
)

// declarationFrom translates the wire form of a declaration.
func declarationFrom(in *api.PipelineDeclaration) *pipeline.Declaration {
	d := &pipeline.Declaration{
		Name: in.Name, RoleARN: in.RoleArn, Mode: in.ExecutionMode, Type: in.PipelineType,
	}
	if in.ArtifactStore != nil {
		st := storeFrom(*in.ArtifactStore)
		d.ArtifactStore = &st
	}
	for region, st := range in.ArtifactStores {
		if d.ArtifactStores == nil {
			d.ArtifactStores = map[string]pipeline.ArtifactStore{}
		}
		d.ArtifactStores[region] = storeFrom(st)
	}
	for i := range in.Stages {
		d.Stages = append(d.Stages, stageFrom(&in.Stages[i]))
	}
	for _, v := range in.Variables {
		nv := pipeline.Variable{Name: v.Name, Description: v.Description}
		if v.DefaultValue != "" { // the model demands at least one character
			nv.Default = &v.DefaultValue
		}
		d.Variables = append(d.Variables, nv)
	}
	for _, t := range in.Triggers {
		d.Triggers = append(d.Triggers, triggerFrom(t))
	}
	return d
}

func storeFrom(in api.ArtifactStore) pipeline.ArtifactStore {
	st := pipeline.ArtifactStore{Bucket: in.Location}
	if in.EncryptionKey != nil {
		st.Key = &pipeline.EncryptionKey{ID: in.EncryptionKey.Id, Type: in.EncryptionKey.Type}
	}
	return st
}

func stageFrom(in *api.StageDeclaration) pipeline.Stage {
	st := pipeline.Stage{Name: in.Name}
	for _, b := range in.Blockers {
		st.Blockers = append(st.Blockers, pipeline.Blocker(b))
	}
	for i := range in.Actions {
		st.Actions = append(st.Actions, actionFrom(&in.Actions[i]))
	}
	if in.BeforeEntry != nil {
		st.BeforeEntry = conditionsFrom(in.BeforeEntry.Conditions)
	}
	if in.OnSuccess != nil {
		st.OnSuccess = conditionsFrom(in.OnSuccess.Conditions)
	}
	if f := in.OnFailure; f != nil {
		st.OnFailure = &pipeline.OnFailure{Result: f.Result, Conditions: conditionsFrom(f.Conditions)}
		if f.RetryConfiguration != nil {
			st.OnFailure.RetryMode = f.RetryConfiguration.RetryMode
		}
	}
	return st
}

func actionFrom(in *api.ActionDeclaration) pipeline.Action {
	a := pipeline.Action{
		Name: in.Name, Type: pipeline.ActionType(in.ActionTypeId), RunOrder: value(in.RunOrder),
		Configuration: in.Configuration, OutputVariables: in.OutputVariables, Commands: in.Commands,
		RoleARN: in.RoleArn, Region: in.Region, Namespace: in.Namespace, TimeoutInMinutes: value(in.TimeoutInMinutes),
	}
	for _, x := range in.InputArtifacts {
		a.Inputs = append(a.Inputs, x.Name)
	}
	for _, x := range in.OutputArtifacts {
		a.Outputs = append(a.Outputs, pipeline.OutputArtifact{Name: x.Name, Files: x.Files})
	}
	for _, x := range in.EnvironmentVariables {
		a.Environment = append(a.Environment, pipeline.EnvironmentVariable(x))
	}
	return a
}

func conditionsFrom(in []api.Condition) []pipeline.Condition {
	var out []pipeline.Condition
	for _, c := range in {
		nc := pipeline.Condition{Result: c.Result}
		for _, r := range c.Rules {
			nr := pipeline.Rule{
				Name: r.Name, Type: pipeline.ActionType(r.RuleTypeId), Configuration: r.Configuration,
				Commands: r.Commands, RoleARN: r.RoleArn, Region: r.Region, TimeoutInMinutes: value(r.TimeoutInMinutes),
			}
			for _, x := range r.InputArtifacts {
				nr.InputArtifacts = append(nr.InputArtifacts, x.Name)
			}
			nc.Rules = append(nc.Rules, nr)
		}
		out = append(out, nc)
	}
	return out
}

func triggerFrom(in api.PipelineTriggerDeclaration) pipeline.Trigger {
	t := pipeline.Trigger{ProviderType: in.ProviderType, SourceAction: in.GitConfiguration.SourceActionName}
	for _, f := range in.GitConfiguration.Push {
		t.Push = append(t.Push, pipeline.GitFilter{
			Tags: (*pipeline.Patterns)(f.Tags), Branches: (*pipeline.Patterns)(f.Branches), FilePaths: (*pipeline.Patterns)(f.FilePaths),
		})
	}
	for _, f := range in.GitConfiguration.PullRequest {
		t.PullRequest = append(t.PullRequest, pipeline.GitFilter{
			Events: slices.Clone(f.Events), Branches: (*pipeline.Patterns)(f.Branches), FilePaths: (*pipeline.Patterns)(f.FilePaths),
		})
	}
	return t
}

// value is *p, or 0 for an absent member.
func value(p *int) int {
	if p == nil {
		return 0
	}
	return *p
}
