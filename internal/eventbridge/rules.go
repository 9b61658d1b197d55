package eventbridge

import (
	"sync"

	"penstock/internal/core/eventrule"
	"penstock/internal/store"
)

// rules holds the rules that have a pattern, ready to be matched. It learns
// from the store when they have changed, also on another server.
type rules struct {
	mu      sync.Mutex
	version int64
	of      map[place][]listener
}

type place struct{ account, region string }

// listener is an enabled rule that has a pattern.
type listener struct {
	store.EventRule
	pattern *eventrule.Pattern
}

const (
	// maxPlaces bounds the accounts and regions of which rules are held.
	maxPlaces = 1000
	rulePage  = 100
)

// at returns the listeners of an account in a region.
func (c *rules) at(r store.Reader, account, region string) ([]listener, error) {
	version, err := r.EventRuleVersion()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if version != c.version || c.of == nil || len(c.of) >= maxPlaces {
		c.version, c.of = version, map[place][]listener{}
	}
	here := place{account, region}
	if list, ok := c.of[here]; ok {
		return list, nil
	}
	list, err := load(r, here)
	if err == nil {
		c.of[here] = list
	}
	return list, err
}

func load(r store.Reader, here place) (out []listener, err error) {
	err = eachRule(r, here, func(rule store.EventRule) {
		if !rule.Enabled || rule.Pattern == "" {
			return
		}
		// It was parsed when it was put: it can be parsed.
		if p, err := parsePattern(rule.Pattern); err == nil {
			out = append(out, listener{rule, p})
		}
	})
	return out, err
}

// eachRule calls fn for all rules of an account in a region, by name.
func eachRule(r store.Reader, here place, fn func(store.EventRule)) error {
	after := ""
	for {
		page, err := r.EventRules(here.account, here.region, after, rulePage)
		if err != nil {
			return err
		}
		for _, rule := range page {
			fn(rule)
		}
		if len(page) < rulePage {
			return nil
		}
		after = page[len(page)-1].Name
	}
}
