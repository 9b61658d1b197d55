package storetest

import (
	"errors"
	"time"

	"penstock/internal/core/actiontype"
	"penstock/internal/core/pipeline"
	"penstock/internal/store"
)

// customer is an account beside the one of the other tests.
const customer = "222222222222"

// registeredTypes are found by their id, whoever has registered them.
func registeredTypes(f *fixture) {
	id := func(owner, provider string) pipeline.ActionType {
		return pipeline.ActionType{Category: "Test", Owner: owner, Provider: provider, Version: "1"}
	}
	registered := func(account string, id pipeline.ActionType, allowed ...string) store.ActionType {
		return store.ActionType{Account: account, Region: region, Created: f.now(), Type: actiontype.Type{
			ID: id, Description: "d", AllowedAccounts: allowed, JobTimeout: time.Minute,
			Executor: &actiontype.Executor{Type: actiontype.JobWorker, PollingAccounts: []string{customer}},
		}}
	}
	const limit = 2
	register := func(t store.ActionType) (replaced bool, err error) {
		f.Helper()
		err = f.d.Update(f.Context(), func(tx store.Tx) (err error) {
			replaced, err = store.Register(tx, t, limit)
			return err
		})
		return replaced, err
	}
	must := func(t store.ActionType, want bool) {
		f.Helper()
		replaced, err := register(t)
		f.equal("replaced", replaced, want)
		f.equal("refusal", err, nil)
	}
	usable := func(account string, id pipeline.ActionType) (found bool) {
		f.Helper()
		f.both(func(r store.Reader) error {
			_, err := store.UsableType(r, account, region, id)
			found = err == nil
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			return err
		})
		return found
	}
	acme, rocket := registered(account, id("ThirdParty", "Acme"), customer), registered(customer, id("AWS", "Rocket"), "*")
	f.equal("usable before", usable(customer, acme.ID), false)
	must(acme, false)
	must(rocket, false)
	f.update(func(tx store.Tx) error {
		return tx.PutActionType(store.ActionType{Account: account, Region: region, Type: customType(id("Custom", "Own")), Created: f.now()})
	})
	check := func(r store.Reader) error {
		got, err := r.RegisteredType(region, acme.ID)
		if err != nil {
			return err
		}
		f.equal("registered type", *got, acme)
		_, err = r.RegisteredType(region, id("Custom", "Own"))
		f.equal("a custom type", errors.Is(err, store.ErrNotFound), true)
		_, err = r.RegisteredType("x", acme.ID)
		f.equal("elsewhere", errors.Is(err, store.ErrNotFound), true)
		for who, want := range map[string][]string{account: {"Own", "Rocket"}, customer: {"Acme", "Rocket"}, "nobody": {"Rocket"}} {
			list, err := store.UsableTypes(r, who, region)
			if err != nil {
				return err
			}
			var providers []string
			for _, t := range list {
				providers = append(providers, t.ID.Provider)
			}
			f.equal("types for "+who, providers, want)
		}
		return nil
	}
	f.both(check)
	f.reopen()
	f.both(check)
	f.equal("usable by the customer", usable(customer, acme.ID), true)
	f.equal("usable at home", usable(account, acme.ID), false)

	_, err := register(registered(customer, acme.ID))
	f.equal("the id of another account", err != nil, true)
	first := acme.Created
	acme = registered(account, acme.ID)
	must(acme, true)
	f.equal("usable after it was made private", usable(customer, acme.ID), false)
	f.both(func(r store.Reader) error {
		got, err := r.RegisteredType(region, acme.ID)
		if err == nil {
			f.equal("when it was made", got.Created, first)
		}
		return err
	})
	must(registered(account, id("AWS", "Second")), false)
	_, err = register(registered(account, id("AWS", "Third")))
	f.equal("one more than the limit", errors.Is(err, store.ErrLimit), true)

	acme.Deleted = true
	f.update(func(tx store.Tx) error { return tx.PutActionType(acme) })
	f.equal("usable after its end", usable(account, acme.ID), false)
	f.both(func(r store.Reader) error {
		kept, err := r.ActionType(account, region, acme.ID)
		if err == nil {
			f.equal("deleted type", kept.Deleted, true)
		}
		return err
	})
	must(registered(customer, acme.ID), false)
	f.equal("usable by whom it is now", usable(customer, acme.ID), true)
}

func accessKeys(f *fixture) {
	key := func(id, account string, age time.Duration) store.AccessKey {
		return store.AccessKey{ID: id, Secret: secret(), Account: account, User: "u" + id, ServicePrincipal: "p" + id, Created: f.now().Add(-age)}
	}
	a, b, c := key("A", "2", 0), key("B", "1", 0), key("C", "2", time.Hour)
	f.update(func(tx store.Tx) error {
		return errors.Join(tx.InsertAccessKey(a), tx.InsertAccessKey(b), tx.InsertAccessKey(c))
	})
	check := func(r store.Reader) error {
		all, err := r.AccessKeys()
		f.equal("keys", all, []store.AccessKey{b, c, a})
		if err != nil {
			return err
		}
		one, err := r.AccessKey("B")
		f.equal("key", one, b)
		return err
	}
	f.both(check)
	f.reopen()
	f.both(check)
	f.equal("a key twice", f.d.Update(f.Context(), func(tx store.Tx) error { return tx.InsertAccessKey(a) }) != nil, true)
	f.update(func(tx store.Tx) error { return tx.DeleteAccessKey("B") })
	f.both(func(r store.Reader) error {
		_, err := r.AccessKey("B")
		f.equal("a deleted key", errors.Is(err, store.ErrNotFound), true)
		return nil
	})
	err := f.d.Update(f.Context(), func(tx store.Tx) error { return tx.DeleteAccessKey("B") })
	f.equal("deleting it again", errors.Is(err, store.ErrNotFound), true)
}
