package pipeline

import "slices"

// StageIndex returns the position of the stage with the given name, or -1.
func (d *Declaration) StageIndex(name string) int {
	return slices.IndexFunc(d.Stages, func(s Stage) bool { return s.Name == name })
}

// Stage returns the stage with the given name, or nil.
func (d *Declaration) Stage(name string) *Stage {
	if i := d.StageIndex(name); i >= 0 {
		return &d.Stages[i]
	}
	return nil
}

// Action returns the action of the stage with the given name, or nil.
func (s *Stage) Action(name string) *Action {
	if i := slices.IndexFunc(s.Actions, func(a Action) bool { return a.Name == name }); i >= 0 {
		return &s.Actions[i]
	}
	return nil
}

// RunOrders returns the run orders that the stage's actions use, ascending.
func (s *Stage) RunOrders() []int {
	orders := make([]int, len(s.Actions))
	for i := range s.Actions {
		orders[i] = s.Actions[i].RunOrder
	}
	slices.Sort(orders)
	return slices.Compact(orders)
}

// Producer returns the stage and the action that produce an artifact, or nil
// for both.
func (d *Declaration) Producer(artifact string) (*Stage, *Action) {
	for i := range d.Stages {
		for j := range d.Stages[i].Actions {
			a := &d.Stages[i].Actions[j]
			if slices.ContainsFunc(a.Outputs, func(o OutputArtifact) bool { return o.Name == artifact }) {
				return &d.Stages[i], a
			}
		}
	}
	return nil, nil
}
