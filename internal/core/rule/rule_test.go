package rule

import (
	"strings"
	"testing"
	"time"
)

func TestVariableCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		variable, operator, value string
		want                      bool
	}{
		{"main", "EQ", "main", true},
		{"Main", "EQ", "main", false},
		{"", "EQ", "", true},
		{"main", "NE", "main", false},
		{"Main", "NE", "main", true},
		{"fix [skip ci]", "CONTAINS", "[skip ci]", true},
		{"fix", "CONTAINS", "[skip ci]", false},
		{"main", "MATCHES", "main|release/.*", true},
		{"release/1", "MATCHES", "main|release/.*", true},
		{"old-main", "MATCHES", "main|release/.*", false}, // the whole text, for each alternative
		{"main2", "MATCHES", "main|release/.*", false},
		{"main\n", "MATCHES", "main$", false},
		{"v1.2.3", "MATCHES", `v\d+(\.\d+){2}`, true},
		{"Äpfel", "MATCHES", `\p{Lu}\p{Ll}+`, true},
	} {
		v := Evaluate("VariableCheck", map[string]string{"Variable": tt.variable, "Operator": tt.operator, "Value": tt.value}, time.Time{}, nil)
		if v.Err != nil || v.Passed != tt.want || v.Why == "" {
			t.Errorf("%q %s %q: %+v, want %v", tt.variable, tt.operator, tt.value, v, tt.want)
		}
	}
	for name, config := range map[string]map[string]string{
		"operator":      {"Variable": "a", "Operator": "GT", "Value": "b"},
		"expression":    {"Variable": "a", "Operator": "MATCHES", "Value": "("},
		"unbalanced":    {"Variable": "a", "Operator": "MATCHES", "Value": "a)|(b"},
		"lookahead":     {"Variable": "a", "Operator": "MATCHES", "Value": "(?!b)a"},
		"backreference": {"Variable": "aa", "Operator": "MATCHES", "Value": `(a)\1`},
		"large":         {"Variable": "a", "Operator": "MATCHES", "Value": strings.Repeat("(a?){1000}", 100)},
		"long":          {"Variable": strings.Repeat("a", 100_000), "Operator": "MATCHES", "Value": "(a?){100}"},
	} {
		if v := Evaluate("VariableCheck", config, time.Time{}, nil); v.Err == nil || v.Passed {
			t.Errorf("%s: %+v, want an error", name, v)
		}
	}
	long := strings.Repeat("ä", 5000)
	v := Evaluate("VariableCheck", map[string]string{"Variable": long, "Operator": "NE", "Value": long + "x"}, time.Time{}, nil)
	if !v.Passed || len(v.Why) > 3*maxShown || !strings.Contains(v.Why, "ä…'") {
		t.Errorf("long values: %v, %d bytes", v.Passed, len(v.Why))
	}
}

func TestPure(t *testing.T) {
	t.Parallel()
	for provider, want := range map[string]bool{"VariableCheck": true, "DeploymentWindow": true, "Commands": false, "LambdaInvoke": false, "CloudWatchAlarm": false, "CodeBuild": false} {
		if Pure(provider) != want {
			t.Errorf("Pure(%s) is %v", provider, !want)
		}
	}
}

