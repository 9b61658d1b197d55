package pipeline

// Normalize fills in the defaults of a declaration in place, so that responses
// show what the service shows: run orders, mode and type, and maps and lists
// that are present though empty. Validate and the engine expect it done.
//
// A declaration without a type becomes V1, or V2 when it uses a member that
// only V2 knows. It leaves Version to the caller.
func Normalize(d *Declaration) {
	if d.Mode == "" {
		d.Mode = Superseded
	}
	for i := range d.Stages {
		normalizeStage(&d.Stages[i])
	}
	if d.Type == "" {
		d.Type = V1
		if usesV2(d) {
			d.Type = V2
		}
	}
}

func normalizeStage(s *Stage) {
	if f := s.OnFailure; f != nil && f.Result == "" && f.RetryMode == "" && len(f.Conditions) == 0 {
		s.OnFailure = nil
	}
	for i := range s.Actions {
		normalizeAction(&s.Actions[i])
	}
	for place := range s.places() {
		for i := range place.conditions {
			for j := range place.conditions[i].Rules {
				normalizeRule(&place.conditions[i].Rules[j])
			}
		}
	}
}

func normalizeAction(a *Action) {
	if a.RunOrder == 0 {
		a.RunOrder = 1
	}
	if a.Configuration == nil {
		a.Configuration = map[string]string{}
	}
	if a.Inputs == nil {
		a.Inputs = []string{}
	}
	if a.Outputs == nil {
		a.Outputs = []OutputArtifact{}
	}
}

func normalizeRule(r *Rule) {
	if r.Type.Owner == "" {
		r.Type.Owner = "AWS"
	}
	if r.Type.Version == "" {
		r.Type.Version = "1"
	}
	if r.Configuration == nil {
		r.Configuration = map[string]string{}
	}
	if r.InputArtifacts == nil {
		r.InputArtifacts = []string{}
	}
}

// usesV2 reports whether a declaration uses a member that V1 does not have.
func usesV2(d *Declaration) bool {
	if d.Mode != Superseded || len(d.Variables) > 0 || len(d.Triggers) > 0 {
		return true
	}
	for i := range d.Stages {
		s := &d.Stages[i]
		if s.hasConditions() {
			return true
		}
		for j := range s.Actions {
			if len(s.Actions[j].Commands) > 0 {
				return true
			}
		}
	}
	return false
}
