package declfile

import (
	"encoding/json"
	"errors"
	"reflect"

	"penstock/internal/api"
	"penstock/internal/core/actiontype"
	"penstock/internal/service"
)

// ReadTypes returns the action types of a file, in either form: the input of
// create-custom-action-type or of update-action-type, the output of
// get-action-type, its declaration alone, or a list of such.
func ReadTypes(data []byte) ([]actiontype.Type, error) {
	docs, err := parse(data)
	if err != nil {
		return nil, err
	}
	var out []actiontype.Type
	for _, doc := range docs {
		all := []*node{doc}
		if doc.kind == list {
			all = doc.items
		}
		for _, n := range all {
			t, err := readType(n)
			if err != nil {
				return nil, err
			}
			out = append(out, t)
		}
	}
	return out, nil
}

// ReadActionType returns the declaration of an action type with an executor
// from a file that holds one.
func ReadActionType(data []byte) (*api.ActionTypeDeclaration, error) {
	docs, err := parse(data)
	if err != nil {
		return nil, err
	}
	if len(docs) != 1 {
		return nil, errors.New("the file must hold one action type")
	}
	d := declared(docs[0])
	if d == nil {
		return nil, errors.New("the file holds no action type with an executor: it should be the input of update-action-type, " +
			"the output of get-action-type, or the declaration alone")
	}
	in, err := readRegistered(d)
	if err != nil {
		return nil, err
	}
	_, err = service.RegisteredType(in)
	return in, err
}

// declared is the declaration of a type with an executor, nil when n is none.
func declared(n *node) *node {
	if inner := n.get("actionType"); inner != nil {
		n = inner
	}
	if n.get("executor") == nil {
		return nil
	}
	return n
}

func readType(n *node) (t actiontype.Type, err error) {
	if d := declared(n); d != nil {
		in, err := readRegistered(d)
		if err != nil {
			return t, err
		}
		return service.RegisteredType(in)
	}
	var in api.CreateCustomActionTypeInput
	if err := readShape(n, &in); err != nil {
		return t, err
	}
	t = service.CustomType(&in)
	return t, actiontype.ValidateCustom(t)
}

func readRegistered(n *node) (*api.ActionTypeDeclaration, error) {
	in := &api.ActionTypeDeclaration{}
	return in, readShape(n, in)
}

// readShape reads n under the constraints of the API model. The error tells the
// first that is broken, with its line.
func readShape(n *node, in api.Shape) error {
	s := &shaper{lines: map[string]int{"": n.line}}
	wire, err := json.Marshal(s.value(n, reflect.TypeOf(in).Elem(), ""))
	if err != nil {
		return err
	}
	for _, p := range s.problems {
		return syntax(p.Line, "%s: %s %s", p.Path, p.Message, p.Hint)
	}
	broken, err := api.Violations(wire, in)
	if err != nil {
		return err
	}
	for _, v := range broken {
		path := plainPath(v.Path)
		return syntax(s.lineOf(path), "%s: %s", path, v.Clause)
	}
	return nil
}
