package cron

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// days and weekdays say which days a field holds; nil holds all.
type (
	days     []func(time.Time) bool
	weekdays []func(time.Time) bool
)

func (d days) has(t time.Time) bool     { return anyDay(d, t) }
func (d weekdays) has(t time.Time) bool { return anyDay(d, t) }

func anyDay(list []func(time.Time) bool, t time.Time) bool {
	for _, day := range list {
		if day(t) {
			return true
		}
	}
	return list == nil
}

// parseDays reads the days of the month: beside numbers "?", "L" (the last),
// "L-3" (three days before it), "15W" (the working day nearest to the 15th in
// the same month) and "LW" (the last working day).
func parseDays(text string) (days, error) {
	if text == "*" || text == "?" {
		return nil, nil
	}
	var out days
	for part := range strings.SplitSeq(text, ",") {
		day, err := parseDay(part)
		if err != nil {
			return nil, err
		}
		out = append(out, day)
	}
	return out, nil
}

func parseDay(text string) (func(time.Time) bool, error) {
	if before, ok := strings.CutPrefix(text, "L-"); ok {
		n, err := strconv.Atoi(before)
		if err != nil || n < 0 || n > 30 {
			return nil, fmt.Errorf("'%s' of the day of month: L-0 to L-30", text)
		}
		return func(t time.Time) bool { return t.Day() == last(t)-n }, nil
	}
	if text == "L" {
		return func(t time.Time) bool { return t.Day() == last(t) }, nil
	}
	if text == "LW" {
		return func(t time.Time) bool { return t.Day() == nearest(t, last(t)) }, nil
	}
	if at, ok := strings.CutSuffix(text, "W"); ok {
		n, err := dayField.number(at)
		if err != nil {
			return nil, err
		}
		return func(t time.Time) bool { return n <= last(t) && t.Day() == nearest(t, n) }, nil
	}
	s, err := dayField.part(text)
	if err != nil {
		return nil, err
	}
	return func(t time.Time) bool { return s.has(t.Day()) }, nil
}

// last is the last day of the month.
func last(t time.Time) int {
	return time.Date(t.Year(), t.Month()+1, 0, 12, 0, 0, 0, time.UTC).Day()
}

// nearest is the working day of the month that is nearest to the day.
func nearest(t time.Time, day int) int {
	switch time.Date(t.Year(), t.Month(), day, 12, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if day == 1 {
			return 3
		}
		return day - 1
	case time.Sunday:
		if day == last(t) {
			return day - 2
		}
		return day + 1
	}
	return day
}

// parseWeekdays reads the days of the week, 1 or SUN to 7 or SAT: beside
// numbers "?", "L" (Saturday), "6L" (the last Friday of the month) and "6#3"
// (its third Friday).
func parseWeekdays(text string) (weekdays, error) {
	if text == "*" || text == "?" {
		return nil, nil
	}
	var out weekdays
	for part := range strings.SplitSeq(text, ",") {
		day, err := parseWeekday(part)
		if err != nil {
			return nil, err
		}
		out = append(out, day)
	}
	return out, nil
}

func parseWeekday(text string) (func(time.Time) bool, error) {
	if text == "L" {
		text = "7"
	}
	if name, nth, ok := strings.Cut(text, "#"); ok {
		day, err := weekdayField.number(name)
		n, err2 := strconv.Atoi(nth)
		if err != nil || err2 != nil || n < 1 || n > 5 {
			return nil, fmt.Errorf("'%s' of the day of week: a day, # and 1 to 5", text)
		}
		return func(t time.Time) bool { return weekday(t) == day && (t.Day()-1)/7+1 == n }, nil
	}
	if name, ok := strings.CutSuffix(text, "L"); ok {
		day, err := weekdayField.number(name)
		if err != nil {
			return nil, err
		}
		return func(t time.Time) bool { return weekday(t) == day && t.Day()+7 > last(t) }, nil
	}
	s, err := weekdayField.part(text)
	if err != nil {
		return nil, err
	}
	return func(t time.Time) bool { return s.has(weekday(t)) }, nil
}

func weekday(t time.Time) int { return int(t.Weekday()) + 1 }
