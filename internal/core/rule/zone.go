package rule

import (
	"fmt"
	"strings"
	"time"
)

// abbreviations are the short names of time zones that name one offset; where
// several zones share a name, it is the one that Java takes.
var abbreviations = map[string]string{
	"UTC": "+00:00", "GMT": "+00:00", "Z": "+00:00", "WET": "+00:00", "WEST": "+01:00",
	"BST": "+01:00", "CET": "+01:00", "CEST": "+02:00", "EET": "+02:00", "EEST": "+03:00", "MSK": "+03:00",
	"IST": "+05:30", "SGT": "+08:00", "HKT": "+08:00", "JST": "+09:00", "KST": "+09:00",
	"AWST": "+08:00", "ACST": "+09:30", "AEST": "+10:00", "AEDT": "+11:00", "NZST": "+12:00", "NZDT": "+13:00",
	"NST": "-03:30", "AST": "-04:00", "ADT": "-03:00", "EST": "-05:00", "EDT": "-04:00", "CST": "-06:00", "CDT": "-05:00",
	"MST": "-07:00", "MDT": "-06:00", "PST": "-08:00", "PDT": "-07:00", "AKST": "-09:00", "AKDT": "-08:00", "HST": "-10:00",
}

// location finds the time zone that a rule names: "" or UTC, UTC±HH:MM, a
// well-known abbreviation, or Region/City in any case.
func location(name string, zone Zones) (*time.Location, error) {
	upper := strings.ToUpper(strings.TrimSpace(name))
	if upper == "" {
		return time.UTC, nil
	}
	offset := abbreviations[upper]
	for _, prefix := range []string{"UTC", "GMT"} {
		if rest, ok := strings.CutPrefix(upper, prefix); ok && rest != "" {
			offset = rest
		}
	}
	if offset != "" {
		t, err := time.Parse("-07:00", offset)
		if err != nil {
			return nil, unknownZone(name)
		}
		_, seconds := t.Zone()
		if seconds == 0 {
			return time.UTC, nil
		}
		return time.FixedZone(upper, seconds), nil
	}
	// Names of the database are links to files elsewhere: nothing but a name
	// may reach it.
	for _, c := range upper {
		if !(c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("/_-+", c)) {
			return nil, unknownZone(name)
		}
	}
	region, city, _ := strings.Cut(upper, "/")
	for _, spelling := range []string{strings.TrimSpace(name), capitals(upper), upper, capitals(region) + "/" + city} {
		if upper == "LOCAL" { // the server's own zone has no name here
			break
		}
		if loc, err := zone(spelling); err == nil {
			return loc, nil
		}
	}
	return nil, unknownZone(name)
}

func unknownZone(name string) error {
	return fmt.Errorf("the time zone '%s' is not known; use Region/City, UTC or UTC±HH:MM", shorten(name))
}

// small are the words that names of cities have in lower case.
var small = map[string]string{"Of": "of", "Es": "es", "Au": "au"}

// capitals writes a name as the database does: Europe/Isle_of_Man.
func capitals(name string) string {
	b := []byte(strings.ToLower(name))
	begin := 0
	for i := 0; i <= len(b); i++ {
		if i < len(b) && b[i] != '/' && b[i] != '_' && b[i] != '-' {
			continue
		}
		if i > begin {
			b[begin] = strings.ToUpper(string(b[begin]))[0]
			if lower, ok := small[string(b[begin:i])]; ok && begin > 0 && b[begin-1] != '/' {
				copy(b[begin:], lower)
			}
		}
		begin = i + 1
	}
	return string(b)
}
