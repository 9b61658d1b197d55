package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Lambda are the settings of functions: those of Lambda actions, of action types
// with a Lambda executor, and of LambdaInvoke rules.
type Lambda struct {
	Functions map[string]string // URLs and exec:COMMANDs by function name; "*" is for all others
	Endpoint  string            // "" = only Functions
	TimeLimit time.Duration     // of one call
	Silence   time.Duration     // from a call of a Lambda action's function to its report
}

func (l *Lambda) flags(f *pflag.FlagSet) {
	f.Var((*functions)(&l.Functions), "lambda-function", "function of Lambda actions and rules as `NAME=TARGET`; TARGET is a URL that the event is posted to, or exec:COMMAND for /bin/sh with the event as its input; NAME * is for all others (repeatable)")
	f.StringVar(&l.Endpoint, "lambda-endpoint", "", "URL of an AWS Lambda API for functions that --lambda-function does not name; credentials as the AWS SDKs find them")
	f.DurationVar(&l.TimeLimit, "lambda-time-limit", 15*time.Minute, "how long one call of a function may take")
	f.DurationVar(&l.Silence, "lambda-silence", 20*time.Minute, "how long a Lambda action waits for the report of its function; each continuation starts it anew")
}

// commandTarget begins targets that are commands.
const commandTarget = "exec:"

// functions is the flag of Lambda.Functions: NAME=TARGET, or several that are
// separated by commas. Commands may hold commas, equals signs and quotes.
type functions map[string]string

// nextFunction is where another function begins in a list.
var nextFunction = regexp.MustCompile(`,[^,=\s]+=(?:[a-z]+://|` + commandTarget + `)`)

// Set implements pflag.Value.
func (fs *functions) Set(text string) error {
	if *fs == nil {
		*fs = functions{}
	}
	for text != "" {
		one, rest := text, ""
		if at := nextFunction.FindStringIndex(text); at != nil {
			one, rest = text[:at[0]], text[at[0]+1:]
		}
		name, target, ok := strings.Cut(one, "=")
		if !ok || name == "" {
			return fmt.Errorf("%q must be NAME=TARGET", name)
		}
		(*fs)[name], text = target, rest
	}
	return nil
}

// String implements pflag.Value.
func (fs *functions) String() string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(*fs)) {
		list = append(list, name+"="+(*fs)[name])
	}
	return strings.Join(list, ",")
}

// Type implements pflag.Value.
func (fs *functions) Type() string { return "NAME=TARGET" }

func (l *Lambda) validate() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(l.Functions)) {
		command, isCommand := strings.CutPrefix(l.Functions[name], commandTarget)
		if isCommand && strings.TrimSpace(command) == "" || !isCommand && !webAddress(l.Functions[name]) {
			errs = append(errs, fmt.Errorf("--lambda-function %s must have an http or https URL, or exec:COMMAND", name))
		}
	}
	if l.Endpoint != "" && !webAddress(l.Endpoint) {
		errs = append(errs, errors.New("--lambda-endpoint must be an http or https URL"))
	}
	if l.TimeLimit <= 0 || l.Silence <= 0 {
		errs = append(errs, errors.New("--lambda-time-limit and --lambda-silence must be positive"))
	}
	return errors.Join(errs...)
}
