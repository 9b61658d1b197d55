package storetest

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"penstock/internal/store"
)

// empty is a driver that does nothing.
type empty struct{ store.Driver }

// Update implements store.Driver.
func (empty) Update(_ context.Context, fn func(store.Tx) error) error { return fn(nil) }

// neverFail are the methods of a driver that a fault is not put into.
var neverFail = map[string]string{
	"Timers": "has no error", "Work": "has no error", "Close": "ends it",
}

// TestEveryMethodFails: there is no method of a driver that Faults lets through.
func TestEveryMethodFails(t *testing.T) {
	t.Parallel()
	for method := range reflect.TypeFor[store.Driver]().Methods() {
		if neverFail[method.Name] != "" {
			continue
		}
		t.Run(method.Name, func(t *testing.T) {
			t.Parallel()
			f := &Faults{Driver: empty{}}
			f.Arm(method.Name, 0, Before)
			call := reflect.ValueOf(f).MethodByName(method.Name)
			args := []reflect.Value{reflect.ValueOf(t.Context())}
			for i := 1; i < call.Type().NumIn(); i++ {
				args = append(args, reflect.Zero(call.Type().In(i)))
			}
			if method.Name == "Update" {
				args[1] = reflect.ValueOf(func(store.Tx) error { return nil })
			}
			out := call.Call(args)
			if err, _ := out[len(out)-1].Interface().(error); !errors.Is(err, ErrFault) || f.Disarm() != method.Name {
				t.Errorf("it does not fail: %v", err)
			}
		})
	}
}

// TestCallers: each method that writes is known to be failed in a call.
func TestCallers(t *testing.T) {
	t.Parallel()
	reads := map[string]bool{}
	for method := range reflect.TypeFor[store.Reader]().Methods() {
		reads[method.Name] = true
	}
	writes := map[string]bool{}
	for method := range reflect.TypeFor[store.Tx]().Methods() {
		if writes[method.Name] = !reads[method.Name]; writes[method.Name] && callers[method.Name] == "" {
			t.Errorf("%s: TestFaults of which package fails it?", method.Name)
		}
	}
	for method := range callers {
		if !writes[method] {
			t.Errorf("%s is no method that writes", method)
		}
	}
}
