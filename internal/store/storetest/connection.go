package storetest

import (
	"errors"
	"time"

	"penstock/internal/core/engine"
	"penstock/internal/store"
)

func (f *fixture) connection(name string) store.Connection {
	return store.Connection{
		ID: newID(), Account: account, Region: region, Name: name, Created: f.now(), Provider: "GitHub",
		BaseURL: "https://git.example.com", Token: secret(), Secret: secret(),
	}
}

func connections(f *fixture) {
	a, b := f.connection("a"), f.connection("b")
	b.Token, b.User, b.CA, b.KnownHosts, b.Poll = "", "me", "ca", "hosts", true
	other := f.connection("a")
	other.Region = "elsewhere"
	f.update(func(tx store.Tx) error {
		return errors.Join(tx.PutConnection(b), tx.PutConnection(a), tx.PutConnection(other))
	})
	check := func(r store.Reader) error {
		list, err := r.Connections(account, region)
		f.equal("connections", list, []store.Connection{a, b})
		if err != nil {
			return err
		}
		one, err := r.Connection(b.ID)
		f.equal("connection", one, b)
		return err
	}
	f.both(check)
	f.reopen()
	f.both(check)
	a.Token, a.Secret = secret(), secret()
	f.update(func(tx store.Tx) error { return tx.PutConnection(a) })
	f.both(check)

	deliver := func(c store.Connection, delivery string) (fresh bool) {
		f.update(func(tx store.Tx) (err error) {
			fresh, err = tx.ConnectionDelivered(c.ID, delivery, f.now())
			return err
		})
		return fresh
	}
	f.equal("first", deliver(a, "1"), true)
	f.equal("repeat", deliver(a, "1"), false)
	f.equal("another", deliver(a, "2"), true)
	f.equal("of another connection", deliver(b, "1"), true)
	f.advance(store.DeliveryRetention - time.Millisecond)
	f.equal("late repeat", deliver(a, "1"), false)
	f.advance(time.Millisecond)
	f.equal("repeat after the retention", deliver(a, "1"), true)

	repo := store.Repository{Connection: a.ID, Name: "acme/shop"}
	f.update(func(tx store.Tx) error {
		return errors.Join(tx.SetReferences(repo, map[string]string{"refs/heads/main": "c"}), tx.DeleteConnection(a.ID))
	})
	f.equal("delivery to a deleted connection", deliver(a, "2"), true)
	f.both(func(r store.Reader) error {
		_, err := r.Connection(a.ID)
		_, err2 := r.References(repo)
		f.equal("deleted", errors.Is(err, store.ErrNotFound) && errors.Is(err2, store.ErrNotFound), true)
		return nil
	})
}

func gitSources(f *fixture) {
	shop, site := store.Repository{Connection: "c1", Name: "acme/shop"}, store.Repository{Connection: "c1", Name: "acme/site"}
	one := engine.Pipeline{ID: 1, Account: account, Region: region, Name: "one"}
	two := engine.Pipeline{ID: 2, Account: account, Region: region, Name: "two"}
	source := func(p engine.Pipeline, action string, r store.Repository) store.GitSource {
		return store.GitSource{Pipeline: p, Action: action, Repository: r}
	}
	f.update(func(tx store.Tx) error {
		return errors.Join(
			tx.SetGitSources(2, []store.GitSource{source(two, "A", shop)}),
			tx.SetGitSources(1, []store.GitSource{source(one, "A", shop), source(one, "B", shop), source(one, "C", site)}),
		)
	})
	check := func(what string, repos []store.Repository, pipelines ...engine.Pipeline) {
		f.Helper()
		f.both(func(r store.Reader) error {
			all, err := r.Repositories()
			f.equal(what+": repositories", all, repos)
			if err != nil {
				return err
			}
			list, err := r.PipelinesOf(shop)
			f.equal(what+": pipelines", list, pipelines)
			return err
		})
	}
	check("set", []store.Repository{shop, site}, one, two)
	refs := map[string]string{"refs/heads/é": "c1", "refs/tags/v1": "c2"}
	f.update(func(tx store.Tx) error {
		return errors.Join(tx.SetReferences(shop, refs), tx.SetReferences(site, refs))
	})
	known := func(r store.Repository) (got map[string]string) {
		f.view(func(v store.Reader) (err error) {
			if got, err = v.References(r); errors.Is(err, store.ErrNotFound) {
				err = nil
			}
			return err
		})
		return got
	}
	f.reopen()
	f.equal("references", known(shop), refs)
	f.update(func(tx store.Tx) error { return tx.SetReferences(shop, map[string]string{}) })
	f.equal("no references", known(shop), map[string]string{})
	f.update(func(tx store.Tx) error { return tx.SetGitSources(1, []store.GitSource{source(one, "A", shop)}) })
	check("changed", []store.Repository{shop}, one, two)
	f.equal("forgotten", len(known(site)), 0)
	f.update(func(tx store.Tx) error { return errors.Join(tx.SetGitSources(1, nil), tx.SetReferences(shop, refs)) })
	check("removed", []store.Repository{shop}, two)
	f.equal("still read by another", known(shop), refs)
	f.update(func(tx store.Tx) error { return tx.SetGitSources(2, nil) })
	check("none", nil)
	f.equal("forgotten", len(known(shop)), 0)
}
