package storetest

import (
	"errors"
	"time"

	"penstock/internal/store"
)

func eventRule(f *fixture, name string) store.EventRule {
	return store.EventRule{
		Account: account, Region: region, Name: name, Pattern: `{"source":["me"]}`, Enabled: true,
		Description: "what it is for", RoleARN: "arn:aws:iam::111111111111:role/r", Since: f.now(),
		Targets: []store.EventTarget{
			{ID: "1", ARN: "arn:a", Input: "{}"}, {ID: "2", ARN: "arn:b", RoleARN: "arn:r", InputPath: "$.detail"},
			{ID: "3", ARN: "arn:c", Transform: &store.InputTransform{Paths: map[string]string{"x": "$.x"}, Template: "<x>"}},
		},
	}
}

func (f *fixture) putRules(rules ...store.EventRule) {
	f.Helper()
	f.update(func(tx store.Tx) error {
		for _, r := range rules {
			if err := tx.PutEventRule(r); err != nil {
				return err
			}
		}
		return nil
	})
}

func eventRules(f *fixture) {
	version := func() int64 {
		f.Helper()
		return read(f, func(r store.Reader) (int64, error) { return r.EventRuleVersion() })
	}
	a, b, c, other := eventRule(f, "a"), eventRule(f, "b"), eventRule(f, "c"), eventRule(f, "a")
	b.Pattern, b.Enabled, b.Description, b.RoleARN, b.Targets = "", false, "", "", nil
	b.Schedule, b.Due = "rate(1 minute)", f.now().Add(time.Minute)
	other.Region = "elsewhere"
	last := version()
	f.putRules(c, a, b, other)
	check := func(r store.Reader) error {
		list, err := r.EventRules(account, region, "", 10)
		f.equal("rules", list, []store.EventRule{a, b, c})
		if err != nil {
			return err
		}
		page, err := r.EventRules(account, region, "a", 1)
		f.equal("page", page, []store.EventRule{b})
		if err != nil {
			return err
		}
		one, err := r.EventRule(account, region, "c")
		f.equal("rule", one, c)
		if err != nil {
			return err
		}
		n, err := r.CountEventRules(account, region)
		f.equal("count", n, 3)
		return err
	}
	grown := func(what string) {
		f.Helper()
		if v := version(); v <= last {
			f.Fatalf("%s: the version is %d and was %d", what, v, last)
		}
		last = version()
	}
	f.both(check)
	grown("rules were put")
	f.reopen()
	f.both(check)
	f.equal("version after a restart", version(), last)
	a.Enabled = false
	f.putRules(a)
	f.both(check)
	grown("a rule was changed")
	f.update(func(tx store.Tx) error { return tx.SetTags(a.ARN(), map[string]string{"k": "v"}) })
	f.update(func(tx store.Tx) error {
		if err := tx.DeleteEventRule(account, region, "none"); err != nil {
			return err
		}
		return tx.DeleteEventRule(account, region, "a")
	})
	grown("a rule was deleted")
	f.both(func(r store.Reader) error {
		_, err := r.EventRule(account, region, "a")
		f.equal("deleted rule", errors.Is(err, store.ErrNotFound), true)
		tags, err := r.Tags(a.ARN())
		f.equal("tags of a deleted rule", len(tags), 0)
		return err
	})
}

func schedules(f *fixture) {
	next := func() time.Time {
		f.Helper()
		return read(f, func(r store.Reader) (time.Time, error) { return r.NextEventRule() })
	}
	due := func(at time.Time, limit int) (names []string) {
		f.Helper()
		for _, r := range read(f, func(r store.Reader) ([]store.EventRule, error) { return r.DueEventRules(at, limit) }) {
			names = append(names, r.Name)
		}
		return names
	}
	claim := func(r store.EventRule, to time.Time) (claimed bool) {
		f.update(func(tx store.Tx) (err error) {
			claimed, err = tx.ClaimEventRule(r, to)
			return err
		})
		return claimed
	}
	f.equal("next of none", next(), time.Time{})
	a, b, never := eventRule(f, "a"), eventRule(f, "b"), eventRule(f, "c")
	a.Due, b.Due = f.now().Add(2*time.Minute), f.now().Add(time.Minute)
	f.putRules(a, b, never)
	f.reopen()
	f.equal("next", next(), b.Due)
	f.equal("due before", len(due(b.Due.Add(-time.Millisecond), 10)), 0)
	f.equal("due", due(a.Due, 10), []string{"b", "a"})
	f.equal("the first due", due(a.Due, 1), []string{"b"})
	later := f.now().Add(time.Hour)
	f.equal("first claim", claim(b, later), true)
	f.equal("second claim", claim(b, later), false)
	f.equal("next after the claim", next(), a.Due)
	f.equal("last claim", claim(a, time.Time{}), true)
	f.equal("next after all", next(), later)
	f.equal("claim of a rule that is gone", claim(eventRule(f, "none"), later), false)
}

// sharedCursor is the cursor of what several servers feed.
func sharedCursor(f *fixture) {
	advance := func(from, to int64) (moved bool) {
		f.update(func(tx store.Tx) (err error) {
			moved, err = tx.AdvanceSinkCursor("s", from, to)
			return err
		})
		return moved
	}
	f.equal("first", advance(0, 5), true)
	f.equal("the other server", advance(0, 7), false)
	f.equal("on", advance(5, 9), true)
	f.reopen()
	f.equal("from behind", advance(5, 6), false)
	f.equal("cursor", read(f, func(r store.Reader) (int64, error) { return r.SinkCursor("s") }), int64(9))
}
