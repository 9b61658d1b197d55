package rule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Watch is what a CloudWatchAlarm rule asks for: the alarm is in none of the
// States, now and until Wait has passed.
type Watch struct {
	Alarm  string
	States []string
	Wait   time.Duration
}

// maxWait bounds WaitTime: no action runs longer.
const maxWait = 60 * 24 * time.Hour

var alarmStates = []string{"OK", "ALARM", "INSUFFICIENT_DATA"}

// ParseWatch reads the configuration of a CloudWatchAlarm rule.
func ParseWatch(config map[string]string) (w Watch, err error) {
	if w.Alarm = config["AlarmName"]; w.Alarm == "" {
		return w, errors.New("the configuration of the rule lacks AlarmName")
	}
	if w.States, err = watchedStates(config["AlarmStates"]); err != nil {
		return w, err
	}
	w.Wait, err = watchTime(config["WaitTime"])
	return w, err
}

// watchedStates reads states with commas between; none are ALARM.
func watchedStates(text string) (out []string, err error) {
	for state := range strings.SplitSeq(text, ",") {
		if state = strings.TrimSpace(state); state == "" {
			continue
		}
		if !slices.Contains(alarmStates, state) {
			return nil, fmt.Errorf("AlarmStates may hold OK, ALARM and INSUFFICIENT_DATA, not '%s'", shorten(state))
		}
		out = append(out, state)
	}
	if len(out) == 0 {
		out = []string{"ALARM"}
	}
	return out, nil
}

func watchTime(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	limit := int(maxWait / time.Minute)
	minutes, err := strconv.Atoi(text)
	if err != nil || minutes < 0 || minutes > limit {
		return 0, fmt.Errorf("WaitTime is a number of minutes up to %d, not '%s'", limit, shorten(text))
	}
	return time.Duration(minutes) * time.Minute, nil
}
