package eventrule

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"penstock/internal/core/cron"
)

// MaxSchedule is the most characters of a schedule expression.
const MaxSchedule = 256

// Schedule says when a rule starts its targets: every so often, or at the
// minutes of a cron expression, in UTC.
type Schedule struct {
	every time.Duration // 0 = by cron
	cron  cron.Expression
}

var units = map[string]time.Duration{
	"minute": time.Minute, "minutes": time.Minute, "hour": time.Hour, "hours": time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
}

// maxRate keeps a rate within the range of a time.Duration.
const maxRate = 100 * 365 * 24 * time.Hour

// ParseSchedule reads "rate(5 minutes)" or "cron(0 12 * * ? *)": minutes hours
// day-of-month month day-of-week year, of which one of the days must be "?".
func ParseSchedule(text string) (Schedule, error) {
	inner, ok := strings.CutSuffix(text, ")")
	if rate, is := strings.CutPrefix(inner, "rate("); is && ok {
		return parseRate(rate)
	}
	if fields, is := strings.CutPrefix(inner, "cron("); is && ok {
		return parseCron(fields)
	}
	return Schedule{}, fmt.Errorf("a schedule is rate(NUMBER UNIT) or cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK YEAR)")
}

func parseRate(text string) (Schedule, error) {
	number, unit, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(number)
	length, known := units[unit]
	switch {
	case err != nil || n < 1 || number[0] == '+' || number[0] == '0':
		return Schedule{}, fmt.Errorf("the rate needs a number from 1 on")
	case !known:
		return Schedule{}, fmt.Errorf("the unit of a rate is minute, minutes, hour, hours, day or days")
	case (n == 1) == strings.HasSuffix(unit, "s"):
		return Schedule{}, fmt.Errorf("the unit of a rate is singular for 1 and plural for more")
	case n > int(maxRate/length):
		return Schedule{}, fmt.Errorf("the rate is longer than 100 years")
	}
	return Schedule{every: time.Duration(n) * length}, nil
}

func parseCron(text string) (s Schedule, err error) {
	f := strings.Fields(strings.ToUpper(text))
	if len(f) != 6 {
		return s, fmt.Errorf("the cron expression has %d fields; it needs 6: minutes hours day-of-month month day-of-week year", len(f))
	}
	if (f[2] == "?") == (f[4] == "?") {
		return s, fmt.Errorf("one of day-of-month and day-of-week must be ?, and not both")
	}
	s.cron, err = cron.Parse(cron.Fields{Minutes: f[0], Hours: f[1], Days: f[2], Months: f[3], Weekdays: f[4], Years: f[5]})
	return s, err
}

// First returns when the schedule first comes for a rule that begins at now;
// zero when it never does.
func (s Schedule) First(now time.Time) time.Time {
	if s.every > 0 {
		return now.Add(s.every)
	}
	return s.cron.Next(now)
}

// Next returns when the schedule comes after the turn due, which was taken at
// now. Turns that were missed are left out.
func (s Schedule) Next(due, now time.Time) time.Time {
	if s.every == 0 {
		if due.After(now) {
			now = due
		}
		return s.cron.Next(now)
	}
	missed := max(now.Sub(due), 0) / s.every
	return due.Add((missed + 1) * s.every)
}
