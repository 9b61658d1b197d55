package engine

import "slices"

// setTransition opens or closes a gate (DisableStageTransition,
// EnableStageTransition); an opened gate lets in who waits behind it.
func (t *turn) setTransition(ev SetTransition) error {
	decl, err := t.currentStage(ev.Stage)
	if err != nil {
		return err
	}
	st := t.stage(decl.Name)
	gate := &st.Inbound
	if ev.Outbound {
		gate = &st.Outbound
	}
	if !ev.Disable && !gate.Disabled {
		return nil
	}
	*gate = Transition{Disabled: ev.Disable, Reason: ev.Reason, ChangedBy: ev.By, ChangedAt: t.env.Now}
	if !ev.Disable {
		for _, name := range t.waitingStages() {
			t.admit(name)
		}
	}
	return nil
}

// waitingStages lists the stages that have executions in front. The gate
// behind a stage holds whoever waits for the next one, which may differ from
// version to version.
func (t *turn) waitingStages() []string {
	var names []string
	for i := range t.state.Stages {
		if len(t.state.Stages[i].Waiting) > 0 {
			names = append(names, t.state.Stages[i].Name)
		}
	}
	slices.Sort(names)
	return names
}
