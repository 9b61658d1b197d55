package service

import (
	"time"

	"penstock/internal/api"
	"penstock/internal/core/actiontype"
	"penstock/internal/core/fault"
	"penstock/internal/core/pipeline"
)

// registeredTypeFrom translates the declaration of an action type with an
// executor (jobs.md section 3). Of the executor's configuration exactly the
// member must be there that goes with its type.
func registeredTypeFrom(in *api.ActionTypeDeclaration) (actiontype.Type, error) {
	x := actiontype.Executor{Type: in.Executor.Type, PolicyStatementsTemplate: in.Executor.PolicyStatementsTemplate}
	worker, function := in.Executor.Configuration.JobWorkerExecutorConfiguration, in.Executor.Configuration.LambdaExecutorConfiguration
	if (worker != nil) != (x.Type == actiontype.JobWorker) || (function != nil) != (x.Type == actiontype.Lambda) {
		return actiontype.Type{}, fault.New("ValidationException", "The configuration of an executor of type %s must have the member %s and no other", x.Type, executorMember[x.Type])
	}
	if worker != nil {
		x.PollingAccounts, x.PollingServicePrincipals = worker.PollingAccounts, worker.PollingServicePrincipals
	}
	if function != nil {
		x.LambdaFunctionARN = function.LambdaFunctionArn
	}
	limit := time.Duration(value(in.Executor.JobTimeout)) * time.Second
	t := actiontype.Type{
		ID:          pipeline.ActionType(in.Id),
		Description: in.Description,
		MinInputs:   in.InputArtifactDetails.MinimumCount, MaxInputs: in.InputArtifactDetails.MaximumCount,
		MinOutputs: in.OutputArtifactDetails.MinimumCount, MaxOutputs: in.OutputArtifactDetails.MaximumCount,
		JobTimeout: limit, Timeout: actiontype.ExecutorTimeout(limit),
		Executor: &x,
	}
	if in.Permissions != nil {
		t.AllowedAccounts = in.Permissions.AllowedAccounts
	}
	if u := in.Urls; u != nil {
		t.Settings = actiontype.Settings{
			ThirdPartyConfigurationURL: u.ConfigurationUrl, EntityURLTemplate: u.EntityUrlTemplate,
			ExecutionURLTemplate: u.ExecutionUrlTemplate, RevisionURLTemplate: u.RevisionUrlTemplate,
		}
	}
	for _, p := range in.Properties {
		t.Properties = append(t.Properties, actiontype.Property{
			Name: p.Name, Required: !p.Optional, Key: p.Key, Secret: p.NoEcho,
			Queryable: p.Queryable != nil && *p.Queryable, Description: p.Description,
		})
	}
	return t, actiontype.ValidateExecutor(t)
}

// executorMember is the member of the configuration by the type of executor.
var executorMember = map[string]string{
	actiontype.JobWorker: "jobWorkerExecutorConfiguration",
	actiontype.Lambda:    "lambdaExecutorConfiguration",
}

// registeredTypeTo undoes registeredTypeFrom.
func registeredTypeTo(t actiontype.Type) *api.ActionTypeDeclaration {
	out := &api.ActionTypeDeclaration{
		Description:           t.Description,
		Id:                    api.ActionTypeIdentifier(t.ID),
		InputArtifactDetails:  api.ActionTypeArtifactDetails{MinimumCount: t.MinInputs, MaximumCount: t.MaxInputs},
		OutputArtifactDetails: api.ActionTypeArtifactDetails{MinimumCount: t.MinOutputs, MaximumCount: t.MaxOutputs},
		Executor:              api.ActionTypeExecutor{Type: t.Executor.Type, PolicyStatementsTemplate: t.Executor.PolicyStatementsTemplate},
	}
	if t.Executor.Type == actiontype.Lambda {
		out.Executor.Configuration.LambdaExecutorConfiguration = &api.LambdaExecutorConfiguration{LambdaFunctionArn: t.Executor.LambdaFunctionARN}
	} else {
		out.Executor.Configuration.JobWorkerExecutorConfiguration = &api.JobWorkerExecutorConfiguration{
			PollingAccounts: t.Executor.PollingAccounts, PollingServicePrincipals: t.Executor.PollingServicePrincipals,
		}
	}
	if t.JobTimeout > 0 {
		seconds := int(t.JobTimeout / time.Second)
		out.Executor.JobTimeout = &seconds
	}
	if len(t.AllowedAccounts) > 0 {
		out.Permissions = &api.ActionTypePermissions{AllowedAccounts: t.AllowedAccounts}
	}
	if st := t.Settings; st != (actiontype.Settings{}) {
		out.Urls = &api.ActionTypeUrls{
			ConfigurationUrl: st.ThirdPartyConfigurationURL, EntityUrlTemplate: st.EntityURLTemplate,
			ExecutionUrlTemplate: st.ExecutionURLTemplate, RevisionUrlTemplate: st.RevisionURLTemplate,
		}
	}
	for _, p := range t.Properties {
		out.Properties = append(out.Properties, api.ActionTypeProperty{
			Name: p.Name, Optional: !p.Required, Key: p.Key, NoEcho: p.Secret, Queryable: &p.Queryable, Description: p.Description,
		})
	}
	return out
}
