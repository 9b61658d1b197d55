package service

import (
	"penstock/internal/api"
	"penstock/internal/core/actiontype"
	"penstock/internal/core/pipeline"
)

// Declaration translates the wire form of a declaration as CreatePipeline does,
// for those who check one without a server. Normalize it before Validate.
func Declaration(in *api.PipelineDeclaration) *pipeline.Declaration { return declarationFrom(in) }

// CustomType translates the input of CreateCustomActionType as that operation
// does.
func CustomType(in *api.CreateCustomActionTypeInput) actiontype.Type { return customTypeFrom(in) }

// RegisteredType translates and checks the declaration of an action type with an
// executor as UpdateActionType does.
func RegisteredType(in *api.ActionTypeDeclaration) (actiontype.Type, error) {
	return registeredTypeFrom(in)
}
