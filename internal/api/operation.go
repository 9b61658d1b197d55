package api

import (
	"context"
	"slices"
)

// operation is one row of the operation table.
type operation struct {
	name     string
	declared []string // exceptions, sorted
	decode   func(d *decoder) any
	call     func(ctx context.Context, svc Service, in any) (Shape, error)
}

// answers makes the row of an operation with an output.
func answers[I, O any, PI shape[I], PO shape[O]](name string, method func(Service, context.Context, *I) (*O, error), declared ...string) *operation {
	return &operation{
		name:     name,
		declared: declared,
		decode:   decodeInput[I, PI],
		call: func(ctx context.Context, svc Service, in any) (Shape, error) {
			out, err := method(svc, ctx, in.(*I))
			if err != nil {
				return nil, err
			}
			if out == nil {
				out = new(O)
			}
			return PO(out), nil
		},
	}
}

// confirms makes the row of an operation whose success has no body.
func confirms[I any, PI shape[I]](name string, method func(Service, context.Context, *I) error, declared ...string) *operation {
	return &operation{
		name:     name,
		declared: declared,
		decode:   decodeInput[I, PI],
		call: func(ctx context.Context, svc Service, in any) (Shape, error) {
			return nil, method(svc, ctx, in.(*I))
		},
	}
}

func decodeInput[I any, PI shape[I]](d *decoder) any {
	in := new(I)
	d.document(PI(in))
	return in
}

// Operations returns the names of all operations, sorted.
func Operations() []string {
	names := make([]string, 0, len(operations))
	for name := range operations {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Declared says whether an operation may answer with an error code: one that
// the model declares for it or one common to all. Tests hold services to it.
func Declared(operation, code string) bool {
	op := operations[operation]
	if op == nil {
		return false
	}
	_, common := statuses[code]
	return common || slices.Contains(op.declared, code)
}
