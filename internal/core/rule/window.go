package rule

import (
	"fmt"
	"strings"

	"penstock/internal/core/cron"
)

// Window is a set of minutes, written as a cron expression of 6 or 7 fields in
// the manner of Quartz: second minute hour day-of-month month day-of-week
// [year]. The seconds are checked and otherwise ignored.
type Window struct{ cron.Expression }

// ParseWindow reads a cron expression. A window is meant as a span: the fixed
// minute 0 stands for all minutes when the hours are a range, a list or "*", as
// in AWS's own example "0 0 9-17 ? * MON-FRI *".
func ParseWindow(expression string) (w Window, err error) {
	f := strings.Fields(strings.ToUpper(expression))
	if len(f) == 6 {
		f = append(f, "*")
	}
	if len(f) != 7 {
		return w, fmt.Errorf("the cron expression '%s' has %d fields; it needs 6 or 7: seconds minutes hours day-of-month month day-of-week [year]", shorten(expression), len(f))
	}
	if f[1] == "0" && strings.ContainsAny(f[2], "-,*/") {
		f[1] = "*"
	}
	if err = cron.CheckSeconds(f[0]); err == nil {
		w.Expression, err = cron.Parse(cron.Fields{Minutes: f[1], Hours: f[2], Days: f[3], Months: f[4], Weekdays: f[5], Years: f[6]})
	}
	if err != nil {
		return Window{}, fmt.Errorf("the cron expression '%s' cannot be understood: %w", shorten(expression), err)
	}
	return w, nil
}
