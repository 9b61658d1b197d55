package cron

import (
	"fmt"
	"strconv"
	"strings"
)

// set says which numbers a field holds; nil holds all.
type set func(int) bool

func (s set) has(n int) bool { return s == nil || s(n) }

// field is the shape of a field of numbers.
type field struct {
	name      string
	low, high int
	names     []string // of low, low+1 …
}

var (
	secondField  = field{name: "seconds", high: 59}
	minuteField  = field{name: "minutes", high: 59}
	hourField    = field{name: "hours", high: 23}
	dayField     = field{name: "day of month", low: 1, high: 31}
	monthField   = field{name: "month", low: 1, high: 12, names: strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")}
	weekdayField = field{name: "day of week", low: 1, high: 7, names: strings.Fields("SUN MON TUE WED THU FRI SAT")}
	yearField    = field{name: "year", low: 1970, high: 2199}
)

// parse reads a list of numbers, ranges and steps.
func (f field) parse(text string) (set, error) {
	if text == "*" {
		return nil, nil
	}
	var parts []set
	for part := range strings.SplitSeq(text, ",") {
		s, err := f.part(part)
		if err != nil {
			return nil, err
		}
		parts = append(parts, s)
	}
	return func(n int) bool {
		for _, s := range parts {
			if s.has(n) {
				return true
			}
		}
		return false
	}, nil
}

// part reads "n", "a-b", "*", each with "/step" behind it. "n/step" goes on to
// the end of the field, and a range may pass the end: FRI-MON.
func (f field) part(text string) (set, error) {
	span, stepText, stepped := strings.Cut(text, "/")
	step := 1
	if stepped {
		n, err := strconv.Atoi(stepText)
		if err != nil || n < 1 || n > f.high {
			return nil, fmt.Errorf("the step '%s' in '%s' of the %s", stepText, text, f.name)
		}
		step = n
	}
	from, to, ranged := strings.Cut(span, "-")
	low, high := f.low, f.high
	if span != "*" {
		var err error
		if low, err = f.number(from); err != nil {
			return nil, err
		}
		switch {
		case ranged:
			if high, err = f.number(to); err != nil {
				return nil, err
			}
		case !stepped:
			high = low
		}
	}
	size := f.high - f.low + 1
	length := high - low
	if length < 0 {
		if f.name == yearField.name {
			return nil, fmt.Errorf("the range '%s' of the %s", span, f.name)
		}
		length += size
	}
	return func(n int) bool {
		if n < f.low || n > f.high {
			return false
		}
		past := n - low
		if past < 0 {
			past += size
		}
		return past <= length && past%step == 0
	}, nil
}

func (f field) number(text string) (int, error) {
	for i, name := range f.names {
		if text == name {
			return f.low + i, nil
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.low || n > f.high || text[0] == '+' {
		return 0, fmt.Errorf("'%s' is not between %d and %d, the %s", text, f.low, f.high, f.name)
	}
	return n, nil
}