// at reads "2026-10-02 12:00", a Friday.
func at(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation("2006-01-02 15:04", s, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWindow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ expression, in, out string }{
		{"* * * * * ? *", "2026-10-02 12:34", ""},
		{"0 0 9-17 ? * MON-FRI *", "2026-10-02 09:00,2026-10-02 17:59,2026-10-05 12:34", "2026-10-02 08:59,2026-10-02 18:00,2026-10-03 12:00"},
		{"* * 9-16 ? * 2-6", "2026-10-02 16:59", "2026-10-02 17:00,2026-10-04 12:00"},
		{"0 0 9 ? * *", "2026-10-02 09:00", "2026-10-02 09:01"}, // one hour, one minute: meant as it says
		{"0 0 * ? * *", "2026-10-02 09:17", ""},
		{"0 0/15 10 * * ?", "2026-10-02 10:00,2026-10-02 10:45", "2026-10-02 10:14,2026-10-02 11:00"},
		{"* 10-20/5,50 * * * ?", "2026-10-02 10:10,2026-10-02 10:15,2026-10-02 10:20,2026-10-02 10:50", "2026-10-02 10:25,2026-10-02 10:51,2026-10-02 10:09"},
		{"* * 22-5 * * ?", "2026-10-02 23:00,2026-10-02 00:00,2026-10-02 05:59", "2026-10-02 06:00,2026-10-02 21:59"},
		{"* * 22-5/2 * * ?", "2026-10-02 22:00,2026-10-02 00:00,2026-10-02 04:00", "2026-10-02 23:00,2026-10-02 05:00"},
		{"* * * ? * FRI-MON", "2026-10-02 12:00,2026-10-03 12:00,2026-10-04 12:00,2026-10-05 12:00", "2026-10-06 12:00,2026-10-08 12:00"},
		{"* * * ? * sun,7", "2026-10-03 12:00,2026-10-04 12:00", "2026-10-02 12:00"},
		{"* * * ? * L", "2026-10-03 12:00", "2026-10-04 12:00"},
		{"* * * ? * 6L", "2026-10-30 12:00", "2026-10-23 12:00,2026-10-31 12:00"},
		{"* * * ? * FRIL", "2026-10-30 12:00", "2026-10-23 12:00"},
		{"* * * ? * 6#1", "2026-10-02 12:00", "2026-10-09 12:00,2026-10-01 12:00"},
		{"* * * ? * 6#5", "2026-10-30 12:00", "2026-10-02 12:00,2026-11-27 12:00"},
		{"* * * L * ?", "2026-10-31 12:00,2026-02-28 12:00,2028-02-29 12:00", "2026-10-30 12:00,2028-02-28 12:00"},
		{"* * * L-3 * ?", "2026-10-28 12:00", "2026-10-31 12:00"},
		{"* * * 15W * ?", "2026-10-15 12:00,2026-11-16 12:00,2026-08-14 12:00", "2026-11-15 12:00,2026-08-15 12:00"},
		{"* * * 1W * ?", "2026-08-03 12:00,2026-10-01 12:00", "2026-08-01 12:00,2026-07-31 12:00"}, // never in the month before
		{"* * * 31W * ?", "2026-05-29 12:00", "2026-05-31 12:00,2026-06-30 12:00,2026-06-01 12:00"},
		{"* * * LW * ?", "2026-10-30 12:00,2026-05-29 12:00", "2026-10-31 12:00,2026-05-31 12:00"},
		{"* * * 1,15,L * ?", "2026-10-01 12:00,2026-10-15 12:00,2026-10-31 12:00", "2026-10-02 12:00"},
		{"* * * ? JAN-MAR,dec *", "2026-01-05 12:00,2026-12-31 12:00", "2026-04-01 12:00"},
		{"* * * ? NOV-FEB *", "2026-11-01 12:00,2026-02-01 12:00", "2026-03-01 12:00,2026-10-31 12:00"},
		{"* * * * * ? 2026", "2026-10-02 12:00", "2027-10-02 12:00"},
		{"* * * * * ? 2026-2028", "2027-10-02 12:00", "2025-10-02 12:00,2029-01-01 00:00"},
		{"* * * * * ? 2024/2", "2026-10-02 12:00", "2027-10-02 12:00,2022-01-01 00:00"},
		{"* * * 1-7 * 2", "2026-10-05 12:00", "2026-10-06 12:00,2026-10-12 12:00"}, // both days hold
	} {
		w, err := ParseWindow(tt.expression)
		if err != nil {
			t.Errorf("%s: %v", tt.expression, err)
			continue
		}
		for _, in := range strings.Split(tt.in, ",") {
			if !w.Contains(at(t, in)) {
				t.Errorf("%s does not hold %s", tt.expression, in)
			}
		}
		for _, out := range strings.FieldsFunc(tt.out, func(r rune) bool { return r == ',' }) {
			if w.Contains(at(t, out)) {
				t.Errorf("%s holds %s", tt.expression, out)
			}
		}
	}
}

func TestWindowErrors(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		"":                          "has 0 fields",
		"* * * * *":                 "has 5 fields",
		"* * * * * * * *":           "has 8 fields",
		"60 * * * * ?":              "seconds",
		"* 60 * * * ?":              "minutes",
		"* +5 * * * ?":              "minutes",
		"* -5 * * * ?":              "minutes",
		"* * 24 * * ?":              "hours",
		"* * * 0 * ?":               "day of month",
		"* * * 32W * ?":             "day of month",
		"* * * L-31 * ?":            "day of month",
		"* * * L--1 * ?":            "day of month",
		"* * * * 13 ?":              "month",
		"* * * * JANUARY ?":         "month",
		"* * * * ? *":               "month",
		"* * * ? * 8":               "day of week",
		"* * * ? * 0L":              "day of week",
		"* * * ? * 6#6":             "day of week",
		"* * * ? * #":               "day of week",
		"* * * * * ? 1969":          "year",
		"* * * * * ? 2200":          "year",
		"* * * * * ? 2027-2026":     "year",
		"* */0 * * * ?":             "step",
		"* */x * * * ?":             "step",
		"* 1,,2 * * * ?":            "minutes",
		"* 1-2-3 * * * ?":           "minutes",
		"* ? * * * ?":               "minutes",
		"* 99999999999999999 * * ?": "fields",
	} {
		if _, err := ParseWindow(expression); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want it to name the %s", expression, err, want)
		}
	}
}

