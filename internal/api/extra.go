package api

import (
	"context"
	"encoding/json"

	"penstock/internal/core/fault"
)

// Extra adapts a typed function to an ExtraOperation: it decodes the body. A
// nil output is an empty answer.
func Extra[In, Out any](fn func(ctx context.Context, in *In) (*Out, error)) ExtraOperation {
	return func(ctx context.Context, body []byte) (any, error) {
		in := new(In)
		if err := json.Unmarshal(body, in); err != nil {
			return nil, fault.New(codeSerialization, "%v", err)
		}
		out, err := fn(ctx, in)
		if err != nil || out == nil {
			return nil, err
		}
		return out, nil
	}
}
