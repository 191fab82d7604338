package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"keyramp/ingest"
	"keyramp/queries/duckdb"
	"keyramp/queries/store"
)

// reading opens the store for questions and closes it after use. It waits for
// a writer's commit, never for its whole run.
func (a *app) reading(ctx context.Context, use func(context.Context, store.Store) error) error {
	if err := a.safe(ctx); err != nil {
		return err
	}
	db, err := duckdb.Open(ctx, duckdb.Options{Dir: a.storeDir(), ReadOnly: true, Answers: true, LockWait: a.flags.lockWait})
	if err != nil {
		return err
	}
	return errors.Join(use(ctx, db), db.Close())
}

// leaveLog lets a run end as if it had died before its commits were written into the store's file. A test sets it.
var leaveLog = false

// writing makes this run the store's only writer, opens the store and loads
// the key that turns ids into pseudonyms.
func (a *app) writing(ctx context.Context, use func(context.Context, store.Store, *ingest.Pseudonyms) error) error {
	unlock, err := duckdb.Lock(ctx, a.storeDir(), a.flags.lockWait)
	if err != nil {
		return err
	}
	defer unlock()
	// Only the run that holds the lock writes these, so what is half-written was left by one that was killed.
	for _, name := range []string{a.keyPath(), a.tokenPath()} {
		left, _ := filepath.Glob(filepath.Join(a.storeDir(), "."+filepath.Base(name)+"?*"))
		for _, path := range left {
			os.Remove(path)
		}
	}
	// A new key beside old rows would part every user from their past.
	if err := a.keyKept(); err != nil {
		return err
	}
	names, err := a.pseudonyms()
	if err != nil {
		return err
	}
	if err := a.safe(ctx); err != nil {
		return err
	}
	// One core stores while the others decode. What DuckDB may hold bounds the memory of an import, whatever the store's
	// size: it needs a batch and what it looks up, and would keep all it ever read.
	db, err := duckdb.Open(ctx, duckdb.Options{Dir: a.storeDir(), Threads: 1, Memory: "256MB", LockWait: a.flags.lockWait, LeaveLog: leaveLog})
	if err != nil {
		return err
	}
	err = use(ctx, db, names)
	if err == nil {
		if err := db.Tidy(ctx); err != nil { // what was read is stored all the same
			a.log.Warn("the store was not made smaller", "why", err)
		}
	}
	return errors.Join(err, db.Close())
}

func (a *app) keyPath() string   { return filepath.Join(a.storeDir(), "pseudonym.key") }
func (a *app) tokenPath() string { return filepath.Join(a.storeDir(), "auth0.token") }

// pseudonyms loads the key, or makes one.
func (a *app) pseudonyms() (*ingest.Pseudonyms, error) {
	names, err := ingest.LoadPseudonyms(a.keyPath())
	switch {
	case lacking(err):
		return nil, fail(exitResources, err, "")
	case err != nil:
		return nil, fail(exitConfig, err, "")
	}
	return names, nil
}

// keyKept fails when the store has rows and its key file is gone.
func (a *app) keyKept() error {
	_, err := os.Stat(a.keyPath())
	stores, _ := filepath.Glob(filepath.Join(a.storeDir(), "*.duckdb"))
	if !errors.Is(err, fs.ErrNotExist) || len(stores) == 0 {
		return nil
	}
	return fail(exitConfig, fmt.Errorf("key file %s is gone", a.keyPath()),
		"restore it from a backup; with a new key nobody is known again, so start a new store with --store")
}

// testUsers are the pseudonyms of the users that the settings name as test traffic.
func (a *app) testUsers() ([]uint64, error) {
	if len(a.settings.TestTraffic.Users) == 0 {
		return nil, nil
	}
	if err := a.keyKept(); err != nil {
		return nil, err
	}
	names, err := a.pseudonyms()
	if err != nil {
		return nil, err
	}
	users := make([]uint64, len(a.settings.TestTraffic.Users))
	for i, id := range a.settings.TestTraffic.Users {
		users[i] = names.User(id)
	}
	return users, nil
}