func TestZones(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-07-01 12:00")
	for name, want := range map[string]string{
		"": "12:00", "UTC": "12:00", "utc": "12:00", "GMT": "12:00", "UTC+05:30": "17:30", "UTC-03:00": "09:00", "utc+00:00": "12:00",
		"Europe/Berlin": "14:00", "europe/berlin": "14:00", "EUROPE/BERLIN": "14:00", " America/New_York ": "08:00", "america/new_york": "08:00",
		"europe/isle_of_man": "13:00", "america/port-au-prince": "08:00", "asia/kolkata": "17:30", "etc/utc": "12:00", "EST": "07:00", "pst": "04:00", "CEST": "14:00", "IST": "17:30",
	} {
		loc, err := location(name, time.LoadLocation)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if got := now.In(loc).Format("15:04"); got != want {
			t.Errorf("in %q it is %s, want %s", name, got, want)
		}
	}
	asked := ""
	zone := func(name string) (*time.Location, error) { asked += name + " "; return time.LoadLocation(name) }
	for _, name := range []string{"Local", "local", "LOCAL", "Europe/Nowhere", "XYZ", "UTC+5", "UTC+99:00", "UTC 05:00", "../../etc/passwd", "Europe/Ber lin", "Europé/Berlin"} {
		if loc, err := location(name, zone); err == nil {
			t.Errorf("%q is %v", name, loc)
		}
	}
	if strings.Contains(asked, "..") || strings.Contains(asked, "ocal") {
		t.Errorf("the database was asked for %s", asked)
	}
}

func TestDeploymentWindow(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-10-02 12:00")
	config := map[string]string{"Cron": "0 0 9-17 ? * MON-FRI *", "TimeZone": "Asia/Tokyo"} // 21:00 there
	if v := Evaluate("DeploymentWindow", config, now, time.LoadLocation); v.Passed || v.Err != nil || v.Why != "2026-10-02 21:00 Friday Asia/Tokyo lies outside the window 0 0 9-17 ? * MON-FRI *" {
		t.Errorf("outside: %+v", v)
	}
	delete(config, "TimeZone")
	if v := Evaluate("DeploymentWindow", config, now, time.LoadLocation); !v.Passed || v.Err != nil || v.Why != "2026-10-02 12:00 Friday UTC lies in the window 0 0 9-17 ? * MON-FRI *" {
		t.Errorf("inside: %+v", v)
	}
	for _, config := range []map[string]string{{"Cron": "x"}, {"Cron": "* * * * * ?", "TimeZone": "Mars/Base"}} {
		if v := Evaluate("DeploymentWindow", config, now, time.LoadLocation); v.Err == nil || v.Passed {
			t.Errorf("%v: %+v", config, v)
		}
	}
}

// FuzzWindow: an expression is refused or tells of each time whether it holds
// it, and upper and lower case mean the same.
func FuzzWindow(f *testing.F) {
	for _, s := range []string{"0 0 9-17 ? * MON-FRI *", "* 0/5 * LW JAN 6#3 2030/2", "* * * L-3,15W * 6L", "*/70 * * * * ?"} {
		f.Add(s, int64(1_790_000_000))
	}
	f.Fuzz(func(t *testing.T, expression string, unix int64) {
		w, err := ParseWindow(expression)
		lower, err2 := ParseWindow(strings.ToLower(expression))
		if (err == nil) != (err2 == nil) {
			t.Fatalf("%q: %v, in lower case %v", expression, err, err2)
		}
		if err != nil {
			return
		}
		now := time.Unix(unix%4_000_000_000, 0).UTC()
		if w.Contains(now) != lower.Contains(now) || w.Contains(now) != w.Contains(now.Truncate(time.Minute)) {
			t.Errorf("%q does not agree with itself about %s", expression, now)
		}
	})
}
