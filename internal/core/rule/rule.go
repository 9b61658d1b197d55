// Package rule evaluates the rules of stage conditions that need nothing but
// their configuration, the time and the time zones: VariableCheck and
// DeploymentWindow. It is pure. Other rules are the work of job workers; what can
// be said of their configuration before they run is said here.
package rule

import (
	"fmt"
	"time"
)

// Verdict is what became of a rule.
type Verdict struct {
	Passed bool
	Why    string // for people
	Err    error  // the configuration cannot be understood: there is no verdict
}

// Pure reports whether rules of the provider are evaluated here.
func Pure(provider string) bool { return provider == "VariableCheck" || provider == "DeploymentWindow" }

// Evaluate evaluates a rule of a pure provider, once. config is resolved.
func Evaluate(provider string, config map[string]string, now time.Time, zone Zones) Verdict {
	var passed bool
	var why string
	var err error
	if provider == "VariableCheck" {
		passed, why, err = variableCheck(config["Variable"], config["Operator"], config["Value"])
	} else {
		passed, why, err = deploymentWindow(config["Cron"], config["TimeZone"], now, zone)
	}
	if err != nil {
		return Verdict{Err: err}
	}
	return Verdict{Passed: passed, Why: why}
}

func deploymentWindow(expression, name string, now time.Time, zone Zones) (bool, string, error) {
	w, err := ParseWindow(expression)
	if err != nil {
		return false, "", err
	}
	loc, err := location(name, zone)
	if err != nil {
		return false, "", err
	}
	local := now.In(loc)
	at := local.Format("2006-01-02 15:04 Monday ") + loc.String()
	if w.Contains(local) {
		return true, fmt.Sprintf("%s lies in the window %s", at, expression), nil
	}
	return false, fmt.Sprintf("%s lies outside the window %s", at, expression), nil
}
