package engine

import "slices"

// setTransition opens or closes a gate (DisableStageTransition,
// EnableStageTransition); an opened gate lets in who waits behind it.
func (t *turn) setTransition(ev SetTransition) error {
	if _, err := t.currentStage(ev.Stage); err != nil {
		return err
	}
	if !ev.Disable && !t.disabled(ev.Stage, ev.Outbound) {
		return nil
	}
	st := t.stage(ev.Stage)
	gate := &st.Inbound
	if ev.Outbound {
		gate = &st.Outbound
	}
	*gate = Transition{Disabled: ev.Disable, ChangedBy: ev.By, ChangedAt: t.env.Now}
	if ev.Disable {
		gate.Reason = ev.Reason
		return nil
	}
	t.admitAll()
	return nil
}

// disabled reports whether a gate of the stage is closed.
func (t *turn) disabled(stage string, outbound bool) bool {
	st := t.state.Stage(stage)
	if st == nil {
		return false
	}
	if outbound {
		return st.Outbound.Disabled
	}
	return st.Inbound.Disabled
}

// admitAll looks at all stages that have executions in front: the gate behind
// a stage holds whoever waits for the next one, which may differ from version
// to version.
func (t *turn) admitAll() {
	var names []string
	for i := range t.state.Stages {
		if len(t.state.Stages[i].Waiting) > 0 {
			names = append(names, t.state.Stages[i].Name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		t.admit(name)
	}
}
