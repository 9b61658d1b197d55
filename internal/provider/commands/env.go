package commands

import (
	"strconv"
	"strings"

	"penstock/jobworker"
)

// buildID is the id that the commands see and that is reported as the external
// execution id.
func buildID(j jobworker.Job) string {
	return j.Context.Pipeline + ":" + j.Context.ActionExecutionID
}

// environment is what the first command starts with: nothing of the server's own
// environment is in it.
func environment(c Config, f folders, j jobworker.Job) map[string]string {
	n := j.Native
	env := map[string]string{
		"PATH": c.Path, "HOME": f.home, "TMPDIR": f.tmp, "LANG": "C.UTF-8",
		"AWS_REGION": n.Region, "AWS_DEFAULT_REGION": n.Region,
		"CODEBUILD_CI":               "true",
		"CODEBUILD_BUILD_ID":         buildID(j),
		"CODEBUILD_BUILD_ARN":        "arn:aws:codebuild:" + n.Region + ":" + n.Account + ":build/" + buildID(j),
		"CODEBUILD_BUILD_SUCCEEDING": "1",
		"CODEBUILD_INITIATOR":        "codepipeline/" + j.Context.Pipeline,
		"CODEBUILD_LOG_PATH":         j.Context.ActionExecutionID,
		"CODEBUILD_START_TIME":       strconv.FormatInt(c.Now().UnixMilli(), 10),
		"CODEBUILD_SRC_DIR":          f.src,
	}
	for i, a := range j.Inputs {
		source := "arn:aws:s3:::" + a.Bucket + "/" + a.Key
		if i == 0 {
			env["CODEBUILD_SOURCE_VERSION"] = source
			if a.Revision != "" {
				env["CODEBUILD_RESOLVED_SOURCE_VERSION"] = a.Revision
			}
			continue
		}
		// No shell can read a variable with "-" in its name, so there is one
		// with "_" too.
		for _, name := range []string{a.Name, strings.ReplaceAll(a.Name, "-", "_")} {
			env["CODEBUILD_SRC_DIR_"+name] = f.inputs[i]
			env["CODEBUILD_SOURCE_VERSION_"+name] = source
		}
	}
	for _, v := range n.Environment {
		env[v.Name] = v.Value
	}
	return env
}

// maxVariables is what the output variables of one action may hold together.
const maxVariables = 122_880

// outputVariables takes the declared variables from those that the commands
// left; one that is not set is empty.
func outputVariables(j jobworker.Job, env map[string]string) (map[string]string, error) {
	if len(j.Native.OutputVariables) == 0 {
		return nil, nil
	}
	out := make(map[string]string, len(j.Native.OutputVariables))
	size := 0
	for _, name := range j.Native.OutputVariables {
		value := strings.ToValidUTF8(env[name], "�")
		out[name] = value
		size += len(name) + len(value)
	}
	if size > maxVariables {
		return nil, jobworker.Permanent(jobworker.JobFailed, "The output variables have %d bytes together, more than %d.", size, maxVariables)
	}
	return out, nil
}
