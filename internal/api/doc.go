// Package api is CodePipeline on the wire: the AWS JSON 1.1 protocol, the types
// and constraints of its 44 operations, an HTTP handler over Service and a
// client that is a Service. The *_gen.go files come from the service model.
package api

//go:generate go run penstock/internal/apigen/cmd
