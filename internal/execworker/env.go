package execworker

import (
	"strings"

	"penstock/jobworker"
)

// environment is what the command sees.
func environment(inherited []string, f folders, j jobworker.Job) []string {
	var env []string
	for _, kv := range inherited {
		if !strings.HasPrefix(kv, "PENSTOCK_") {
			env = append(env, kv)
		}
	}
	set := func(name, value string) { env = append(env, "PENSTOCK_"+name+"="+value) }
	set("JOB_ID", j.ID)
	set("PIPELINE", j.Context.Pipeline)
	set("STAGE", j.Context.Stage)
	set("ACTION", j.Context.Action)
	set("JOB_FILE", f.jobFile)
	set("RESULT", f.result)
	if j.ContinuationToken != "" {
		set("CONTINUATION_TOKEN", j.ContinuationToken)
	}
	for key, value := range j.Configuration {
		set("CONFIG_"+envName(key), value)
	}
	for i, a := range j.Inputs {
		set("INPUT_"+envName(a.Name), f.inputs[i])
	}
	for i, a := range j.Outputs {
		set("OUTPUT_"+envName(a.Name), f.outputs[i])
	}
	return env
}

// envName makes s fit for the name of a shell variable.
func envName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '_', '0' <= r && r <= '9', 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z':
			return r
		}
		return '_'
	}, s)
}
