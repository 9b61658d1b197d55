// Package control is Penstock's own small JSON 1.1 service ("Penstock.…"
// targets): what operators need and AWS has no operation for. It is signed and
// authorised like the rest and serves the client commands of penstock.
package control

import (
	"context"
	"errors"

	"penstock/internal/actionlog"
	"penstock/internal/api"
	"penstock/internal/auth"
	"penstock/internal/core/fault"
	"penstock/internal/store"
)

// Service implements the operations.
type Service struct {
	Store *store.Store
	// Types keeps the registered action types.
	Types ActionTypes
	Logs  *actionlog.Logs
	// NewToken makes the token of a partner client.
	NewToken func() string
	Version  string

	Connections ConnectionOptions

	Keeping Keeping
	// Blobs tells what the embedded store keeps; nil with another.
	Blobs func(ctx context.Context, folders bool) ([]Usage, error)
}

// Operations are the operations by target.
func (s *Service) Operations() map[string]api.ExtraOperation {
	return map[string]api.ExtraOperation{
		"Penstock.DescribeServer":            operation(s.describeServer),
		"Penstock.RegisterActionType":        s.registerActionType,
		"Penstock.DeleteActionType":          s.deleteActionType,
		"Penstock.ListRegisteredActionTypes": operation(s.listRegisteredActionTypes),
		"Penstock.RegisterPartner":           operation(s.registerPartner),
		"Penstock.ConnectPartner":            operation(s.connectPartner),
		"Penstock.ListPartners":              operation(s.listPartners),
		"Penstock.RotateClient":              operation(s.rotateClient),
		"Penstock.CreateConnection":          operation(s.createConnection),
		"Penstock.ListConnections":           operation(s.listConnections),
		"Penstock.GetConnection":             operation(s.getConnection),
		"Penstock.DeleteConnection":          operation(s.deleteConnection),
		"Penstock.GetAudit":                  operation(s.getAudit),
		"Penstock.RevokeClient":              operation(s.revokeClient),
		"Penstock.CreateAccessKey":           operation(s.createAccessKey),
		"Penstock.ListAccessKeys":            operation(s.listAccessKeys),
		"Penstock.DeleteAccessKey":           operation(s.deleteAccessKey),
		"Penstock.ListNodes":                 operation(s.listNodes),
		"Penstock.GetActionLog":              operation(s.getActionLog),
		"Penstock.GetEvents":                 operation(s.getEvents),
		"Penstock.GetUsage":                  operation(s.getUsage),
	}
}

// operation adapts a typed function: it finds the caller.
func operation[In, Out any](fn func(ctx context.Context, who auth.Principal, in *In) (*Out, error)) api.ExtraOperation {
	return api.Extra(func(ctx context.Context, in *In) (*Out, error) {
		who, ok := auth.PrincipalFrom(ctx)
		if !ok {
			return nil, errors.New("control: no principal in the context")
		}
		return fn(ctx, who, in)
	})
}

// invalid is a ValidationException.
func invalid(format string, args ...any) error {
	return fault.New("ValidationException", format, args...)
}

// DescribeServerOutput tells about the server.
type DescribeServerOutput struct {
	Version string `json:"version"`
	Account string `json:"account"`
	Region  string `json:"region"`
	ARN     string `json:"callerArn"`
}

func (s *Service) describeServer(_ context.Context, who auth.Principal, _ *struct{}) (*DescribeServerOutput, error) {
	return &DescribeServerOutput{Version: s.Version, Account: who.Account, Region: who.Region, ARN: who.ARN}, nil
}
