package commands

import (
	"path"
	"regexp"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"penstock/jobworker"
)

var (
	variableName = regexp.MustCompile(`^[A-Za-z0-9_]{1,128}$`)
	artifactName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`) // the API's pattern; no name is a path
)

// check refuses a job that cannot run, before anything is fetched.
func check(j jobworker.Job) error {
	bad := func(format string, args ...any) error {
		return jobworker.Permanent(jobworker.ConfigurationError, format, args...)
	}
	n := j.Native
	if n == nil || len(n.Commands) == 0 {
		return bad("The action has no commands.")
	}
	if len(j.Inputs) == 0 {
		return bad("A Commands action needs an input artifact.")
	}
	if t := j.Configuration["EnvironmentType"]; t != "" && t != "LINUX_CONTAINER" {
		return bad("The EnvironmentType %s is not available on this server.", t)
	}
	for _, v := range n.Environment {
		switch {
		case !variableName.MatchString(v.Name):
			return bad("%q is no name of an environment variable.", v.Name)
		case v.Type == "SECRETS_MANAGER":
			return bad("The environment variable %s is of type SECRETS_MANAGER, which is not available yet.", v.Name)
		case v.Type != "" && v.Type != "PLAINTEXT":
			return bad("The environment variable %s has the unknown type %s.", v.Name, v.Type)
		case strings.ContainsRune(v.Value, 0):
			return bad("The environment variable %s holds a zero byte.", v.Name)
		}
	}
	for _, c := range n.Commands {
		if strings.ContainsRune(c, 0) {
			return bad("A command holds a zero byte.")
		}
	}
	for _, name := range n.OutputVariables {
		if strings.HasPrefix(name, "AWS_") && name != "AWS_REGION" && name != "AWS_DEFAULT_REGION" {
			return bad("The output variable %s cannot be exported: variables that begin with AWS_ may hold credentials.", name)
		}
	}
	for _, a := range append(j.Inputs[:len(j.Inputs):len(j.Inputs)], j.Outputs...) {
		if !artifactName.MatchString(a.Name) {
			return bad("%q is no name of an artifact.", a.Name)
		}
	}
	for artifact, patterns := range n.OutputFiles {
		for _, p := range patterns {
			if !safePattern(p) {
				return bad("The pattern %q of the output artifact %s has to be relative and must not leave the working root.", p, artifact)
			}
		}
	}
	return nil
}

// safePattern reports whether p is a pattern for files below the root. The root
// holds whatever it matches; this is for a clear message.
func safePattern(p string) bool {
	if p == "" || path.IsAbs(p) || !doublestar.ValidatePattern(p) {
		return false
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == ".." {
			return false
		}
	}
	return true
}
