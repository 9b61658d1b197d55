// Package cron reads cron expressions in the manner of Quartz, which the
// DeploymentWindow rule and EventBridge's schedules are written in. It is pure.
package cron

import "time"

// Expression is a set of minutes.
type Expression struct {
	minutes, hours, months, years set
	days                          days
	weekdays                      weekdays
}

// Fields are the fields of an expression, in upper case.
type Fields struct{ Minutes, Hours, Days, Months, Weekdays, Years string }

// Parse reads an expression. A day must be in both of its fields.
func Parse(f Fields) (e Expression, err error) {
	if e.minutes, err = minuteField.parse(f.Minutes); err != nil {
		return e, err
	}
	if e.hours, err = hourField.parse(f.Hours); err != nil {
		return e, err
	}
	if e.days, err = parseDays(f.Days); err != nil {
		return e, err
	}
	if e.months, err = monthField.parse(f.Months); err != nil {
		return e, err
	}
	if e.weekdays, err = parseWeekdays(f.Weekdays); err != nil {
		return e, err
	}
	e.years, err = yearField.parse(f.Years)
	return e, err
}

// CheckSeconds checks a field of seconds, which an Expression has none of.
func CheckSeconds(text string) error {
	_, err := secondField.parse(text)
	return err
}

// Contains reports whether the minute of t, in t's time zone, is in the set.
func (e Expression) Contains(t time.Time) bool {
	return e.onDay(t) && e.hours.has(t.Hour()) && e.minutes.has(t.Minute())
}

func (e Expression) onDay(t time.Time) bool {
	return e.years.has(t.Year()) && e.months.has(int(t.Month())) && e.days.has(t) && e.weekdays.has(t)
}

// Next returns the first minute of the set behind after, in UTC; zero when
// there is none.
func (e Expression) Next(after time.Time) time.Time {
	t := after.UTC().Truncate(time.Minute).Add(time.Minute)
	for t.Year() <= yearField.high {
		switch {
		case !e.years.has(t.Year()):
			t = time.Date(t.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
		case !e.months.has(int(t.Month())):
			t = time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		case !e.onDay(t):
			t = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC)
		case !e.hours.has(t.Hour()):
			t = t.Truncate(time.Hour).Add(time.Hour)
		case !e.minutes.has(t.Minute()):
			t = t.Add(time.Minute)
		default:
			return t
		}
	}
	return time.Time{}
}
